/* small_net.h - a small net with numbers from a formula, for tests that train
 * on a device. */
#ifndef TESTS_UNIT_SMALL_NET_H
#define TESTS_UNIT_SMALL_NET_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ocellus.h>

#define SIDE 8
#define CLASSES 5

static inline void
must(ocellus_status status)
{
    if (status != OCELLUS_OK)
        ck_abort_msg("%s", ocellus_error());
}

/* Is there a device? A process of its own asks: drivers have threads, and
 * Check's tests are forked. */
static inline int
no_device(void)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        ocellus_device *device;
        if (ocellus_device_open(NULL, &device) == OCELLUS_OK)
            _exit(0);
        printf("skipped: %s\n", ocellus_error());
        fflush(stdout);
        _exit(77);
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* Numbers in [-1, 1). */
static inline float
noise(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (float)(*state >> 40) / (float)(1 << 23) - 1.0f;
}

static inline ocellus_tensor *
pictures(int64_t n, uint64_t seed)
{
    const int64_t dims[] = {n, 2, SIDE, SIDE};
    ocellus_tensor *x;

    must(ocellus_tensor_create(OCELLUS_FLOAT, 4, dims, &x));
    float *v = ocellus_tensor_data(x);
    for (size_t k = 0; k < ocellus_tensor_count(x); k++)
        v[k] = noise(&seed);
    return x;
}

static inline ocellus_tensor *
classes(int64_t n, int64_t from)
{
    ocellus_tensor *labels;

    must(ocellus_tensor_create(OCELLUS_INT64, 1, &n, &labels));
    int64_t *v = ocellus_tensor_data(labels);
    for (int64_t k = 0; k < n; k++)
        v[k] = (k * 3 + from) % CLASSES;
    return labels;
}

enum { NORM = 1, DROPOUT = 2 };

/* `depth` convolutions, then the classes; whole blocks may have a batch
 * normalisation and dropout. */
static inline ocellus_graph *
small_net(int depth, int what)
{
    const int64_t dims[] = {-1, 2, SIDE, SIDE};
    ocellus_graph *graph;
    char name[16];

    must(ocellus_graph_create(&graph));
    ocellus_graph_set_seed(graph, 3);
    ocellus_value *x = ocellus_graph_input(graph, "x", OCELLUS_FLOAT, 4, dims);
    for (int k = 0; k < depth; k++) {
        name[0] = 'c';
        name[1] = (char)('a' + k);
        name[2] = '\0';
        x = ocellus_conv2d(x, name, 8, 3, 1, 1, 1, !(what & NORM));
        name[0] = 'n';
        x = what & NORM ? ocellus_batch_norm(x, name) : x;
        x = ocellus_relu(x);
    }
    x = ocellus_flatten(ocellus_max_pool(x, 2, 2, 0));
    x = what & DROPOUT ? ocellus_dropout(x, 0.3f) : x;
    x = ocellus_linear(x, "fc", CLASSES);
    must(ocellus_graph_check(graph));
    must(ocellus_graph_output(graph, "y", x));
    return graph;
}

/* A copy of a state's numbers; the caller frees it. */
static inline float *
state_of(ocellus_session *session, const char *name, size_t *count)
{
    ocellus_tensor *tensor;
    float *copy;

    must(ocellus_session_read_state(session, name, &tensor));
    *count = ocellus_tensor_count(tensor);
    copy = malloc(sizeof *copy * (*count + 1));
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, ocellus_tensor_data(tensor), sizeof *copy * *count);
    ocellus_tensor_destroy(tensor);
    return copy;
}

#endif
