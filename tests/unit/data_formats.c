/* data_formats.c - IDX, CIFAR and NumPy files, whole and damaged. Expected
 * numbers come from the formats' definitions: files are put together byte by
 * byte here. */
#include <ocellus.h>

#include "tests/unit/data_folder.h"

#define ITEMS 12
#define SIDE 3

/* An IDX file of bytes; dims after the count are all `side`. */
static size_t
idx(uint8_t *to, int rank, uint32_t count, uint32_t side)
{
    size_t at = 4, body = count;

    memcpy(to, "\0\0\x08", 3);
    to[3] = (uint8_t)rank;
    for (int k = 0; k < rank; k++) {
        uint32_t dim = k == 0 ? count : side;

        if (k > 0)
            body *= side;
        to[at++] = (uint8_t)(dim >> 24);
        to[at++] = (uint8_t)(dim >> 16);
        to[at++] = (uint8_t)(dim >> 8);
        to[at++] = (uint8_t)dim;
    }
    for (size_t i = 0; i < body; i++)
        to[at + i] = (uint8_t)(rank == 1 ? i % 4 : i * 2);
    return at + body;
}

static void
put_idx(int packed)
{
    uint8_t bytes[512];
    size_t length = idx(bytes, 3, ITEMS, SIDE);

    if (packed)
        put_packed("train-images-idx3-ubyte.gz", bytes, length);
    else
        put("train-images-idx3-ubyte", bytes, length);
    length = idx(bytes, 1, ITEMS, 0);
    put("train-labels-idx1-ubyte", bytes, length);
}

static void
want_idx(ocellus_dataset *set)
{
    int64_t chw[3], label;
    ocellus_tensor *x;

    ocellus_dataset_shape(set, chw);
    ck_assert_str_eq(ocellus_dataset_format(set), "idx");
    ck_assert_int_eq(chw[0], 1);
    ck_assert_int_eq(chw[1], SIDE);
    ck_assert_int_eq(chw[2], SIDE);
    ck_assert_int_eq(ocellus_dataset_classes(set), 4);
    ck_assert_str_eq(ocellus_dataset_class_name(set, 3), "3");
    WANT(ocellus_dataset_get(set, OCELLUS_TRAIN, 5, &x, &label));
    ck_assert_int_eq(label, 1);
    for (int i = 0; i < SIDE * SIDE; i++)
        ck_assert_float_eq_tol(((float *)ocellus_tensor_data(x))[i],
                               (float)((5 * 9 + i) * 2) / 255, 1e-6f);
    ocellus_tensor_destroy(x);
}

START_TEST(idx_plain_and_packed)
{
    ocellus_dataset_options options = {.size = sizeof options, .test = -1};
    ocellus_dataset *set;

    put_idx(_i);
    WANT(ocellus_dataset_open(folder, &options, &set));
    ck_assert_int_eq(ocellus_dataset_count(set, OCELLUS_TRAIN), ITEMS);
    ck_assert_int_eq(ocellus_dataset_count(set, OCELLUS_TEST), 0);
    want_idx(set);
    ocellus_dataset_destroy(set);
}
END_TEST

/* Where other programs put it. */
START_TEST(idx_within_lone_folders)
{
    char outer[sizeof folder];
    ocellus_dataset *set;

    put_folder("MNIST");
    put_folder("MNIST/raw");
    strcpy(outer, folder);
    strcat(folder, "/MNIST/raw");
    put_idx(0);
    strcpy(folder, outer);
    WANT(ocellus_dataset_open(folder, NULL, &set));
    ck_assert_str_eq(ocellus_dataset_format(set), "idx");
    ck_assert_int_eq(ocellus_dataset_classes(set), 4);
    ocellus_dataset_destroy(set);
}
END_TEST

START_TEST(splits_are_stratified_and_disjoint)
{
    ocellus_dataset_options options = {
        .size = sizeof options, .test = 0.34, .validation = 0.5, .seed = 3};
    ocellus_dataset *set;
    int seen[256] = {0}, classes[3][4] = {{0}};

    put_idx(0);
    WANT(ocellus_dataset_open(folder, &options, &set));
    for (int s = 0; s < 3; s++) {
        int64_t count = ocellus_dataset_count(set, (ocellus_split)s);

        ck_assert_int_eq(count, 4);
        for (int64_t i = 0; i < count; i++) {
            ocellus_tensor *x;
            int64_t label;

            WANT(ocellus_dataset_get(set, (ocellus_split)s, i, &x, &label));
            seen[(int)(*(float *)ocellus_tensor_data(x) * 255 + 0.5f)]++;
            classes[s][label]++;
            ocellus_tensor_destroy(x);
        }
        for (int k = 0; k < 4; k++)
            ck_assert_int_eq(classes[s][k], 1);
    }
    for (int i = 0; i < ITEMS; i++)
        ck_assert_int_eq(seen[i * 18], 1);
    ocellus_dataset_destroy(set);
}
END_TEST

