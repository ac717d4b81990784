/* conv_blocked_bias.cl - the bias gradient of a convolution on CPU-class
 * devices: db[c] = sum over n, i, j of dy[n,c,i,j], dy in channel blocks.
 *
 * Work-item (block, split) sums `share` images; four running sums hide the
 * adder's latency. With more than one split db is the parts, splits x C, and
 * add_parts adds them in order.
 *
 * -DBLOCK=8  channels in a block
 */
#ifndef BLOCK
#define BLOCK 8
#endif

#define VECTOR OC_CAT(float, BLOCK)
#define LOAD_VECTOR(p) (*(__global const VECTOR *)(p))

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv_blocked_bias(__global const float *dy, __global float *db, int base,
                  int image, int plane, int row, int channels, int h, int w,
                  int images, int share)
{
    const int c = (int)get_global_id(0);
    const int split = (int)get_global_id(1);
    const int n1 = min((split + 1) * share, images);
    VECTOR sum[4] = {(VECTOR)(0.0f), (VECTOR)(0.0f), (VECTOR)(0.0f),
                     (VECTOR)(0.0f)};
    float lane[BLOCK];

    for (int n = split * share; n < n1; n++)
        for (int i = 0; i < h; i++) {
            __global const float *from =
                dy + base + n * image + c * plane + i * row;
            int j = 0;
            for (; j + 4 <= w; j += 4)
#pragma unroll
                for (int k = 0; k < 4; k++)
                    sum[k] += LOAD_VECTOR(from + (j + k) * BLOCK);
            for (; j < w; j++)
                sum[0] += LOAD_VECTOR(from + j * BLOCK);
        }
    OC_CAT(vstore, BLOCK)((sum[0] + sum[1]) + (sum[2] + sum[3]), 0, lane);
    for (int l = 0; l < BLOCK; l++)
        if (c * BLOCK + l < channels)
            db[split * channels + c * BLOCK + l] = lane[l];
}

__kernel void
add_parts(__global const float *part, __global float *db, int channels,
          int splits)
{
    const int c = (int)get_global_id(0);
    float total = 0.0f;

    if (c >= channels)
        return;
    for (int s = 0; s < splits; s++)
        total += part[s * channels + c];
    db[c] = total;
}
