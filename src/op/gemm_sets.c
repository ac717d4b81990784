/* gemm_sets.c - CLBlast's parameters for products of several shapes.
 *
 * CLBlast holds one set of parameters for a device. The one that it brings is
 * tuned for some devices and a guess for all others, and what was put in its
 * stead cannot be taken back. So each product has a set of these, which the
 * tuner measures: the same numbers whatever was computed before.
 *
 * GEMMK is 0 throughout: with 1 and MWG other than NWG, versions before 1.6.3
 * give wrong numbers.
 */
#include <string.h>

#include "op/gemm.h"

/* Cubes of what lies between direct products and those in tiles. */
enum { ALWAYS = 1, SMALL = 128, NEVER = 1 << 20 };

enum { KWG = 2, MDIMC = 5, MWG = 6, NDIMC = 8, NWG = 9, SA = 10, SB = 11 };
enum { MDIMCD = 2, NDIMCD = 4, PADA = 5, PADB = 6, WGD = 9 };

/* KWG and KWI; the work-group's tile, its work-items, a vector's width. */
#define TILES(K, KI, M, N, MC, NC, V)                                          \
    {                                                                          \
        0, 1, K, KI, MC, MC, M, NC, NC, N, 1, 1, 0, 0, V, V                    \
    }
#define DIRECT(TILE, V)                                                        \
    {                                                                          \
        2, 8, 8, 8, 8, 1, 1, V, V, TILE                                        \
    }

/* The first is the usual one. */
const struct oc_gemm_set oc_gemm_sets[] = {
    {NULL, 0, SMALL, TILES(16, 2, 64, 64, 8, 8, 4), DIRECT(32, 2)},
    {"large", OC_GEMM_LARGE, ALWAYS, TILES(16, 2, 128, 128, 16, 16, 4),
     DIRECT(32, 2)},
    {"half", OC_GEMM_LARGE, ALWAYS, TILES(16, 2, 128, 64, 16, 8, 4),
     DIRECT(32, 2)},
    {"wide", OC_GEMM_SKINNY, ALWAYS, TILES(16, 2, 32, 128, 8, 16, 4),
     DIRECT(32, 2)},
    {"tall", OC_GEMM_SKINNY, ALWAYS, TILES(16, 2, 128, 32, 16, 8, 4),
     DIRECT(32, 2)},
    {"small", OC_GEMM_SKINNY, NEVER, TILES(16, 2, 64, 64, 8, 8, 4),
     DIRECT(32, 2)},
    {"tiny", OC_GEMM_SMALL, NEVER, TILES(16, 2, 64, 64, 8, 8, 4),
     DIRECT(16, 1)},
};

static enum oc_gemm_shape
shape_of(const struct oc_product *p)
{
    const int narrow = p->m < p->n ? p->m : p->n;

    if ((double)p->m * p->n * p->k < (double)SMALL * SMALL * SMALL)
        return OC_GEMM_SMALL;
    return narrow <= 64 ? OC_GEMM_SKINNY : OC_GEMM_LARGE;
}

/* Has a work-group room for it? */
static int
fits(const struct oc_gemm_set *set, const struct oc_caps *caps)
{
    const int *x = set->xgemm, *d = set->direct;
    const size_t tiles =
        (size_t)(x[KWG] * (x[SA] * x[MWG] + x[SB] * x[NWG])) * sizeof(float);
    const size_t direct =
        (size_t)(d[WGD] * (2 * d[WGD] + d[PADA] + d[PADB])) * sizeof(float);

    return tiles <= caps->local_memory && direct <= caps->local_memory &&
           (size_t)(x[MDIMC] * x[NDIMC]) <= caps->max_work_group &&
           (size_t)(d[MDIMCD] * d[NDIMCD]) <= caps->max_work_group;
}

static const struct oc_gemm_set *
set_named(const char *way)
{
    for (size_t k = 0; way && k < OC_COUNT(oc_gemm_sets); k++)
        if (oc_gemm_sets[k].way && strcmp(oc_gemm_sets[k].way, way) == 0)
            return &oc_gemm_sets[k];
    return NULL;
}

const struct oc_gemm_set *
oc_gemm_set_of(const struct oc_product *p, const struct oc_caps *caps)
{
    const struct oc_gemm_set *set = set_named(caps->way);

    if (set && (set->shapes & (int)shape_of(p)) && fits(set, caps))
        return set;
    return NULL;
}
