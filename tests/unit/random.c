/* random.c - Philox and the streams on it. */
#include <math.h>

#include "base/random.h"
#include "tests/unit/suite.h"

/* "philox4x32 10" of kat_vectors, Random123 1.14. */
START_TEST(known_answers)
{
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } known[] = {
        {{0, 0, 0, 0},
         {0, 0},
         {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };

    for (int i = 0; i < 3; i++) {
        uint32_t out[4];

        oc_philox(known[i].key, known[i].counter, out);
        for (int k = 0; k < 4; k++)
            ck_assert_uint_eq(out[k], known[i].out[k]);
    }
}
END_TEST

START_TEST(stream_is_a_counter)
{
    const uint64_t seed = UINT64_C(0x299f31d0a4093822);
    const uint64_t stream = UINT64_C(0x0370734413198a2e);
    struct oc_random random, later;
    uint32_t word[3], out[4];

    /* Number 4 is word 0 of block 1. */
    oc_random_start(&random, seed, stream);
    for (int i = 0; i < 4; i++)
        oc_random_u32(&random);
    later = random;
    for (int i = 0; i < 3; i++)
        word[i] = oc_random_u32(&random);
    oc_philox((const uint32_t[]){0xa4093822, 0x299f31d0},
              (const uint32_t[]){1, 0, 0x13198a2e, 0x03707344}, out);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(word[i], out[i]);
        ck_assert_uint_eq(oc_random_u32(&later), word[i]);
    }
}
END_TEST

START_TEST(below_is_even)
{
    struct oc_random random;
    int count[7] = {0};
    double chi = 0;

    oc_random_start(&random, 1, 2);
    for (int i = 0; i < 70000; i++) {
        uint32_t x = oc_random_below(&random, 7);

        ck_assert_uint_lt(x, 7);
        count[x]++;
    }
    for (int i = 0; i < 7; i++)
        chi += (count[i] - 10000.0) * (count[i] - 10000.0) / 10000.0;
    ck_assert_double_lt(chi, 22.5); /* 6 degrees of freedom, p = 0.001 */
    ck_assert_uint_eq(oc_random_below(&random, 1), 0);
    ck_assert_uint_eq(oc_random_below(&random, 0), 0);
    for (int i = 0; i < 1000; i++)
        ck_assert_uint_lt(oc_random_below(&random, 0xfffffffe), 0xfffffffe);
}
END_TEST

/* Means of powers against those of the distribution, within 5 standard
 * errors of N draws. */
START_TEST(moments)
{
    enum { N = 200000 };
    struct oc_random random;
    double u1 = 0, u2 = 0, n1 = 0, n2 = 0, n4 = 0;

    oc_random_start(&random, 3, 4);
    for (int i = 0; i < N; i++) {
        double u = (double)oc_random_uniform(&random);
        double n = (double)oc_random_normal(&random);

        ck_assert(u >= 0 && u < 1);
        ck_assert(isfinite(n));
        u1 += u / N;
        u2 += u * u / N;
        n1 += n / N;
        n2 += n * n / N;
        n4 += n * n * n * n / N;
    }
    ck_assert_double_eq_tol(u1, 0.5, 5 * sqrt(1.0 / 12 / N));
    ck_assert_double_eq_tol(u2, 1.0 / 3, 5 * sqrt(4.0 / 45 / N));
    ck_assert_double_eq_tol(n1, 0, 5 * sqrt(1.0 / N));
    ck_assert_double_eq_tol(n2, 1, 5 * sqrt(2.0 / N));
    ck_assert_double_eq_tol(n4, 3, 5 * sqrt(96.0 / N));
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, known_answers);
    tcase_add_test(tests, stream_is_a_counter);
    tcase_add_test(tests, below_is_even);
    tcase_add_test(tests, moments);
}

int
main(void)
{
    return run_suite("random", add);
}
