/* spectrum.c - DFT and STFT, made of matrix products.
 *
 *     y[k] = sum over j of x[j] w(n, j k)        w(n, m) = exp(-2 pi i m / n)
 *
 * A short transform is one product with the matrix of these numbers. A long
 * one of n = a b is b transforms of a, turned, and a transforms of b (Cooley
 * and Tukey 1965; as four steps, Bailey 1990): with j = b p + q, k = r + a s
 *
 *     y[r + a s] = sum over q of w(b, q s) w(n, q r)
 *                  sum over p of w(a, p r) x[b p + q]
 *
 * Lines are batch x numbers x parts: real, or real and imaginary. Gradients
 * are those of the products.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "op/compose.h"
#include "op/pointwise.h"

/* One matrix up to SHORT; a prime has no other way, up to LONGEST_PRIME. */
enum { SHORT = 512, LONGEST_PRIME = 2048, LONGEST = 1 << 22 };

struct transform {
    struct ocellus_graph *g;
    ocellus_type type;
    double sign; /* of the exponent: -1 forwards, 1 backwards */
    int64_t n;
    int inverse, onesided;
};

/* ---- constants ----------------------------------------------------------- */

/* Numbers of a constant, by two indices and a part. */
typedef double number(const struct transform *t, int64_t n, int64_t row,
                      int64_t column);

/* Part 0 (real) or 1 of w(n, k), where n may be a divisor of t->n. */
static double
root(const struct transform *t, int64_t n, int64_t k, int64_t part)
{
    double angle = 2 * 3.14159265358979323846 * (double)(k % n) / (double)n;
    return part == 0 ? cos(angle) : t->sign * sin(angle);
}

