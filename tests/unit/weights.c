/* weights.c - the numbers of a net in a file of their own, by name. */
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/small_net.h"

#include "format/safetensors.h"
#include "graph/graph.h"
#include "tests/unit/suite.h"

static char folder[40], path[64], model[64];

static void
setup(void)
{
    strcpy(folder, "/tmp/ocellus-weights-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/w.safetensors", folder);
    snprintf(model, sizeof model, "%s/m.onnx", folder);
}

static void
teardown(void)
{
    unlink(path);
    unlink(model);
    rmdir(folder);
}

static ocellus_graph *
net(uint64_t seed)
{
    ocellus_graph *graph;
    must(ocellus_net_create("resnet20", 1, 8, 8, 3, seed, &graph));
    return graph;
}

/* States of both nets hold the same bits. */
static int
same(const ocellus_graph *a, const ocellus_graph *b)
{
    ocellus_graph *loaded;
    int equal = 1;
    must(ocellus_graph_save(a, model));
    must(ocellus_graph_load(model, &loaded));
    for (int k = 0; k < b->n_states; k++) {
        const struct ocellus_value *y = b->states[k];
        const struct ocellus_value *x = oc_graph_find_state(loaded, y->name);
        ck_assert_ptr_nonnull(x);
        ck_assert_ptr_nonnull(y->data);
        equal &= memcmp(x->data, y->data,
                        (size_t)oc_shape_count(&y->shape) * 4) == 0;
    }
    ocellus_graph_destroy(loaded);
    return equal;
}

START_TEST(through_safetensors)
{
    ocellus_graph *a = net(1), *b = net(2);
    must(ocellus_graph_set_metadata(a, "format", "pt"));
    must(ocellus_graph_save(a, path));
    must(ocellus_graph_load_weights(b, path));
    ck_assert(same(a, b));
    ocellus_graph_destroy(a);
    a = net(3);
    ck_assert(!same(a, b));
    ocellus_graph_destroy(a);
    ocellus_graph_destroy(b);
}
END_TEST

START_TEST(from_a_model)
{
    ocellus_graph *a = net(1), *b = net(2);
    must(ocellus_graph_save(a, model));
    must(ocellus_graph_load_weights(b, model));
    ck_assert(same(a, b));
    ocellus_graph_destroy(a);
    ocellus_graph_destroy(b);
}
END_TEST

/* A graph of two parameters, a of 2 x 2 and b of 3. */
static ocellus_graph *
two(void)
{
    const int64_t a[] = {2, 2}, b[] = {3};
    ocellus_graph *graph;
    must(ocellus_graph_create(&graph));
    ocellus_graph_parameter(graph, "a", 2, a, "zeros");
    ocellus_graph_parameter(graph, "b", 1, b, "zeros");
    must(ocellus_graph_check(graph));
    return graph;
}

/* Half and double precision, and a counter of PyTorch's. */
START_TEST(other_types)
{
    static const uint16_t half[] = {0x3c00, 0xc000, 0x3800, 0x0001};
    static const double wide[] = {1.5, -2.25, 1e-3};
    static const int64_t steps = 7;
    const struct oc_safetensor file[] = {
        {"a", OCELLUS_FLOAT16, OC_SHAPE(2, 2), half, sizeof half},
        {"b", OCELLUS_DOUBLE, OC_SHAPE(3), wide, sizeof wide},
        {"n.num_batches_tracked", OCELLUS_INT64, {0}, &steps, sizeof steps}};
    ocellus_graph *graph = two();
    must(oc_safetensors_write(path, file, 3, NULL, NULL, 0));
    must(ocellus_graph_load_weights(graph, path));
    const float *a = oc_graph_find_state(graph, "a")->data;
    const float *b = oc_graph_find_state(graph, "b")->data;
    ck_assert(a[0] == 1 && a[1] == -2 && a[2] == 0.5f && a[3] == 5.9604645e-8f);
    ck_assert(b[0] == 1.5f && b[1] == -2.25f && b[2] == 1e-3f);
    ocellus_graph_destroy(graph);
}
END_TEST

START_TEST(mismatches)
{
    static const float x[12];
    const struct oc_safetensor file[] = {
        {"a", OCELLUS_FLOAT, OC_SHAPE(4), x, 16},
        {"c", OCELLUS_FLOAT, OC_SHAPE(2, 1), x, 8}};
    ocellus_graph *graph = two();
    must(oc_safetensors_write(path, file, 2, NULL, NULL, 0));
    ck_assert_int_eq(ocellus_graph_load_weights(graph, path), OCELLUS_BAD_DATA);
    const char *said = ocellus_error();
    ck_assert_msg(strstr(said, "a is 4 there, 2x2 here;") &&
                      strstr(said, "b (3) is missing there;") &&
                      strstr(said, "c (2x1) is unknown here"),
                  "%s", said);
    ck_assert_ptr_null(oc_graph_find_state(graph, "a")->data);
    ocellus_graph_destroy(graph);
}
END_TEST

/* Weights alone are no model, and what has none writes none. */
START_TEST(no_model)
{
    ocellus_graph *graph = two(), *empty, *back;
    must(ocellus_graph_save(graph, path));
    ck_assert_int_eq(ocellus_graph_load(path, &back), OCELLUS_UNSUPPORTED);
    must(ocellus_graph_create(&empty));
    ck_assert_int_eq(ocellus_graph_save(empty, path), OCELLUS_UNSUPPORTED);
    ocellus_graph_destroy(graph);
    ocellus_graph_destroy(empty);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, through_safetensors);
    tcase_add_test(tests, from_a_model);
    tcase_add_test(tests, other_types);
    tcase_add_test(tests, mismatches);
    tcase_add_test(tests, no_model);
}

int
main(void)
{
    return run_suite("weights", add);
}
