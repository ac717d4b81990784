/* quantize.h - numbers as small integers: what quantized operators share. */
#ifndef OC_OP_QUANTIZE_H
#define OC_OP_QUANTIZE_H

#include "op/compose.h"

/* x (float32, rounded) held within the range of an integer type of one or two
 * bytes, in that type. Fails on others. */
ocellus_status oc_saturate(struct ocellus_value *x, ocellus_type type,
                           struct ocellus_value **y);

#endif
