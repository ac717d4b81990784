/* device_gemm.c - matrix products through CLBlast, against plain loops. */
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "device/inside.h"
#include "tests/unit/suite.h"

struct product {
    ocellus_device *device;
    struct ocellus_graph *graph;
    struct oc_plan plan;
    struct oc_place place[3];
    struct oc_step step, *list;
    int output;
    size_t bin;
    float *data[3];
    size_t count[3];
};

/* A is m x k (or k x m), B is k x n (or n x k), `batch` of each. */
static void
make(struct product *p, const struct oc_gemm *gemm)
{
    const size_t batch = (size_t)(gemm->batch > 1 ? gemm->batch : 1);
    const size_t m = (size_t)gemm->m, n = (size_t)gemm->n, k = (size_t)gemm->k;
    struct oc_random random;

    memset(p, 0, sizeof(*p));
    p->count[0] = batch * m * k;
    p->count[1] = batch * k * n;
    p->count[2] = batch * m * n;
    oc_random_start(&random, 1, 2);
    ck_assert_int_eq(ocellus_device_open(NULL, &p->device), OCELLUS_OK);
    ck_assert_int_eq(oc_graph_create(&p->graph), OCELLUS_OK);
    for (int i = 0; i < 3; i++) {
        const struct oc_shape shape = OC_SHAPE((int64_t)p->count[i]);
        struct ocellus_value *value;

        p->data[i] = malloc(p->count[i] * sizeof(float));
        for (size_t j = 0; j < p->count[i]; j++)
            p->data[i][j] = oc_random_normal(&random);
        value = oc_graph_constant(p->graph, NULL, OCELLUS_FLOAT, &shape,
                                  p->data[i]);
        p->place[i] = (struct oc_place){.kind = OC_PLACE_CONSTANT,
                                        .value = value,
                                        .layout = OC_PLAIN,
                                        .bytes = p->count[i] * sizeof(float),
                                        .alias = -1};
        if (i == 2)
            oc_graph_output(p->graph, "c", value);
    }
    p->step = (struct oc_step){.kind = OC_STEP_GEMM, .gemm = *gemm};
    p->step.gemm.a = 0;
    p->step.gemm.b = 1;
    p->step.gemm.c = p->output = 2;
    p->list = &p->step;
    p->plan = (struct oc_plan){.graph = p->graph,
                               .step = &p->list,
                               .n_steps = 1,
                               .place = p->place,
                               .n_places = 3,
                               .output_place = &p->output,
                               .bin_bytes = &p->bin};
}

static double
reference(const struct product *p, const struct oc_gemm *g, size_t b, int i,
          int j, double *size)
{
    const float *x = p->data[0] + b * (size_t)(g->m * g->k);
    const float *y = p->data[1] + b * (size_t)(g->k * g->n);
    double sum = 0;

    *size = 1e-6;
    for (int l = 0; l < g->k; l++) {
        double term = (double)x[g->transpose_a ? l * g->m + i : i * g->k + l] *
                      (double)y[g->transpose_b ? j * g->k + l : l * g->n + j];

        sum += term;
        *size += fabs(term);
    }
    return (double)g->alpha * sum +
           (double)g->beta * (double)p->data[2][b * (size_t)(g->m * g->n) +
                                                (size_t)(i * g->n + j)];
}

