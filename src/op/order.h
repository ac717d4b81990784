/* order.h - a stable order of things by a rule with a context; what C's qsort
 * has not. */
#ifndef OC_OP_ORDER_H
#define OC_OP_ORDER_H

#include <stdint.h>

/* Whether thing b must stand before thing a, which comes earlier by now. */
typedef int (*oc_order_rule)(const void *context, int64_t a, int64_t b);

/* item[0 .. count-1] in order; `spare` is as long. Merge sort: things that no
 * rule parts keep their order. */
void oc_order(int64_t *item, int64_t *spare, int64_t count, oc_order_rule swap,
              const void *context);

#endif
