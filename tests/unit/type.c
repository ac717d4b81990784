/* type.c - element types, against IEEE 754's definitions. */
#include <float.h>
#include <math.h>

#include "base/status.h"
#include "base/type.h"
#include "tests/unit/suite.h"

static const ocellus_type all[] = {
    OCELLUS_FLOAT,   OCELLUS_UINT8,  OCELLUS_INT8,    OCELLUS_UINT16,
    OCELLUS_INT16,   OCELLUS_INT32,  OCELLUS_INT64,   OCELLUS_BOOL,
    OCELLUS_DOUBLE,  OCELLUS_UINT32, OCELLUS_FLOAT16, OCELLUS_UINT64,
    OCELLUS_BFLOAT16};

START_TEST(rows)
{
    ck_assert_uint_eq(oc_type_size(OCELLUS_FLOAT16), 2);
    ck_assert_uint_eq(oc_type_size(OCELLUS_DOUBLE), 8);
    ck_assert_uint_eq(oc_type_size(OCELLUS_BOOL), 1);
    ck_assert_uint_eq(oc_type_size(OCELLUS_STRING), 0);
    ck_assert_uint_eq(oc_type_size((ocellus_type)14), 0);
    ck_assert_uint_eq(oc_type_size((ocellus_type)99), 0);
    ck_assert_str_eq(oc_type_name(OCELLUS_INT64), "int64");
    ck_assert_str_eq(oc_type_name((ocellus_type)-3), "undefined");
    ck_assert(oc_type_is_float(OCELLUS_BFLOAT16));
    ck_assert(!oc_type_is_float(OCELLUS_INT8));
    ck_assert(oc_type_is_integer(OCELLUS_UINT64));
    ck_assert(!oc_type_is_integer(OCELLUS_BOOL));
    ck_assert(!oc_type_is_integer(OCELLUS_FLOAT));
}
END_TEST

/* sign * 2^(e - 15) * 1.f, subnormals 2^-14 * 0.f. */
static double
half_by_definition(unsigned half)
{
    double sign = half & 0x8000 ? -1.0 : 1.0;
    int exponent = half >> 10 & 0x1f;
    int fraction = half & 0x3ff;

    if (exponent == 0)
        return sign * ldexp(fraction, -24);
    return sign * ldexp(1024 + fraction, exponent - 25);
}

START_TEST(every_half_goes_round)
{
    for (unsigned half = 0; half < 0x10000; half++) {
        float value = oc_half_to_float((uint16_t)half);

        if ((half & 0x7c00) != 0x7c00)
            ck_assert_double_eq((double)value, half_by_definition(half));
        else if (half & 0x3ff)
            ck_assert(isnan(value));
        else
            ck_assert_double_eq((double)value,
                                half & 0x8000 ? -INFINITY : INFINITY);
        if (isnan(value))
            ck_assert(isnan(oc_half_to_float(oc_float_to_half(value))));
        else
            ck_assert_uint_eq(oc_float_to_half(value), half);
    }
}
END_TEST

/* Between each two neighbours: the middle goes to the even one, what is a
 * float's last bit beside it to the nearer one. */
START_TEST(half_rounds_to_nearest_even)
{
    for (unsigned half = 0; half < 0x7c00; half++) {
        double low = half_by_definition(half);
        double high = half == 0x7bff ? 65536 : half_by_definition(half + 1);
        float middle = (float)((low + high) / 2);
        unsigned even = half & 1 ? half + 1 : half;

        ck_assert_uint_eq(oc_float_to_half(middle), even);
        ck_assert_uint_eq(oc_float_to_half(-middle), even | 0x8000);
        ck_assert_uint_eq(oc_float_to_half(nextafterf(middle, 0)), half);
        ck_assert_uint_eq(oc_float_to_half(nextafterf(middle, INFINITY)),
                          half + 1);
    }
    ck_assert_uint_eq(oc_float_to_half(FLT_MAX), 0x7c00);
    ck_assert_uint_eq(oc_float_to_half(-FLT_MIN), 0x8000);
}
END_TEST

