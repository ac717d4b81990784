/* generate.c - `ocellus generate`: text from a character model, which goes on
 * from the state that the last character left; nothing is read twice. */
#include "cmd/judge.h"
#include "cmd/score.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_STATES 64

static const char *prompt;
static int64_t length = 500, top, seed;
static double temperature = 1;

struct writer {
    struct judge judge;
    const char **character; /* where each begins in the vocabulary */
    int characters;
    int states;
    ocellus_tensor *state[MOST_STATES];
    char first[8]; /* what a text begins with where nothing is said */
    const char *prompt;
    uint64_t random;
};

/* ---- characters and their numbers ------------------------------------------
 */

static int
bytes_of(const char *character)
{
    int bytes = 1;
    while (((unsigned char)character[bytes] & 0xc0) == 0x80)
        bytes++;
    return bytes;
}

static int
number_of(const struct writer *w, const char *character)
{
    size_t bytes = (size_t)bytes_of(character);
    for (int k = 0; k < w->characters; k++)
        if ((size_t)bytes_of(w->character[k]) == bytes &&
            memcmp(w->character[k], character, bytes) == 0)
            return k;
    return -1;
}

static ocellus_status
read_vocabulary(struct writer *w, const char *model)
{
    const char *at =
        ocellus_graph_get_metadata(w->judge.graph, "ocellus.vocabulary");
    int count = cmd_characters(at);
    CMD_TRY(cmd_model_classes(w->judge.graph, &w->judge.classes));
    if (count == 0 || count != w->judge.classes)
        return cmd_fail(OCELLUS_BAD_MODEL,
                        "%s is no model of characters: it gives %d numbers and "
                        "names %d characters; `ocellus train charlstm` makes "
                        "one",
                        model, w->judge.classes, count);
    w->character = calloc((size_t)count, sizeof(*w->character));
    if (w->character == NULL)
        return cmd_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %d characters",
                        count);
    for (; *at != '\0'; at += bytes_of(at)) {
        if (bytes_of(at) > 4 || ((unsigned char)*at & 0xc0) == 0x80)
            return cmd_fail(OCELLUS_BAD_MODEL,
                            "%s: its ocellus.vocabulary is no UTF-8", model);
        w->character[w->characters++] = at;
    }
    if (w->prompt == NULL) {
        int k = number_of(w, "\n");
        at = w->character[k < 0 ? 0 : k];
        memcpy(w->first, at, (size_t)bytes_of(at));
        w->prompt = w->first;
    }
    return OCELLUS_OK;
}

/* 1 x T numbers. */
static ocellus_status
read_prompt(const struct writer *w, ocellus_tensor **x)
{
    const int64_t dims[2] = {1, cmd_characters(w->prompt)};
    *x = NULL;
    if (w->prompt[0] == '\0')
        return cmd_fail(OCELLUS_BAD_ARGUMENT,
                        "--prompt is empty; a text begins with something, a "
                        "line's end where nothing is said");
    CMD_TRY(ocellus_tensor_create(OCELLUS_INT64, 2, dims, x));
    int64_t *number = ocellus_tensor_data(*x);
    for (const char *at = w->prompt; *at != '\0'; at += bytes_of(at)) {
        *number = number_of(w, at);
        if (*number++ < 0)
            return cmd_fail(OCELLUS_BAD_ARGUMENT,
                            "'%.*s' is not among the %d characters that the "
                            "model knows",
                            bytes_of(at), at, w->characters);
    }
    return OCELLUS_OK;
}

/* ---- the states ------------------------------------------------------------
 */

static ocellus_status
open_states(struct writer *w)
{
    ocellus_graph *carried;
    CMD_TRY(ocellus_graph_with_states(w->judge.graph, &carried, &w->states));
    ocellus_graph_destroy(w->judge.graph);
    w->judge.graph = carried;
    w->judge.input = ocellus_value_name(ocellus_graph_get_input(carried, 0));
    w->judge.output = ocellus_graph_output_name(carried, 0);
    if (w->states > MOST_STATES)
        return cmd_fail(OCELLUS_UNSUPPORTED, "%d states; %d are the most",
                        w->states, MOST_STATES);
    for (int k = 0; k < w->states; k++) {
        ocellus_value *value = ocellus_graph_get_input(carried, 1 + k);
        const int64_t dims[3] = {1, 1, ocellus_value_dim(value, 2)};
        CMD_TRY(ocellus_tensor_create(ocellus_value_type(value), 3, dims,
                                      &w->state[k]));
    }
    return OCELLUS_OK;
}

/* Reads x from the present states, and moves them on. */
static ocellus_status
advance(struct writer *w, const ocellus_tensor *x, const ocellus_tensor **y)
{
    char name[32];
    struct judge *j = &w->judge;
    for (int k = 0; k < w->states; k++) {
        snprintf(name, sizeof name, "state:%d", k);
        CMD_TRY(ocellus_session_set_input(j->session, name, w->state[k]));
    }
    CMD_TRY(judge_run(j, x, y));
    for (int k = 0; k < w->states; k++) {
        const ocellus_tensor *next;
        snprintf(name, sizeof name, "next:%d", k);
        CMD_TRY(ocellus_session_get_output(j->session, name, &next));
        memcpy(ocellus_tensor_data(w->state[k]), ocellus_tensor_data(next),
               ocellus_tensor_bytes(next));
    }
    return OCELLUS_OK;
}

/* ---- chance ----------------------------------------------------------------
 */