/* Bytes of the scratch that CLBlast asked for. */
static size_t
check_by(const struct oc_gemm_set *set, int m, int n, int k, int transpose_a,
         int transpose_b, int batch)
{
    const struct oc_gemm gemm = {.transpose_a = transpose_a,
                                 .transpose_b = transpose_b,
                                 .m = m,
                                 .n = n,
                                 .k = k,
                                 .lda = transpose_a ? m : k,
                                 .ldb = transpose_b ? k : n,
                                 .ldc = n,
                                 .batch = batch,
                                 .stride_a = (int64_t)m * k,
                                 .stride_b = (int64_t)k * n,
                                 .stride_c = (int64_t)m * n,
                                 .alpha = 0.5f,
                                 .beta = 2.0f,
                                 .set = set};
    struct product p;
    struct oc_run *run;
    size_t scratch;
    float *c;

    make(&p, &gemm);
    ck_assert_msg(oc_run_create(p.device, &p.plan, NULL, &run) == OCELLUS_OK,
                  "%s", ocellus_error());
    ck_assert_msg(oc_run_enqueue(run, 0) == OCELLUS_OK, "%s", ocellus_error());
    c = malloc(p.place[2].bytes);
    ck_assert_int_eq(oc_run_read_output(run, 0, c, p.place[2].bytes),
                     OCELLUS_OK);
    for (size_t e = 0; e < p.count[2]; e++) {
        const size_t one = (size_t)(m * n);
        double size;
        double want = reference(&p, &gemm, e / one, (int)(e % one) / n,
                                (int)(e % one) % n, &size);

        ck_assert_double_le(fabs(want - (double)c[e]), 1e-6 * size + 1e-5);
    }
    scratch = run->gemm_scratch_bytes;
    oc_run_destroy(run);
    free(c);
    for (int i = 0; i < 3; i++)
        free(p.data[i]);
    oc_graph_destroy(p.graph);
    ck_assert_uint_eq(p.device->allocated, 0);
    ocellus_device_close(p.device);
    return scratch;
}

static void
check(int m, int n, int k, int transpose_a, int transpose_b, int batch)
{
    check_by(NULL, m, n, k, transpose_a, transpose_b, batch);
}

static const struct oc_gemm_set *
set_named(const char *way)
{
    const struct oc_gemm_set *set = oc_gemm_sets + 1;

    while (strcmp(set->way, way) != 0)
        set++;
    return set;
}

/* Parameters change between products, and are in force: the usual ones go
 * straight to the numbers of a small product, "wide" by copies of whole tiles,
 * which want scratch. */
START_TEST(products)
{
    const struct oc_gemm_set *wide = set_named("wide");
    const size_t tiles = (32 * 32 + 128 * 32 + 32 * 128) * sizeof(float);

    check(1, 1, 1, 0, 0, 1);
    check(17, 5, 31, 0, 0, 1);
    check(17, 5, 31, 1, 0, 1);
    check(17, 5, 31, 0, 1, 1);
    check(64, 64, 32, 1, 1, 1);
    ck_assert_uint_ge(check_by(wide, 19, 70, 23, 0, 1, 1), tiles);
    ck_assert_uint_eq(check_by(NULL, 19, 70, 23, 0, 1, 1), 0);
    ck_assert_uint_ge(check_by(wide, 19, 70, 23, 1, 0, 1), tiles);
}
END_TEST

START_TEST(batches)
{
    check(7, 13, 5, 0, 0, 3);
    check(7, 13, 5, 1, 1, 3);
}
END_TEST

/* As CLBlast's kernels assert when they are compiled. */
START_TEST(parameters_go_together)
{
    for (const struct oc_gemm_set *set = oc_gemm_sets; set; set++) {
        const int *x = set->xgemm, *d = set->direct;
        const int kwg = x[2], ma = x[4], mc = x[5], m = x[6], nb = x[7],
                  nc = x[8], n = x[9], vm = x[14], vn = x[15];

        ck_assert_int_eq(x[0], 0); /* 1 is wrong where m and n differ */
        ck_assert_int_eq(kwg % x[3] + m % (mc * vm) + n % (nc * vn) +
                             m % (ma * vm) + n % (nb * vn) +
                             kwg % (mc * nc / ma) + kwg % (mc * nc / nb),
                         0);
        ck_assert_int_eq(
            d[9] % d[0] + d[9] % (d[2] * d[7]) + d[9] % (d[4] * d[8]) +
                d[9] % (d[1] * d[7]) + d[9] % (d[3] * d[8]) +
                d[9] % (d[2] * d[4] / d[1]) + d[9] % (d[2] * d[4] / d[3]),
            0);
        if (set->way && strcmp(set->way, "tiny") == 0)
            break;
    }
}
END_TEST

static void
add(TCase *tests)
{
    /* CLBlast compiles for half a minute where nothing is cached. */
    tcase_set_timeout(tests, 600);
    tcase_add_test(tests, products);
    tcase_add_test(tests, batches);
    tcase_add_test(tests, parameters_go_together);
}

int
main(void)
{
    return run_suite("device_gemm", add);
}
