/* attr.h - copies of attributes and their text form; see graph.h for what
 * operators use. */
#ifndef OC_GRAPH_ATTR_H
#define OC_GRAPH_ATTR_H

#include "graph/graph.h"

/* "a=1 b=2,3 c=0.5 d=WORD": whole numbers are INT, numbers with a point or an
 * exponent FLOAT, lists (a comma anywhere; "axes=1," is a list of one) INTS or
 * FLOATS, the rest TEXT. */
ocellus_status oc_attr_parse(struct oc_arena *arena, const char *text,
                             struct oc_attr **attr, int *count);
/* All but a tensor, which still belongs to the other graph. */
ocellus_status oc_attr_copy(struct oc_arena *arena, const struct oc_attr *from,
                            struct oc_attr *to);

#endif
