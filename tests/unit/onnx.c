/* onnx.c - nets through a model file and back, and files that are not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "graph/op.h"
#include "tests/unit/small_net.h"
#include "tests/unit/suite.h"

static char folder[32], path[64];

static void
setup(void)
{
    strcpy(folder, "/tmp/ocellus-onnx-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/model.onnx", folder);
}

static void
teardown(void)
{
    unlink(path);
    rmdir(folder);
}

static ocellus_graph *
reloaded(const ocellus_graph *graph)
{
    ocellus_graph *back;

    must(ocellus_graph_save(graph, path));
    must(ocellus_graph_load(path, &back));
    return back;
}

/* ---- what comes back ------------------------------------------------------
 */

static const struct {
    const char *name;
    int channels, side;
} nets[] = {{"mlp", 1, 8},         {"lenet5", 1, 28},      {"resnet20", 3, 8},
            {"squeezenet", 3, 32}, {"mobilenetv2", 3, 32}, {"unet", 1, 16},
            {"charlstm", 9, 8},    {"namelstm", 9, 8}};

/* Two halves of a weight in the other order, turned: PyTorch writes the gates
 * of its LSTMs about so. And a bias that is added. */
START_TEST(weights_in_pieces)
{
    const int64_t x_dims[] = {-1, 3}, w_dims[] = {4, 3}, four = 4;
    int64_t ends[] = {0, 2, 4};
    ocellus_graph *graph, *back;
    struct ocellus_value *x, *w, *b, *axis, *half[2];

    must(ocellus_graph_create(&graph));
    x = ocellus_graph_input(graph, "x", OCELLUS_FLOAT, 2, x_dims);
    w = ocellus_graph_parameter(graph, "w", 2, w_dims, "normal 1");
    b = ocellus_graph_parameter(graph, "b", 1, &four, "normal 1");
    axis = oc_ints(graph, 1, &ends[0]);
    for (int k = 0; k < 2; k++)
        half[k] = OC_NODE(graph, "Slice", NULL, w, oc_ints(graph, 1, &ends[k]),
                          oc_ints(graph, 1, &ends[k + 1]), axis);
    w = OC_NODE(graph, "Concat", "axis=0", half[1], half[0]);
    w = OC_NODE(graph, "Transpose", "perm=1,0", w);
    x = OC_NODE(graph, "Add", NULL, OC_NODE(graph, "MatMul", NULL, x, w), b);
    must(ocellus_graph_output(graph, "y", x));
    back = reloaded(graph);
    ck_assert_int_eq(back->n_states, 2);
    ck_assert_ptr_nonnull(oc_graph_find_state(back, "w"));
    ck_assert_ptr_nonnull(oc_graph_find_state(back, "b"));
    ck_assert_int_eq(ocellus_graph_parameter_count(back), 12 + 4);
    ocellus_graph_destroy(back);
    ocellus_graph_destroy(graph);
}
END_TEST

/* Same inputs, outputs, states and numbers. */
START_TEST(named_nets)
{
    const int side = nets[_i].side;
    ocellus_graph *graph, *back;

    must(ocellus_net_create(nets[_i].name, nets[_i].channels, side, side, 4, 7,
                            &graph));
    back = reloaded(graph);
    ck_assert_int_eq(back->n_inputs, 1);
    ck_assert_str_eq(back->inputs[0]->name, graph->inputs[0]->name);
    ck_assert(
        oc_shape_equal(&back->inputs[0]->shape, &graph->inputs[0]->shape));
    ck_assert_str_eq(back->output_names[0], graph->output_names[0]);
    ck_assert_int_eq(back->n_states, graph->n_states);
    ck_assert_int_eq(ocellus_graph_parameter_count(back),
                     ocellus_graph_parameter_count(graph));
    for (int k = 0; k < graph->n_states; k++) {
        const struct ocellus_value *a = graph->states[k];
        const struct ocellus_value *b = oc_graph_find_state(back, a->name);
        float *first;
        ck_assert_msg(b != NULL, "%s is gone", a->name);
        ck_assert_int_eq(a->trainable, b->trainable);
        ck_assert(oc_shape_equal(&a->shape, &b->shape));
        must(oc_state_init(a, graph->seed, &first));
        ck_assert_int_eq(
            memcmp(first, b->data,
                   (size_t)oc_shape_count(&a->shape) * sizeof *first),
            0);
        free(first);
    }
    ocellus_graph_destroy(graph);
    ocellus_graph_destroy(back);
}
END_TEST

START_TEST(metadata)
{
    ocellus_graph *graph = small_net(1, 0), *back;

    must(
        ocellus_graph_set_metadata(graph, "ocellus.classes", "a\nb\n\xc3\xa4"));
    back = reloaded(graph);
    ck_assert_str_eq(ocellus_graph_get_metadata(back, "ocellus.classes"),
                     "a\nb\n\xc3\xa4");
    ocellus_graph_destroy(graph);
    ocellus_graph_destroy(back);
}
END_TEST

static float *
output_of(ocellus_device *device, const ocellus_graph *graph, size_t *count)
{
    ocellus_tensor *x = pictures(2, 3);
    const ocellus_tensor *y;
    ocellus_session *session;
    float *copy;

    must(ocellus_session_create(device, graph, &session));
    must(ocellus_session_set_input(session, "x", x));
    must(ocellus_session_run(session));
    must(ocellus_session_get_output(session, "y", &y));
    *count = ocellus_tensor_count(y);
    copy = malloc(*count * sizeof *copy);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, ocellus_tensor_data(y), *count * sizeof *copy);
    ocellus_session_destroy(session);
    ocellus_tensor_destroy(x);
    return copy;
}

