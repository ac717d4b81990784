/* silero.c - a model with a state of its own on a minute of sound: the
 * probability of speech in each window of 512 samples is what ONNX Runtime
 * gave.
 *
 *     silero MODEL.onnx SOUND.wav WANTED.json
 *
 * The sound has 16,000 samples a second, one channel, 16 bits, and a header of
 * 44 bytes. A window is given with the last 64 samples before it. WANTED has a
 * list of numbers under the name of the model's file.
 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ocellus.h>

enum { BEFORE = 64, WINDOW = 512, HEADER = 44 };

static void
must(ocellus_status status)
{
    if (status == OCELLUS_OK)
        return;
    printf("not ok - %s\n", ocellus_error());
    exit(1);
}

static ocellus_tensor *
zeros(ocellus_type type, int rank, const int64_t *dims)
{
    ocellus_tensor *tensor;
    must(ocellus_tensor_create(type, rank, dims, &tensor));
    return tensor;
}

/* The next window, behind the end of the one before; 0: the sound is over. */
static int
next_window(FILE *sound, float *x)
{
    int16_t sample[WINDOW];
    memmove(x, x + WINDOW, BEFORE * sizeof *x);
    if (fread(sample, sizeof *sample, WINDOW, sound) != WINDOW)
        return 0;
    for (int k = 0; k < WINDOW; k++)
        x[BEFORE + k] = (float)sample[k] / 32768;
    return 1;
}

/* The probability; the state goes on. */
static double
step(ocellus_session *session, ocellus_tensor *state)
{
    const ocellus_tensor *y, *next;
    must(ocellus_session_run(session));
    must(ocellus_session_get_output(session, "output", &y));
    must(ocellus_session_get_output(session, "stateN", &next));
    if (ocellus_tensor_bytes(next) != ocellus_tensor_bytes(state)) {
        printf("not ok - the state has %zu bytes\n",
               ocellus_tensor_bytes(next));
        exit(1);
    }
    memcpy(ocellus_tensor_data(state), ocellus_tensor_data(next),
           ocellus_tensor_bytes(state));
    return (double)*(const float *)ocellus_tensor_data(y);
}

static json_t *
wanted(const char *path, const char *model)
{
    json_t *all = json_load_file(path, 0, NULL);
    const char *slash = strrchr(model, '/');
    json_t *list = json_object_get(all, slash ? slash + 1 : model);
    return json_incref(json_is_array(list) ? list : all);
}

static double
farthest(ocellus_session *session, FILE *sound, const json_t *list)
{
    ocellus_tensor *x =
        zeros(OCELLUS_FLOAT, 2, (int64_t[]){1, BEFORE + WINDOW});
    ocellus_tensor *state = zeros(OCELLUS_FLOAT, 3, (int64_t[]){2, 1, 128});
    ocellus_tensor *rate = zeros(OCELLUS_INT64, 0, NULL);
    double far = 0;
    *(int64_t *)ocellus_tensor_data(rate) = 16000;
    must(ocellus_session_set_input(session, "input", x));
    must(ocellus_session_set_input(session, "state", state));
    must(ocellus_session_set_input(session, "sr", rate));
    for (size_t k = 0; k < json_array_size(list); k++) {
        if (!next_window(sound, ocellus_tensor_data(x)))
            return NAN;
        double off =
            step(session, state) - json_real_value(json_array_get(list, k));
        far = fabs(off) > far ? fabs(off) : far;
    }
    ocellus_tensor_destroy(x);
    ocellus_tensor_destroy(state);
    ocellus_tensor_destroy(rate);
    return far;
}

int
main(int argc, char **argv)
{
    ocellus_graph *model;
    ocellus_device *device;
    ocellus_session *session;
    FILE *sound = argc == 4 ? fopen(argv[2], "rb") : NULL;
    json_t *list = sound ? wanted(argv[3], argv[1]) : NULL;
    if (!json_is_array(list) || fseek(sound, HEADER, SEEK_SET) != 0) {
        fprintf(stderr, "usage: silero MODEL.onnx SOUND.wav WANTED.json\n");
        return 2;
    }
    must(ocellus_graph_load(argv[1], &model));
    must(ocellus_device_open(NULL, &device));
    must(ocellus_session_create(device, model, &session));
    double far = farthest(session, sound, list);
    int good = far < 1e-3;
    printf("%s - %zu windows of sound: probabilities within %.2g of ONNX "
           "Runtime's\n",
           good ? "ok" : "not ok", json_array_size(list), far);
    ocellus_session_destroy(session);
    ocellus_device_close(device);
    ocellus_graph_destroy(model);
    json_decref(list);
    fclose(sound);
    return !good;
}
