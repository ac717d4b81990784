/* gemm.c - matrix products against their definition, in double. Sizes lie
 * around the kernels' tiles: 1, a few rows, one more than a panel, sums longer
 * than a block. */
#include <string.h>

#include "tests/op/harness.h"

/* Element (i, j) of op(M), M's last two axes being rows x columns. */
static double
element(const double *m, int64_t columns, int turned, int64_t i, int64_t j)

{
    return turned ? m[j * columns + i] : m[i * columns + j];
}

static void
gemm(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *a = &node->in[0]->shape, *b = &node->in[1]->shape;
    const struct oc_shape *out = &node->out[0]->shape;
    int ta = oc_attr_int(node, "transA", 0) != 0;
    int tb = oc_attr_int(node, "transB", 0) != 0;
    double alpha = oc_attr_float(node, "alpha", 1);
    double beta = oc_attr_float(node, "beta", 1);
    int64_t depth = a->dim[ta ? 0 : 1], at[OC_MAX_RANK] = {0};
    int64_t m = out->dim[0], n = out->dim[1];

    for (; m * n > 0;) {
        double sum = 0.0, *to = &y[0][at[0] * n + at[1]];

        for (int64_t l = 0; l < depth; l++)
            sum += element(x[0], a->dim[1], ta, at[0], l) *
                   element(x[1], b->dim[1], tb, l, at[1]);
        *to = alpha * sum;
        if (node->n_in > 2)
            *to += beta * x[2][oc_spread(&node->in[2]->shape, out, at)];
        if (!oc_next(out, at))
            break;
    }
}

/* A vector as the matrix that it stands for. */
static struct oc_shape
matrix(const struct oc_shape *s, int row)
{
    if (s->rank > 1)
        return *s;
    return row ? OC_SHAPE(1, s->dim[0]) : OC_SHAPE(s->dim[0], 1);
}

/* The matrix of `m` that belongs to batch index at[] of `out`. */
static const double *
batch(const double *m, const struct oc_shape *s, const struct oc_shape *out,
      const int64_t at[OC_MAX_RANK])
{
    struct oc_shape outer = *s, whole = *out;

    outer.rank -= 2;
    whole.rank -= 2;
    return m + oc_spread(&outer, &whole, at) *
                   oc_shape_span(s, s->rank - 2, s->rank);
}

static void
matmul(const struct oc_node *node, const double *const x[], double *const y[])
{
    struct oc_shape a = matrix(&node->in[0]->shape, 1);
    struct oc_shape b = matrix(&node->in[1]->shape, 0);
    struct oc_shape out = node->out[0]->shape;
    int ta = oc_attr_int(node, "transA", 0) != 0;
    int tb = oc_attr_int(node, "transB", 0) != 0;
    int64_t rows_a = a.dim[a.rank - 2], columns_a = a.dim[a.rank - 1];
    int64_t columns_b = b.dim[b.rank - 1];
    int64_t at[OC_MAX_RANK] = {0}, depth = ta ? rows_a : columns_a;
    double *to = y[0];

    if (node->in[1]->shape.rank == 1)
        out.dim[out.rank++] = 1;
    if (node->in[0]->shape.rank == 1) {
        out.dim[out.rank] = out.dim[out.rank - 1];
        out.dim[out.rank++ - 1] = 1;
    }
    for (; oc_shape_count(&out) > 0;) {
        const double *left = batch(x[0], &a, &out, at);
        const double *right = batch(x[1], &b, &out, at);
        int64_t i = at[out.rank - 2], j = at[out.rank - 1];

        *to = 0.0;
        for (int64_t l = 0; l < depth; l++)
            *to += element(left, columns_a, ta, i, l) *
                   element(right, columns_b, tb, l, j);
        to++;
        if (!oc_next(&out, at))
            break;
    }
}

#define GEMM(a, b, c, attributes_, y)                                          \
    {                                                                          \
        .op = "Gemm", .attributes = attributes_, .in = {{a}, {b}, {c}},        \
        .reference = gemm, .expect = y                                         \
    }
#define MATMUL(a, b, y)                                                        \
    {                                                                          \
        .op = "MatMul", .in = {{a}, {b}}, .reference = matmul, .expect = y     \
    }
#define TURNED(a, b, attributes_, y)                                           \
    {                                                                          \
        .op = "MatMulT", .attributes = attributes_, .in = {{a}, {b}},          \
        .reference = matmul, .expect = y                                       \
    }
/* As for a GPU of so many compute units. */
#define TILED(a, b, c, attributes_, units_, y)                                 \
    {                                                                          \
        .op = "Gemm", .attributes = attributes_, .in = {{a}, {b}, {c}},        \
        .reference = gemm, .expect = y, .gpu = 1, .units = units_,             \
        .no_gradient = 1                                                       \
    }
