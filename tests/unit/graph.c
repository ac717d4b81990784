/* graph.c - builders, their failures, binding, pruning, sorting, metadata. */
#include <stdlib.h>
#include <string.h>

#include <ocellus.h>

#include "graph/op.h"
#include "tests/unit/suite.h"

static ocellus_graph *graph;

static void
setup(void)
{
    ck_assert_int_eq(ocellus_graph_create(&graph), OCELLUS_OK);
}

static void
teardown(void)
{
    ocellus_graph_destroy(graph);
}

static ocellus_value *
image(int64_t n, int64_t c, int64_t h, int64_t w)
{
    return ocellus_graph_input(graph, "x", OCELLUS_FLOAT, 4,
                               (const int64_t[]){n, c, h, w});
}

static void
ck_says(const char *word)
{
    if (!strstr(ocellus_error(), word))
        ck_abort_msg("'%s' does not say '%s'", ocellus_error(), word);
}

START_TEST(shapes_are_inferred)
{
    ocellus_value *y =
        ocellus_conv2d(image(-1, 3, 17, 20), "c", 8, 3, 2, 1, 1, 1);
    const int64_t expected[] = {-1, 8, 9, 10};

    ck_assert_int_eq(ocellus_graph_check(graph), OCELLUS_OK);
    ck_assert_int_eq(ocellus_value_rank(y), 4);
    for (int k = 0; k < 4; k++)
        ck_assert_int_eq(ocellus_value_dim(y, k), expected[k]);
    y = ocellus_max_pool(y, 3, 2, 0);
    ck_assert_int_eq(ocellus_value_dim(y, 2), 4);
    y = ocellus_linear(ocellus_flatten(y), "f", 7);
    ck_assert_int_eq(ocellus_value_rank(y), 2);
    ck_assert_int_eq(ocellus_value_dim(y, 1), 7);
    /* 8*3*3*3 + 8 and 8*4*4*7 + 7 */
    ck_assert_int_eq(ocellus_graph_parameter_count(graph), 224 + 903);
}
END_TEST

START_TEST(first_failure_is_kept)
{
    ocellus_value *x = image(-1, 3, 8, 8);
    ocellus_value *bad = ocellus_conv2d(x, "wide", 4, 11, 1, 0, 1, 1);

    ck_assert_ptr_null(bad);
    /* What follows hands NULL on and does not cover the first sentence. */
    ck_assert_ptr_null(ocellus_relu(bad));
    ck_assert_ptr_null(ocellus_apply(graph, "NoSuchOp", NULL, x, NULL));
    ck_assert_int_eq(ocellus_graph_check(graph), OCELLUS_BAD_MODEL);
    ck_says("Conv");
    ck_assert_ptr_null(strstr(ocellus_error(), "NoSuchOp"));
}
END_TEST

START_TEST(failures_name_what_is_wrong)
{
    static const struct {
        const char *op, *attributes, *word;
    } bad[] = {
        {"NoSuchOp", NULL, "NoSuchOp"},
        {"MaxPool", "kernel_shape=0,0", "MaxPool"},
        {"MaxPool", "kernel_shape=2,2 strides=0,1", "MaxPool"},
        {"MaxPool", "kernel_shape=99,99", "MaxPool"},
        {"Transpose", "perm=0,1,2,2", "Transpose"},
        {"Flatten", "axis=9", "Flatten"},
        {"Softmax", "axis=-5", "Softmax"},
        {"Gemm", NULL, "Gemm"},
        {"Relu", "=", "="},
    };
    const int k = _i;

    ocellus_value *x = image(2, 3, 8, 8);
    ck_assert_ptr_null(
        ocellus_apply(graph, bad[k].op, bad[k].attributes, x, NULL));
    ck_assert_int_ne(ocellus_graph_check(graph), OCELLUS_OK);
    ck_says(bad[k].word);
    ck_assert_int_gt((int)strlen(ocellus_error()), 15);
}
END_TEST

START_TEST(names_are_unique)
{
    ocellus_value *x = image(1, 3, 8, 8);

    ck_assert_ptr_nonnull(ocellus_conv2d(x, "same", 3, 3, 1, 1, 1, 1));
    ck_assert_ptr_null(ocellus_conv2d(x, "same", 3, 3, 1, 1, 1, 1));
    ck_assert_int_ne(ocellus_graph_check(graph), OCELLUS_OK);
    ck_says("same");
}
END_TEST

