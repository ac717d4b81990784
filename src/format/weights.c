/* weights.c - see weights.h. */
#include "format/weights.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "format/model.h"
#include "format/safetensors.h"

enum { MOST_NAMED = 8 }; /* mismatches that a sentence names */

static int
is_safetensors(const char *path)
{
    static const char ending[] = ".safetensors";
    size_t length = strlen(path), wanted = sizeof ending - 1;
    return length > wanted && strcmp(path + length - wanted, ending) == 0;
}

/* ---- states as tensors ------------------------------------------------------
 */

/* Numbers that were made by a rule are among the list, to be freed. */
struct states {
    struct oc_safetensor *tensor;
    float **made;
    int count, n_made;
};

static void
forget(struct states *s)
{
    for (int k = 0; k < s->n_made; k++)
        free(s->made[k]);
    free(s->made);
    free(s->tensor);
}

static ocellus_status
add(struct states *s, const struct ocellus_graph *graph,
    const struct ocellus_value *state)
{
    struct oc_safetensor *t = &s->tensor[s->count];
    *t = (struct oc_safetensor){.name = state->name,
                                .type = state->type,
                                .shape = state->shape,
                                .data = state->data};
    OC_TRY(oc_shape_bytes(&t->shape, oc_type_size(t->type), &t->bytes));
    if (t->data == NULL) {
        OC_TRY(oc_state_init(state, graph->seed, &s->made[s->n_made]));
        t->data = s->made[s->n_made++];
    }
    s->count++;
    return OCELLUS_OK;
}

/* The caller forgets them, also on failure. */
static ocellus_status
states_of(const struct ocellus_graph *graph, struct states *s)
{
    size_t n = (size_t)graph->n_states + 1;
    *s = (struct states){calloc(n, sizeof *s->tensor),
                         calloc(n, sizeof(float *)), 0, 0};
    if (s->tensor == NULL || s->made == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %d states",
                       graph->n_states);
    for (int k = 0; k < graph->n_states; k++)
        OC_TRY(add(s, graph, graph->states[k]));
    return OCELLUS_OK;
}

/* ---- out
 * ----------------------------------------------------------------------- */

ocellus_status
oc_weights_save(const struct ocellus_graph *graph, const char *path)
{
    struct states s;
    size_t n = (size_t)graph->n_metadata + 1;
    const char **key = calloc(2 * n, sizeof *key);
    ocellus_status status = states_of(graph, &s);
    if (key == NULL)
        status = oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for metadata");
    for (int k = 0; key != NULL && k < graph->n_metadata; k++) {
        key[k] = graph->metadata[k].key;
        key[n + (size_t)k] = graph->metadata[k].value;
    }
    if (status == OCELLUS_OK && s.count == 0)
        status = oc_fail(OCELLUS_UNSUPPORTED,
                         "the net has no weights to write to %s", path);
    if (status == OCELLUS_OK)
        status = oc_safetensors_write(path, s.tensor, s.count, key, key + n,
                                      graph->n_metadata);
    free(key);
    forget(&s);
    return status;
}

ocellus_status
oc_weights_copy(const char *from, const char *to)
{
    struct oc_safetensors *file;
    struct ocellus_graph *graph;
    if (!is_safetensors(from)) {
        OC_TRY(oc_model_load(from, NULL, &graph));
        ocellus_status status = oc_weights_save(graph, to);
        oc_graph_destroy(graph);
        return status;
    }
    OC_TRY(oc_safetensors_read(from, &file));
    ocellus_status status = oc_safetensors_write(
        to, file->tensor, file->count, file->key, file->value, file->n_keys);
    oc_safetensors_free(file);
    return status;
}

/* ---- in
 * ------------------------------------------------------------------------ */

static const struct oc_safetensor *
find(const struct oc_safetensor *tensor, int count, const char *name)
{
    for (int k = 0; k < count; k++)
        if (strcmp(tensor[k].name, name) == 0)
            return &tensor[k];
    return NULL;
}

