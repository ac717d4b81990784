/* gemm.c - Gemm and MatMul as operators: shapes and gradients.
 *
 * The gradients of a product are products of the same tensors with other
 * transposes, so nothing is ever transposed in memory for their sake.
 */
#include <stdio.h>
#include <string.h>

#include "base/type.h"
#include "op/gemm.h"
#include "op/pointwise.h"
#include "op/tile.h"

/* ---- shapes ------------------------------------------------------------- */

static ocellus_status
check_types(const struct oc_node *node)
{
    ocellus_type type = node->in[0]->type;

    if (!oc_type_is_float(type) && !oc_type_is_integer(type))
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "%s has no products",
                            oc_type_name(type));
    for (int k = 1; k < node->n_in; k++)
        if (node->in[k] && node->in[k]->type != type)
            return oc_node_fail(
                node, OCELLUS_BAD_MODEL, "input %d is %s, input 0 is %s", k,
                oc_type_name(node->in[k]->type), oc_type_name(type));
    return OCELLUS_OK;
}

/* The last two axes of op(input i); a vector is a row as A, a column as B. */
static void
sides_of(const struct oc_node *node, int i, int64_t *rows, int64_t *columns)
{
    const struct oc_shape *s = &node->in[i]->shape;
    int turned = oc_attr_int(node, i == 0 ? "transA" : "transB", 0) != 0;
    int64_t last = s->dim[s->rank - 1];
    int64_t before = s->rank > 1 ? s->dim[s->rank - 2] : 1;

    if (s->rank == 1) {
        *rows = i == 0 ? 1 : last;
        *columns = i == 0 ? last : 1;
    } else {
        *rows = turned ? last : before;
        *columns = turned ? before : last;
    }
}

static ocellus_status
check_inner(const struct oc_node *node, int64_t a, int64_t b)
{
    char left[OC_SHAPE_TEXT], right[OC_SHAPE_TEXT];

    if (a < 0 || b < 0 || a == b)
        return OCELLUS_OK;
    return oc_node_fail(node, OCELLUS_BAD_MODEL,
                        "%s and %s have no product: %lld columns, %lld rows",
                        oc_shape_text(&node->in[0]->shape, left),
                        oc_shape_text(&node->in[1]->shape, right), (long long)a,
                        (long long)b);
}

static struct oc_shape
batch_of(const struct oc_shape *shape)
{
    struct oc_shape batch = *shape;

    batch.rank = shape->rank > 2 ? shape->rank - 2 : 0;
    return batch;
}

static ocellus_status
infer_matmul(struct oc_node *node)
{
    const struct oc_shape *a = &node->in[0]->shape, *b = &node->in[1]->shape;
    struct oc_shape batch_a, batch_b, y;
    int64_t m, k, other, n;

    OC_TRY(check_types(node));
    if (a->rank < 1 || b->rank < 1)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "a scalar has no matrix product");
    sides_of(node, 0, &m, &k);
    sides_of(node, 1, &other, &n);
    OC_TRY(check_inner(node, k, other));
    batch_a = batch_of(a);
    batch_b = batch_of(b);
    OC_TRY(oc_shape_broadcast(&batch_a, &batch_b, &y));
    if (a->rank > 1)
        y.dim[y.rank++] = m;
    if (b->rank > 1)
        y.dim[y.rank++] = n;
    return oc_infer_out(node, 0, node->in[0]->type, &y);
}

static int
has_c(const struct oc_node *node)
{
    int extras = node->epilogue ? node->epilogue->n_extra : 0;

    return strcmp(node->op->name, "Gemm") == 0 && node->n_in - extras > 2 &&
           node->in[2];
}

/* C may have the output's shape or repeat along either axis. */
static ocellus_status
check_c(const struct oc_node *node, const struct oc_shape *y)
{
    const struct oc_shape *c;
    char wide[OC_SHAPE_TEXT], narrow[OC_SHAPE_TEXT];
    int fits;

    if (!has_c(node))
        return OCELLUS_OK;
    c = &node->in[2]->shape;
    fits = c->rank <= 2;
    for (int i = 1; fits && i <= c->rank; i++) {
        int64_t of_c = c->dim[c->rank - i], of_y = y->dim[2 - i];

        fits = of_c == 1 || of_c < 0 || of_y < 0 || of_c == of_y;
    }
    if (fits)
        return OCELLUS_OK;
    return oc_node_fail(node, OCELLUS_BAD_MODEL,
                        "C is %s, which does not broadcast to %s",
                        oc_shape_text(c, narrow), oc_shape_text(y, wide));
}