START_TEST(other_graphs_values_are_refused)
{
    ocellus_graph *other;
    ocellus_value *x = image(1, 1, 4, 4);
    const int64_t dims[] = {1, 1, 4, 4};

    ck_assert_int_eq(ocellus_graph_create(&other), OCELLUS_OK);
    ocellus_value *y = ocellus_graph_input(other, "y", OCELLUS_FLOAT, 4, dims);
    ck_assert_ptr_null(ocellus_add(x, y));
    ck_says("another graph");
    ocellus_graph_destroy(other);
}
END_TEST

/* Binding makes every dimension known and leaves the graph as it was. */
START_TEST(binding_fills_dimensions)
{
    struct oc_shape shape = OC_SHAPE(5, 3, 12, 14);
    struct ocellus_graph *bound;
    ocellus_value *y =
        ocellus_flatten(ocellus_max_pool(image(-1, 3, -1, -1), 2, 2, 0));

    ck_assert_int_eq(ocellus_graph_output(graph, "y", y), OCELLUS_OK);
    ck_assert_int_eq(ocellus_value_dim(y, 0), -1);
    ck_assert_int_eq(oc_graph_bind(graph, &shape, NULL, &bound), OCELLUS_OK);
    ck_assert_int_eq(bound->outputs[0]->shape.dim[0], 5);
    ck_assert_int_eq(bound->outputs[0]->shape.dim[1], 3 * 6 * 7);
    ck_assert_int_eq(oc_graph_verify(bound), OCELLUS_OK);
    ck_assert_int_eq(ocellus_value_dim(y, 0), -1);
    oc_graph_destroy(bound);
}
END_TEST

/* A shape that no operator can take fails at binding, with its name. */
START_TEST(binding_checks_again)
{
    struct oc_shape shape = OC_SHAPE(1, 3, 2, 2);
    struct ocellus_graph *bound;
    ocellus_value *y =
        ocellus_conv2d(image(-1, 3, -1, -1), "c", 4, 5, 1, 0, 1, 0);

    ck_assert_int_eq(ocellus_graph_output(graph, "y", y), OCELLUS_OK);
    ck_assert_int_eq(oc_graph_bind(graph, &shape, NULL, &bound),
                     OCELLUS_BAD_MODEL);
    ck_says("Conv");
}
END_TEST

/* Shapes are computed on the host: a Reshape by a computed shape binds. */
START_TEST(host_values_are_evaluated)
{
    struct oc_shape shape = OC_SHAPE(4, 3, 2, 2);
    struct ocellus_graph *bound;
    ocellus_value *x = image(-1, 3, 2, 2);
    ocellus_value *rows =
        ocellus_apply(graph, "Shape", "start=0 end=1", x, NULL);
    ocellus_value *rest = oc_ints(graph, 1, (const int64_t[]){-1});
    ocellus_value *want =
        ocellus_apply(graph, "Concat", "axis=0", rows, rest, NULL);
    ocellus_value *y = ocellus_apply(graph, "Reshape", NULL, x, want, NULL);

    ck_assert_int_eq(ocellus_graph_output(graph, "y", y), OCELLUS_OK);
    ck_assert_int_eq(oc_graph_bind(graph, &shape, NULL, &bound), OCELLUS_OK);
    ck_assert_int_eq(bound->outputs[0]->shape.rank, 2);
    ck_assert_int_eq(bound->outputs[0]->shape.dim[0], 4);
    ck_assert_int_eq(bound->outputs[0]->shape.dim[1], 12);
    oc_graph_destroy(bound);
}
END_TEST

START_TEST(pruning_drops_what_nobody_needs)
{
    ocellus_value *x = image(1, 4, 8, 8);
    ocellus_value *kept = ocellus_relu(x);

    ocellus_relu(ocellus_conv2d(x, "idle", 4, 3, 1, 1, 1, 1));
    ck_assert_int_eq(ocellus_graph_output(graph, "y", kept), OCELLUS_OK);
    ck_assert_int_eq(graph->n_nodes, 3);
    ck_assert_int_eq(oc_graph_prune(graph), OCELLUS_OK);
    ck_assert_int_eq(graph->n_nodes, 1);
    ck_assert_ptr_eq(graph->nodes[0]->out[0], kept);
    ck_assert_int_eq(oc_graph_verify(graph), OCELLUS_OK);
}
END_TEST

/* Nodes thrown into a random order come back in one that can run. */
START_TEST(sorting_finds_an_order)
{
    ocellus_value *x = image(1, 2, 4, 4), *all[40] = {x};
    unsigned state = 7u + (unsigned)_i;

    for (int k = 1; k < 40; k++) {
        state = state * 1664525u + 1013904223u;
        all[k] = ocellus_add(all[(state >> 8) % (unsigned)k],
                             all[(state >> 20) % (unsigned)k]);
    }
    ck_assert_int_eq(ocellus_graph_output(graph, "y", all[39]), OCELLUS_OK);
    for (int k = graph->n_nodes - 1; k > 0; k--) {
        state = state * 1664525u + 1013904223u;
        int j = (int)((state >> 8) % (unsigned)(k + 1));
        struct oc_node *node = graph->nodes[k];
        graph->nodes[k] = graph->nodes[j];
        graph->nodes[j] = node;
    }
    ck_assert_int_ne(oc_graph_verify(graph), OCELLUS_OK);
    ck_assert_int_eq(oc_graph_sort(graph), OCELLUS_OK);
    ck_assert_int_eq(oc_graph_verify(graph), OCELLUS_OK);
}
END_TEST

