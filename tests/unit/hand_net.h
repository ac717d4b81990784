/* hand_net.h - layers in plain loops and double, for tests of readers of other
 * frameworks' files. A map is C x H x W numbers of one image. */
#ifndef TESTS_UNIT_HAND_NET_H
#define TESTS_UNIT_HAND_NET_H

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <ocellus.h>

struct map {
    int c, h, w;
    double *x;
};

static inline struct map
map_new(int c, int h, int w)
{
    struct map m = {c, h, w, calloc((size_t)(c * h * w), sizeof(double))};
    ck_assert_ptr_nonnull(m.x);
    return m;
}

static inline double *
map_at(const struct map *m, int c, int y, int x)
{
    return &m->x[(c * m->h + y) * m->w + x];
}

/* What lies outside is `otherwise`. */
static inline double
map_get(const struct map *m, int c, int y, int x, double otherwise)
{
    if (y < 0 || y >= m->h || x < 0 || x >= m->w)
        return otherwise;
    return *map_at(m, c, y, x);
}

/* Weights as channels x C / group x size x size; bias may be NULL. */
static inline struct map
map_conv(const struct map *in, const float *weight, const float *bias,
         int channels, int group, int size, int stride, int pad)
{
    int per = in->c / group, each = channels / group;
    struct map out = map_new(channels, (in->h + 2 * pad - size) / stride + 1,
                             (in->w + 2 * pad - size) / stride + 1);
    for (int o = 0; o < channels; o++)
        for (int y = 0; y < out.h; y++)
            for (int x = 0; x < out.w; x++) {
                double sum = bias ? (double)bias[o] : 0;
                for (int i = 0; i < per; i++)
                    for (int v = 0; v < size; v++)
                        for (int u = 0; u < size; u++)
                            sum +=
                                (double)
                                    weight[((o * per + i) * size + v) * size +
                                           u] *
                                map_get(in, o / each * per + i,
                                        y * stride - pad + v,
                                        x * stride - pad + u, 0);
                *map_at(&out, o, y, x) = sum;
            }
    return out;
}

/* (x - mean) / sqrt(variance + epsilon) * scale + bias, in place */
static inline void
map_norm(struct map *m, const float *mean, const float *variance,
         const float *scale, const float *bias, double epsilon)
{
    for (int c = 0; c < m->c; c++)
        for (int k = 0; k < m->h * m->w; k++) {
            double *x = map_at(m, c, 0, 0) + k;
            *x = (*x - (double)mean[c]) / sqrt((double)variance[c] + epsilon);
            *x = *x * (scale ? (double)scale[c] : 1) +
                 (bias ? (double)bias[c] : 0);
        }
}

static inline void
map_leaky(struct map *m, double slope)
{
    for (int k = 0; k < m->c * m->h * m->w; k++)
        m->x[k] *= m->x[k] < 0 ? slope : 1;
}

static inline double
logistic(double x)
{
    return 1 / (1 + exp(-x));
}

/* Numbers in [-1, 1), the same ones each time. */
static inline float
some(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / (float)(1 << 23) - 1;
}

/* The only input of a net is set to `image`, and its output `name` compared:
 * relative to the largest number. */
static inline void
expect_output(const ocellus_graph *graph, const struct map *image,
              const char *name, const double *expected, size_t count)
{
    const int64_t dims[] = {1, image->c, image->h, image->w};
    ocellus_device *device;
    ocellus_session *session;
    ocellus_tensor *x;
    const ocellus_tensor *y;
    double largest = 0;
    must(ocellus_tensor_create(OCELLUS_FLOAT, 4, dims, &x));
    for (int k = 0; k < image->c * image->h * image->w; k++)
        ((float *)ocellus_tensor_data(x))[k] = (float)image->x[k];
    must(ocellus_device_open(NULL, &device));
    must(ocellus_session_create(device, graph, &session));
    must(ocellus_session_set_input(
        session, ocellus_value_name(ocellus_graph_get_input(graph, 0)), x));
    must(ocellus_session_run(session));
    must(ocellus_session_get_output(session, name, &y));
    const float *got = ocellus_tensor_data(y);
    ck_assert_uint_eq(ocellus_tensor_count(y), count);
    for (size_t k = 0; k < count; k++)
        largest = fmax(largest, fabs(expected[k]));
    for (size_t k = 0; k < count; k++)
        ck_assert_msg(fabs((double)got[k] - expected[k]) <= 1e-5 * largest,
                      "%s, number %zu: %g instead of %g", name, k,
                      (double)got[k], expected[k]);
    ocellus_session_destroy(session);
    ocellus_device_close(device);
    ocellus_tensor_destroy(x);
}

#endif