static ocellus_status
infer_gemm(struct oc_node *node)
{
    struct oc_shape y = {.rank = 2};
    int64_t k, other;

    OC_TRY(check_types(node));
    for (int i = 0; i < 2; i++)
        if (node->in[i]->shape.rank != 2)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "input %d has rank %d; it takes matrices", i,
                                node->in[i]->shape.rank);
    sides_of(node, 0, &y.dim[0], &k);
    sides_of(node, 1, &other, &y.dim[1]);
    OC_TRY(check_inner(node, k, other));
    OC_TRY(check_c(node, &y));
    return oc_infer_out(node, 0, node->in[0]->type, &y);
}

/* ---- the parsed product ------------------------------------------------- */

static ocellus_status
check_counts(const struct oc_node *node)
{
    for (int i = -1; i < node->n_in; i++) {
        const struct ocellus_value *value = i < 0 ? node->out[0] : node->in[i];

        if (value && oc_shape_count(&value->shape) > INT32_MAX)
            return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                                "a tensor of %lld elements is more than a "
                                "kernel counts (2147483647)",
                                (long long)oc_shape_count(&value->shape));
    }
    return OCELLUS_OK;
}

static void
read_c(const struct oc_node *node, struct oc_product *p)
{
    const struct oc_shape *c;

    p->has_c = has_c(node);
    if (!p->has_c)
        return;
    c = &node->in[2]->shape;
    if (c->rank > 0 && c->dim[c->rank - 1] != 1)
        p->c_column = 1;
    if (c->rank > 1 && c->dim[0] != 1)
        p->c_row = (int)c->dim[1];
}

/* Stride of batch axis `axis`, counted from the innermost, of an input. */
static int
batch_stride(const struct oc_shape *shape, int axis)
{
    int at = shape->rank - 3 - axis;

    if (at < 0 || shape->dim[at] == 1)
        return 0;
    return (int)oc_shape_span(shape, at + 1, shape->rank);
}

/* An axis outside of axis 0 of the lists: joined with it where the two are
 * one for both inputs. */
static void
add_axis(struct oc_product *p, int extent, int a, int b)
{
    int inner = p->batch[0];

    if (extent == 1)
        return;
    if (p->batches > 0 && a == inner * p->stride_a[0] &&
        b == inner * p->stride_b[0]) {
        p->batch[0] *= extent;
        return;
    }
    memmove(p->batch + 1, p->batch, sizeof p->batch - sizeof p->batch[0]);
    memmove(p->stride_a + 1, p->stride_a, sizeof p->batch - sizeof(int));
    memmove(p->stride_b + 1, p->stride_b, sizeof p->batch - sizeof(int));
    p->batch[0] = extent;
    p->stride_a[0] = a;
    p->stride_b[0] = b;
    p->batches++;
}

/* Many matrices times one: one long matrix times one. */
static void
lengthen(struct oc_product *p)
{
    if (p->batches != 1 || p->stride_b[0] != 0 || p->transpose_a ||
        p->stride_a[0] != p->m * p->k)
        return;
    p->m *= p->batch[0];
    p->count = 1;
    p->batches = 0;
}

static void
read_batches(const struct oc_node *node, struct oc_product *p)
{
    const struct oc_shape *a = &node->in[0]->shape, *b = &node->in[1]->shape;
    struct oc_shape y = {0}, batch_a = batch_of(a), batch_b = batch_of(b);

    (void)oc_shape_broadcast(&batch_a, &batch_b, &y);
    for (int axis = 0; axis < y.rank; axis++) {
        int extent = (int)y.dim[y.rank - 1 - axis];

        p->count *= extent;
        add_axis(p, extent, batch_stride(a, axis), batch_stride(b, axis));
    }
    lengthen(p);
}

ocellus_status
oc_product_of(const struct oc_node *node, struct oc_product *p)
{
    int64_t m, k, n;

    OC_TRY(check_counts(node));
    sides_of(node, 0, &m, &k);
    sides_of(node, 1, &k, &n);
    *p = (struct oc_product){
        .m = (int)m,
        .n = (int)n,
        .k = (int)k,
        .transpose_a = oc_attr_int(node, "transA", 0) != 0,
        .transpose_b = oc_attr_int(node, "transB", 0) != 0,
        .alpha = (float)oc_attr_float(node, "alpha", 1),
        .beta = (float)oc_attr_float(node, "beta", 1),
        .count = 1,
    };
    read_c(node, p);
    read_batches(node, p);
    return OCELLUS_OK;
}

