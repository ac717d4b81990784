/* data_loader.c - loaders: order, batches, resume, threads, failures; and the
 * drawn digits. Samples come from a callback that says which one it is. */
#include <math.h>

#include <ocellus.h>

#include "tests/unit/data_folder.h"

#define COUNT 103
#define BATCH 16
#define CLASSES 5

static int64_t broken = -1;

/* Sample i is filled with i; its label is i % CLASSES. */
static ocellus_status
serve(void *user, ocellus_split split, int64_t index, float *x, int64_t *label)
{
    (void)user;
    if (index == broken)
        return ocellus_fail(OCELLUS_IO, "the tape is torn");
    for (int i = 0; i < 2 * 3 * 4; i++)
        x[i] = (float)index + (split == OCELLUS_TEST ? 1000 : 0);
    *label = index % CLASSES;
    return OCELLUS_OK;
}

static ocellus_dataset *
make_set(void)
{
    ocellus_sample_source source = {.size = sizeof source,
                                    .channels = 2,
                                    .height = 3,
                                    .width = 4,
                                    .classes = CLASSES,
                                    .count = {COUNT, 0, 7},
                                    .read = serve};
    ocellus_dataset *set;

    WANT(ocellus_dataset_from_source(&source, NULL, &set));
    return set;
}

static ocellus_loader *
make_loader(ocellus_dataset *set, int threads, const char *augment)
{
    ocellus_loader_options options = {.size = sizeof options,
                                      .batch = BATCH,
                                      .shuffle = 1,
                                      .seed = 42,
                                      .augment = augment,
                                      .threads = threads};
    ocellus_loader *loader;

    WANT(ocellus_loader_create(set, OCELLUS_TRAIN, &options, &loader));
    return loader;
}

/* FNV-1a over all that a batch says. */
static uint64_t
digest(uint64_t sum, const ocellus_batch *batch)
{
    const ocellus_tensor *parts[3] = {batch->x, batch->labels, batch->labels2};

    for (int k = 0; k < 3; k++) {
        const uint8_t *bytes = parts[k] ? ocellus_tensor_data(parts[k]) : NULL;
        size_t count = parts[k] ? ocellus_tensor_bytes(parts[k]) : 0;

        for (size_t i = 0; i < count; i++)
            sum = (sum ^ bytes[i]) * UINT64_C(1099511628211);
    }
    return sum + (uint64_t)(batch->lambda * 1e6f);
}

START_TEST(an_epoch_is_a_permutation)
{
    ocellus_dataset *set = make_set();
    ocellus_loader *loader;
    ocellus_loader_options options = {
        .size = sizeof options, .batch = BATCH, .shuffle = 1, .raw = 1};
    const ocellus_batch *batch;
    int64_t first[2][COUNT];

    WANT(ocellus_loader_create(set, OCELLUS_TRAIN, &options, &loader));
    ck_assert_int_eq(ocellus_loader_count(loader), COUNT);
    ck_assert_int_eq(ocellus_loader_batches(loader), 7);
    for (int epoch = 0; epoch < 2; epoch++) {
        int seen[COUNT] = {0};
        int64_t n = 0;

        for (;;) {
            WANT(ocellus_loader_next(loader, &batch));
            if (batch == NULL)
                break;
            ck_assert_int_eq(batch->epoch, epoch);
            ck_assert_int_eq(batch->count,
                             n + BATCH <= COUNT ? BATCH : COUNT - n);
            ck_assert_int_eq(ocellus_tensor_dims(batch->x)[0], batch->count);
            ck_assert_int_eq(ocellus_tensor_dims(batch->x)[3], 4);
            for (int64_t i = 0; i < batch->count; i++, n++) {
                float x = ((float *)ocellus_tensor_data(batch->x))[i * 24];
                int64_t label =
                    ((int64_t *)ocellus_tensor_data(batch->labels))[i];

                ck_assert_float_eq(x, (float)batch->indices[i]);
                ck_assert_int_eq(label, batch->indices[i] % CLASSES);
                seen[batch->indices[i]]++;
                first[epoch][n] = batch->indices[i];
            }
            ck_assert_int_eq(batch->position, n);
            ck_assert_float_eq(batch->lambda, 1);
        }
        ck_assert_int_eq(n, COUNT);
        for (int i = 0; i < COUNT; i++)
            ck_assert_int_eq(seen[i], 1);
    }
    ck_assert(memcmp(first[0], first[1], sizeof *first) != 0);
    ocellus_loader_destroy(loader);
    ocellus_dataset_destroy(set);
}
END_TEST