START_TEST(limits_take_some)
{
    ocellus_dataset_options options = {.size = sizeof options, .test = -1};
    ocellus_dataset *set;

    options.limit[OCELLUS_TRAIN] = 5;
    put_idx(0);
    WANT(ocellus_dataset_open(folder, &options, &set));
    ck_assert_int_eq(ocellus_dataset_count(set, OCELLUS_TRAIN), 5);
    ocellus_dataset_destroy(set);
}
END_TEST

START_TEST(idx_says_what_is_wrong)
{
    uint8_t bytes[512] = {0};
    size_t length = idx(bytes, 3, ITEMS, SIDE);
    ocellus_dataset *set;

    put_idx(0);
    put("train-images-idx3-ubyte", bytes, length - 7);
    ck_assert_int_eq(ocellus_dataset_open(folder, NULL, &set),
                     OCELLUS_BAD_DATA);
    ck_assert_ptr_null(set);
    want_words("declares 108 bytes (12 items), but only 101 are there");
    put("train-images-idx3-ubyte", bytes, length + 1);
    ck_assert_int_eq(ocellus_dataset_open(folder, NULL, &set),
                     OCELLUS_BAD_DATA);
    want_words("goes on behind");
    bytes[2] = 0x0d;
    put("train-images-idx3-ubyte", bytes, length);
    ck_assert_int_eq(ocellus_dataset_open(folder, NULL, &set),
                     OCELLUS_BAD_DATA);
    want_words("begins with 00000d03");
    memset(bytes + 4, 0xff, 12);
    bytes[2] = 8;
    put("train-images-idx3-ubyte", bytes, length);
    ck_assert_int_eq(ocellus_dataset_open(folder, NULL, &set),
                     OCELLUS_BAD_DATA);
    want_words("4294967295");
    length = idx(bytes, 3, ITEMS - 1, SIDE);
    put("train-images-idx3-ubyte", bytes, length);
    ck_assert_int_eq(ocellus_dataset_open(folder, NULL, &set),
                     OCELLUS_BAD_DATA);
    want_words("11 images");
    unlink(within_folder("train-labels-idx1-ubyte"));
    ck_assert_int_eq(ocellus_dataset_open(folder, NULL, &set),
                     OCELLUS_BAD_DATA);
    want_words("no train-labels-idx1-ubyte");
}
END_TEST

/* A billion items declared and a few there: refused without the memory. */
START_TEST(idx_believes_no_header)
{
    uint8_t bytes[512];
    size_t length = idx(bytes, 3, ITEMS, SIDE);
    ocellus_dataset *set;

    put_idx(0);
    bytes[4] = 0x7f;
    bytes[5] = 0xff;
    put("train-images-idx3-ubyte", bytes, length);
    ck_assert_int_eq(ocellus_dataset_open(folder, NULL, &set),
                     OCELLUS_BAD_DATA);
    want_words("but only 108 are there");
}
END_TEST

START_TEST(packed_file_torn)
{
    ocellus_dataset *set;
    uint8_t *bytes;
    size_t length;

    put_idx(1);
    bytes = fetch("train-images-idx3-ubyte.gz", &length);
    for (size_t cut = 0; cut < length; cut++) {
        put("train-images-idx3-ubyte.gz", bytes, cut);
        ck_assert_int_eq(ocellus_dataset_open(folder, NULL, &set),
                         OCELLUS_BAD_DATA);
    }
    bytes[length / 2] ^= 0x10;
    put("train-images-idx3-ubyte.gz", bytes, length);
    ck_assert_int_eq(ocellus_dataset_open(folder, NULL, &set),
                     OCELLUS_BAD_DATA);
    free(bytes);
}
END_TEST

START_TEST(class_file_names_and_bounds)
{
    ocellus_dataset *set;

    put_idx(0);
    put("classes.txt", "zero\none \r\n\ntwo\nthree", 21);
    WANT(ocellus_dataset_open(folder, NULL, &set));
    ck_assert_int_eq(ocellus_dataset_classes(set), 4);
    ck_assert_str_eq(ocellus_dataset_class_name(set, 1), "one");
    ck_assert_str_eq(ocellus_dataset_class_name(set, 3), "three");
    ck_assert_ptr_null(ocellus_dataset_class_name(set, 4));
    ocellus_dataset_destroy(set);
    put("classes.txt", "zero\none\n", 9);
    ck_assert_int_eq(ocellus_dataset_open(folder, NULL, &set),
                     OCELLUS_BAD_DATA);
    want_words("a label is 3, but only 2 classes");
}
END_TEST

