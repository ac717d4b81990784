/* taper.c - HannWindow, HammingWindow, BlackmanWindow, MelWeightMatrix: tables
 * of signal processing, computed on the host.
 *
 *     w[k] = a0 - a1 cos(2 pi k / n) + a2 cos(4 pi k / n)
 */
#include <math.h>

#include "op/compose.h"

/* A hostile size would ask for any amount of memory. */
enum { MOST = 1 << 24 };

static const double pi = 3.14159265358979323846;

/* A constant of the type that the node asks for. */
static ocellus_status
table(const struct oc_node *node, struct ocellus_graph *to,
      const struct oc_shape *shape, unsigned char **data,
      struct ocellus_value **out)
{
    ocellus_type type =
        (ocellus_type)oc_attr_int(node, "output_datatype", OCELLUS_FLOAT);
    size_t bytes;
    if (oc_type_size(type) == 0 || type == OCELLUS_BOOL)
        return oc_fail(OCELLUS_UNSUPPORTED, "a table of element type %d",
                       (int)type);
    OC_TRY(oc_shape_bytes(shape, oc_type_size(type), &bytes));
    if (oc_shape_count(shape) > MOST)
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "a table of %lld numbers; %d are the most",
                       (long long)oc_shape_count(shape), MOST);
    *data = oc_arena_alloc(to->arena, bytes + 1);
    if (*data == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %zu bytes", bytes);
    struct oc_shape empty = OC_SHAPE(0);
    *out = oc_graph_constant(to, NULL, type, &empty, *data);
    OC_TRY(oc_composed(to));
    (*out)->shape = *shape;
    (*out)->data = *data;
    return OCELLUS_OK;
}

/* ---- windows ------------------------------------------------------------- */

static ocellus_status
cosines(const struct oc_node *node, struct ocellus_graph *to,
        struct ocellus_value *const *in, const double a[3],
        struct ocellus_value **out)
{
    int64_t size;
    unsigned char *data;
    OC_TRY(oc_given_int(node, in, 0, 0, &size));
    struct oc_shape shape = OC_SHAPE(size);
    OC_TRY(table(node, to, &shape, &data, out));
    double n = (double)(size - (oc_attr_int(node, "periodic", 1) == 0));
    for (int64_t k = 0; k < size; k++) {
        double angle = n > 0 ? 2 * pi * (double)k / n : 0;
        oc_element_set((*out)->type, data, (size_t)k,
                       a[0] - a[1] * cos(angle) + a[2] * cos(2 * angle));
    }
    return OCELLUS_OK;
}

#define TAPER(NAME, A0, A1, A2)                                                \
    static ocellus_status expand_##NAME(const struct oc_node *node,            \
                                        struct ocellus_graph *to,              \
                                        struct ocellus_value *const *in,       \
                                        struct ocellus_value **out, int *done) \
    {                                                                          \
        static const double a[] = {A0, A1, A2};                                \
        *done = 1;                                                             \
        return cosines(node, to, in, a, &out[0]);                              \
    }                                                                          \
    const struct oc_op oc_op_##NAME = {                                        \
        .name = #NAME,                                                         \
        .min_in = 1,                                                           \
        .max_in = 1,                                                           \
        .n_out = 1,                                                            \
        .host = 1,                                                             \
        .expand = expand_##NAME,                                               \
    };

TAPER(HannWindow, 0.5, 0.5, 0)
TAPER(HammingWindow, 25.0 / 46, 21.0 / 46, 0)
TAPER(BlackmanWindow, 0.42, 0.5, 0.08)

/* ---- MelWeightMatrix ----------------------------------------------------- */

static double
mel(double hertz)
{
    return 2595 * log10(1 + hertz / 700);
}

static double
hertz(double mel)
{
    return 700 * (pow(10, mel / 2595) - 1);
}

struct mel {
    int64_t bands, length, rate; /* of the matrix, the DFT, the samples */
    double low, high;            /* in hertz */
};

/* The place in the spectrum at which band `k` begins. */
static int64_t
edge(const struct mel *m, int64_t k)
{
    double low = mel(m->low),
           step = (mel(m->high) - low) / (double)(m->bands + 2);
    return (int64_t)floor((double)(m->length + 1) *
                          hertz((double)k * step + low) / (double)m->rate);
}

/* Rises to 1 from the band's beginning to the next one's, and falls to the one
 * after that. */
static void
triangle(const struct mel *m, int64_t k, int64_t bins, ocellus_type type,
         void *data)
{
    int64_t left = edge(m, k), top = edge(m, k + 1), right = edge(m, k + 2);
    for (int64_t i = left; i <= right && i < bins; i++) {
        double w = i < top   ? (double)(i - left) / (double)(top - left)
                   : i > top ? (double)(right - i) / (double)(right - top)
                             : 1;
        oc_element_set(type, data, (size_t)(i * m->bands + k), w);
    }
}

static ocellus_status
read_mel(const struct oc_node *node, struct ocellus_value *const *in,
         struct mel *m)
{
    double *ends[] = {&m->low, &m->high};
    OC_TRY(oc_given_int(node, in, 0, 0, &m->bands));
    OC_TRY(oc_given_int(node, in, 1, 0, &m->length));
    OC_TRY(oc_given_int(node, in, 2, 0, &m->rate));
    for (int k = 0; k < 2; k++) {
        const struct ocellus_value *x = in[3 + k];
        if (oc_shape_count(&x->shape) != 1)
            return oc_fail(OCELLUS_BAD_MODEL, "input %d is no number", 3 + k);
        *ends[k] = oc_element_get(x->type, x->data, 0);
    }
    if (m->bands < 1 || m->length < 1 || m->rate < 1 || !(m->low >= 0) ||
        !(m->high <= (double)m->rate) || !(m->low <= m->high) ||
        m->length > MOST)
        return oc_fail(OCELLUS_BAD_MODEL,
                       "%lld bands from %g to %g Hz, of a transform of %lld at "
                       "%lld Hz",
                       (long long)m->bands, m->low, m->high,
                       (long long)m->length, (long long)m->rate);
    return OCELLUS_OK;
}

static ocellus_status
expand_mel(const struct oc_node *node, struct ocellus_graph *to,
           struct ocellus_value *const *in, struct ocellus_value **out,
           int *done)
{
    struct mel m;
    unsigned char *data;
    OC_TRY(read_mel(node, in, &m));
    struct oc_shape shape = OC_SHAPE(m.length / 2 + 1, m.bands);
    OC_TRY(table(node, to, &shape, &data, &out[0]));
    for (int64_t k = 0; k < m.bands; k++)
        triangle(&m, k, shape.dim[0], out[0]->type, data);
    *done = 1;
    return OCELLUS_OK;
}

const struct oc_op oc_op_MelWeightMatrix = {
    .name = "MelWeightMatrix",
    .min_in = 5,
    .max_in = 5,
    .n_out = 1,
    .host = 0x1f,
    .expand = expand_mel,
};
