/* onnx_model.c - a named net as a model file, and what it gives.
 *
 *     onnx_model NET CHANNELS SIDE X.npy MODEL.onnx Y.npy
 *
 * Writes the net, loads it again, and runs what was loaded on X.
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

int
main(int argc, char **argv)
{
    ocellus_graph *net, *model;
    ocellus_device *device;
    ocellus_session *session;
    ocellus_tensor *x;
    const ocellus_tensor *y;

    if (argc != 7) {
        fprintf(stderr, "usage: onnx_model NET CHANNELS SIDE X.npy MODEL.onnx "
                        "Y.npy\n");
        return 2;
    }
    const int side = atoi(argv[3]);
    must(ocellus_net_create(argv[1], atoi(argv[2]), side, side, 10, 5, &net));
    must(ocellus_graph_save(net, argv[5]));
    must(ocellus_graph_load(argv[5], &model));
    must(ocellus_npy_read(argv[4], &x));
    must(ocellus_device_open(NULL, &device));
    must(ocellus_session_create(device, model, &session));
    must(ocellus_session_set_input(session, "x", x));
    must(ocellus_session_run(session));
    must(ocellus_session_get_output(session, "y", &y));
    must(ocellus_npy_write(argv[6], y));
    ocellus_session_destroy(session);
    ocellus_device_close(device);
    ocellus_tensor_destroy(x);
    ocellus_graph_destroy(model);
    ocellus_graph_destroy(net);
    return 0;
}