#define RECORD 3073

START_TEST(cifar10_records)
{
    static uint8_t batch[3 * RECORD];
    ocellus_dataset *set;
    ocellus_tensor *x;
    int64_t label;

    for (size_t i = 0; i < sizeof batch; i++)
        batch[i] = (uint8_t)(i % RECORD == 0 ? 7 + i / RECORD : i % 251);
    put("data_batch_1.bin", batch, 2 * RECORD);
    put_packed("data_batch_2.bin.gz", batch + RECORD, RECORD);
    put("test_batch.bin", batch + 2 * RECORD, RECORD);
    put("batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nship\n\n", 24);
    WANT(ocellus_dataset_open(folder, NULL, &set));
    ck_assert_str_eq(ocellus_dataset_format(set), "cifar10");
    ck_assert_int_eq(ocellus_dataset_count(set, OCELLUS_TRAIN), 3);
    ck_assert_int_eq(ocellus_dataset_count(set, OCELLUS_TEST), 1);
    ck_assert_str_eq(ocellus_dataset_class_name(set, 9), "ship");
    WANT(ocellus_dataset_get(set, OCELLUS_TRAIN, 2, &x, &label));
    ck_assert_int_eq(label, 8);
    ck_assert_int_eq(ocellus_tensor_dims(x)[0], 3);
    for (size_t i = 0; i < 3072; i++)
        ck_assert_float_eq_tol(((float *)ocellus_tensor_data(x))[i],
                               (float)((RECORD + 1 + i) % 251) / 255, 1e-6f);
    ocellus_tensor_destroy(x);
    ocellus_dataset_destroy(set);
    batch[RECORD] = 10;
    put("data_batch_1.bin", batch, 2 * RECORD);
    ck_assert_int_eq(ocellus_dataset_open(folder, NULL, &set),
                     OCELLUS_BAD_DATA);
    want_words("record 1 has the label 10; CIFAR-10 has 10 classes");
    put("data_batch_1.bin", batch, RECORD + 5);
    ck_assert_int_eq(ocellus_dataset_open(folder, NULL, &set),
                     OCELLUS_BAD_DATA);
    want_words("3078 bytes are no whole number of records of 3073 bytes");
}
END_TEST

START_TEST(cifar100_fine_labels)
{
    static uint8_t record[3074];
    ocellus_dataset *set;
    ocellus_tensor *x;
    int64_t label;

    record[0] = 19;
    record[1] = 99;
    put("train.bin", record, sizeof record);
    put("test.bin", record, sizeof record);
    WANT(ocellus_dataset_open(folder, NULL, &set));
    ck_assert_str_eq(ocellus_dataset_format(set), "cifar100");
    ck_assert_int_eq(ocellus_dataset_classes(set), 100);
    WANT(ocellus_dataset_get(set, OCELLUS_TEST, 0, &x, &label));
    ck_assert_int_eq(label, 99);
    ocellus_tensor_destroy(x);
    ocellus_dataset_destroy(set);
}
END_TEST

START_TEST(npy_round_trip)
{
    static const ocellus_type types[] = {
        OCELLUS_FLOAT, OCELLUS_DOUBLE, OCELLUS_FLOAT16, OCELLUS_UINT8,
        OCELLUS_INT8,  OCELLUS_UINT16, OCELLUS_INT16,   OCELLUS_UINT32,
        OCELLUS_INT32, OCELLUS_UINT64, OCELLUS_INT64,   OCELLUS_BOOL};
    static const int64_t dims[3] = {2, 3, 5};

    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        for (int rank = 0; rank <= 3; rank++) {
            ocellus_tensor *x, *y;
            uint8_t *bytes;
            size_t length;

            WANT(ocellus_tensor_create(types[k], rank, dims, &x));
            bytes = ocellus_tensor_data(x);
            for (size_t i = 0; i < ocellus_tensor_bytes(x); i++)
                bytes[i] = (uint8_t)(types[k] == OCELLUS_BOOL ? i & 1 : i);
            WANT(ocellus_npy_write(within_folder("a.npy"), x));
            WANT(ocellus_npy_read(within_folder("a.npy"), &y));
            ck_assert_int_eq(ocellus_tensor_type(y), types[k]);
            ck_assert_int_eq(ocellus_tensor_rank(y), rank);
            ck_assert_mem_eq(ocellus_tensor_data(y), bytes,
                             ocellus_tensor_bytes(x));
            free(fetch("a.npy", &length));
            ck_assert_uint_eq((length - ocellus_tensor_bytes(x)) % 64, 0);
            ocellus_tensor_destroy(x);
            ocellus_tensor_destroy(y);
        }
    }
}
END_TEST

