/* conv.cl - the three convolutions as plain gathers: the reference.
 *
 *     y[n,k,o] = bias[k] + sum over c, i of
 *                x[n, c, o*stride + i*dilation - pad] * w[k, c, i]
 *
 * and the same sum turned round for the gradients by x and by w. Everything is
 * an argument; one work-item makes one number of the output, so there are no
 * atomics and the order of each sum is fixed. Spatial axes are depth, height,
 * width (z, y, x of the int vectors below); the absent ones have extent 1.
 *
 *   TYPE_x, TYPE_w, TYPE_y   storage types (ONNX's numbers), default float
 *   LANES                    work-items that share a sum in conv_grad_bias,
 *                            a power of two
 *   EPILOGUE(v, i)           what becomes of v before it is stored at i
 */
#ifndef TYPE_x
#define TYPE_x 1
#endif
#ifndef TYPE_w
#define TYPE_w 1
#endif
#ifndef TYPE_y
#define TYPE_y 1
#endif
#ifndef LANES
#define LANES 1
#endif
#ifndef EPILOGUE
#define EPILOGUE(v, i) (v)
#define EPILOGUE_PARAMETERS
#endif

/* Doubles are summed in double, integers exactly. */
#define OC_SUM_1 ACC
#define OC_SUM_6 int
#define OC_SUM_10 ACC
#define OC_SUM_11 double
#define OC_SUM_16 ACC
#define SUM OC_CAT(OC_SUM_, TYPE_x)

/* Extents of the window and what it strides over: every kernel's arguments
 * after its tensors. c, k: channels of a group. */
#define WINDOW                                                                 \
    int count, int groups, int c, int k, int in_d, int in_h, int in_w,         \
        int out_d, int out_h, int out_w, int win_d, int win_h, int win_w,      \
        int stride_d, int stride_h, int stride_w, int dil_d, int dil_h,        \
        int dil_w, int pad_d, int pad_h, int pad_w

__kernel void
conv(__global const STORAGE(TYPE_x) *x, __global const STORAGE(TYPE_w) *w,
     __global const STORAGE(TYPE_w) *bias, __global STORAGE(TYPE_y) *y,
     int biased, WINDOW EPILOGUE_PARAMETERS)
{
    int i = (int)get_global_id(0);
    int plane = i / out_w / out_h / out_d; /* image and channel of y */
    int z0 = i / out_w / out_h % out_d * stride_d - pad_d;
    int y0 = i / out_w % out_h * stride_h - pad_h;
    int x0 = i % out_w * stride_w - pad_w;
    int ko = plane % (groups * k);
    int from = (plane / (groups * k) * groups + ko / k) * c;
    SUM sum = 0;

    if (i >= count)
        return;
    if (biased)
        sum = LOAD(TYPE_w, bias, ko);
    for (int ci = 0; ci < c; ci++)
        for (int d = 0; d < win_d; d++)
            for (int r = 0; r < win_h; r++) {
                int zi = z0 + d * dil_d, yi = y0 + r * dil_h;
                int row = (((from + ci) * in_d + zi) * in_h + yi) * in_w;
                int tap = (((ko * c + ci) * win_d + d) * win_h + r) * win_w;

                if (zi < 0 || zi >= in_d || yi < 0 || yi >= in_h)
                    continue;
                for (int s = 0; s < win_w; s++) {
                    int xi = x0 + s * dil_w;

                    if (xi >= 0 && xi < in_w)
                        sum += (SUM)LOAD(TYPE_x, x, row + xi) *
                               LOAD(TYPE_w, w, tap + s);
                }
            }
    STORE(TYPE_y, y, i, EPILOGUE(sum, i));
}

/* The place of the window that has its tap `tap` on cell `at`, or -1. */
static inline int
window_at(int at, int tap, int stride, int out)
{
    int reach = at - tap;

    if (reach < 0 || reach % stride != 0 || reach / stride >= out)
        return -1;
    return reach / stride;
}

