/* voice.c - a net with states, branches and a sampling rate among its inputs,
 * fed piece by piece: Silero's voice detector on a recording, beside the
 * probabilities that ONNX Runtime gave.
 *
 * Each piece is 512 samples behind the last 64 of the piece before; the state
 * that a run gives is the next one's.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ocellus.h>

enum { PIECE = 512, CONTEXT = 64, PIECES = 600, WAV_HEADER = 44 };

static void
must(ocellus_status status)
{
    if (status == OCELLUS_OK)
        return;
    printf("not ok - %s\n", ocellus_error());
    exit(1);
}

/* A whole file, with a NUL behind it; NULL: it is not there. */
static char *
read_all(const char *folder, const char *name, size_t *bytes)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/data/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    fseek(file, 0, SEEK_END);
    long length = ftell(file);
    rewind(file);
    char *data = calloc(1, (size_t)length + 1);
    *bytes = data ? fread(data, 1, (size_t)length, file) : 0;
    fclose(file);
    return data;
}

/* "MODEL": [0.01, 0.02, ...] */
static int
read_expected(const char *json, const char *model, double *expected)
{
    const char *at = strstr(json, model);
    int count = 0;
    at = at ? strchr(at, '[') : NULL;
    while (at != NULL && count < PIECES && *at != ']') {
        char *end;
        expected[count++] = strtod(at + 1, &end);
        at = end + strspn(end, " \n");
    }
    return count;
}

static ocellus_tensor *
make(ocellus_type type, int rank, const int64_t *dims)
{
    ocellus_tensor *tensor;
    must(ocellus_tensor_create(type, rank, dims, &tensor));
    return tensor;
}

struct listener {
    ocellus_session *session;
    ocellus_tensor *input, *state, *rate;
};

static float
hear(struct listener *l, const unsigned char *samples)
{
    float *x = ocellus_tensor_data(l->input);
    const ocellus_tensor *y, *next;
    memmove(x, x + PIECE, CONTEXT * sizeof(*x));
    for (int k = 0; k < PIECE; k++)
        x[CONTEXT + k] =
            (float)(int16_t)(samples[2 * k] | samples[2 * k + 1] << 8) / 32768;
    must(ocellus_session_set_input(l->session, "input", l->input));
    must(ocellus_session_set_input(l->session, "state", l->state));
    must(ocellus_session_set_input(l->session, "sr", l->rate));
    must(ocellus_session_run(l->session));
    must(ocellus_session_get_output(l->session, "output", &y));
    must(ocellus_session_get_output(l->session, "stateN", &next));
    memcpy(ocellus_tensor_data(l->state),
           ocellus_tensor_data((ocellus_tensor *)next),
           ocellus_tensor_bytes(l->state));
    return *(const float *)ocellus_tensor_data((ocellus_tensor *)y);
}

/* The largest difference of a probability. */
static double
listen(ocellus_device *device, const char *folder, const unsigned char *samples,
       const double *expected, int count)
{
    const int64_t line[] = {1, CONTEXT + PIECE}, state[] = {2, 1, 128};
    char path[1024];
    ocellus_graph *graph;
    struct listener l = {.input = make(OCELLUS_FLOAT, 2, line),
                         .state = make(OCELLUS_FLOAT, 3, state),
                         .rate = make(OCELLUS_INT64, 0, NULL)};
    double far = 0;
    *(int64_t *)ocellus_tensor_data(l.rate) = 16000;
    snprintf(path, sizeof path, "%s/data/models/onnx/silero_vad_16k_op15.onnx",
             folder);
    must(ocellus_graph_load(path, &graph));
    must(ocellus_session_create(device, graph, &l.session));
    for (int k = 0; k < count; k++)
        far = fmax(
            far, fabs((double)hear(&l, samples + 2 * PIECE * k) - expected[k]));
    ocellus_session_destroy(l.session);
    ocellus_graph_destroy(graph);
    ocellus_tensor_destroy(l.input);
    ocellus_tensor_destroy(l.state);
    ocellus_tensor_destroy(l.rate);
    return far;
}

int
main(void)
{
    const char *folder = getenv("OCELLUS_TEST_DATA");
    static double expected[PIECES];
    size_t bytes = 0, unused;
    char *json = NULL, *wav = NULL;
    ocellus_device *device;
    if (folder != NULL) {
        json = read_all(folder, "reference/silero_probs_16k_512.json", &unused);
        wav = read_all(folder, "reference/silero_test.wav", &bytes);
    }
    if (json == NULL || wav == NULL) {
        puts("ok - # SKIP OCELLUS_TEST_DATA names no folder with a recording");
        return 77;
    }
    if (ocellus_device_open(NULL, &device) != OCELLUS_OK) {
        printf("ok - # SKIP %s\n", ocellus_error());
        return 77;
    }
    int count = read_expected(json, "silero_vad_16k_op15.onnx", expected);
    if (bytes < WAV_HEADER + (size_t)count * 2 * PIECE)
        count = 0;
    double far =
        count ? listen(device, folder, (const unsigned char *)wav + WAV_HEADER,
                       expected, count)
              : INFINITY;
    int good = count == PIECES && far <= 1e-4;
    printf("%s - %d pieces of speech: probabilities within %.2g of ONNX "
           "Runtime's\n",
           good ? "ok" : "not ok", count, far);
    ocellus_device_close(device);
    free(json);
    free(wav);
    return good ? 0 : 1;
}
