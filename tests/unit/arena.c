/* arena.c - arenas and growing arrays. */
#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "tests/unit/suite.h"

START_TEST(memory_is_zeroed_aligned_and_apart)
{
    struct oc_arena *arena = oc_arena_create();
    unsigned char *piece[200];

    for (size_t i = 0; i < 200; i++) {
        piece[i] = oc_arena_alloc(arena, i * 7);
        ck_assert_ptr_nonnull(piece[i]);
        ck_assert_uint_eq((uintptr_t)piece[i] % alignof(max_align_t), 0);
        for (size_t k = 0; k < i * 7; k++)
            ck_assert_uint_eq(piece[i][k], 0);
        memset(piece[i], (int)i, i * 7);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t k = 0; k < i * 7; k++)
            ck_assert_uint_eq(piece[i][k], i);
    oc_arena_destroy(arena);
}
END_TEST

START_TEST(large_and_impossible_requests)
{
    struct oc_arena *arena = oc_arena_create();
    char *large = oc_arena_alloc(arena, 5000000);

    ck_assert_ptr_nonnull(large);
    large[4999999] = 1;
    ck_assert_ptr_null(oc_arena_alloc(arena, SIZE_MAX));
    ck_assert_ptr_null(oc_arena_alloc(arena, SIZE_MAX / 2));
    ck_assert_ptr_nonnull(oc_arena_alloc(arena, 1));
    ck_assert_uint_ge(oc_arena_bytes(arena), 5000001);
    oc_arena_destroy(arena);
    oc_arena_destroy(NULL);
}
END_TEST

START_TEST(texts_and_copies)
{
    struct oc_arena *arena = oc_arena_create();
    char from[] = "pooled";
    char *copy = oc_arena_strdup(arena, from);
    int *numbers = oc_arena_copy(arena, (int[]){3, 5, 7}, 3 * sizeof(int));

    from[0] = 't';
    ck_assert_str_eq(copy, "pooled");
    ck_assert_int_eq(numbers[2], 7);
    ck_assert_str_eq(oc_arena_printf(arena, "%s.%d", "conv", 12), "conv.12");
    oc_arena_destroy(arena);
}
END_TEST

START_TEST(arrays_grow)
{
    int *items = NULL, count = 0, room = 0;

    for (; count < 1000; count++) {
        ck_assert(oc_grow(&items, count, &room, sizeof(*items)));
        ck_assert_int_gt(room, count);
        ck_assert_int_eq(items[count], 0);
        items[count] = count;
    }
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(items[i], i);
    free(items);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, memory_is_zeroed_aligned_and_apart);
    tcase_add_test(tests, large_and_impossible_requests);
    tcase_add_test(tests, texts_and_copies);
    tcase_add_test(tests, arrays_grow);
}

int
main(void)
{
    return run_suite("arena", add);
}
