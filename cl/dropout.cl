/* dropout.cl - y = x / (1 - ratio) where a random word is not below the limit,
 * else 0. Words come from Philox: key is the seed, the counter {element / 4,
 * stream, step}. A work-item does `piece` fours.
 *
 *   TYPE_x   storage type of x and y    1
 */
#ifndef TYPE_x
#define TYPE_x 1
#endif

__kernel void
dropout(__global const STORAGE(TYPE_x) *x, __global const int *key,
        __global STORAGE(TYPE_x) *y, int count, int stream, int limit,
        float scale, int piece)
{
    int from = (int)get_global_id(0) * piece;
    int to = min(from + piece, (count + 3) / 4);
    uint2 seed = (uint2)((uint)key[0], (uint)key[1]);
    uint4 counter = (uint4)(0, (uint)stream, (uint)key[2], (uint)key[3]);
    for (int i = from; i < to; i++) {
        counter.x = (uint)i;
        uint4 word = oc_philox(seed, counter);
        uint w[4] = {word.x, word.y, word.z, word.w};
        for (int k = 0; k < min(count - 4 * i, 4); k++) {
            float v = w[k] < (uint)limit ? 0.0f
                                         : LOAD(TYPE_x, x, 4 * i + k) * scale;
            STORE(TYPE_x, y, 4 * i + k, v);
        }
    }
}
