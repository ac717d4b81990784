/* caffe.c - Caffe's description and numbers in one file, which is the
 * description and the file of numbers at once: text or protocol buffers. */
#include <stdlib.h>
#include <string.h>

#include "format/caffe_inside.h"
#include "tests/fuzz/fuzz.h"

#ifdef FUZZ_LIBFUZZER
#define FUZZ_MESSAGE oc_caffe__net__descriptor
#include "tests/fuzz/mutate.h"
#endif

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ocellus_graph *graph;
    const char *path = fuzz_file("net", data, size);
    char *text;
    if (oc_caffe_load(path, path, &graph) != OCELLUS_OK &&
        oc_caffe_load(path, NULL, &graph) != OCELLUS_OK)
        return 0;
    fuzz_accept();
    if (oc_graph_text(graph, &text) == OCELLUS_OK)
        free(text);
    oc_graph_destroy(graph);
    return 0;
}

static const char text[] =
    "name: \"n\" input: 'x' input_shape { dim: [1, 2] dim: 4, dim: 4 }\n"
    "layer { name: 'c' type: 'Convolution' bottom: 'x' top: 'c'\n"
    " blobs { data: [1, 2, 3, 4] } blobs { data: [5, 6] }\n"
    " convolution_param { num_output: 2 kernel_size: 1 } }\n"
    "layer { name: 'b' type: 'BatchNorm' bottom: 'c' top: 'c'\n"
    " blobs { data: [1, 2] } blobs { data: [5, 6] } blobs { data: 2 } }\n"
    "layer { name: 's' type: 'Scale' bottom: 'c' top: 'c'\n"
    " blobs { data: [1, 2] } blobs { data: [5, 6] }\n"
    " scale_param { bias_term: true } }\n"
    "layer { name: 'r' type: 'ReLU' bottom: 'c' top: 'c'\n"
    " relu_param { negative_slope: 0.25 } }\n"
    "layer { name: 'p' type: 'Pooling' bottom: 'c' top: 'p'\n"
    " pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 } }\n"
    "layer { name: 'v' type: 'Slice' bottom: 'p' top: 'v' top: 'w' }\n"
    "layer { name: 'e' type: 'Eltwise' bottom: 'v' bottom: 'w' top: 'e' }\n"
    "layer { name: 'q' type: 'Permute' bottom: 'e' top: 'q'\n"
    " permute_param { order: 0 order: 2 } }\n"
    "layer { name: 'o' type: 'Flatten' bottom: 'q' top: 'o' }\n";

void
fuzz_seeds(void)
{
    oc_caffe_net *net;
    fuzz_seed(text, sizeof text - 1);
    if (oc_caffe_parse(text, &net) != OCELLUS_OK)
        abort();
    size_t size = oc_caffe__net__get_packed_size(net);
    uint8_t *bytes = malloc(size);
    if (bytes == NULL)
        abort();
    oc_caffe__net__pack(net, bytes);
    fuzz_seed(bytes, size);
    free(bytes);
    oc_caffe__net__free_unpacked(net, NULL);
}