/* A net that was trained a little gives the same bits after a file. */
START_TEST(same_bits)
{
    ocellus_graph *graph = small_net(2, NORM | DROPOUT), *model, *back;
    ocellus_tensor *x = pictures(4, 1), *labels = classes(4, 0);
    ocellus_trainer *trainer;
    ocellus_device *device;
    size_t n, m;

    if (ocellus_device_open(NULL, &device) != OCELLUS_OK) {
        printf("# skipped: %s\n", ocellus_error());
        ocellus_graph_destroy(graph);
        return;
    }
    must(ocellus_trainer_create(device, graph, NULL, &trainer));
    must(ocellus_trainer_step(trainer, x, labels, NULL, 1, NULL));
    must(ocellus_trainer_get_model(trainer, &model));
    back = reloaded(model);
    float *a = output_of(device, model, &n), *b = output_of(device, back, &m);
    float *c = output_of(device, graph, &m);
    ck_assert_uint_eq(n, m);
    ck_assert_int_eq(memcmp(a, b, n * sizeof *a), 0);
    ck_assert_int_ne(memcmp(a, c, n * sizeof *a), 0); /* it was trained */
    free(a);
    free(b);
    free(c);
    ocellus_tensor_destroy(x);
    ocellus_tensor_destroy(labels);
    ocellus_graph_destroy(graph);
    ocellus_graph_destroy(model);
    ocellus_graph_destroy(back);
    ocellus_trainer_destroy(trainer);
    ocellus_device_close(device);
}
END_TEST

/* ---- what is refused ------------------------------------------------------
 */

static unsigned char *
saved_bytes(size_t *count)
{
    ocellus_graph *graph = small_net(2, NORM | DROPOUT);
    unsigned char *bytes = malloc(1 << 16);
    FILE *file;

    must(ocellus_graph_save(graph, path));
    ocellus_graph_destroy(graph);
    file = fopen(path, "rb");
    ck_assert(bytes != NULL && file != NULL);
    *count = fread(bytes, 1, 1 << 16, file);
    ck_assert_uint_lt(*count, 1 << 16);
    fclose(file);
    return bytes;
}

/* A load that must not crash; what it gives must hold together. */
static ocellus_status
load_bytes(const unsigned char *bytes, size_t count)
{
    FILE *file = fopen(path, "wb");
    ocellus_graph *graph;
    ocellus_status status;

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, count, file), count);
    ck_assert_int_eq(fclose(file), 0);
    status = ocellus_graph_load(path, &graph);
    if (status == OCELLUS_OK) {
        ck_assert_ptr_nonnull(graph);
        ck_assert_int_eq(oc_graph_verify(graph), OCELLUS_OK);
    } else {
        ck_assert_ptr_null(graph);
        ck_assert_int_gt((int)strlen(ocellus_error()), 15);
    }
    ocellus_graph_destroy(graph);
    return status;
}

START_TEST(torn_files)
{
    size_t count;
    unsigned char *bytes = saved_bytes(&count);

    for (size_t k = 0; k < count; k += 1 + k % 23)
        ck_assert_int_ne(load_bytes(bytes, k), OCELLUS_OK);
    ck_assert_int_eq(load_bytes(bytes, count), OCELLUS_OK);
    free(bytes);
}
END_TEST

/* One to four bits turned, mostly where the structure is. */
START_TEST(turned_bits)
{
    uint64_t state = 17u + (uint64_t)_i;
    size_t count;
    unsigned char *bytes = saved_bytes(&count);
    unsigned char *bad = malloc(count);

    ck_assert_ptr_nonnull(bad);
    for (int k = 0; k < 400; k++) {
        memcpy(bad, bytes, count);
        for (int flips = 1 + k % 4; flips > 0; flips--) {
            double where = (double)noise(&state) * 0.5 + 0.5;
            size_t at = (size_t)(where * (double)count);
            float bit = (noise(&state) * 0.5f + 0.5f) * 8;
            bad[at < count ? at : 0] ^= (unsigned char)(1 << ((int)bit & 7));
        }
        load_bytes(bad, count);
    }
    free(bytes);
    free(bad);
}
END_TEST

START_TEST(other_files)
{
    static const char text[] = "this is no model, but a line of text\n";
    unsigned char zeros[4096] = {0};
    ocellus_graph *graph;

    ck_assert_int_eq(load_bytes((const unsigned char *)text, sizeof text),
                     OCELLUS_BAD_MODEL);
    ck_assert_int_eq(load_bytes(zeros, sizeof zeros), OCELLUS_BAD_MODEL);
    ck_assert_int_eq(load_bytes(zeros, 0), OCELLUS_BAD_MODEL);
    ck_assert_int_eq(ocellus_graph_load("/no/such/model.onnx", &graph),
                     OCELLUS_IO);
    ck_assert_ptr_nonnull(strstr(ocellus_error(), "/no/such/model.onnx"));
    ck_assert_int_eq(ocellus_graph_load(folder, &graph), OCELLUS_IO);
}
END_TEST

START_TEST(nowhere_to_write)
{
    ocellus_graph *graph = small_net(1, 0);

    ck_assert_int_eq(ocellus_graph_save(graph, "/no/such/folder/model.onnx"),
                     OCELLUS_IO);
    ck_assert_ptr_nonnull(strstr(ocellus_error(), "/no/such/folder"));
    ocellus_graph_destroy(graph);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, named_nets, 0, 8);
    tcase_add_test(tests, weights_in_pieces);
    tcase_add_test(tests, metadata);
    tcase_add_test(tests, same_bits);
    tcase_add_test(tests, torn_files);
    tcase_add_loop_test(tests, turned_bits, 0, 3);
    tcase_add_test(tests, other_files);
    tcase_add_test(tests, nowhere_to_write);
}

int
main(void)
{
    return run_suite("onnx", add);
}