/* Files as NumPy writes them, given here by hand. */
static size_t
npy(uint8_t *to, int version, const char *header, const void *data,
    size_t bytes)
{
    size_t length = strlen(header), at = 8;

    memcpy(to, "\x93NUMPY", 6);
    to[6] = (uint8_t)version;
    to[7] = 0;
    to[at++] = (uint8_t)length;
    to[at++] = 0;
    if (version > 1) {
        to[at++] = 0;
        to[at++] = 0;
    }
    memcpy(to + at, header, length);
    memcpy(to + at + length, data, bytes);
    return at + length + bytes;
}

START_TEST(npy_versions_and_byte_order)
{
    static const uint8_t big[8] = {0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0};
    uint8_t file[256];

    for (int version = 1; version <= 3; version++) {
        size_t length =
            npy(file, version,
                "{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }\n",
                big, sizeof big);
        ocellus_tensor *x;

        put("a.npy", file, length);
        WANT(ocellus_npy_read(within_folder("a.npy"), &x));
        ck_assert_int_eq(ocellus_tensor_rank(x), 1);
        ck_assert_float_eq(((float *)ocellus_tensor_data(x))[0], 1);
        ck_assert_float_eq(((float *)ocellus_tensor_data(x))[1], -2);
        ocellus_tensor_destroy(x);
    }
}
END_TEST

static void
want_npy_failure(const char *header, const char *words)
{
    uint8_t file[512], data[16] = {0};
    ocellus_tensor *x;

    put("a.npy", file, npy(file, 1, header, data, sizeof data));
    ck_assert_int_eq(ocellus_npy_read(within_folder("a.npy"), &x),
                     OCELLUS_BAD_DATA);
    ck_assert_ptr_null(x);
    want_words(words);
}

START_TEST(npy_says_what_is_wrong)
{
    ocellus_tensor *x;

    want_npy_failure("{'descr': '<f4', 'fortran_order': True, "
                     "'shape': (2, 2), }",
                     "Fortran order");
    want_npy_failure("{'descr': '<f4', 'fortran_order': False, "
                     "'shape': (5,), }",
                     "needs 20 bytes, but only 16");
    want_npy_failure("{'descr': '<f4', 'fortran_order': False, "
                     "'shape': (3,), }",
                     "goes on behind");
    want_npy_failure("{'descr': '<c8', 'fortran_order': False, "
                     "'shape': (2,), }",
                     "<c8");
    want_npy_failure("{'descr': [('a', '<f4')], 'fortran_order': False, "
                     "'shape': (2,), }",
                     "cannot be read");
    want_npy_failure("{'descr': '<f4', 'fortran_order': False, 'shape': "
                     "(4294967296, 4294967296, 4294967296), }",
                     "larger than any memory");
    want_npy_failure("{'descr': '<f4', 'fortran_order': False, 'shape': "
                     "(99999999999999999999,), }",
                     "larger than any memory");
    want_npy_failure("{'descr': '<f4', 'fortran_order': False, 'shape': "
                     "(1,1,1,1,1,1,1,1,4), }",
                     "more than 8 dimensions");
    want_npy_failure("{'shape': (2,), ", "type");
    put("a.npy", "PK\3\4 this is a zip", 18);
    ck_assert_int_eq(ocellus_npy_read(within_folder("a.npy"), &x),
                     OCELLUS_BAD_DATA);
    want_words("50 4b 03 04");
    ck_assert_int_eq(ocellus_npy_read(within_folder("b.npy"), &x), OCELLUS_IO);
}
END_TEST