static int
is_counter(const char *name)
{
    static const char counter[] = "num_batches_tracked";
    size_t length = strlen(name), wanted = sizeof counter - 1;
    return length >= wanted && strcmp(name + length - wanted, counter) == 0;
}

/* One more mismatch: the first few are named. */
#define NOTE(text, count, ...)                                                 \
    do {                                                                       \
        if ((*(count))++ < MOST_NAMED) {                                       \
            oc_text_append(text, *(count) > 1 ? "; " : " ");                   \
            oc_text_printf(text, __VA_ARGS__);                                 \
        }                                                                      \
    } while (0)

static int
mismatches(const struct ocellus_graph *graph,
           const struct oc_safetensor *tensor, int count, struct oc_text *text)
{
    int wrong = 0;
    char a[OC_SHAPE_TEXT], b[OC_SHAPE_TEXT];
    for (int k = 0; k < graph->n_states; k++) {
        const struct ocellus_value *state = graph->states[k];
        const struct oc_safetensor *t = find(tensor, count, state->name);
        if (t == NULL)
            NOTE(text, &wrong, "%s (%s) is missing there", state->name,
                 oc_shape_text(&state->shape, a));
        else if (!oc_shape_equal(&t->shape, &state->shape))
            NOTE(text, &wrong, "%s is %s there, %s here", state->name,
                 oc_shape_text(&t->shape, a), oc_shape_text(&state->shape, b));
        else if (!oc_type_is_float(t->type))
            NOTE(text, &wrong, "%s is %s there", state->name,
                 oc_type_name(t->type));
    }
    for (int k = 0; k < count; k++)
        if (!is_counter(tensor[k].name) &&
            oc_graph_find_state(graph, tensor[k].name) == NULL)
            NOTE(text, &wrong, "%s (%s) is unknown here", tensor[k].name,
                 oc_shape_text(&tensor[k].shape, a));
    return wrong;
}

static ocellus_status
check(const struct ocellus_graph *graph, const struct oc_safetensor *tensor,
      int count, const char *path)
{
    struct oc_text text = {.data = NULL};
    ocellus_status status = OCELLUS_OK;
    int wrong = mismatches(graph, tensor, count, &text);
    if (wrong > MOST_NAMED)
        oc_text_printf(&text, "; and %d more", wrong - MOST_NAMED);
    if (wrong > 0)
        status = oc_fail(OCELLUS_BAD_DATA, "%s does not fit the net:%s", path,
                         text.data ? text.data : " no memory to say why");
    oc_text_free(&text);
    return status;
}

static ocellus_status
take(struct ocellus_value *state, const struct oc_safetensor *t)
{
    size_t n = (size_t)oc_shape_count(&t->shape);
    float *to = oc_arena_alloc(state->graph->arena, n * sizeof *to + 1);
    if (to == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %s", state->name);
    if (t->type == OCELLUS_FLOAT)
        memcpy(to, t->data, n * sizeof *to);
    else
        for (size_t i = 0; i < n; i++)
            to[i] = (float)oc_element_get(t->type, t->data, i);
    state->data = to;
    return OCELLUS_OK;
}

static ocellus_status
take_all(struct ocellus_graph *graph, const struct oc_safetensor *tensor,
         int count, const char *path)
{
    OC_TRY(check(graph, tensor, count, path));
    for (int k = 0; k < graph->n_states; k++)
        OC_TRY(take(graph->states[k],
                    find(tensor, count, graph->states[k]->name)));
    return OCELLUS_OK;
}

ocellus_status
oc_weights_load(struct ocellus_graph *graph, const char *path)
{
    struct oc_safetensors *file;
    struct ocellus_graph *other;
    struct states s;
    if (is_safetensors(path)) {
        OC_TRY(oc_safetensors_read(path, &file));
        ocellus_status status =
            take_all(graph, file->tensor, file->count, path);
        oc_safetensors_free(file);
        return status;
    }
    OC_TRY(oc_model_load(path, NULL, &other));
    ocellus_status status = states_of(other, &s);
    if (status == OCELLUS_OK)
        status = take_all(graph, s.tensor, s.count, path);
    forget(&s);
    oc_graph_destroy(other);
    return status;
}
