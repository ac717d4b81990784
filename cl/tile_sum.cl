/* tile_sum.cl - the parts of a tiled product's sums, added in their order:
 *
 *     y[i] = alpha * sum over s of parts[s, i] + beta * c[at(i)]
 *     at(i) = i / fast % slow * c_row + i % fast * c_column
 *
 * c is a product's C, or a convolution's bias; not touched when beta is 0.
 *
 *   TYPE_x            storage type of c and y; parts are float
 *   EPILOGUE(v, i)    what becomes of v before it is stored at i
 */
#ifndef TYPE_x
#define TYPE_x 1
#endif
#ifndef EPILOGUE
#define EPILOGUE(v, i) (v)
#define EPILOGUE_PARAMETERS
#endif

__kernel void
tile_sum(__global const float *parts, __global const STORAGE(TYPE_x) *c,
         __global STORAGE(TYPE_x) *y, int count, int splits, int fast, int slow,
         int c_row, int c_column, float alpha, float beta EPILOGUE_PARAMETERS)
{
    int at = (int)get_global_id(0);
    float sum = 0.0f;

    if (at >= count)
        return;
    for (int s = 0; s < splits; s++)
        sum += parts[s * count + at];
    sum *= alpha;
    if (beta != 0.0f)
        sum += beta * LOAD(TYPE_x, c,
                           at / fast % slow * c_row + at % fast * c_column);
    STORE(TYPE_x, y, at, EPILOGUE(sum, at));
}
