/* schedule.c - learning rates by the formulas of torch.optim.lr_scheduler, and
 * the texts of optimizers, losses and schedules. */
#include <math.h>
#include <string.h>

#include "tests/unit/suite.h"
#include "train/recipe.h"

#define NEAR(a, b) ck_assert_double_eq_tol(a, b, 1e-12)
#define PI 3.14159265358979323846

static struct oc_schedule
parsed(const char *text)
{
    struct oc_schedule schedule;

    ck_assert_int_eq(oc_schedule_parse(text, &schedule), OCELLUS_OK);
    return schedule;
}

START_TEST(constant)
{
    struct oc_schedule s = parsed(NULL);

    for (int k = 0; k < 10; k++)
        NEAR(oc_schedule_rate(&s, 0.3, k, 10), 0.3);
}
END_TEST

/* StepLR: rate * gamma^(epoch div step_size). */
START_TEST(step)
{
    struct oc_schedule s = parsed("step every=7 gamma=0.3");
    double rate = 0.5;

    for (int k = 0; k < 30; k++) {
        if (k > 0 && k % 7 == 0)
            rate *= 0.3;
        NEAR(oc_schedule_rate(&s, 0.5, k, 30), rate);
    }
    NEAR(oc_schedule_rate(&s, 0.5, 6.99, 30), 0.5);
}
END_TEST

/* CosineAnnealingLR, the closed form of its documentation. */
START_TEST(cosine)
{
    struct oc_schedule s = parsed("cosine min=0.02");

    for (int k = 0; k <= 20; k++)
        NEAR(oc_schedule_rate(&s, 0.4, k, 20),
             0.02 + (0.4 - 0.02) * (1 + cos(PI * k / 20)) / 2);
    NEAR(oc_schedule_rate(&s, 0.4, 25, 20), 0.02);
}
END_TEST

/* A linear rise, then the cosine over what is left. */
START_TEST(warmup)
{
    struct oc_schedule s = parsed("cosine warmup=4");

    NEAR(oc_schedule_rate(&s, 0.4, 1, 20), 0.1);
    NEAR(oc_schedule_rate(&s, 0.4, 3, 20), 0.3);
    NEAR(oc_schedule_rate(&s, 0.4, 4, 20), 0.4);
    NEAR(oc_schedule_rate(&s, 0.4, 12, 20), 0.2);
    NEAR(oc_schedule_rate(&s, 0.4, 20, 20), 0);
}
END_TEST

/* OneCycleLR with cos: from max / div_factor up to max within pct_start, down
 * to (max / div_factor) / final_div_factor. */
START_TEST(onecycle)
{
    struct oc_schedule s = parsed("onecycle start=0.25 div=10 final=100");
    const double top = 0.8, first = top / 10, last = first / 100;

    NEAR(oc_schedule_rate(&s, top, 0, 40), first);
    NEAR(oc_schedule_rate(&s, top, 5, 40), (first + top) / 2);
    NEAR(oc_schedule_rate(&s, top, 10, 40), top);
    NEAR(oc_schedule_rate(&s, top, 25, 40), (top + last) / 2);
    NEAR(oc_schedule_rate(&s, top, 40, 40), last);
    for (int k = 10; k <= 40; k++)
        NEAR(oc_schedule_rate(&s, top, k, 40),
             last + (top - last) * (1 + cos(PI * (k - 10) / 30)) / 2);
}
END_TEST

START_TEST(bad_schedules)
{
    static const char *const bad[] = {
        "linear",          "step every=0",     "step every",
        "cosine gamma=1",  "onecycle start=1", "onecycle div=0",
        "cosine min=high", "constant every=3", "step warmup=-1",
    };
    struct oc_schedule s;

    ck_assert_int_eq(oc_schedule_parse(bad[_i], &s), OCELLUS_BAD_ARGUMENT);
    ck_assert_int_gt((int)strlen(ocellus_error()), 15);
}
END_TEST

START_TEST(optimizers)
{
    struct oc_recipe r = {0};
    double rate;

    ck_assert_int_eq(oc_optimizer_parse(NULL, &r, &rate), OCELLUS_OK);
    ck_assert_int_eq(r.optimizer, OC_OPTIMIZER_SGD);
    NEAR(rate, 0.01);
    ck_assert_float_eq(r.momentum, 0.9f);
    ck_assert_int_eq(oc_optimizer_parse("sgd lr=0.1 momentum=0.8 nesterov "
                                        "weight_decay=5e-4",
                                        &r, &rate),
                     OCELLUS_OK);
    NEAR(rate, 0.1);
    ck_assert_int_eq(r.nesterov, 1);
    ck_assert_float_eq(r.weight_decay, 5e-4f);
    ck_assert_int_eq(oc_optimizer_parse("adamw", &r, &rate), OCELLUS_OK);
    ck_assert_float_eq(r.weight_decay, 0.01f);
    ck_assert_float_eq(r.beta2, 0.999f);
    NEAR(rate, 0.001);
}
END_TEST

START_TEST(bad_optimizers)
{
    static const char *const bad[] = {
        "sdg",           "sgd lr",       "sgd lr=fast",
        "sgd beta1=0.9", "adam beta1=1", "sgd momentum=0 nesterov",
    };
    struct oc_recipe r = {0};
    double rate;

    ck_assert_int_eq(oc_optimizer_parse(bad[_i], &r, &rate),
                     OCELLUS_BAD_ARGUMENT);
    ck_assert_int_gt((int)strlen(ocellus_error()), 15);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, constant);
    tcase_add_test(tests, step);
    tcase_add_test(tests, cosine);
    tcase_add_test(tests, warmup);
    tcase_add_test(tests, onecycle);
    tcase_add_loop_test(tests, bad_schedules, 0, 9);
    tcase_add_test(tests, optimizers);
    tcase_add_loop_test(tests, bad_optimizers, 0, 6);
}

int
main(void)
{
    return run_suite("schedule", add);
}
