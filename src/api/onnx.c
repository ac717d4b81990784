/* onnx.c - the public functions for model files. */
#include "format/onnx.h"

ocellus_status
ocellus_graph_load(const char *path, ocellus_graph **graph)
{
    return oc_onnx_load(path, graph);
}

ocellus_status
ocellus_graph_save(const ocellus_graph *graph, const char *path)
{
    return oc_onnx_save(graph, path);
}