START_TEST(bfloat16_rounds_to_nearest_even)
{
    for (unsigned i = 0; i < 0x7f80; i++) {
        float low = oc_bfloat16_to_float((uint16_t)i);
        double high = i == 0x7f7f
                          ? 0x1p128
                          : (double)oc_bfloat16_to_float((uint16_t)(i + 1));
        float middle = (float)(((double)low + high) / 2);

        ck_assert_uint_eq(oc_float_to_bfloat16(low), i);
        ck_assert_uint_eq(oc_float_to_bfloat16(-middle),
                          (i & 1 ? i + 1 : i) | 0x8000);
        ck_assert_uint_eq(oc_float_to_bfloat16(nextafterf(middle, 0)), i);
        ck_assert_uint_eq(oc_float_to_bfloat16(nextafterf(middle, INFINITY)),
                          i + 1);
    }
    ck_assert_float_eq(oc_bfloat16_to_float(0x3fc0), 1.5f);
    ck_assert(isnan(oc_bfloat16_to_float(oc_float_to_bfloat16(NAN))));
}
END_TEST

START_TEST(elements_go_round)
{
    unsigned char data[64];

    for (size_t t = 0; t < OC_COUNT(all); t++) {
        double one = all[t] == OCELLUS_BOOL ? 1 : 100;

        oc_element_set(all[t], data, 1, one);
        oc_element_set(all[t], data, 2, 0);
        ck_assert_double_eq(oc_element_get(all[t], data, 1), one);
        ck_assert_double_eq(oc_element_get(all[t], data, 2), 0);
        ck_assert_int_eq(oc_element_get_int(all[t], data, 1), (int64_t)one);
        oc_element_set_int(all[t], data, 3, 64);
        ck_assert_int_eq(oc_element_get_int(all[t], data, 3),
                         all[t] == OCELLUS_BOOL ? 1 : 64);
    }
}
END_TEST

START_TEST(agrees_with_the_compiler)
{
    float f[2];
    int16_t s[2];
    uint64_t u[2];
    double d[2];

    oc_element_set(OCELLUS_FLOAT, f, 1, 0.1);
    ck_assert_float_eq(f[1], 0.1f);
    oc_element_set(OCELLUS_DOUBLE, d, 1, 0.1);
    ck_assert_double_eq(d[1], 0.1);
    oc_element_set_int(OCELLUS_INT16, s, 1, -12345);
    ck_assert_int_eq(s[1], -12345);
    ck_assert_int_eq(oc_element_get_int(OCELLUS_INT16, s, 1), -12345);
    u[1] = UINT64_C(1) << 63;
    ck_assert_double_eq(oc_element_get(OCELLUS_UINT64, u, 1), 0x1p63);
}
END_TEST

START_TEST(integers_saturate)
{
    int64_t place;
    void *data = &place;

#define SET(type, value)                                                       \
    (oc_element_set(type, data, 0, value), oc_element_get_int(type, data, 0))
#define SET_INT(type, value)                                                   \
    (oc_element_set_int(type, data, 0, value),                                 \
     oc_element_get_int(type, data, 0))
    ck_assert_int_eq(SET(OCELLUS_UINT8, 300), 255);
    ck_assert_int_eq(SET(OCELLUS_UINT8, -3), 0);
    ck_assert_int_eq(SET(OCELLUS_INT8, -129), -128);
    ck_assert_int_eq(SET(OCELLUS_INT8, 1e30), 127);
    ck_assert_int_eq(SET(OCELLUS_INT32, -2.9), -2);
    ck_assert_int_eq(SET(OCELLUS_INT32, (double)NAN), 0);
    ck_assert_int_eq(SET(OCELLUS_INT64, 1e19), INT64_MAX);
    ck_assert_int_eq(SET(OCELLUS_INT64, -1e19), INT64_MIN);
    ck_assert_int_eq(SET_INT(OCELLUS_UINT16, 70000), 65535);
    ck_assert_int_eq(SET_INT(OCELLUS_UINT64, -1), 0);
    ck_assert_int_eq(SET_INT(OCELLUS_INT32, INT64_MIN), INT32_MIN);
    ck_assert_int_eq(SET_INT(OCELLUS_INT64, INT64_MIN), INT64_MIN);
    ck_assert_int_eq(SET_INT(OCELLUS_INT64, INT64_MAX), INT64_MAX);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, rows);
    tcase_add_test(tests, every_half_goes_round);
    tcase_add_test(tests, half_rounds_to_nearest_even);
    tcase_add_test(tests, bfloat16_rounds_to_nearest_even);
    tcase_add_test(tests, elements_go_round);
    tcase_add_test(tests, agrees_with_the_compiler);
    tcase_add_test(tests, integers_saturate);
}

int
main(void)
{
    return run_suite("type", add);
}