double
oc_product_flops(const struct oc_product *p)
{
    return 2.0 * p->m * p->n * p->k * p->count;
}

struct oc_factors
oc_factors_of(const struct oc_steps *steps, const struct oc_product *p)
{
    return (struct oc_factors){steps->in[0].place, steps->in[1].place,
                               p->has_c ? steps->in[2].place : -1,
                               steps->out[0].place};
}

void
oc_emit_product(struct oc_steps *steps, const struct oc_product *p,
                const struct oc_factors *at)
{
    const struct oc_caps *caps = steps->caps;

    if (p->m == 0 || p->n == 0 || p->count == 0)
        return;
    if (caps->cpu && p->batches <= 2)
        oc_product_cpu(steps, p, at);
    else if (!oc_product_tiled_refuse(p, caps))
        oc_product_tiled(steps, p, at, OCELLUS_FLOAT);
    else if (caps->clblast && !caps->cpu && p->batches <= 1 && p->k > 0)
        oc_product_clblast(steps, p, at);
    else
        oc_product_direct(steps, p, at, OCELLUS_FLOAT);
}

/* ---- gradients ---------------------------------------------------------- */

/* op(A) and op(B) as tensors with the flags that make them so. */
struct factor {
    struct ocellus_value *value;
    int turned;
};

static struct ocellus_value *
multiply(const char *op, double alpha, struct factor a, struct factor b)
{
    char text[96];

    if (strcmp(op, "Gemm") == 0)
        snprintf(text, sizeof text, "alpha=%.9g transA=%d transB=%d", alpha,
                 a.turned, b.turned);
    else
        snprintf(text, sizeof text, "transA=%d transB=%d", a.turned, b.turned);
    return OC_NODE(a.value->graph, op, text, a.value, b.value);
}

static struct factor
turn(struct factor f)
{
    f.turned = !f.turned;
    return f;
}

/* d op(A) = dY op(B)', laid as A lies. */
static struct ocellus_value *
grad_left(const char *op, double alpha, struct factor a, struct factor b,
          struct factor dy)
{
    if (a.turned)
        return multiply(op, alpha, b, turn(dy));
    return multiply(op, alpha, dy, turn(b));
}

/* d op(B) = op(A)' dY, laid as B lies. */
static struct ocellus_value *
grad_right(const char *op, double alpha, struct factor a, struct factor b,
           struct factor dy)
{
    if (b.turned)
        return multiply(op, alpha, turn(dy), a);
    return multiply(op, alpha, turn(a), dy);
}

static struct factor
factor_of(const struct oc_node *node, int i)
{
    const char *name = i == 0 ? "transA" : "transB";

    return (struct factor){node->in[i], oc_attr_int(node, name, 0) != 0};
}

static struct ocellus_value *
reshape(struct ocellus_value *value, const struct oc_shape *shape)
{
    struct ocellus_graph *graph = value ? value->graph : NULL;

    if (!value || oc_shape_equal(&value->shape, shape))
        return value;
    return OC_NODE(graph, "Reshape", "allowzero=1", value,
                   oc_ints(graph, shape->rank, shape->dim));
}

static void
grad_gemm(const struct oc_node *node, struct ocellus_value *dy[],
          struct ocellus_value *dx[])
{
    struct factor a = factor_of(node, 0), b = factor_of(node, 1);
    struct factor y = {dy[0], 0};
    double alpha = oc_attr_float(node, "alpha", 1);
    double beta = oc_attr_float(node, "beta", 1);

    if (dx[0])
        dx[0] = grad_left("Gemm", alpha, a, b, y);
    if (dx[1])
        dx[1] = grad_right("Gemm", alpha, a, b, y);
    if (node->n_in <= 2 || !dx[2])
        return;
    dx[2] = oc_reduce_to(dy[0], &node->in[2]->shape);
    if (beta != 1)
        dx[2] = OC_NODE(node->graph, "Mul", NULL, dx[2],
                        oc_scalar_like(dy[0], beta));
}

/* Vectors as the matrices that they stand for: A a row, B a column. */
static struct oc_shape
as_matrix(const struct oc_shape *s, int i)
{
    if (s->rank > 1)
        return *s;
    return i == 0 ? OC_SHAPE(1, s->dim[0]) : OC_SHAPE(s->dim[0], 1);
}