START_TEST(cycles_are_found)
{
    ocellus_value *a = ocellus_relu(image(1, 1, 2, 2));
    ocellus_value *b = ocellus_relu(a);

    a->node->in[0] = b;
    ck_assert_int_eq(oc_graph_sort(graph), OCELLUS_BAD_MODEL);
    ck_says("cycle");
}
END_TEST

START_TEST(metadata_travels)
{
    struct ocellus_graph *copy;

    ck_assert_ptr_null(ocellus_graph_get_metadata(graph, "a"));
    ck_assert_int_eq(ocellus_graph_set_metadata(graph, "a", "1"), OCELLUS_OK);
    ck_assert_int_eq(ocellus_graph_set_metadata(graph, "b", "2"), OCELLUS_OK);
    ck_assert_int_eq(ocellus_graph_set_metadata(graph, "a", "3"), OCELLUS_OK);
    ck_assert_int_eq(oc_graph_copy(graph, &copy), OCELLUS_OK);
    ck_assert_str_eq(ocellus_graph_get_metadata(copy, "a"), "3");
    ck_assert_str_eq(ocellus_graph_get_metadata(copy, "b"), "2");
    oc_graph_destroy(copy);
}
END_TEST

/* The first numbers of a parameter depend on the seed and its name alone, and
 * follow their rule. */
START_TEST(parameters_start_by_their_rule)
{
    const int64_t dims[] = {64, 16, 3, 3};
    const int n = 64 * 16 * 9;
    ocellus_value *w = ocellus_graph_parameter(graph, "w", 4, dims, "lecun");
    float *a, *b, *c, least = 1, most = -1;

    ck_assert_int_eq(oc_state_init(w, 1, &a), OCELLUS_OK);
    ck_assert_int_eq(oc_state_init(w, 1, &b), OCELLUS_OK);
    ck_assert_int_eq(oc_state_init(w, 2, &c), OCELLUS_OK);
    ck_assert_int_eq(memcmp(a, b, sizeof *a * (size_t)n), 0);
    ck_assert_int_ne(memcmp(a, c, sizeof *a * (size_t)n), 0);
    for (int k = 0; k < n; k++) {
        least = a[k] < least ? a[k] : least;
        most = a[k] > most ? a[k] : most;
    }
    /* +-1 / sqrt(16 * 9), nearly reached by 9216 draws */
    ck_assert(most <= 1.0f / 12 && most > 0.99f / 12);
    ck_assert(least >= -1.0f / 12 && least < -0.99f / 12);
    free(a);
    free(b);
    free(c);
}
END_TEST

START_TEST(text_lists_each_node)
{
    char *text;
    ocellus_value *y = ocellus_relu(image(-1, 3, 8, 8));

    ck_assert_int_eq(ocellus_graph_output(graph, "scores", y), OCELLUS_OK);
    ck_assert_int_eq(ocellus_graph_show(graph, &text), OCELLUS_OK);
    ck_assert_ptr_nonnull(strstr(text, "Relu"));
    ck_assert_ptr_nonnull(strstr(text, "scores"));
    ocellus_text_free(text);
}
END_TEST

/* Operations by hand: a multiplication and an addition are two. A letter an
 * input: floats or bytes. */
