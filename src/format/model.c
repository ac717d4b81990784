/* model.c - see model.h. */
#include "format/model.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "format/caffe.h"
#include "format/darknet.h"
#include "format/onnx.h"

/* A description and the file with its numbers. */
static const struct {
    const char *net, *weights;
    ocellus_status (*load)(const char *net, const char *weights,
                           struct ocellus_graph **graph);
} pairs[] = {{".cfg", ".weights", oc_darknet_load},
             {".prototxt", ".caffemodel", oc_caffe_load}};

static int
ends_in(const char *path, const char *ending)
{
    size_t length = strlen(path), wanted = strlen(ending);
    return length > wanted && strcmp(path + length - wanted, ending) == 0;
}

/* PATH with another ending, malloc'd; NULL where nothing is there. */
static char *
beside(const char *path, const char *ending, const char *other)
{
    size_t stem = strlen(path) - strlen(ending);
    size_t room = stem + strlen(other) + 1;
    char *made = malloc(room);
    if (made != NULL)
        snprintf(made, room, "%.*s%s", (int)stem, path, other);
    if (made != NULL && !oc_file_exists(made)) {
        free(made);
        made = NULL;
    }
    return made;
}

static ocellus_status
load_pair(size_t k, const char *net, const char *weights,
          struct ocellus_graph **graph)
{
    char *found = NULL;
    if (weights == NULL && ends_in(net, pairs[k].net))
        weights = found = beside(net, pairs[k].net, pairs[k].weights);
    ocellus_status status = pairs[k].load(net, weights, graph);
    free(found);
    return status;
}

/* The description of numbers that were named alone. */
static ocellus_status
load_described(size_t k, const char *weights, struct ocellus_graph **graph)
{
    char *net = beside(weights, pairs[k].weights, pairs[k].net);
    if (net == NULL)
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "%s holds numbers alone; the net that they belong to "
                       "is described by a %s file, and none of that name is "
                       "beside it",
                       weights, pairs[k].net);
    ocellus_status status = pairs[k].load(net, weights, graph);
    free(net);
    return status;
}

/* Which pair a text looks like; -1: none. */
static int
looks_like(const char *path)
{
    char bytes[512];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? 0 : read(fd, bytes, sizeof bytes - 1);
    if (fd >= 0)
        close(fd);
    bytes[got > 0 ? got : 0] = '\0';
    const char *at = bytes;
    for (; isspace((unsigned char)*at) || *at == '#'; at++)
        if (*at == '#')
            at += strcspn(at, "\n");
    return strncmp(at, "[net]", 5) == 0 ? 0 : -1;
}

ocellus_status
oc_model_load(const char *path, const char *weights,
              struct ocellus_graph **graph)
{
    *graph = NULL;
    for (size_t k = 0; k < OC_COUNT(pairs); k++) {
        if (ends_in(path, pairs[k].net))
            return load_pair(k, path, weights, graph);
        if (ends_in(path, pairs[k].weights) && weights == NULL)
            return load_described(k, path, graph);
    }
    if (ends_in(path, ".safetensors"))
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "%s holds weights alone: it does not say what net they "
                       "belong to",
                       path);
    int k = ends_in(path, ".onnx") ? -1 : looks_like(path);
    if (k >= 0)
        return load_pair((size_t)k, path, weights, graph);
    return oc_onnx_load(path, graph);
}
