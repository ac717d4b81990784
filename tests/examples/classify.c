/* classify.c - what a trained model says of an image.
 *
 *     cc classify.c $(pkg-config --cflags --libs ocellus) -lm -o classify
 *     ./classify model.onnx image.png
 *
 * Any ONNX classifier of images will do whose first input is N x channels x
 * height x width. Models that Ocellus saved carry mean, standard deviation and
 * names of the classes as metadata; for others, pixels stay in [0, 1] and
 * classes are numbers.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ocellus.h>

static void
must(ocellus_status status)
{
    if (status == OCELLUS_OK)
        return;
    fprintf(stderr, "classify: %s\n", ocellus_error());
    exit(1);
}

/* Number k of "0.49,0.48,0.44"; `otherwise` where there is none. */
static float
number(const char *text, int64_t k, float otherwise)
{
    for (; text && k > 0; k--) {
        text = strchr(text, ',');
        text = text ? text + 1 : NULL;
    }
    return text ? strtof(text, NULL) : otherwise;
}

/* The image as the model's input wants it: its size and channels, normalised
 * as in training. */
static ocellus_tensor *
read_image(const ocellus_graph *model, const char *path)
{
    const ocellus_value *x = ocellus_graph_get_input(model, 0);
    const char *mean = ocellus_graph_get_metadata(model, "ocellus.mean");
    const char *std = ocellus_graph_get_metadata(model, "ocellus.std");
    const int64_t channels = ocellus_value_dim(x, 1);
    const int64_t height = ocellus_value_dim(x, 2);
    const int64_t width = ocellus_value_dim(x, 3);
    const int64_t dims[] = {1, channels, height, width};
    ocellus_tensor *image, *batch;
    char transform[64];

    snprintf(transform, sizeof transform, "resize=%lldx%lld %s",
             (long long)height, (long long)width,
             channels == 1 ? "gray" : "rgb");
    must(ocellus_image_read(path, transform, &image));
    must(ocellus_tensor_create(OCELLUS_FLOAT, 4, dims, &batch));
    const float *from = ocellus_tensor_data(image);
    float *to = ocellus_tensor_data(batch);
    for (int64_t k = 0; k < channels * height * width; k++) {
        int64_t channel = k / (height * width);
        to[k] = (from[k] - number(mean, channel, 0)) / number(std, channel, 1);
    }
    ocellus_tensor_destroy(image);
    return batch;
}

/* Prints line k of the names, or k itself. */
static void
print_name(const char *names, int64_t k)
{
    for (int64_t line = 0; names && line < k; line++) {
        names = strchr(names, '\n');
        names = names ? names + 1 : NULL;
    }
    if (names)
        printf("%.*s\n", (int)strcspn(names, "\n"), names);
    else
        printf("class %lld\n", (long long)k);
}

/* The five likeliest classes; scores are logits, so softmax makes shares. */
static void
print_top(const ocellus_graph *model, const ocellus_tensor *y)
{
    const float *score = ocellus_tensor_data(y);
    const int64_t n = (int64_t)ocellus_tensor_count(y);
    const char *names = ocellus_graph_get_metadata(model, "ocellus.classes");
    double most = -INFINITY, sum = 0, before = INFINITY;

    for (int64_t k = 0; k < n; k++)
        most = fmax(most, (double)score[k]);
    for (int64_t k = 0; k < n; k++)
        sum += exp((double)score[k] - most);
    for (int rank = 0; rank < 5 && rank < n; rank++) {
        int64_t best = -1;
        for (int64_t k = 0; k < n; k++)
            if ((double)score[k] < before &&
                (best < 0 || score[k] > score[best]))
                best = k;
        if (best < 0)
            break;
        before = (double)score[best];
        printf("%5.1f %%  ", 100 * exp(before - most) / sum);
        print_name(names, best);
    }
}

int
main(int argc, char **argv)
{
    ocellus_graph *model;
    ocellus_device *device;
    ocellus_session *session;
    const ocellus_tensor *y;

    if (argc != 3) {
        fprintf(stderr, "usage: classify MODEL.onnx IMAGE\n");
        return 2;
    }
    must(ocellus_graph_load(argv[1], &model));
    ocellus_tensor *x = read_image(model, argv[2]);
    must(ocellus_device_open(NULL, &device));
    must(ocellus_session_create(device, model, &session));

    const char *in = ocellus_value_name(ocellus_graph_get_input(model, 0));
    must(ocellus_session_set_input(session, in, x));
    must(ocellus_session_run(session));
    must(ocellus_session_get_output(session,
                                    ocellus_graph_output_name(model, 0), &y));
    print_top(model, y);

    ocellus_session_destroy(session);
    ocellus_device_close(device);
    ocellus_tensor_destroy(x);
    ocellus_graph_destroy(model);
    return 0;
}
