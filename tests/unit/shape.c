/* shape.c - extents. */
#include <string.h>

#include "base/shape.h"
#include "tests/unit/suite.h"

START_TEST(counts)
{
    struct oc_shape shape = OC_SHAPE(2, 3, 5, 7);
    struct oc_shape scalar = oc_shape_make(0, NULL);
    struct oc_shape open = OC_SHAPE(OC_UNKNOWN, 3, 0);
    struct oc_shape empty = OC_SHAPE(4, 0, 3);
    int64_t stride[OC_MAX_RANK];

    ck_assert_int_eq(shape.rank, 4);
    ck_assert_int_eq(oc_shape_count(&shape), 210);
    ck_assert_int_eq(oc_shape_count(&scalar), 1);
    ck_assert_int_eq(oc_shape_count(&empty), 0);
    ck_assert_int_eq(oc_shape_count(&open), -1);
    ck_assert_int_eq(oc_shape_span(&shape, 1, 3), 15);
    ck_assert_int_eq(oc_shape_span(&shape, 2, 2), 1);
    ck_assert_int_eq(oc_shape_span(&open, 1, 3), 0);
    ck_assert(oc_shape_known(&empty) && !oc_shape_known(&open));
    oc_shape_strides(&shape, stride);
    ck_assert_int_eq(stride[0], 105);
    ck_assert_int_eq(stride[1], 35);
    ck_assert_int_eq(stride[2], 7);
    ck_assert_int_eq(stride[3], 1);
}
END_TEST

START_TEST(equal)
{
    struct oc_shape a = OC_SHAPE(2, 3), b = OC_SHAPE(2, 3, 1);
    struct oc_shape c = OC_SHAPE(2, 4), d = OC_SHAPE(2, 3);

    ck_assert(oc_shape_equal(&a, &d));
    ck_assert(!oc_shape_equal(&a, &b));
    ck_assert(!oc_shape_equal(&a, &c));
}
END_TEST

START_TEST(bytes_are_checked)
{
    struct oc_shape fine = OC_SHAPE(3, 4), empty = OC_SHAPE(3, 0);
    struct oc_shape huge = OC_SHAPE(1 << 30, 1 << 16);
    struct oc_shape tall = OC_SHAPE(INT64_MAX, INT64_MAX, 0);
    struct oc_shape negative = OC_SHAPE(3, -4), open = OC_SHAPE(OC_UNKNOWN);
    size_t bytes;

    ck_assert_int_eq(oc_shape_bytes(&fine, 4, &bytes), OCELLUS_OK);
    ck_assert_uint_eq(bytes, 48);
    ck_assert_int_eq(oc_shape_bytes(&empty, 4, &bytes), OCELLUS_OK);
    ck_assert_uint_eq(bytes, 0);
    ck_assert_int_eq(oc_shape_bytes(&huge, 1, &bytes), OCELLUS_OK);
    ck_assert_int_eq(oc_shape_bytes(&huge, 4, &bytes), OCELLUS_BAD_MODEL);
    ck_assert_ptr_nonnull(strstr(ocellus_error(), "1073741824x65536"));
    ck_assert_int_eq(oc_shape_bytes(&tall, 1, &bytes), OCELLUS_BAD_MODEL);
    ck_assert_int_eq(oc_shape_bytes(&open, 4, &bytes), OCELLUS_BAD_MODEL);
    ck_assert_int_eq(oc_shape_bytes(&negative, 4, &bytes), OCELLUS_BAD_MODEL);
    ck_assert_ptr_nonnull(strstr(ocellus_error(), "-4"));
}
END_TEST

START_TEST(broadcasts_as_numpy)
{
    static const struct {
        struct oc_shape a, b, out;
    } good[] = {
        {{3, {8, 1, 6}}, {4, {7, 8, 5, 1}}, {4, {7, 8, 5, 6}}},
        {{0, {0}}, {2, {2, 3}}, {2, {2, 3}}},
        {{2, {1, 3}}, {2, {0, 3}}, {2, {0, 3}}},
        {{1, {-1}}, {1, {1}}, {1, {-1}}},
        {{1, {1}}, {1, {-1}}, {1, {-1}}},
        {{1, {-1}}, {1, {-1}}, {1, {-1}}},
        {{2, {-1, 3}}, {2, {5, 1}}, {2, {5, 3}}},
    };
    struct oc_shape a = OC_SHAPE(2, 3), b = OC_SHAPE(4), out;

    for (size_t i = 0; i < OC_COUNT(good); i++) {
        ck_assert_int_eq(oc_shape_broadcast(&good[i].a, &good[i].b, &out),
                         OCELLUS_OK);
        ck_assert(oc_shape_equal(&out, &good[i].out));
        ck_assert_int_eq(oc_shape_broadcast(&good[i].b, &good[i].a, &out),
                         OCELLUS_OK);
        ck_assert(oc_shape_equal(&out, &good[i].out));
    }
    ck_assert_int_eq(oc_shape_broadcast(&a, &b, &out), OCELLUS_BAD_MODEL);
    ck_assert_str_eq(ocellus_error(),
                     "shapes 2x3 and 4 do not broadcast: 3 meets 4");
}
END_TEST

START_TEST(axes)
{
    int axis = 9;

    ck_assert_int_eq(oc_axis(-1, 4, &axis), OCELLUS_OK);
    ck_assert_int_eq(axis, 3);
    ck_assert_int_eq(oc_axis(-4, 4, &axis), OCELLUS_OK);
    ck_assert_int_eq(axis, 0);
    ck_assert_int_eq(oc_axis(3, 4, &axis), OCELLUS_OK);
    ck_assert_int_eq(axis, 3);
    ck_assert_int_eq(oc_axis(4, 4, &axis), OCELLUS_BAD_MODEL);
    ck_assert_int_eq(oc_axis(-5, 4, &axis), OCELLUS_BAD_MODEL);
    ck_assert_int_eq(oc_axis(0, 0, &axis), OCELLUS_BAD_MODEL);
}
END_TEST

START_TEST(texts)
{
    struct oc_shape shape = OC_SHAPE(1, 3, OC_UNKNOWN, 224);
    struct oc_shape longest =
        OC_SHAPE(INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN,
                 INT64_MIN, INT64_MIN, INT64_MIN);
    struct oc_shape scalar = {0};
    char text[OC_SHAPE_TEXT];

    ck_assert_str_eq(oc_shape_text(&shape, text), "1x3x?x224");
    ck_assert_str_eq(oc_shape_text(&scalar, text), "scalar");
    ck_assert_uint_eq(strlen(oc_shape_text(&longest, text)), 8 * 20 + 7);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, counts);
    tcase_add_test(tests, equal);
    tcase_add_test(tests, bytes_are_checked);
    tcase_add_test(tests, broadcasts_as_numpy);
    tcase_add_test(tests, axes);
    tcase_add_test(tests, texts);
}

int
main(void)
{
    return run_suite("shape", add);
}
