/* lent.c - weights that a session reads where the graph has them: whoever
 * writes a state writes its own numbers, not the graph's. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <ocellus.h>

#include "tests/unit/small_net.h"
#include "tests/unit/suite.h"

enum { WIDE = 640 }; /* 640 x 640 floats are more than 1 MiB */

static ocellus_device *device;

static void
setup(void)
{
    must(ocellus_device_open(NULL, &device));
}

static void
teardown(void)
{
    ocellus_device_close(device);
}

/* y = x w + x c; w a state of ones, c a constant of ones, as a file has them.
 */
static ocellus_graph *
loaded(void)
{
    const int64_t line[] = {1, WIDE}, square[] = {WIDE, WIDE};
    char path[64];
    ocellus_graph *g, *read;
    ocellus_tensor *ones;
    must(ocellus_graph_create(&g));
    must(ocellus_tensor_create(OCELLUS_FLOAT, 2, square, &ones));
    for (int k = 0; k < WIDE * WIDE; k++)
        ((float *)ocellus_tensor_data(ones))[k] = 1;
    ocellus_value *x = ocellus_graph_input(g, "x", OCELLUS_FLOAT, 2, line);
    ocellus_value *w = ocellus_graph_parameter(g, "w", 2, square, "ones");
    ocellus_value *c = ocellus_graph_constant(g, "c", ones);
    must(ocellus_graph_output(
        g, "y",
        ocellus_apply(
            g, "Add", NULL, ocellus_apply(g, "Gemm", NULL, x, w, NULL),
            ocellus_apply(g, "Mul", NULL,
                          ocellus_apply(g, "ReduceMean", NULL, c, NULL), x,
                          NULL),
            NULL)));
    snprintf(path, sizeof path, "lent-%ld.onnx", (long)getpid());
    must(ocellus_graph_save(g, path));
    must(ocellus_graph_load(path, &read));
    remove(path);
    ocellus_tensor_destroy(ones);
    ocellus_graph_destroy(g);
    return read;
}

static float
run_on_ones(ocellus_session *session)
{
    const int64_t line[] = {1, WIDE};
    const ocellus_tensor *y;
    ocellus_tensor *x;
    must(ocellus_tensor_create(OCELLUS_FLOAT, 2, line, &x));
    for (int k = 0; k < WIDE; k++)
        ((float *)ocellus_tensor_data(x))[k] = 1;
    must(ocellus_session_set_input(session, "x", x));
    must(ocellus_session_run(session));
    must(ocellus_session_get_output(session, "y", &y));
    float first = *(const float *)ocellus_tensor_data((ocellus_tensor *)y);
    ocellus_tensor_destroy(x);
    return first;
}

START_TEST(written)
{
    const int64_t square[] = {WIDE, WIDE};
    ocellus_graph *g = loaded();
    ocellus_session *one, *other;
    ocellus_tensor *twos;
    must(ocellus_session_create(device, g, &one));
    must(ocellus_session_create(device, g, &other));
    ocellus_graph_destroy(g); /* the sessions keep what they need of it */
    ck_assert_float_eq(run_on_ones(one), WIDE + 1);
    must(ocellus_tensor_create(OCELLUS_FLOAT, 2, square, &twos));
    for (int k = 0; k < WIDE * WIDE; k++)
        ((float *)ocellus_tensor_data(twos))[k] = 2;
    must(ocellus_session_write_state(one, "w", twos));
    ck_assert_float_eq(run_on_ones(one), 2 * WIDE + 1);
    ck_assert_float_eq(run_on_ones(other), WIDE + 1);
    ((float *)ocellus_tensor_data(twos))[0] = 3;
    must(ocellus_session_write_state(one, "w", twos));
    ck_assert_float_eq(run_on_ones(one), 2 * WIDE + 2);
    ocellus_session_destroy(one);
    ck_assert_float_eq(run_on_ones(other), WIDE + 1);
    ocellus_session_destroy(other);
    ocellus_tensor_destroy(twos);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, written);
}

int
main(void)
{
    const int status = no_device();

    return status ? status : run_suite("lent", add);
}