/* The same numbers in fewer dimensions; two channels are no H x W. */
START_TEST(images_in_a_row)
{
    ocellus_dataset *set = make_set(), *digits;
    ocellus_loader_options options = {
        .size = sizeof options, .batch = BATCH, .raw = 1, .axes = 1};
    ocellus_loader *loader;
    const ocellus_batch *batch;

    WANT(ocellus_loader_create(set, OCELLUS_TRAIN, &options, &loader));
    WANT(ocellus_loader_next(loader, &batch));
    ck_assert_int_eq(ocellus_tensor_rank(batch->x), 2);
    ck_assert_int_eq(ocellus_tensor_dims(batch->x)[0], BATCH);
    ck_assert_int_eq(ocellus_tensor_dims(batch->x)[1], 2 * 3 * 4);
    for (int i = 0; i < BATCH * 24; i++)
        ck_assert_float_eq(((float *)ocellus_tensor_data(batch->x))[i],
                           (float)(i / 24));
    ocellus_loader_destroy(loader);
    for (options.axes = -1; options.axes <= 3; options.axes += 4) {
        ck_assert_int_eq(
            ocellus_loader_create(set, OCELLUS_TRAIN, &options, &loader),
            OCELLUS_BAD_ARGUMENT);
        want_words("0 is what the data set has");
    }
    options.axes = 2;
    ck_assert_int_eq(
        ocellus_loader_create(set, OCELLUS_TRAIN, &options, &loader),
        OCELLUS_BAD_ARGUMENT);
    want_words("2 channels");
    WANT(ocellus_dataset_digits(20, 10, NULL, &digits));
    WANT(ocellus_loader_create(digits, OCELLUS_TRAIN, &options, &loader));
    WANT(ocellus_loader_next(loader, &batch));
    ck_assert_int_eq(ocellus_tensor_rank(batch->x), 3);
    ck_assert_int_eq(ocellus_tensor_dims(batch->x)[1], 28);
    ocellus_loader_destroy(loader);
    ocellus_dataset_destroy(digits);
    ocellus_dataset_destroy(set);
}
END_TEST

START_TEST(threads_do_not_matter)
{
    static const char augment[] = "rotate=20 shift=1 flip noise=0.1 cutout=2 "
                                  "mixup=0.4";
    uint64_t sums[3];

    for (int k = 0; k < 3; k++) {
        ocellus_dataset *set = make_set();
        ocellus_loader *loader = make_loader(set, 1 + 3 * k, augment);
        const ocellus_batch *batch;

        sums[k] = 1;
        for (int epoch = 0; epoch < 3; epoch++) {
            do {
                WANT(ocellus_loader_next(loader, &batch));
                if (batch != NULL)
                    sums[k] = digest(sums[k], batch);
            } while (batch != NULL);
        }
        ocellus_loader_destroy(loader);
        ocellus_dataset_destroy(set);
    }
    ck_assert_uint_eq(sums[0], sums[1]);
    ck_assert_uint_eq(sums[0], sums[2]);
}
END_TEST

/* The batches behind any place are the same, come to straight or by start. */
START_TEST(resumes_anywhere)
{
    ocellus_dataset *set = make_set();
    ocellus_loader *loader = make_loader(set, 3, "flip noise=0.1 cutmix=1");
    uint64_t straight[3][8] = {{0}};
    const ocellus_batch *batch;

    for (int epoch = 0; epoch < 3; epoch++)
        for (int b = 0; b < 8; b++) {
            WANT(ocellus_loader_next(loader, &batch));
            ck_assert_int_eq(batch == NULL, b == 7);
            straight[epoch][b] = batch != NULL ? digest(1, batch) : 0;
        }
    for (int place = 23; place >= 0; place--) {
        int position = place % 8 * BATCH;

        WANT(ocellus_loader_start(loader, place / 8,
                                  position < COUNT ? position : COUNT));
        for (int k = place; k < 24 && k < place + 3; k++) {
            WANT(ocellus_loader_next(loader, &batch));
            ck_assert_uint_eq(batch != NULL ? digest(1, batch) : 0,
                              straight[k / 8][k % 8]);
        }
    }
    ck_assert_int_eq(ocellus_loader_start(loader, 0, 5), OCELLUS_BAD_ARGUMENT);
    want_words("sample 5 of epoch 0");
    ck_assert_int_eq(ocellus_loader_start(loader, -1, 0), OCELLUS_BAD_ARGUMENT);
    ocellus_loader_destroy(loader);
    ocellus_dataset_destroy(set);
}
END_TEST