/* Each prefix and each flipped bit of the header: a sentence or an array. */
START_TEST(npy_damaged_anywhere)
{
    uint8_t data[24] = {0}, *bytes;
    size_t length;
    ocellus_tensor *x;
    int64_t dims[2] = {2, 3};

    WANT(ocellus_tensor_wrap_host(OCELLUS_FLOAT, 2, dims, data, &x));
    WANT(ocellus_npy_write(within_folder("a.npy"), x));
    ocellus_tensor_destroy(x);
    bytes = fetch("a.npy", &length);
    for (size_t cut = 0; cut < length; cut++) {
        put("a.npy", bytes, cut);
        ck_assert_int_eq(ocellus_npy_read(within_folder("a.npy"), &x),
                         OCELLUS_BAD_DATA);
    }
    for (size_t bit = 0; bit < 8 * (length - 24); bit++) {
        ocellus_status status;

        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        put("a.npy", bytes, length);
        status = ocellus_npy_read(within_folder("a.npy"), &x);
        ck_assert(status == OCELLUS_OK || status == OCELLUS_BAD_DATA);
        ck_assert((status == OCELLUS_OK) == (x != NULL));
        ocellus_tensor_destroy(x);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free(bytes);
}
END_TEST

static void
put_array(const char *name, ocellus_type type, int rank, const int64_t *dims,
          void *data)
{
    ocellus_tensor *x;

    WANT(ocellus_tensor_wrap_host(type, rank, dims, data, &x));
    WANT(ocellus_npy_write(within_folder(name), x));
    ocellus_tensor_destroy(x);
}

START_TEST(npy_set_channels_last)
{
    static const int64_t dims[4] = {2, 4, 5, 3}, labels[1] = {2};
    uint8_t x[120];
    int16_t y[2] = {1, 0};
    ocellus_dataset *set;
    ocellus_tensor *one;
    int64_t chw[3], label;

    for (int i = 0; i < 120; i++)
        x[i] = (uint8_t)i;
    put_array("x_train.npy", OCELLUS_UINT8, 4, dims, x);
    put_array("y_train.npy", OCELLUS_INT16, 1, labels, y);
    put_array("x_test.npy", OCELLUS_UINT8, 4, dims, x);
    put_array("y_test.npy", OCELLUS_INT16, 1, labels, y);
    WANT(ocellus_dataset_open(folder, NULL, &set));
    ck_assert_str_eq(ocellus_dataset_format(set), "npy");
    ocellus_dataset_shape(set, chw);
    ck_assert_int_eq(chw[0], 3);
    ck_assert_int_eq(chw[1], 4);
    ck_assert_int_eq(chw[2], 5);
    WANT(ocellus_dataset_get(set, OCELLUS_TEST, 1, &one, &label));
    ck_assert_int_eq(label, 0);
    for (int c = 0; c < 3; c++)
        for (int p = 0; p < 20; p++)
            ck_assert_float_eq_tol(
                ((float *)ocellus_tensor_data(one))[c * 20 + p] * 255,
                (float)(60 + p * 3 + c), 1e-3f);
    ocellus_tensor_destroy(one);
    ocellus_dataset_destroy(set);
    y[1] = -1;
    put_array("y_test.npy", OCELLUS_INT16, 1, labels, y);
    ck_assert_int_eq(ocellus_dataset_open(folder, NULL, &set),
                     OCELLUS_BAD_DATA);
    want_words("label 1 is -1");
}
END_TEST

START_TEST(folders_without_data)
{
    ocellus_dataset_options options = {.size = sizeof options,
                                       .format = "arff"};
    ocellus_dataset *set;

    ck_assert_int_eq(ocellus_dataset_open(folder, NULL, &set),
                     OCELLUS_BAD_DATA);
    want_words("holds no data set that is known");
    ck_assert_int_eq(ocellus_dataset_open(within_folder("no"), NULL, &set),
                     OCELLUS_IO);
    ck_assert_int_eq(ocellus_dataset_open(folder, &options, &set),
                     OCELLUS_BAD_ARGUMENT);
    want_words("'arff'");
    options.size = 0;
    ck_assert_int_eq(ocellus_dataset_open(folder, &options, &set),
                     OCELLUS_BAD_ARGUMENT);
}
END_TEST

static void
add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_add_loop_test(tests, idx_plain_and_packed, 0, 2);
    tcase_add_test(tests, idx_within_lone_folders);
    tcase_add_test(tests, splits_are_stratified_and_disjoint);
    tcase_add_test(tests, limits_take_some);
    tcase_add_test(tests, idx_says_what_is_wrong);
    tcase_add_test(tests, idx_believes_no_header);
    tcase_add_test(tests, packed_file_torn);
    tcase_add_test(tests, class_file_names_and_bounds);
    tcase_add_test(tests, cifar10_records);
    tcase_add_test(tests, cifar100_fine_labels);
    tcase_add_test(tests, npy_round_trip);
    tcase_add_test(tests, npy_versions_and_byte_order);
    tcase_add_test(tests, npy_says_what_is_wrong);
    tcase_add_test(tests, npy_damaged_anywhere);
    tcase_add_test(tests, npy_set_channels_last);
    tcase_add_test(tests, folders_without_data);
}

int
main(void)
{
    return run_suite("data_formats", add_tests);
}
