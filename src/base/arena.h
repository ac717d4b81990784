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

/* A growing array of pointers or of any element: makes room for one more.
 * `items` is a T *, `count` and `room` are int. 0 when memory runs out. */
int oc_grow(void *items, int count, int *room, size_t size);

#endif