/* Y with the axes that vectors took away. */
static struct oc_shape
full_y(const struct oc_node *node)
{
    struct oc_shape y = node->out[0]->shape;

    if (node->in[1]->shape.rank == 1)
        y.dim[y.rank++] = 1;
    if (node->in[0]->shape.rank == 1) {
        y.dim[y.rank] = y.dim[y.rank - 1];
        y.dim[y.rank++ - 1] = 1;
    }
    return y;
}

/* Many matrices as one long one: what a B without batch is multiplied by. */
static struct ocellus_value *
lie_long(struct ocellus_value *value)
{
    const struct oc_shape *s = &value->shape;
    struct oc_shape two = {
        .rank = 2,
        .dim = {oc_shape_span(s, 0, s->rank - 1), s->dim[s->rank - 1]}};

    return reshape(value, &two);
}

static void
grad_matmul(const struct oc_node *node, struct ocellus_value *dy[],
            struct ocellus_value *dx[])
{
    struct factor a = factor_of(node, 0), b = factor_of(node, 1), y = {0};
    struct oc_shape wide = full_y(node);
    struct oc_shape shape_a = as_matrix(&a.value->shape, 0);
    struct oc_shape shape_b = as_matrix(&b.value->shape, 1);

    a.value = reshape(a.value, &shape_a);
    b.value = reshape(b.value, &shape_b);
    y.value = reshape(dy[0], &wide);
    if (!a.value || !b.value || !y.value)
        return;
    if (dx[0]) {
        dx[0] = grad_left("MatMulT", 1, a, b, y);
        dx[0] = oc_reduce_to(dx[0], &shape_a);
        dx[0] = reshape(dx[0], &node->in[0]->shape);
    }
    if (dx[1]) {
        if (shape_b.rank == 2 && shape_a.rank > 2 && !a.turned) {
            a.value = lie_long(a.value);
            y.value = lie_long(y.value);
        }
        if (!a.value || !y.value)
            return;
        dx[1] = grad_right("MatMulT", 1, a, b, y);
        dx[1] = oc_reduce_to(dx[1], &shape_b);
        dx[1] = reshape(dx[1], &node->in[1]->shape);
    }
}

/* ---- rows --------------------------------------------------------------- */

/* "fine" and "coarse": twice and half as many work-groups; "deep": blocks of
 * twice the rows of B. */
static const char *const ways[] = {
    "cpu:fine",    "cpu:coarse",    "cpu:deep", OC_TENSOR_WAYS,
    OC_TILED_WAYS, OC_CLBLAST_WAYS, NULL};

static const struct oc_impl impls[] = {
    {"amx", oc_gemm_amx_refuse, oc_gemm_amx_layouts, oc_gemm_amx,
     OC_IMPL_EPILOGUE | OC_IMPL_BFLOAT16, 0},
    {"tensor", oc_gemm_tensor_refuse, oc_gemm_tensor_layouts, oc_gemm_tensor,
     OC_IMPL_EPILOGUE, 0},
    {"tiled", oc_gemm_tiled_refuse, oc_gemm_tiled_layouts, oc_gemm_tiled,
     OC_IMPL_EPILOGUE, 0},
    {"clblast", oc_gemm_clblast_refuse, NULL, oc_gemm_clblast, OC_IMPL_EPILOGUE,
     0},
    {"cpu", oc_gemm_cpu_refuse, NULL, oc_gemm_cpu, OC_IMPL_EPILOGUE, 0},
    {"direct", NULL, NULL, oc_gemm_direct, OC_IMPL_EPILOGUE, 0},
    {.name = NULL},
};

const struct oc_op oc_op_Gemm = {
    .name = "Gemm",
    .min_in = 2,
    .max_in = 3,
    .n_out = 1,
    .params = 6,
    .infer = infer_gemm,
    .grad = grad_gemm,
    .ways = ways,
    .impls = impls,
};

const struct oc_op oc_op_MatMul = {
    .name = "MatMul",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .params = 3,
    .infer = infer_matmul,
    .grad = grad_matmul,
    .ways = ways,
    .impls = impls,
};

const struct oc_op oc_op_MatMulT = {
    .name = "MatMulT",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .flags = OC_OP_INTERNAL,
    .infer = infer_matmul,
    .grad = grad_matmul,
    .ways = ways,
    .impls = impls,
};