/* In [0, 1): SplitMix64 (Steele et al. 2014). */
static double
draw(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

/* Is score k among the `top` largest? The first of equal ones is. */
static int
is_likely(const float *score, int count, int k)
{
    int before = 0;
    for (int i = 0; top > 0 && i < count; i++)
        before += score[i] > score[k] || (score[i] == score[k] && i < k);
    return top <= 0 || before < top;
}

/* softmax(score / temperature), of the likely ones. */
static int
choose(struct writer *w, const float *score, int count)
{
    int best = cmd_largest(score, count), last = best;
    double sum = 0, at;
    if (temperature <= 0)
        return best;
    for (int k = 0; k < count; k++)
        if (is_likely(score, count, k))
            sum += exp(((double)score[k] - (double)score[best]) / temperature);
    at = draw(&w->random) * sum;
    for (int k = 0; k < count; k++) {
        if (!is_likely(score, count, k))
            continue;
        last = k;
        at -= exp(((double)score[k] - (double)score[best]) / temperature);
        if (at < 0)
            break;
    }
    return last;
}

/* ---- the text --------------------------------------------------------------
 */

static ocellus_status
put(const char *text, size_t bytes, char *all, size_t *used)
{
    if (cmd_json) {
        memcpy(all + *used, text, bytes);
        *used += bytes;
        return OCELLUS_OK;
    }
    if (fwrite(text, 1, bytes, stdout) != bytes || fflush(stdout) != 0)
        return cmd_fail(OCELLUS_IO, "the text cannot be written to stdout");
    return OCELLUS_OK;
}

static ocellus_status
go_on(struct writer *w, ocellus_tensor *x, char *all, size_t *used)
{
    const int64_t one[2] = {1, 1};
    const ocellus_tensor *y;
    ocellus_tensor *next;
    int64_t steps = ocellus_tensor_dims(x)[1];
    CMD_TRY(ocellus_tensor_create(OCELLUS_INT64, 2, one, &next));
    ocellus_status status = put(w->prompt, strlen(w->prompt), all, used);
    for (int64_t k = 0; status == OCELLUS_OK && k < length; k++) {
        status = advance(w, k == 0 ? x : next, &y);
        if (status != OCELLUS_OK)
            break;
        const float *score = ocellus_tensor_data(y);
        if (k == 0)
            score += (steps - 1) * w->characters;
        int number = choose(w, score, w->characters);
        *(int64_t *)ocellus_tensor_data(next) = number;
        status = put(w->character[number],
                     (size_t)bytes_of(w->character[number]), all, used);
        if (cmd_interrupted())
            status = cmd_stopped();
    }
    ocellus_tensor_destroy(next);
    return status;
}

static ocellus_status
write_text(struct writer *w, ocellus_tensor *x)
{
    size_t used = 0;
    char *all = calloc(strlen(w->prompt) + 4 * (size_t)length + 1, 1);
    if (all == NULL)
        return cmd_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %lld characters",
                        (long long)length);
    ocellus_status status = go_on(w, x, all, &used);
    if (!cmd_json)
        putchar('\n');
    else if (status == OCELLUS_OK)
        status = cmd_print_json(json_pack("{ss%}", "text", all, used));
    free(all);
    return status;
}

static ocellus_status
generate(struct writer *w, const char *model)
{
    ocellus_tensor *x = NULL;
    w->random = (uint64_t)seed;
    w->prompt = prompt;
    CMD_TRY(cmd_model_load(model, &w->judge.graph));
    CMD_TRY(read_vocabulary(w, model));
    ocellus_status status = read_prompt(w, &x);
    if (status == OCELLUS_OK)
        status = open_states(w);
    if (status == OCELLUS_OK)
        status = judge_begin(&w->judge);
    if (status == OCELLUS_OK)
        status = write_text(w, x);
    ocellus_tensor_destroy(x);
    return status;
}

static ocellus_status
run(int count, char **words)
{
    struct writer w = {0};
    (void)count;
    cmd_catch();
    ocellus_status status = generate(&w, words[0]);
    for (int k = 0; k < w.states && k < MOST_STATES; k++)
        ocellus_tensor_destroy(w.state[k]);
    free(w.character);
    judge_close(&w.judge);
    return status;
}

static const struct cmd_option options[] = {
    {"prompt", CMD_TEXT, &prompt, "TEXT",
     "how the text begins (a line's end, or the first character known)", 0, 0},
    {"length", CMD_WHOLE, &length, "N", "characters to write (500)", 0, 1e9},
    {"temperature", CMD_REAL, &temperature, "T",
     "below 1 likelier, above 1 rarer characters; 0: always the likeliest (1)",
     0, 1000},
    {"top", CMD_WHOLE, &top, "K",
     "only among the K likeliest characters; 0: among all", 0, 1 << 20},
    {"seed", CMD_WHOLE, &seed, "N", "of chance: the same gives the same (0)", 0,
     9e15},
    CMD_WEIGHTS,
    CMD_PRECISION,
    CMD_DEVICE,
    CMD_JSON,
    CMD_QUIET,
    CMD_END};

const struct cmd cmd_generate = {
    .name = "generate",
    .arguments = "MODEL",
    .brief = "writes text with a character model",
    .what = "Writes text with a character model, character by character.",
    .least = 1,
    .most = 1,
    .options = options,
    .more =
        "example:\n"
        "  ocellus train charlstm --data book.txt --out run\n"
        "  ocellus generate run/model.onnx --prompt \"Once\" --length 300 \\\n"
        "      --temperature 0.8\n",
    .run = run,
};
