/* arena.h - memory that is released all at once.
 *
 * Graphs and plans live in arenas: one free. Memory comes zeroed and aligned
 * for any type. When memory runs out the arena says NULL and stays usable.
 */
#ifndef OC_BASE_ARENA_H
#define OC_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "base/status.h"

struct oc_arena;

struct oc_arena *oc_arena_create(void);        /* NULL: no memory */
void oc_arena_destroy(struct oc_arena *arena); /* NULL is fine */
void *oc_arena_alloc(struct oc_arena *arena, size_t bytes); /* zeroed */
void *oc_arena_copy(struct oc_arena *arena, const void *from, size_t bytes);
char *oc_arena_strdup(struct oc_arena *arena, const char *text);
char *oc_arena_printf(struct oc_arena *arena, const char *format, ...)
    OC_PRINTF(2, 3);
size_t oc_arena_bytes(const struct oc_arena *arena);

/* A growing array in malloc'd memory of its owner (free() it): makes room for
 * one more, by doubling; new places are zeroed. `items` is the address of the
 * T *, NULL at first. 1, or 0 when memory runs out (the array stays):
 *
 *     if (!oc_grow(&items, count, &room, sizeof(*items))) ...
 *     items[count++] = item;
 */
int oc_grow(void *items, int count, int *room, size_t size);

#endif