START_TEST(works_ahead_across_epochs)
{
    ocellus_loader_options options = {.size = sizeof options,
                                      .batch = 50,
                                      .shuffle = 1,
                                      .epochs = 4,
                                      .ahead = 7};
    ocellus_dataset *set = make_set();
    ocellus_loader *loader;
    const ocellus_batch *batch;

    WANT(ocellus_loader_create(set, OCELLUS_TRAIN, &options, &loader));
    for (int epoch = 0; epoch < 6; epoch++)
        for (int b = 0; b < 4; b++) {
            WANT(ocellus_loader_next(loader, &batch));
            ck_assert_int_eq(batch == NULL, b == 3);
            if (batch != NULL)
                ck_assert_int_eq(batch->epoch, epoch);
        }
    ocellus_loader_destroy(loader);
    ocellus_dataset_destroy(set);
}
END_TEST

START_TEST(normalises_with_the_training_split)
{
    ocellus_loader_options options = {.size = sizeof options, .batch = 1000};
    ocellus_dataset *set = make_set();
    ocellus_loader *loader;
    const ocellus_batch *batch;
    float mean[2], std[2], *x;

    /* 0 .. 102 evenly: mean 51, variance (103^2 - 1) / 12. */
    WANT(ocellus_dataset_get_normalization(set, mean, std));
    ck_assert_float_eq_tol(mean[1], 51, 1e-4f);
    ck_assert_float_eq_tol(std[1], (float)sqrt((103.0 * 103 - 1) / 12), 1e-4f);
    WANT(ocellus_loader_create(set, OCELLUS_TEST, &options, &loader));
    WANT(ocellus_loader_next(loader, &batch));
    ck_assert_int_eq(batch->count, 7);
    x = ocellus_tensor_data(batch->x);
    ck_assert_float_eq_tol(x[6 * 24], (1006 - 51) / std[0], 1e-3f);
    ocellus_loader_destroy(loader);
    mean[0] = mean[1] = 1000;
    std[0] = std[1] = 0.5f;
    WANT(ocellus_dataset_set_normalization(set, mean, std));
    WANT(ocellus_loader_create(set, OCELLUS_TEST, &options, &loader));
    WANT(ocellus_loader_next(loader, &batch));
    ck_assert_float_eq_tol(*(float *)ocellus_tensor_data(batch->x), 0, 1e-6f);
    ocellus_loader_destroy(loader);
    std[1] = 0;
    ck_assert_int_eq(ocellus_dataset_set_normalization(set, mean, std),
                     OCELLUS_BAD_ARGUMENT);
    ocellus_dataset_destroy(set);
}
END_TEST

START_TEST(a_bad_sample_is_told)
{
    ocellus_loader_options options = {
        .size = sizeof options, .batch = 10, .raw = 1, .threads = 4};
    ocellus_dataset *set = make_set();
    ocellus_loader *loader;
    const ocellus_batch *batch;

    broken = 34;
    WANT(ocellus_loader_create(set, OCELLUS_TRAIN, &options, &loader));
    for (int b = 0; b < 3; b++)
        WANT(ocellus_loader_next(loader, &batch));
    ck_assert_int_eq(ocellus_loader_next(loader, &batch), OCELLUS_IO);
    ck_assert_ptr_null(batch);
    want_words("sample 34: the tape is torn");
    broken = -1;
    WANT(ocellus_loader_start(loader, 0, 30));
    WANT(ocellus_loader_next(loader, &batch));
    ck_assert_int_eq(batch->indices[4], 34);
    ocellus_loader_destroy(loader);
    ocellus_dataset_destroy(set);
}
END_TEST

START_TEST(options_are_checked)
{
    ocellus_loader_options options = {.size = sizeof options, .batch = -1};
    ocellus_dataset *set = make_set();
    ocellus_loader *loader;

    ck_assert_int_eq(
        ocellus_loader_create(set, OCELLUS_TRAIN, &options, &loader),
        OCELLUS_BAD_ARGUMENT);
    ck_assert_ptr_null(loader);
    options.batch = 4;
    ck_assert_int_eq(
        ocellus_loader_create(set, OCELLUS_VALIDATION, &options, &loader),
        OCELLUS_BAD_ARGUMENT);
    want_words("no validation samples");
    options.augment = "flap";
    ck_assert_int_eq(
        ocellus_loader_create(set, OCELLUS_TRAIN, &options, &loader),
        OCELLUS_BAD_ARGUMENT);
    want_words("flap");
    ocellus_dataset_destroy(set);
}
END_TEST

