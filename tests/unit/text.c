/* text.c - growing strings, hashes and digests. */
#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "tests/unit/suite.h"

START_TEST(grows)
{
    struct oc_text text = {0};

    oc_text_append(&text, "");
    ck_assert_str_eq(text.data, "");
    for (int i = 0; i < 1000; i++)
        oc_text_printf(&text, "%d,", i);
    ck_assert_uint_eq(text.length, 10 * 2 + 90 * 3 + 900 * 4);
    ck_assert_uint_eq(strlen(text.data), text.length);
    ck_assert_str_eq(text.data + text.length - 8, "998,999,");
    oc_text_clear(&text);
    ck_assert_str_eq(text.data, "");
    oc_text_append_bytes(&text, "a\0b", 3);
    ck_assert_uint_eq(text.length, 3);
    ck_assert_mem_eq(text.data, "a\0b", 4);
    oc_text_free(&text);
    ck_assert_ptr_null(text.data);
}
END_TEST

START_TEST(failure_sticks)
{
    struct oc_text text = {0};

    oc_text_append(&text, "before");
    oc_text_append_bytes(&text, "", SIZE_MAX - 3);
    ck_assert(text.failed);
    oc_text_append(&text, "after");
    oc_text_printf(&text, "%d", 1);
    ck_assert_str_eq(text.data, "before");
    oc_text_clear(&text);
    oc_text_append(&text, "anew");
    ck_assert(!text.failed);
    ck_assert_str_eq(text.data, "anew");
    oc_text_free(&text);
}
END_TEST

/* The test vectors of the FNV page (Noll), 64-bit FNV-1a. */
START_TEST(hash_is_fnv_1a)
{
    ck_assert_uint_eq(oc_hash_text(OC_HASH_START, ""),
                      UINT64_C(0xcbf29ce484222325));
    ck_assert_uint_eq(oc_hash_text(OC_HASH_START, "a"),
                      UINT64_C(0xaf63dc4c8601ec8c));
    ck_assert_uint_eq(oc_hash_text(OC_HASH_START, "foobar"),
                      UINT64_C(0x85944171f73967e8));
    ck_assert_uint_eq(oc_hash_text(oc_hash_text(OC_HASH_START, "foo"), "bar"),
                      UINT64_C(0x85944171f73967e8));
}
END_TEST

static void
digest_of(const char *text, size_t cut, char hex[33])
{
    struct oc_digest digest;
    size_t length = strlen(text);

    oc_digest_start(&digest);
    oc_digest_add(&digest, text, cut);
    oc_digest_add(&digest, text + cut, length - cut);
    oc_digest_text(&digest, hex);
}

START_TEST(digest_sees_each_bit_and_no_cut)
{
    char text[] = "__kernel void relu(__global float *x)";
    char whole[33], cut[33], other[33];

    digest_of(text, 0, whole);
    ck_assert_uint_eq(strspn(whole, "0123456789abcdef"), 32);
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        digest_of(text, i, cut);
        ck_assert_str_eq(cut, whole);
        for (int bit = 0; bit < 8; bit++) {
            text[i] = (char)(text[i] ^ (1 << bit));
            digest_of(text, 0, other);
            text[i] = (char)(text[i] ^ (1 << bit));
            if (text[i] == 1 << bit)
                continue; /* it was cut short by a NUL */
            ck_assert_int_ne(strncmp(other, whole, 16), 0);
            ck_assert_int_ne(strncmp(other + 16, whole + 16, 16), 0);
        }
    }
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, grows);
    tcase_add_test(tests, failure_sticks);
    tcase_add_test(tests, hash_is_fnv_1a);
    tcase_add_test(tests, digest_sees_each_bit_and_no_cut);
}

int
main(void)
{
    return run_suite("text", add);
}