static const struct {
    const char *op, *attributes, *types;
    struct oc_shape in[8];
    double flops;
} worked[] = {
    {"MatMul", NULL, "ff", {{2, {2, 3}}, {2, {3, 5}}}, 2 * 2 * 3 * 5},
    {"Gemm", NULL, "ff", {{2, {2, 3}}, {2, {3, 5}}}, 2 * 2 * 3 * 5},
    {"Einsum",
     "equation=ij,jk->ik",
     "ff",
     {{2, {2, 3}}, {2, {3, 5}}},
     2 * 2 * 3 * 5},
    {"Einsum",
     "equation=ij,jk,k->i",
     "fff",
     {{2, {2, 3}}, {2, {3, 5}}, {1, {5}}},
     3 * 2 * 3 * 5},
    {"Einsum", "equation=i,j->ij", "ff", {{1, {2}}, {1, {5}}}, 2 * 5},
    {"Einsum", "equation=ij->i", "f", {{2, {2, 3}}}, 2 * 3},
    {"Einsum", "equation=ij->ji", "f", {{2, {2, 3}}}, 0},
    {"Conv",
     "group=2",
     "ff",
     {{4, {1, 4, 5, 5}}, {4, {6, 2, 3, 3}}},
     2 * (6 * 3 * 3) * (2 * 3 * 3)},
    {"ConvTranspose",
     NULL,
     "ff",
     {{4, {1, 4, 5, 5}}, {4, {4, 6, 3, 3}}},
     2 * (4 * 5 * 5) * (6 * 3 * 3)},
    {"ConvInteger",
     NULL,
     "bb",
     {{4, {1, 2, 5, 5}}, {4, {6, 2, 3, 3}}},
     2 * (6 * 3 * 3) * (2 * 3 * 3)},
    {"QLinearConv",
     NULL,
     "bfbbfbfb",
     {{4, {1, 2, 5, 5}}, {0}, {0}, {4, {6, 2, 3, 3}}},
     2 * (6 * 3 * 3) * (2 * 3 * 3)},
    {"MatMulInteger", NULL, "bb", {{2, {2, 3}}, {2, {3, 5}}}, 2 * 2 * 3 * 5},
    {"LSTM",
     "hidden_size=4",
     "fff",
     {{3, {7, 2, 3}}, {3, {1, 16, 3}}, {3, {1, 16, 4}}},
     2 * 7 * 2 * (16 * 3 + 16 * 4)},
    {"GRU",
     "hidden_size=4",
     "fff",
     {{3, {7, 2, 3}}, {3, {1, 12, 3}}, {3, {1, 12, 4}}},
     2 * 7 * 2 * (12 * 3 + 12 * 4)},
    {"RNN",
     "hidden_size=4",
     "fff",
     {{3, {7, 2, 3}}, {3, {1, 4, 3}}, {3, {1, 4, 4}}},
     2 * 7 * 2 * (4 * 3 + 4 * 4)},
};

/* Quantized ones become others: the heaviest of these. */
static double
most_flops(const ocellus_graph *g)
{
    ocellus_node_info info;
    double most = 0;

    for (int k = 0; k < ocellus_graph_node_count(g); k++) {
        ck_assert_int_eq(ocellus_graph_get_node_info(g, k, &info), OCELLUS_OK);
        ck_assert(info.flops >= 0);
        most = info.flops > most ? info.flops : most;
    }
    return most;
}

START_TEST(operations_are_counted)
{
    const int n = (int)strlen(worked[_i].types);
    ocellus_value *in[8];
    ocellus_graph *at;
    double flops;

    for (int k = 0; k < n; k++)
        in[k] = oc_graph_input(graph, (char[]){(char)('a' + k), 0},
                               worked[_i].types[k] == 'f' ? OCELLUS_FLOAT
                                                          : OCELLUS_UINT8,
                               &worked[_i].in[k]);
    graph->open = 1;
    in[0] = oc_apply(graph, worked[_i].op, worked[_i].attributes, in, n);
    ck_assert_msg(in[0] != NULL, "%s", graph->sentence);
    ck_assert_int_eq(ocellus_graph_output(graph, "y", in[0]), OCELLUS_OK);
    ck_assert_int_eq(oc_graph_bind(graph, worked[_i].in, NULL, &at),
                     OCELLUS_OK);
    flops = most_flops(at);
    ck_assert_msg(flops == worked[_i].flops, "%s %s: %g, not %g", worked[_i].op,
                  worked[_i].attributes, flops, worked[_i].flops);
    ocellus_graph_destroy(at);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, shapes_are_inferred);
    tcase_add_test(tests, first_failure_is_kept);
    tcase_add_loop_test(tests, failures_name_what_is_wrong, 0, 9);
    tcase_add_test(tests, names_are_unique);
    tcase_add_test(tests, other_graphs_values_are_refused);
    tcase_add_test(tests, binding_fills_dimensions);
    tcase_add_test(tests, binding_checks_again);
    tcase_add_test(tests, host_values_are_evaluated);
    tcase_add_test(tests, pruning_drops_what_nobody_needs);
    tcase_add_loop_test(tests, sorting_finds_an_order, 0, 5);
    tcase_add_test(tests, cycles_are_found);
    tcase_add_test(tests, metadata_travels);
    tcase_add_test(tests, parameters_start_by_their_rule);
    tcase_add_test(tests, text_lists_each_node);
    tcase_add_loop_test(tests, operations_are_counted, 0, OC_COUNT(worked));
}

int
main(void)
{
    return run_suite("graph", add);
}
