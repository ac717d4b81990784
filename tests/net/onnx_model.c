/* onnx_model.c - a named net, trained a little, as a model file, and what it
 * gives.
 *
 *     onnx_model NET CHANNELS SIDE STEPS X.npy MODEL.onnx Y.npy
 *
 * Trains a net of images for STEPS steps (0: not at all) on X with labels of
 * its own and prints the first and the last loss; writes what became of it,
 * loads that again and runs it on X.
 */
#include <stdio.h>
#include <stdlib.h>

#include <ocellus.h>

static void
must(ocellus_status status)
{
    if (status == OCELLUS_OK)
        return;
    fprintf(stderr, "onnx_model: %s\n", ocellus_error());
    exit(1);
}

enum { CLASSES = 10 };

/* Class k % 10 for sample k, or, where the net says something of each pixel,
 * for pixel k. */
static ocellus_tensor *
make_labels(const ocellus_graph *net, const ocellus_tensor *x)
{
    const int64_t *dims = ocellus_tensor_dims(x);
    const int64_t shape[] = {dims[0], dims[2], dims[3]};
    ocellus_tensor *labels;
    int each = ocellus_value_rank(ocellus_graph_get_output(net, 0)) == 4;
    must(ocellus_tensor_create(OCELLUS_INT64, each ? 3 : 1, shape, &labels));
    int64_t *label = ocellus_tensor_data(labels);
    for (size_t k = 0; k < ocellus_tensor_count(labels); k++)
        label[k] = (int64_t)k % CLASSES;
    return labels;
}

/* The net with what it has learned. */
static ocellus_graph *
trained(ocellus_device *device, const ocellus_graph *net,
        const ocellus_tensor *x, int steps)
{
    ocellus_trainer_options options = {.size = sizeof options,
                                       .optimizer = "sgd lr=0.01 momentum=0.9"};
    ocellus_trainer *trainer;
    ocellus_graph *model;
    ocellus_tensor *labels = make_labels(net, x);
    float loss = 0, first = 0;
    must(ocellus_trainer_create(device, net, &options, &trainer));
    for (int k = 0; k < steps; k++) {
        must(ocellus_trainer_step(trainer, x, labels, NULL, 1, &loss));
        first = k ? first : loss;
    }
    printf("%g %g\n", (double)first, (double)loss);
    must(ocellus_trainer_get_model(trainer, &model));
    ocellus_trainer_destroy(trainer);
    ocellus_tensor_destroy(labels);
    return model;
}

int
main(int argc, char **argv)
{
    ocellus_graph *net, *made, *model;
    ocellus_device *device;
    ocellus_session *session;
    ocellus_tensor *x;
    const ocellus_tensor *y;

    if (argc != 8) {
        fprintf(stderr, "usage: onnx_model NET CHANNELS SIDE STEPS X.npy "
                        "MODEL.onnx Y.npy\n");
        return 2;
    }
    const int side = atoi(argv[3]);
    must(ocellus_net_create(argv[1], atoi(argv[2]), side, side, CLASSES, 5,
                            &net));
    must(ocellus_npy_read(argv[5], &x));
    must(ocellus_device_open(NULL, &device));
    made = atoi(argv[4]) > 0 ? trained(device, net, x, atoi(argv[4])) : net;
    must(ocellus_graph_save(made, argv[6]));
    must(ocellus_graph_load(argv[6], &model));
    must(ocellus_session_create(device, model, &session));
    must(ocellus_session_set_input(session, "x", x));
    must(ocellus_session_run(session));
    must(ocellus_session_get_output(session, "y", &y));
    must(ocellus_npy_write(argv[7], y));
    ocellus_session_destroy(session);
    ocellus_device_close(device);
    ocellus_tensor_destroy(x);
    ocellus_graph_destroy(model);
    if (made != net)
        ocellus_graph_destroy(made);
    ocellus_graph_destroy(net);
    return 0;
}
