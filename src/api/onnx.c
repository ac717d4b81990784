/* onnx.c - the public functions for files of models and tensors. */
#include <string.h>

#include "format/model.h"
#include "format/onnx.h"
#include "format/weights.h"

static int
ends_in(const char *path, const char *ending)
{
    size_t length = strlen(path), wanted = strlen(ending);

    return length >= wanted && strcmp(path + length - wanted, ending) == 0;
}

static ocellus_status
other_ending(const char *path)
{
    return oc_fail(OCELLUS_BAD_ARGUMENT,
                   "%s ends neither in .npy nor in .pb: which form it has "
                   "cannot be told",
                   path);
}

ocellus_status
ocellus_tensor_read(const char *path, ocellus_tensor **tensor)
{
    *tensor = NULL;
    if (ends_in(path, ".npy"))
        return ocellus_npy_read(path, tensor);
    if (ends_in(path, ".pb"))
        return oc_onnx_tensor_read(path, tensor);
    return other_ending(path);
}

ocellus_status
ocellus_tensor_write(const char *path, const ocellus_tensor *tensor)
{
    if (ends_in(path, ".npy"))
        return ocellus_npy_write(path, tensor);
    if (ends_in(path, ".pb"))
        return oc_onnx_tensor_write(path, NULL, tensor);
    return other_ending(path);
}

ocellus_status
ocellus_graph_load(const char *path, ocellus_graph **graph)
{
    return oc_model_load(path, NULL, graph);
}

ocellus_status
ocellus_graph_load_with(const char *path, const char *weights,
                        ocellus_graph **graph)
{
    if (ends_in(weights, ".weights") || ends_in(weights, ".caffemodel"))
        return oc_model_load(path, weights, graph);
    OC_TRY(oc_model_load(path, NULL, graph));
    ocellus_status status = oc_weights_load(*graph, weights);
    if (status != OCELLUS_OK) {
        oc_graph_destroy(*graph);
        *graph = NULL;
    }
    return status;
}

ocellus_status
ocellus_graph_load_weights(ocellus_graph *graph, const char *path)
{
    return oc_weights_load(graph, path);
}

ocellus_status
ocellus_weights_copy(const char *from, const char *to)
{
    return oc_weights_copy(from, to);
}

ocellus_status
ocellus_graph_save(const ocellus_graph *graph, const char *path)
{
    if (ends_in(path, ".safetensors"))
        return oc_weights_save(graph, path);
    return oc_onnx_save(graph, path);
}

ocellus_status
ocellus_model_get_info(const char *path, ocellus_model_info **info)
{
    return oc_onnx_info(path, info);
}

void
ocellus_model_info_free(ocellus_model_info *info)
{
    oc_onnx_info_free(info);
}
