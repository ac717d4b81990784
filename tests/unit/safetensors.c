/* safetensors.c - named tensors to a file and back, and files that are not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/safetensors.h"
#include "tests/unit/suite.h"

static char path[] = "/tmp/ocellus-safetensors-XXXXXX";

static void
setup(void)
{
    int file;

    strcpy(path, "/tmp/ocellus-safetensors-XXXXXX");
    file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    close(file);
}

static void
teardown(void)
{
    unlink(path);
}

static void
put(const void *bytes, size_t count)
{
    FILE *file = fopen(path, "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, count, file), count);
    ck_assert_int_eq(fclose(file), 0);
}

static size_t
get(unsigned char *bytes, size_t room)
{
    FILE *file = fopen(path, "rb");
    size_t count;

    ck_assert_ptr_nonnull(file);
    count = fread(bytes, 1, room, file);
    fclose(file);
    return count;
}

/* A header as text, and `data` zeros. */
static void
put_header(const char *header, size_t data)
{
    unsigned char bytes[2048] = {0};
    const size_t length = strlen(header);

    ck_assert_uint_lt(8 + length + data, sizeof bytes);
    for (int k = 0; k < 8; k++)
        bytes[k] = (unsigned char)((uint64_t)length >> 8 * k);
    memcpy(bytes + 8, header, length);
    put(bytes, 8 + length + data);
}

static void
write_some(void)
{
    static const float w[] = {1.5f, -2, 3, 0, 1e-30f, 7};
    static const int64_t n[] = {-1, INT64_MAX};
    static const uint8_t flag = 1;
    const struct oc_safetensor tensors[] = {
        {"layer.w", OCELLUS_FLOAT, OC_SHAPE(2, 3), w, sizeof w},
        {"odd \"name\"", OCELLUS_INT64, OC_SHAPE(2), n, sizeof n},
        {"flag", OCELLUS_BOOL, oc_shape_make(0, NULL), &flag, 1},
        {"none", OCELLUS_FLOAT, OC_SHAPE(0, 4), w, 0},
    };
    const char *const key[] = {"epoch"}, *const value[] = {"7\n\"x\""};

    ck_assert_int_eq(oc_safetensors_write(path, tensors, 4, key, value, 1),
                     OCELLUS_OK);
}

START_TEST(there_and_back)
{
    struct oc_safetensors *file;
    const struct oc_safetensor *t;

    write_some();
    ck_assert_int_eq(oc_safetensors_read(path, &file), OCELLUS_OK);
    ck_assert_int_eq(file->count, 4);
    ck_assert_str_eq(oc_safetensors_value(file, "epoch"), "7\n\"x\"");
    ck_assert_ptr_null(oc_safetensors_value(file, "step"));
    ck_assert_ptr_null(oc_safetensors_find(file, "layer"));
    t = oc_safetensors_find(file, "layer.w");
    ck_assert_ptr_nonnull(t);
    ck_assert_int_eq(t->type, OCELLUS_FLOAT);
    ck_assert_int_eq(t->shape.rank, 2);
    ck_assert_int_eq(t->shape.dim[1], 3);
    ck_assert_float_eq(((const float *)t->data)[1], -2);
    t = oc_safetensors_find(file, "odd \"name\"");
    ck_assert_ptr_nonnull(t);
    ck_assert(((const int64_t *)t->data)[1] == INT64_MAX);
    t = oc_safetensors_find(file, "flag");
    ck_assert_int_eq(t->shape.rank, 0);
    t = oc_safetensors_find(file, "none");
    ck_assert_uint_eq(t->bytes, 0);
    oc_safetensors_free(file);
}
END_TEST

/* The layout that the format's specification gives, byte for byte. */
START_TEST(reads_the_specification)
{
    struct oc_safetensors *file;

    put_header("{\"a\":{\"dtype\":\"F16\",\"shape\":[1,16,256],\"data_"
               "offsets\":[0,8]}}",
               8);
    ck_assert_int_eq(oc_safetensors_read(path, &file), OCELLUS_BAD_DATA);
    put_header("{\"__metadata__\":{\"k\":\"v\"},\"b\":{\"dtype\":\"U8\","
               "\"shape\":[3],\"data_offsets\":[4,7]},\"a\":{\"dtype\":\"F32\","
               "\"shape\":[],\"data_offsets\":[0,4]}}   ",
               7);
    ck_assert_int_eq(oc_safetensors_read(path, &file), OCELLUS_OK);
    ck_assert_int_eq(oc_safetensors_find(file, "b")->type, OCELLUS_UINT8);
    ck_assert_uint_eq(oc_safetensors_find(file, "a")->bytes, 4);
    oc_safetensors_free(file);
}
END_TEST

START_TEST(torn_anywhere)
{
    unsigned char bytes[4096];
    struct oc_safetensors *file;

    write_some();
    const size_t count = get(bytes, sizeof bytes);
    ck_assert_uint_lt(count, sizeof bytes);
    for (size_t k = 0; k < count; k++) {
        put(bytes, k);
        ck_assert_int_eq(oc_safetensors_read(path, &file), OCELLUS_BAD_DATA);
        ck_assert_ptr_null(file);
        ck_assert_ptr_nonnull(strstr(ocellus_error(), path));
    }
    bytes[count] = 0;
    put(bytes, count + 1);
    ck_assert_int_eq(oc_safetensors_read(path, &file), OCELLUS_BAD_DATA);
}
END_TEST

/* Any bit of the header turned: refused, or read as something that fits. */
START_TEST(turned_bits)
{
    unsigned char bytes[4096];
    struct oc_safetensors *file;

    write_some();
    const size_t count = get(bytes, sizeof bytes);
    for (size_t k = 0; k < count * 8; k++) {
        bytes[k / 8] ^= (unsigned char)(1 << k % 8);
        put(bytes, count);
        if (oc_safetensors_read(path, &file) == OCELLUS_OK) {
            for (int t = 0; t < file->count; t++)
                ck_assert_uint_le(file->tensor[t].bytes, count);
            oc_safetensors_free(file);
        }
        bytes[k / 8] ^= (unsigned char)(1 << k % 8);
    }
}
END_TEST

START_TEST(hostile_headers)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{\"a\":3}",
        "{\"a\":{\"dtype\":\"F99\",\"shape\":[1],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,99]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],"
        "\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1,1,1],"
        "\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
        "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
    };
    struct oc_safetensors *file;

    put_header(bad[_i], 4);
    ck_assert_int_eq(oc_safetensors_read(path, &file), OCELLUS_BAD_DATA);
    ck_assert_ptr_nonnull(strstr(ocellus_error(), path));
}
END_TEST

START_TEST(no_file)
{
    struct oc_safetensors *file;

    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(oc_safetensors_read(path, &file), OCELLUS_IO);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, there_and_back);
    tcase_add_test(tests, reads_the_specification);
    tcase_add_test(tests, torn_anywhere);
    tcase_add_test(tests, turned_bits);
    tcase_add_loop_test(tests, hostile_headers, 0, 13);
    tcase_add_test(tests, no_file);
}

int
main(void)
{
    return run_suite("safetensors", add);
}
