/* train_own.c - a net of one's own, trained on data of one's own.
 *
 *     cc train_own.c $(pkg-config --cflags --libs ocellus) -lm -o train_own
 *     ./train_own shapes.onnx
 *
 * The data are made up here: noisy 16 x 16 pictures of a disc, a square or a
 * cross. Whatever fills `channels * height * width` floats and says a class
 * can stand in its place: a camera, a file format of yours, a simulation. The
 * model file that is left is plain ONNX; classify.c reads it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <ocellus.h>

#define SIDE 16

/* Every call may fail, and ocellus_error() says in one sentence why. */
static void
must(ocellus_status status)
{
    if (status == OCELLUS_OK)
        return;
    fprintf(stderr, "train_own: %s\n", ocellus_error());
    exit(1);
}

/* ---- the data ------------------------------------------------------------ */

/* A number in [0, 1) that depends on `*state` alone: a sample must be the same
 * whenever it is asked for, and loaders ask from several threads. */
static float
draw(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (float)(*state >> 40) / (float)(1 << 24);
}

static int
inside(int shape, float dx, float dy, float radius)
{
    float ax = fabsf(dx), ay = fabsf(dy);

    if (shape == 0) /* a disc */
        return dx * dx + dy * dy < radius * radius;
    if (shape == 1) /* a square */
        return ax < 0.8f * radius && ay < 0.8f * radius;
    return (ax < 1.2f && ay < radius) || (ay < 1.2f && ax < radius);
}

/* Fills sample `index` of a split. */
static ocellus_status
read_sample(void *user, ocellus_split split, int64_t index, float *x,
            int64_t *label)
{
    uint64_t state = (uint64_t)index * 2654435761u + (uint64_t)split * 977u;

    (void)user; /* yours: an open file, a table ... */
    for (int k = 0; k < 4; k++)
        draw(&state);
    *label = index % 3;
    float cx = 6 + 3 * draw(&state), cy = 6 + 3 * draw(&state);
    float radius = 4 + 2 * draw(&state);
    for (int k = 0; k < SIDE * SIDE; k++) {
        float dx = (float)(k % SIDE) - cx, dy = (float)(k / SIDE) - cy;
        int on = inside((int)*label, dx, dy, radius);
        x[k] = (on ? 0.7f : 0.0f) + 0.3f * draw(&state);
    }
    return OCELLUS_OK;
}

static ocellus_dataset *
own_data(void)
{
    static const char *const names[] = {"disc", "square", "cross"};
    const ocellus_sample_source source = {
        .size = sizeof source,
        .channels = 1,
        .height = SIDE,
        .width = SIDE,
        .classes = 3,
        .count = {[OCELLUS_TRAIN] = 960, [OCELLUS_TEST] = 300},
        .read = read_sample,
        .class_names = names,
    };
    ocellus_dataset *data;

    must(ocellus_dataset_from_source(&source, NULL, &data));
    return data;
}

/* ---- the net ------------------------------------------------------------- */

/* Written down without a check: a builder that is handed NULL hands NULL on,
 * and ocellus_graph_check() tells of the first failure. */
static ocellus_graph *
own_net(void)
{
    const int64_t dims[] = {-1, 1, SIDE, SIDE}; /* -1: any batch */
    ocellus_graph *net;

    must(ocellus_graph_create(&net));
    ocellus_graph_set_seed(net, 1);
    ocellus_value *x = ocellus_graph_input(net, "x", OCELLUS_FLOAT, 4, dims);
    x = ocellus_relu(ocellus_conv2d(x, "conv1", 8, 3, 1, 1, 1, 1));
    x = ocellus_max_pool(x, 2, 2, 0);
    x = ocellus_relu(ocellus_conv2d(x, "conv2", 16, 3, 1, 1, 1, 1));
    x = ocellus_max_pool(x, 2, 2, 0);
    x = ocellus_linear(ocellus_flatten(x), "fc", 3);
    must(ocellus_graph_check(net));
    must(ocellus_graph_output(net, "y", x));
    return net;
}

/* ---- training ------------------------------------------------------------ */

static double
test(ocellus_trainer *trainer, ocellus_dataset *data)
{
    ocellus_metrics *metrics;
    ocellus_loader *loader;
    const ocellus_batch *batch;
    const ocellus_tensor *y;
    double accuracy;

    must(ocellus_metrics_create(3, &metrics));
    must(ocellus_loader_create(data, OCELLUS_TEST, NULL, &loader));
    for (;;) {
        must(ocellus_loader_next(loader, &batch));
        if (!batch)
            break;
        must(ocellus_trainer_predict(trainer, batch->x, &y));
        must(ocellus_metrics_add_scores(metrics, ocellus_tensor_data(y),
                                        ocellus_tensor_data(batch->labels),
                                        (size_t)batch->count));
    }
    accuracy = ocellus_metrics_accuracy(metrics);
    ocellus_loader_destroy(loader);
    ocellus_metrics_destroy(metrics);
    return accuracy;
}

static void
train(ocellus_trainer *trainer, ocellus_dataset *data, int epochs)
{
    const ocellus_loader_options options = {
        .size = sizeof options, .batch = 32, .shuffle = 1, .epochs = epochs};
    ocellus_loader *loader;
    const ocellus_batch *batch;

    must(ocellus_loader_create(data, OCELLUS_TRAIN, &options, &loader));
    for (int epoch = 1; epoch <= epochs; epoch++) {
        float loss = 0;
        for (;;) { /* NULL at the end of each epoch */
            must(ocellus_loader_next(loader, &batch));
            if (!batch)
                break;
            must(ocellus_trainer_step(trainer, batch->x, batch->labels, NULL, 1,
                                      &loss));
        }
        printf("epoch %d: loss %.4f, test accuracy %.3f\n", epoch, (double)loss,
               test(trainer, data));
    }
    ocellus_loader_destroy(loader);
}

/* The model as trained, with the words that its users need: how its input was
 * normalised, and what the classes are called. */
static void
save(ocellus_trainer *trainer, ocellus_dataset *data, const char *path)
{
    ocellus_graph *model;
    float mean, std;
    char text[32];

    must(ocellus_trainer_get_model(trainer, &model));
    must(ocellus_dataset_get_normalization(data, &mean, &std));
    snprintf(text, sizeof text, "%.9g", (double)mean);
    must(ocellus_graph_set_metadata(model, "ocellus.mean", text));
    snprintf(text, sizeof text, "%.9g", (double)std);
    must(ocellus_graph_set_metadata(model, "ocellus.std", text));
    must(ocellus_graph_set_metadata(model, "ocellus.classes",
                                    "disc\nsquare\ncross"));
    must(ocellus_graph_save(model, path));
    ocellus_graph_destroy(model);
}

int
main(int argc, char **argv)
{
    const ocellus_trainer_options options = {
        .size = sizeof options, .optimizer = "sgd lr=0.05 momentum=0.9"};
    ocellus_device *device;
    ocellus_trainer *trainer;

    must(ocellus_device_open(NULL, &device)); /* the best one there is */
    ocellus_dataset *data = own_data();
    ocellus_graph *net = own_net();
    must(ocellus_trainer_create(device, net, &options, &trainer));
    train(trainer, data, 3);
    save(trainer, data, argc > 1 ? argv[1] : "shapes.onnx");

    ocellus_trainer_destroy(trainer);
    ocellus_graph_destroy(net);
    ocellus_dataset_destroy(data);
    ocellus_device_close(device);
    return 0;
}