#define TILED_IN(type_, tolerance_, a, b)                                      \
    {                                                                          \
        .op = "Gemm", .in = {{a, .type = type_}, {b, .type = type_}},          \
        .reference = gemm, .tolerance = tolerance_, .gpu = 1, .units = 1       \
    }

/* The same with two products of half at once. */
#define TILED_PAIRS(units_, a, b, attributes_)                                 \
    {                                                                          \
        .op = "Gemm", .attributes = attributes_,                               \
        .in = {{a, .type = OCELLUS_FLOAT16}, {b, .type = OCELLUS_FLOAT16}},    \
        .reference = gemm, .tolerance = 6e-4, .gpu = 1, .units = units_,       \
        .pairs = 1, .by = "tiled", .no_gradient = 1                            \
    }

/* By tensor cores, whose factors and results are of that type. */
#define TENSOR(type_, a, b, c, attributes_, units_, y)                         \
    {                                                                          \
        .op = "Gemm", .attributes = attributes_,                               \
        .in = {{a, .type = type_}, {b, .type = type_}, {c, .type = type_}},    \
        .reference = gemm, .expect = y,                                        \
        .tolerance = (type_) == OCELLUS_FLOAT16 ? 6e-4 : 5e-3, .gpu = 1,       \
        .units = units_, .tensor = 1, .by = "tensor", .no_gradient = 1         \
    }
#define HALF(...) TENSOR(OCELLUS_FLOAT16, __VA_ARGS__)
#define BRAIN(...) TENSOR(OCELLUS_BFLOAT16, __VA_ARGS__)

