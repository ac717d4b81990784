/* arena.c - a list of blocks; each request is cut from the newest one.
 *
 * A request that does not fit opens a new block, at least as large as itself
 * and twice the last one up to a limit, so small arenas stay small. What is
 * left of the old block is given up.
 */
#include "base/arena.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20 };

struct block {
    struct block *older;
    size_t room; /* bytes behind this header */
    size_t used;
    alignas(max_align_t) unsigned char data[];
};

struct oc_arena {
    struct block *newest;
    size_t next; /* room of the next block */
    size_t bytes;
};

struct oc_arena *
oc_arena_create(void)
{
    struct oc_arena *arena = calloc(1, sizeof(*arena));

    if (arena)
        arena->next = FIRST_BLOCK;
    return arena;
}

void
oc_arena_destroy(struct oc_arena *arena)
{
    struct block *block, *older;

    if (!arena)
        return;
    for (block = arena->newest; block; block = older) {
        older = block->older;
        free(block);
    }
    free(arena);
}

static struct block *
open_block(struct oc_arena *arena, size_t bytes)
{
    size_t room = bytes > arena->next ? bytes : arena->next;
    struct block *block;

    if (room > PTRDIFF_MAX - sizeof(*block))
        return NULL;
    block = calloc(1, sizeof(*block) + room);
    if (!block)
        return NULL;
    block->room = room;
    block->older = arena->newest;
    arena->newest = block;
    if (arena->next < LARGEST_BLOCK)
        arena->next *= 2;
    return block;
}

void *
oc_arena_alloc(struct oc_arena *arena, size_t bytes)
{
    size_t align = alignof(max_align_t);
    struct block *block = arena->newest;
    void *place;

    if (bytes > PTRDIFF_MAX - align)
        return NULL;
    bytes = (bytes + align - 1) / align * align;
    if (!block || block->room - block->used < bytes)
        block = open_block(arena, bytes);
    if (!block)
        return NULL;
    place = block->data + block->used;
    block->used += bytes;
    arena->bytes += bytes;
    return place;
}

void *
oc_arena_copy(struct oc_arena *arena, const void *from, size_t bytes)
{
    void *place = oc_arena_alloc(arena, bytes);

    if (place && bytes)
        memcpy(place, from, bytes);
    return place;
}

char *
oc_arena_strdup(struct oc_arena *arena, const char *text)
{
    return oc_arena_copy(arena, text, strlen(text) + 1);
}

char *
oc_arena_printf(struct oc_arena *arena, const char *format, ...)
{
    va_list list, again;
    char *text = NULL;
    int length;

    va_start(list, format);
    va_copy(again, list);
    length = vsnprintf(NULL, 0, format, list);
    if (length >= 0)
        text = oc_arena_alloc(arena, (size_t)length + 1);
    if (text)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(list);
    return text;
}

size_t
oc_arena_bytes(const struct oc_arena *arena)
{
    return arena->bytes;
}

int
oc_grow(void *items, int count, int *room, size_t size)
{
    int wanted = *room ? *room : 4;
    void *old, *grown;

    if (count < *room)
        return 1;
    if (wanted > INT32_MAX / 2)
        return 0;
    if (*room)
        wanted *= 2;
    if ((size_t)wanted > SIZE_MAX / size)
        return 0;
    /* `items` is a T ** of a T not known here: copied as bytes. */
    memcpy(&old, items, sizeof(old));
    grown = realloc(old, (size_t)wanted * size);
    if (!grown)
        return 0;
    memset((char *)grown + (size_t)*room * size, 0,
           (size_t)(wanted - *room) * size);
    memcpy(items, &grown, sizeof(grown));
    *room = wanted;
    return 1;
}
