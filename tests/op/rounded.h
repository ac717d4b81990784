/* rounded.h - what the tests of products of bfloat16 share: sums by definition,
 * in double, once of numbers rounded to bfloat16 and once of the numbers
 * themselves. */
#ifndef TESTS_OP_ROUNDED_H
#define TESTS_OP_ROUNDED_H

#include "graph/graph.h"

struct ocellus_device;

/* Sums of the rounded, of the numbers, of the products' sizes. */
enum { ROUNDED, EXACT, SIZE, KINDS };

/* One product more in sum `at` of each kind. */
void rounded_add(double *const sums[KINDS], int at, double a, double b);
/* What an epilogue makes of v: with no formula nothing; with no extra fmax(v,
 * 0), with one "(v + e0 > 0.0f) ? v + e0 : s0 * (v + e0)", with two "v * e0 -
 * s0 * e1", where s0 is 1/8. */
double rounded_finish(const char *formula, int extra, double v, double e0,
                      double e1);
/* Gives it to a node, as fusing does. */
ocellus_status rounded_fuse(struct oc_node *node, const char *formula,
                            int extra, struct ocellus_value *e0,
                            struct ocellus_value *e1);
/* Numbers in [-1, 1); to be freed. */
float *rounded_draw(size_t count, unsigned *seed);
/* Sums of rounded numbers are those of float; beside the numbers' own each
 * product is off by what rounding two factors to 8 binary digits does. */
int rounded_near(const float *got, double *const want[KINDS], size_t elements);
/* Rounding is seen: who computes in float would not pass for it. */
int rounded_is_seen(double *const want[KINDS], size_t elements);
/* Why this device cannot be given AMX's instructions; or NULL, and it has them
 * from now on, be it by amx_emulator.h. */
const char *rounded_get_instructions(const struct ocellus_device *device);

#endif