static const struct oc_case cases[] = {
    GEMM("1x1", "1x1", NULL, NULL, "1x1"),
    GEMM("7x5", "5x17", NULL, NULL, "7x17"),
    GEMM("5x7", "5x17", NULL, "transA=1", "7x17"),
    GEMM("7x5", "17x5", NULL, "transB=1", "7x17"),
    GEMM("5x7", "17x5", NULL, "transA=1 transB=1 alpha=0.5", "7x17"),
    GEMM("1x33", "33x70", "70", NULL, "1x70"),
    GEMM("1x33", "70x33", "70", "transB=1", "1x70"),
    GEMM("3x9", "33x9", "1x33", "transB=1 beta=2", "3x33"),
    GEMM("4x19", "19x21", "4x1", "alpha=2 beta=-1", "4x21"),
    GEMM("2x9", "33x2", NULL, "transA=1 transB=1", "9x33"),
    GEMM("6x4", "4x16", "6x16", NULL, "6x16"),
    GEMM("13x70", "10x70", "10", "transB=1", "13x10"),
    GEMM("8x2053", "9x2053", "9", "transB=1", "8x9"),
    GEMM("24x7", "5x7", NULL, "transB=1 alpha=2", "24x5"),
    GEMM("25x300", "300x18", "", "beta=3", "25x18"),
    GEMM("9x0", "0x17", "17", NULL, "9x17"),
    GEMM("0x4", "4x3", NULL, NULL, "0x3"),
    {.op = "Gemm",
     .in = {{"3x4", -9, 9, OCELLUS_INT32}, {"4x5", -9, 9, OCELLUS_INT32}},
     .reference = gemm},
    {.op = "Gemm",
     .attributes = "transB=1",
     .in = {{"3x40", .type = OCELLUS_DOUBLE},
            {"5x40", .type = OCELLUS_DOUBLE},
            {"5", .type = OCELLUS_DOUBLE}},
     .reference = gemm,
     .tolerance = 1e-13},
    {.op = "Gemm",
     .in = {{"3x4", .type = OCELLUS_FLOAT16}, {"4x5", .type = OCELLUS_FLOAT16}},
     .reference = gemm,
     .tolerance = 1e-3,
     .no_gradient = 1},
    MATMUL("1x1", "1x1", "1x1"),
    MATMUL("3x4x5", "3x5x6", "3x4x6"),
    MATMUL("3x4x5", "5x6", "3x4x6"),
    MATMUL("4x5", "3x5x6", "3x4x6"),
    MATMUL("2x3x4x5", "3x5x6", "2x3x4x6"),
    MATMUL("2x1x4x5", "3x5x6", "2x3x4x6"),
    MATMUL("2x1x3x1x2x5", "1x2x1x3x5x2", "2x2x3x3x2x2"),
    MATMUL("5", "5", ""),
    MATMUL("5", "5x4", "4"),
    MATMUL("4x5", "5", "4"),
    MATMUL("2x3x4x5", "5", "2x3x4"),
    MATMUL("5", "2x3x5x4", "2x3x4"),
    MATMUL("2x0x3", "3x4", "2x0x4"),
    MATMUL("0x2x3", "0x3x4", "0x2x4"),
    {.op = "MatMul",
     .in = {{"2x3x4", -99, 99, OCELLUS_INT64}, {"4x5", -9, 9, OCELLUS_INT64}},
     .reference = matmul},
    TURNED("2x5x4", "2x5x6", "transA=1", "2x4x6"),
    TURNED("2x4x5", "2x6x5", "transB=1", "2x4x6"),
    TURNED("2x5x4", "1x6x5", "transA=1 transB=1", "2x4x6"),
    TURNED("3x2x7", "4x7", "transB=1", "3x2x4"),
    /* Each tile; vectors of four, and rows that are none; all turns. */
    TILED("125x9", "9x126", "126", NULL, 1, "125x126"),
    TILED("16x124", "16x128", "124x1", "transA=1 alpha=2 beta=-1", 1,
          "124x128"),
    TILED("125x7", "63x7", NULL, "transB=1", 1, "125x63"),
    TILED("7x125", "60x7", "125x60", "transA=1 transB=1", 1, "125x60"),
    TILED("60x8", "124x8", "124", "transB=1", 1, "60x124"),
    TILED("60x24", "24x64", NULL, NULL, 1, "60x64"),
    TILED("61x5", "5x63", NULL, NULL, 1, "61x63"),
    TILED("20x12", "12x124", NULL, NULL, 1, "20x124"),
    TILED("12x20", "125x12", "", "transA=1 transB=1 beta=3", 1, "20x125"),
    TILED("124x12", "12x28", NULL, NULL, 1, "124x28"),
    TILED("125x12", "30x12", NULL, "transB=1", 1, "125x30"),
    /* Bands of tiles; sums in parts. */
    TILED("1300x1", "1x130", NULL, NULL, 1, "1300x130"),
    TILED("5x260", "260x6", "6", "alpha=0.5 beta=2", 64, "5x6"),
    TILED("4x300", "8x300", "4x1", "transB=1", 64, "4x8"),
    TILED_IN(OCELLUS_FLOAT16, 1e-3, "12x16", "16x20"),
    TILED_PAIRS(1, "36x44", "44x40", NULL),
    TILED_PAIRS(1, "33x21", "21x37", NULL),
    TILED_PAIRS(1, "44x36", "40x44", "transA=1 transB=1"),
    TILED_PAIRS(64, "8x400", "400x12", NULL),
    TILED_IN(OCELLUS_BFLOAT16, 8e-3, "13x9", "9x5"),
    /* By tensor cores: each tile; chunks of eight, and rows that are none; all
     * turns; ends of rows, columns and sums; more steps than stages. */
    HALF("128x64", "64x128", NULL, NULL, 1, "128x128"),
    BRAIN("120x104", "104x136", "136", "alpha=0.5 beta=-1", 1, "120x136"),
    BRAIN("40x120", "128x40", "120x1", "transA=1 transB=1 beta=2", 1,
          "120x128"),
    HALF("96x125", "96x128", NULL, "transA=1", 1, "125x128"),
    HALF("125x13", "63x13", "63", "transB=1", 1, "125x63"),
    BRAIN("60x8", "8x128", NULL, NULL, 1, "60x128"),
    HALF("61x37", "37x63", "61x1", NULL, 1, "61x63"),
    BRAIN("60x72", "61x72", "61", "transB=1", 1, "60x61"),
    HALF("20x48", "48x120", NULL, NULL, 1, "20x120"),
    BRAIN("40x24", "125x40", "", "transA=1 transB=1", 1, "24x125"),
    HALF("128x40", "40x24", NULL, NULL, 1, "128x24"),
    HALF("1x1", "1x1", NULL, NULL, 1, "1x1"),
    BRAIN("7x9", "9x5", "5", NULL, 1, "7x5"),
    /* Sums in parts. */
    HALF("8x1040", "1040x16", "16", "alpha=0.5 beta=2", 64, "8x16"),
    BRAIN("5x1030", "6x1030", "5x1", "transB=1", 64, "5x6"),
    {.op = "MatMul",
     .in = {{"2x1x8x40", .type = OCELLUS_FLOAT16},
            {"3x40x16", .type = OCELLUS_FLOAT16}},
     .reference = matmul,
     .tolerance = 6e-4,
     .gpu = 1,
     .units = 1,
     .tensor = 1,
     .by = "tensor"},
    {.op = "MatMulT",
     .attributes = "transB=1",
     .in = {{"2x3x9x35", .type = OCELLUS_BFLOAT16},
            {"2x1x11x35", .type = OCELLUS_BFLOAT16}},
     .reference = matmul,
     .tolerance = 5e-3,
     .gpu = 1,
     .units = 1,
     .tensor = 1,
     .by = "tensor"},
    {.op = "MatMul",
     .in = {{"2x1x4x5"}, {"3x5x6"}},
     .reference = matmul,
     .gpu = 1,
     .units = 1},
    {.op = "MatMul",
     .in = {{"2x3x4x8"}, {"2x1x8x12"}},
     .reference = matmul,
     .gpu = 1,
     .units = 1},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}
