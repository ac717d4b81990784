/* amx.cl - one product of two tiles, by which a device shows that it has them.
 *
 *     c[m][n] += sum over p of a[m][2p] b[p][2n] + a[m][2p+1] b[p][2n+1]
 *
 * a, b: 16 rows of 16 pairs of bfloat16, one pair a number, the even one in
 * its low half; c: 16 x 16 floats, as bits.
 */
#include "amx.clh"

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
amx_product(__global const uint *a, __global const uint *b, __global uint *c)
{
    TILES_BEGIN;
    TILE_LOAD(0, c, TILE_STEP);
    TILE_LOAD(1, a, TILE_STEP);
    TILE_LOAD(2, b, TILE_STEP);
    TILE_DOT(0, 1, 2);
    TILE_STORE(0, c, TILE_STEP);
    TILES_END;
}
