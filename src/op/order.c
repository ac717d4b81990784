/* order.c - merge sort from short runs up. */
#include "op/order.h"

#include <string.h>

static void
merge(const int64_t *a, const int64_t *mid, const int64_t *end, int64_t *to,
      oc_order_rule swap, const void *context)
{
    const int64_t *b = mid;
    while (a < mid && b < end)
        *to++ = swap(context, *a, *b) ? *b++ : *a++;
    while (a < mid)
        *to++ = *a++;
    while (b < end)
        *to++ = *b++;
}

void
oc_order(int64_t *item, int64_t *spare, int64_t count, oc_order_rule swap,
         const void *context)
{
    int64_t *from = item, *to = spare;
    for (int64_t run = 1; run < count; run *= 2) {
        for (int64_t at = 0; at < count; at += 2 * run) {
            int64_t mid = at + run < count ? at + run : count;
            int64_t end = at + 2 * run < count ? at + 2 * run : count;
            merge(from + at, from + mid, from + end, to + at, swap, context);
        }
        int64_t *other = from;
        from = to;
        to = other;
    }
    if (from != item)
        memcpy(item, from, (size_t)count * sizeof *item);
}
