/* dropout.cl - y = x / (1 - ratio) where a random word is not below the limit,
 * else 0. Words come from Philox: key is the seed, the counter {element / 4,
 * stream, step}. A work-item does `piece` fours.
 *
 *   TYPE_x   storage type of x and y    1
 */
#ifndef TYPE_x
#define TYPE_x 1
#endif

/* oc_philox() of eight counters side by side: word k of each in word[k]. */
static inline void
philox8(uint2 key, uint8 word[4])
{
    for (int round = 0; round < 10; round++) {
        ulong8 a = convert_ulong8(word[0]) * 0xD2511F53ul;
        ulong8 b = convert_ulong8(word[2]) * 0xCD9E8D57ul;

        word[0] = convert_uint8(b >> 32) ^ word[1] ^ key.x;
        word[2] = convert_uint8(a >> 32) ^ word[3] ^ key.y;
        word[1] = convert_uint8(b & 0xFFFFFFFFul);
        word[3] = convert_uint8(a & 0xFFFFFFFFul);
        key += (uint2)(0x9E3779B9u, 0xBB67AE85u);
    }
}

/* Elements 4 i .. 4 i + 31, by the words of counters i .. i + 7. */
static inline void
drop8(__global const STORAGE(TYPE_x) *x, __global STORAGE(TYPE_x) *y, int i,
      uint2 seed, uint4 counter, uint limit, float scale)
{
    uint8 word[4] = {(uint)i + (uint8)(0, 1, 2, 3, 4, 5, 6, 7),
                     (uint8)counter.y, (uint8)counter.z, (uint8)counter.w};
    uint w[4][8];

    philox8(seed, word);
    for (int k = 0; k < 4; k++)
        vstore8(word[k], 0, w[k]);
    for (int e = 0; e < 32; e++) {
        float v = LOAD(TYPE_x, x, 4 * i + e) * scale;

        STORE(TYPE_x, y, 4 * i + e, w[e % 4][e / 4] < limit ? 0.0f : v);
    }
}

__kernel void
dropout(__global const STORAGE(TYPE_x) *x, __global const int *key,
        __global STORAGE(TYPE_x) *y, int count, int stream, int limit,
        float scale, int piece)
{
    int from = (int)get_global_id(0) * piece;
    int to = min(from + piece, (count + 3) / 4);
    uint2 seed = (uint2)((uint)key[0], (uint)key[1]);
    uint4 counter = (uint4)(0, (uint)stream, (uint)key[2], (uint)key[3]);
    for (; from + 8 <= to && 4 * from + 32 <= count; from += 8)
        drop8(x, y, from, seed, counter, (uint)limit, scale);
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
