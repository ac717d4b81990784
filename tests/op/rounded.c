/* rounded.c - see rounded.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "device/amx.h"
#include "device/device.h"
#include "tests/op/amx_emulator.h"
#include "tests/op/rounded.h"

/* The nearest number of 8 binary digits, even where two are as near. */
static double
to_bfloat16(double v)
{
    int exponent;
    const double fraction = frexp(v, &exponent);

    return ldexp(nearbyint(ldexp(fraction, 8)), exponent - 8);
}

void
rounded_add(double *const sums[KINDS], int at, double a, double b)
{
    sums[ROUNDED][at] += to_bfloat16(a) * to_bfloat16(b);
    sums[EXACT][at] += a * b;
    sums[SIZE][at] += fabs(a * b);
}

double
rounded_finish(const char *formula, int extra, double v, double e0, double e1)
{
    if (!formula)
        return v;
    if (extra == 2)
        return v * e0 - 0.125 * e1;
    if (extra)
        return v + e0 > 0 ? v + e0 : 0.125 * (v + e0);
    return fmax(v, 0.0);
}

ocellus_status
rounded_fuse(struct oc_node *node, const char *formula, int extra,
             struct ocellus_value *e0, struct ocellus_value *e1)
{
    struct oc_arena *arena = node->graph->arena;
    struct oc_epilogue *e;
    struct ocellus_value **in;

    if (!formula)
        return OCELLUS_OK;
    e = oc_arena_alloc(arena, sizeof *e);
    in = oc_arena_alloc(arena, ((size_t)node->n_in + 2) * sizeof *in);
    if (!e || !in)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for an epilogue");
    e->formula = formula;
    e->n_extra = extra;
    e->n_scalar = extra != 0;
    e->scalar[0] = 0.125f;
    memcpy(in, node->in, (size_t)node->n_in * sizeof *in);
    in[node->n_in] = e0;
    in[node->n_in + 1] = e1;
    node->in = in;
    node->n_in += extra;
    node->epilogue = e;
    return OCELLUS_OK;
}

float *
rounded_draw(size_t count, unsigned *seed)
{
    float *list = malloc((count + 1) * sizeof *list);

    for (size_t k = 0; k < count; k++) {
        *seed = *seed * 1664525u + 1013904223u;
        list[k] = (float)(int)(*seed >> 8) / 8388608.0f - 1.0f;
    }
    return list;
}

int
rounded_near(const float *got, double *const want[KINDS], size_t elements)
{
    for (size_t k = 0; k < elements; k++) {
        const double size = want[SIZE][k];

        if (!(fabs(got[k] - want[ROUNDED][k]) <= 2e-6 * (1.0 + size)) ||
            !(fabs(got[k] - want[EXACT][k]) <= 0.0079 * size + 2e-6))
            return 0;
    }
    return 1;
}

int
rounded_is_seen(double *const want[KINDS], size_t elements)
{
    double far = 0.0, size = 0.0;

    for (size_t k = 0; k < elements; k++) {
        far = fmax(far, fabs(want[ROUNDED][k] - want[EXACT][k]));
        size = fmax(size, want[SIZE][k]);
    }
    return size == 0.0 || far > 1e-5 * (1.0 + size);
}

const char *
rounded_get_instructions(const struct ocellus_device *device)
{
    if (oc_device_caps(device)->amx == OC_AMX_INSTRUCTIONS)
        return NULL;
    if (!oc_amx_could(device))
        return "the device is not this processor";
    return amx_emulate();
}