#define DRAWN 3000
#define TESTED 1000
#define PIXELS 784

static ocellus_dataset *
draw(uint64_t seed)
{
    ocellus_dataset_options options = {.size = sizeof options, .seed = seed};
    ocellus_dataset *set;

    WANT(ocellus_dataset_digits(DRAWN, TESTED, &options, &set));
    return set;
}

static const float *
load_split(ocellus_dataset *set, ocellus_split split, ocellus_loader **loader,
           const int64_t **labels)
{
    ocellus_loader_options options = {.size = sizeof options, .batch = DRAWN};
    const ocellus_batch *batch;

    WANT(ocellus_loader_create(set, split, &options, loader));
    WANT(ocellus_loader_next(*loader, &batch));
    *labels = ocellus_tensor_data(batch->labels);
    return ocellus_tensor_data(batch->x);
}

START_TEST(digits_follow_the_seed)
{
    ocellus_dataset *sets[3] = {draw(1), draw(1), draw(2)};
    ocellus_tensor *x[3];
    int64_t label;

    for (int i = 0; i < 20; i++) {
        for (int k = 0; k < 3; k++) {
            WANT(ocellus_dataset_get(sets[k], OCELLUS_TEST, i, &x[k], &label));
            ck_assert_int_eq(label, i % 10);
        }
        ck_assert_mem_eq(ocellus_tensor_data(x[0]), ocellus_tensor_data(x[1]),
                         ocellus_tensor_bytes(x[0]));
        ck_assert_mem_ne(ocellus_tensor_data(x[0]), ocellus_tensor_data(x[2]),
                         ocellus_tensor_bytes(x[0]));
        for (int k = 0; k < 3; k++)
            ocellus_tensor_destroy(x[k]);
    }
    for (int k = 0; k < 3; k++)
        ocellus_dataset_destroy(sets[k]);
}
END_TEST

static int
classify(float (*w)[PIXELS + 1], const float *x, float *p)
{
    float top = -1e30f, sum = 0;
    int best = 0;

    for (int k = 0; k < 10; k++) {
        p[k] = w[k][PIXELS];
        for (int i = 0; i < PIXELS; i++)
            p[k] += w[k][i] * x[i];
        if (p[k] > top) {
            top = p[k];
            best = k;
        }
    }
    for (int k = 0; k < 10; k++)
        sum += p[k] = expf(p[k] - top);
    for (int k = 0; k < 10; k++)
        p[k] /= sum;
    return best;
}

/* A linear model by stochastic gradient descent: far from chance, since they
 * are digits, and far from right, since that is what they are drawn for. */
START_TEST(digits_are_not_linear)
{
    static float w[10][PIXELS + 1];
    ocellus_dataset *set = draw(5);
    ocellus_loader *train, *test;
    const int64_t *y, *yt;
    const float *x = load_split(set, OCELLUS_TRAIN, &train, &y);
    const float *xt = load_split(set, OCELLUS_TEST, &test, &yt);
    float p[10];
    int right = 0;

    for (int n = 0; n < 4 * DRAWN; n++) {
        const float *at = x + n * 7 % DRAWN * PIXELS;

        classify(w, at, p);
        for (int k = 0; k < 10; k++) {
            float step = 0.0005f * ((k == y[n * 7 % DRAWN]) - p[k]);

            for (int i = 0; i < PIXELS; i++)
                w[k][i] += step * at[i];
            w[k][PIXELS] += step;
        }
    }
    for (int n = 0; n < TESTED; n++)
        right += classify(w, xt + n * PIXELS, p) == yt[n];
    ck_assert_int_gt(right, TESTED * 35 / 100);
    ck_assert_int_lt(right, TESTED * 90 / 100);
    ocellus_loader_destroy(train);
    ocellus_loader_destroy(test);
    ocellus_dataset_destroy(set);
}
END_TEST

static void
add_tests(TCase *tests)
{
    tcase_add_test(tests, an_epoch_is_a_permutation);
    tcase_add_test(tests, images_in_a_row);
    tcase_add_test(tests, threads_do_not_matter);
    tcase_add_test(tests, resumes_anywhere);
    tcase_add_test(tests, works_ahead_across_epochs);
    tcase_add_test(tests, normalises_with_the_training_split);
    tcase_add_test(tests, a_bad_sample_is_told);
    tcase_add_test(tests, options_are_checked);
    tcase_add_test(tests, digits_follow_the_seed);
    tcase_add_test(tests, digits_are_not_linear);
}

int
main(void)
{
    return run_suite("data_loader", add_tests);
}
