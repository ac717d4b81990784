/* darknet.c - Darknet's text, a byte 0, and the numbers. */
#include <stdlib.h>
#include <string.h>

#include "format/darknet.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ocellus_graph *graph;
    char cfg[160], weights[160], *text;
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    size_t length = end ? (size_t)(end - data) : size;
    strcpy(cfg, fuzz_file("net.cfg", data, length));
    if (end != NULL)
        strcpy(weights, fuzz_file("net.weights", end + 1, size - length - 1));
    if (oc_darknet_load(cfg, end ? weights : NULL, &graph) != OCELLUS_OK)
        return 0;
    fuzz_accept();
    if (oc_graph_text(graph, &text) == OCELLUS_OK)
        free(text);
    oc_graph_destroy(graph);
    return 0;
}

static const char yolo[] =
    "[net]\nheight=4\nwidth=6\nchannels=3\n"
    "[convolutional]\nfilters=4\nsize=3\npad=1\nbatch_normalize=1\n"
    "[convolutional]\nfilters=4\ngroups=2\nactivation=leaky\n"
    "[shortcut]\nfrom=-2\n"
    "[reorg]\nstride=2\n"
    "[upsample]\nstride=2\n"
    "[route]\nlayers=-1,0\n"
    "[convolutional]\nfilters=14\nactivation=linear\n"
    "[yolo]\nmask=0,1\nanchors=1,2, 3,4\nclasses=2\nnum=2\n";
static const char region[] = "[net]\nheight=4\nwidth=6\nchannels=3\n"
                             "[convolutional]\nfilters=7\n"
                             "[region]\nanchors=1,2\nclasses=2\nsoftmax=1\n";

void
fuzz_seeds(void)
{
    static char small[256] = "[net]\nheight=4\nwidth=6\nchannels=3\n"
                             "[maxpool]\nsize=2\n[avgpool]\n"
                             "[connected]\noutput=2\n[softmax]\n";
    fuzz_seed(yolo, sizeof yolo - 1);
    fuzz_seed(region, sizeof region - 1);
    /* version 0.2, 8 numbers */
    size_t length = strlen(small) + 1;
    small[length + 4] = 2;
    fuzz_seed(small, length + 20 + 8 * sizeof(float));
}