static struct ocellus_value *
constant(const struct transform *t, int64_t n, const struct oc_shape *shape,
         int64_t columns, number *each)
{
    int64_t count = oc_shape_count(shape);
    size_t bytes;
    ocellus_status status = oc_written_bytes(shape, t->type, &bytes);
    if (status != OCELLUS_OK)
        return oc_graph_fail(t->g, status);
    void *data = malloc(bytes + 1);
    if (data == NULL)
        return oc_graph_fail(
            t->g, oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a transform"));
    for (int64_t i = 0; i < count; i++)
        oc_element_set(t->type, data, (size_t)i,
                       each(t, n, i / columns, i % columns));
    struct ocellus_value *made =
        oc_graph_constant(t->g, NULL, t->type, shape, data);
    free(data);
    return made;
}

/* Row 2 j + p, column 2 k + q: what part p of x[j] adds to part q of y[k]. */
static double
of_pairs(const struct transform *t, int64_t n, int64_t row, int64_t column)
{
    int64_t from = row % 2, to = column % 2;
    double w = root(t, n, row / 2 * (column / 2), from != to);
    return from > to ? -w : w;
}

static double
of_reals(const struct transform *t, int64_t n, int64_t row, int64_t column)
{
    return of_pairs(t, n, 2 * row, column);
}

/* Row q, column 2 r + part, for a pair times the root: what the pair's own
 * parts are multiplied by, and what the exchanged ones are. */
static double
own_part(const struct transform *t, int64_t n, int64_t row, int64_t column)
{
    return root(t, n, row * (column / 2), 0);
}

static double
other_part(const struct transform *t, int64_t n, int64_t row, int64_t column)
{
    double w = root(t, n, row * (column / 2), 1);
    return column % 2 ? w : -w;
}

/* What a spectrum's second half is of its first: conjugate; and the ends of
 * the first half are real. */
static double
mirrored(const struct transform *t, int64_t n, int64_t k, int64_t part)
{
    (void)t;
    if (part == 0)
        return 1;
    return k == 0 || 2 * k == n ? 0 : 2 * k < n ? 1 : -1;
}

/* ---- transforms ---------------------------------------------------------- */

static struct ocellus_value *
short_transform(const struct transform *t, struct ocellus_value *x, int64_t n,
                int64_t wanted)
{
    int64_t parts = x->shape.dim[2];
    struct oc_shape shape = OC_SHAPE(n * parts, wanted * 2);
    const int64_t flat[] = {0, n * parts}, apart[] = {0, wanted, 2};
    if (n > LONGEST_PRIME)
        return oc_graph_fail(
            t->g, oc_fail(OCELLUS_UNSUPPORTED,
                          "a transform of %lld numbers, a multiple of the "
                          "prime %lld; %d is the largest",
                          (long long)t->n, (long long)n, LONGEST_PRIME));
    return oc_reshape_to(OC_NODE(t->g, "MatMul", NULL,
                                 oc_reshape_to(x, 2, flat),
                                 constant(t, n, &shape, shape.dim[1],
                                          parts == 2 ? of_pairs : of_reals)),
                         3, apart);
}

/* Pairs of x, batch x b x a, times w(n, q r). */
static struct ocellus_value *
twiddle(const struct transform *t, struct ocellus_value *x, int64_t n,
        int64_t a, int64_t b)
{
    struct oc_shape shape = OC_SHAPE(b, a, 2);
    const int64_t exchanged[] = {1, 0};
    return OC_NODE(
        t->g, "Add", NULL,
        OC_NODE(t->g, "Mul", NULL, x, constant(t, n, &shape, 2 * a, own_part)),
        OC_NODE(
            t->g, "Mul", NULL,
            OC_NODE(t->g, "Gather", "axis=3", x, oc_ints(t->g, 2, exchanged)),
            constant(t, n, &shape, 2 * a, other_part)));
}

/* The largest divisor not above the root; 1 for primes. */
static int64_t
divisor(int64_t n)
{
    int64_t a = (int64_t)sqrt((double)n);
    while (n % a != 0)
        a--;
    return a;
}

/* Of pairs; all n results. */
static struct ocellus_value *
transform(const struct transform *t, struct ocellus_value *x, int64_t n)
{
    int64_t a = divisor(n), b = n / a;
    if (x == NULL)
        return NULL;
    if (n <= SHORT || a == 1)
        return short_transform(t, x, n, n);
    int64_t m = x->shape.dim[0];
    const int64_t rows[] = {m, a, b, 2}, columns[] = {m, b, a, 2};
    const int64_t all_a[] = {m * b, a, 2}, all_b[] = {m * a, b, 2};
    const int64_t line[] = {m, n, 2};
    x = OC_NODE(t->g, "Transpose", "perm=0,2,1,3", oc_reshape_to(x, 4, rows));
    x = transform(t, oc_reshape_to(x, 3, all_a), a);
    x = twiddle(t, oc_reshape_to(x, 4, columns), n, a, b);
    x = OC_NODE(t->g, "Transpose", "perm=0,2,1,3", x);
    x = transform(t, oc_reshape_to(x, 3, all_b), b);
    x = OC_NODE(t->g, "Transpose", "perm=0,2,1,3", oc_reshape_to(x, 4, rows));
    return oc_reshape_to(x, 3, line);
}

/* Zeros behind an axis of lines, or less of it. */
static struct ocellus_value *
fit(struct ocellus_value *x, int axis, int64_t n)
{
    int64_t pads[6] = {0};
    if (x == NULL || x->shape.dim[axis] == n)
        return x;
    if (x->shape.dim[axis] > n)
        return oc_slice_of(x, axis, 0, n, 1);
    pads[3 + axis] = n - x->shape.dim[axis];
    return OC_NODE(x->graph, "Pad", NULL, x, oc_ints(x->graph, 6, pads));
}

/* The spectrum of real numbers from its first half. */
static struct ocellus_value *
mirror(const struct transform *t, struct ocellus_value *x)
{
    struct oc_shape shape = OC_SHAPE(t->n, 2);
    int64_t *from = malloc((size_t)t->n * sizeof *from);
    if (from == NULL)
        return oc_graph_fail(
            t->g, oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a transform"));
    for (int64_t k = 0; k < t->n; k++)
        from[k] = 2 * k <= t->n ? k : t->n - k;
    struct ocellus_value *whole = OC_NODE(
        t->g, "Gather", "axis=1", fit(x, 2, 2), oc_ints(t->g, (int)t->n, from));
    free(from);
    return OC_NODE(t->g, "Mul", NULL, whole,
                   constant(t, t->n, &shape, 2, mirrored));
}

/* Lines as they come -> lines as DFT gives them. */
static struct ocellus_value *
spectrum(const struct transform *t, struct ocellus_value *x)
{
    int64_t half = t->n / 2 + 1, wanted = t->onesided ? half : t->n;
    struct ocellus_value *y;
    if (t->inverse && t->onesided) {
        y = transform(t, mirror(t, fit(x, 1, half)), t->n);
        y = oc_slice_of(y, 2, 0, 1, 1);
    } else if (t->n <= SHORT) {
        x = fit(x, 1, t->n);
        y = x ? short_transform(t, x, t->n, wanted) : NULL;
    } else {
        y = transform(t, fit(fit(x, 1, t->n), 2, 2), t->n);
        y = fit(y, 1, wanted);
    }
    if (y != NULL && t->inverse)
        y = OC_NODE(t->g, "Mul", NULL, y, oc_scalar_like(y, 1 / (double)t->n));
    return y;
}

static ocellus_status
check(const struct transform *t, const struct ocellus_value *x)
{
    const struct oc_shape *s = &x->shape;
    char text[OC_SHAPE_TEXT];
    if (!oc_type_is_float(x->type) || s->rank < 2 ||
        (s->dim[s->rank - 1] != 1 && s->dim[s->rank - 1] != 2))
        return oc_fail(OCELLUS_BAD_MODEL,
                       "%s of %s; floats with one or two parts last are taken",
                       oc_shape_text(s, text), oc_type_name(x->type));
    if (t->n < 1 || t->n > LONGEST)
        return oc_fail(t->n < 1 ? OCELLUS_BAD_MODEL : OCELLUS_UNSUPPORTED,
                       "a transform of %lld numbers; 1 to %d are possible",
                       (long long)t->n, LONGEST);
    return OCELLUS_OK;
}

static ocellus_type
computed_in(ocellus_type type)
{
    return type == OCELLUS_DOUBLE ? OCELLUS_DOUBLE : OCELLUS_FLOAT;
}

/* ---- DFT ----------------------------------------------------------------- */

/* Axes `axis` and `rank` - 2 exchanged. */
static struct ocellus_value *
exchange(struct ocellus_value *x, int axis)
{
    char perm[8 + 2 * OC_MAX_RANK];
    if (x == NULL || axis == x->shape.rank - 2)
        return x;
    int at = snprintf(perm, sizeof perm, "perm=");
    for (int k = 0; k < x->shape.rank; k++) {
        int from = k == axis                ? x->shape.rank - 2
                   : k == x->shape.rank - 2 ? axis
                                            : k;
        at += snprintf(perm + at, sizeof perm - (size_t)at, k ? ",%d" : "%d",
                       from);
    }
    return OC_NODE(x->graph, "Transpose", perm, x);
}

static ocellus_status
expand_dft(const struct oc_node *node, struct ocellus_graph *to,
           struct ocellus_value *const *in, struct ocellus_value **out,
           int *done)
{
    struct ocellus_value *x = in[0];
    struct transform t = {.g = to,
                          .type = computed_in(x->type),
                          .inverse = oc_attr_int(node, "inverse", 0) != 0,
                          .onesided = oc_attr_int(node, "onesided", 0) != 0};
    int64_t given, most;
    int axis, last = x->shape.rank - 1;
    OC_TRY(oc_given_int(node, in, 2, -2, &given));
    OC_TRY(oc_axis(given, x->shape.rank, &axis));
    if (axis == last)
        return oc_fail(OCELLUS_BAD_MODEL,
                       "axis %d holds the parts of its numbers", axis);
    most = x->shape.dim[axis];
    OC_TRY(oc_given_int(node, in, 1,
                        t.inverse && t.onesided ? 2 * (most - 1) : most, &t.n));
    t.sign = t.inverse ? 1 : -1;
    OC_TRY(check(&t, x));
    x = exchange(oc_cast_to(x, t.type), axis);
    OC_TRY(oc_composed(to));
    struct oc_shape shape = x->shape;
    const int64_t lines[] = {oc_shape_span(&shape, 0, last - 1),
                             shape.dim[last - 1], shape.dim[last]};
    struct ocellus_value *y = spectrum(&t, oc_reshape_to(x, 3, lines));
    OC_TRY(oc_composed(to));
    shape.dim[last - 1] = y->shape.dim[1];
    shape.dim[last] = y->shape.dim[2];
    y = exchange(oc_reshape_to(y, shape.rank, shape.dim), axis);
    out[0] = oc_cast_to(y, in[0]->type);
    *done = 1;
    return OCELLUS_OK;
}

const struct oc_op oc_op_DFT = {
    .name = "DFT",
    .min_in = 1,
    .max_in = 3,
    .n_out = 1,
    .host = 1 << 1 | 1 << 2,
    .expand = expand_dft,
};

/* ---- STFT ---------------------------------------------------------------- */

/* batch x signal x parts -> batch x frames x length x parts */
static ocellus_status
cut(const struct transform *t, int64_t step, int64_t frames,
    struct ocellus_value **x)
{
    struct oc_shape shape = OC_SHAPE(frames, t->n);
    size_t bytes;
    OC_TRY(oc_shape_bytes(&shape, sizeof(int64_t), &bytes));
    int64_t *place = malloc(bytes + 1);
    if (place == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY,
                       "no memory for %lld frames of %lld", (long long)frames,
                       (long long)t->n);
    for (int64_t i = 0; i < frames * t->n; i++)
        place[i] = i / t->n * step + i % t->n;
    *x = OC_NODE(t->g, "Gather", "axis=1", *x,
                 oc_graph_constant(t->g, NULL, OCELLUS_INT64, &shape, place));
    free(place);
    return oc_composed(t->g);
}

/* The length of a frame: as given, else the window's, else the signal's. */
static ocellus_status
frames_of(const struct oc_node *node, struct ocellus_value *const *in,
          struct transform *t, int64_t *step, int64_t *frames)
{
    const struct ocellus_value *window = oc_given(node, in, 2);
    int64_t length = in[0]->shape.dim[1];
    if (window != NULL && window->shape.rank != 1)
        return oc_fail(OCELLUS_BAD_MODEL, "a window of %d dimensions",
                       window->shape.rank);
    OC_TRY(oc_given_int(node, in, 1, 0, step));
    OC_TRY(oc_given_int(node, in, 3, window ? window->shape.dim[0] : length,
                        &t->n));
    if (*step < 1 || t->n > length ||
        (window != NULL && window->shape.dim[0] != t->n))
        return oc_fail(OCELLUS_BAD_MODEL,
                       "frames of %lld, %lld apart, of a signal of %lld, with "
                       "a window of %lld",
                       (long long)t->n, (long long)*step, (long long)length,
                       (long long)(window ? window->shape.dim[0] : t->n));
    *frames = (length - t->n) / *step + 1;
    return OCELLUS_OK;
}

static ocellus_status
expand_stft(const struct oc_node *node, struct ocellus_graph *to,
            struct ocellus_value *const *in, struct ocellus_value **out,
            int *done)
{
    struct ocellus_value *x = in[0], *window = oc_given(node, in, 2);
    struct transform t = {.g = to,
                          .type = computed_in(x->type),
                          .sign = -1,
                          .onesided = oc_attr_int(node, "onesided", 1) != 0};
    const int64_t column[] = {-1, 1};
    int64_t step = 0, frames = 0;
    if (x->shape.rank == 2)
        x = oc_unsqueeze_at(x, 2);
    if (x == NULL || x->shape.rank != 3)
        return oc_fail(OCELLUS_BAD_MODEL, "a signal of %d dimensions",
                       in[0]->shape.rank);
    OC_TRY(frames_of(node, in, &t, &step, &frames));
    OC_TRY(check(&t, x));
    x = oc_cast_to(x, t.type);
    OC_TRY(cut(&t, step, frames, &x));
    if (window != NULL)
        x = OC_NODE(to, "Mul", NULL, x,
                    oc_reshape_to(oc_cast_to(window, t.type), 2, column));
    OC_TRY(oc_composed(to));
    const int64_t lines[] = {x->shape.dim[0] * frames, t.n, x->shape.dim[3]};
    const int64_t all[] = {x->shape.dim[0], frames,
                           t.onesided ? t.n / 2 + 1 : t.n, 2};
    out[0] = oc_cast_to(
        oc_reshape_to(spectrum(&t, oc_reshape_to(x, 3, lines)), 4, all),
        in[0]->type);
    *done = 1;
    return OCELLUS_OK;
}

const struct oc_op oc_op_STFT = {
    .name = "STFT",
    .min_in = 2,
    .max_in = 4,
    .n_out = 1,
    .host = 1 << 1 | 1 << 3,
    .expand = expand_stft,
};