__kernel void
conv_grad_input(__global const STORAGE(TYPE_y) *dy,
                __global const STORAGE(TYPE_w) *w,
                __global const STORAGE(TYPE_w) *bias,
                __global STORAGE(TYPE_x) *dx, int biased,
                WINDOW EPILOGUE_PARAMETERS)
{
    int i = (int)get_global_id(0);
    int plane = i / in_w / in_h / in_d;
    int zi = i / in_w / in_h % in_d + pad_d;
    int yi = i / in_w % in_h + pad_h;
    int xi = i % in_w + pad_w;
    int co = plane % (groups * c);
    int group = co / c;
    int from = (plane / (groups * c) * groups + group) * k;
    SUM sum = 0;

    if (i >= count)
        return;
    if (biased)
        sum = LOAD(TYPE_w, bias, co);
    for (int kl = 0; kl < k; kl++)
        for (int d = 0; d < win_d; d++)
            for (int r = 0; r < win_h; r++) {
                int zo = window_at(zi, d * dil_d, stride_d, out_d);
                int yo = window_at(yi, r * dil_h, stride_h, out_h);
                int row = (((from + kl) * out_d + zo) * out_h + yo) * out_w;
                int tap = ((((group * k + kl) * c + co % c) * win_d + d) *
                               win_h + r) * win_w;

                if (zo < 0 || yo < 0)
                    continue;
                for (int s = 0; s < win_w; s++) {
                    int xo = window_at(xi, s * dil_w, stride_w, out_w);

                    if (xo >= 0)
                        sum += (SUM)LOAD(TYPE_y, dy, row + xo) *
                               LOAD(TYPE_w, w, tap + s);
                }
            }
    STORE(TYPE_x, dx, i, EPILOGUE(sum, i));
}

/* The least place whose tap lies inside, and the first one past the last. */
static inline int
first_place(int tap, int pad, int stride)
{
    return tap >= pad ? 0 : (pad - tap + stride - 1) / stride;
}

static inline int
last_place(int tap, int pad, int stride, int in, int out)
{
    int room = in - 1 + pad - tap;

    return room < 0 ? 0 : min(room / stride + 1, out);
}

__kernel void
conv_grad_weight(__global const STORAGE(TYPE_x) *x,
                 __global const STORAGE(TYPE_y) *dy,
                 __global STORAGE(TYPE_w) *dw, int images, WINDOW)
{
    int i = (int)get_global_id(0);
    int s = i % win_w * dil_w, r = i / win_w % win_h * dil_h;
    int d = i / win_w / win_h % win_d * dil_d;
    int ci = i / win_w / win_h / win_d % c;
    int ko = i / win_w / win_h / win_d / c;
    int z0 = first_place(d, pad_d, stride_d);
    int z1 = last_place(d, pad_d, stride_d, in_d, out_d);
    int y0 = first_place(r, pad_h, stride_h);
    int y1 = last_place(r, pad_h, stride_h, in_h, out_h);
    int x0 = first_place(s, pad_w, stride_w);
    int x1 = last_place(s, pad_w, stride_w, in_w, out_w);
    SUM sum = 0;

    if (i >= count)
        return;
    for (int n = 0; n < images; n++) {
        int from = (n * groups + ko / k) * c + ci;
        int to = n * groups * k + ko;

        for (int zo = z0; zo < z1; zo++)
            for (int yo = y0; yo < y1; yo++) {
                int zi = zo * stride_d + d - pad_d;
                int yi = yo * stride_h + r - pad_h;
                int row = ((from * in_d + zi) * in_h + yi) * in_w + s - pad_w;
                int place = ((to * out_d + zo) * out_h + yo) * out_w;
                SUM part = 0;

                for (int xo = x0; xo < x1; xo++)
                    part += (SUM)LOAD(TYPE_x, x, row + xo * stride_w) *
                            LOAD(TYPE_y, dy, place + xo);
                sum += part;
            }
    }
    STORE(TYPE_w, dw, i, sum);
}

/* db[k] = sum of dy over all but the channels; one work-group a channel. */
__kernel __attribute__((reqd_work_group_size(LANES, 1, 1))) void
conv_grad_bias(__global const STORAGE(TYPE_y) *dy,
               __global STORAGE(TYPE_w) *db, int images, int channels,
               int plane)
{
    int ko = (int)get_group_id(0), lane = (int)get_local_id(0);
    SUM sum = 0;
#if LANES > 1
    __local SUM shared[LANES];
#endif

    for (int n = 0; n < images; n++) {
        int from = (n * channels + ko) * plane;
        SUM part = 0;

        for (int i = lane; i < plane; i += LANES)
            part += LOAD(TYPE_y, dy, from + i);
        sum += part;
    }
#if LANES > 1
    shared[lane] = sum;
    for (int half_way = LANES / 2; half_way > 0; half_way /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane < half_way)
            shared[lane] += shared[lane + half_way];
    }
    if (lane == 0)
        sum = shared[0];
#endif
    if (lane == 0)
        STORE(TYPE_w, db, ko, sum);
}
