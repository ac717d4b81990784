/* conv_blocked.c - Conv, ConvGradInput and ConvTranspose as launches of
 * cl/conv_blocked.cl.
 *
 * The kernel knows neither strides nor pads, only steps in elements; so the
 * input gradient is the same kernel, reading dy through turned weights. With a
 * stride, pixels of one phase (their remainder by the stride) meet the same
 * taps of the window: one launch for each phase.
 */
#include <limits.h>

#include "op/conv_blocked.h"
#include "op/epilogue.h"

enum { FEW_CHANNELS = 4, WIDEST_HALO = 16, MOST_JOINED = 8 };

/* ---- what it takes ------------------------------------------------------ */

static const char *
cannot_number(const struct oc_node *node)
{
    const struct oc_epilogue *e = node->epilogue;

    for (int k = 0; k < node->n_in; k++)
        if (node->in[k] && node->in[k]->type != OCELLUS_FLOAT)
            return "it knows float32 only";
    if (e && e->n_extra > OC_CONV_EXTRAS)
        return "its epilogue reads two more tensors at most";
    return NULL;
}

/* Elements with the widest halo must count in int. */
static int
too_large(int n, int c, int h, int w, int width)
{
    double count = (double)n * ((double)c + width) *
                   ((double)h + 2 * WIDEST_HALO) *
                   ((double)w + 2 * WIDEST_HALO);

    return count > (double)INT_MAX;
}

const char *
oc_conv_blocked_cannot(const struct oc_node *node, const struct oc_caps *caps,
                       const struct oc_conv_window *v)
{
    const int b = caps->vector_width;

    if (!caps->cpu)
        return "it is made for CPU-class devices";
    if (b != 4 && b != 8 && b != 16)
        return "the device's vectors have neither 4, 8 nor 16 lanes";
    if (v->axes > 2)
        return "it knows one or two spatial axes";
    if (oc_conv_blocked_halo(v) > WIDEST_HALO)
        return "the padding is wider than 16";
    if (too_large(v->n, v->c, v->in[OC_H], v->in[OC_W], b) ||
        too_large(v->n, v->k, v->out[OC_H], v->out[OC_W], b))
        return "a tensor has more than 2147483647 elements";
    return cannot_number(node);
}

static int
joined(const struct oc_conv_window *v, int width)
{
    return oc_groups_joined(v->groups, v->c / v->groups, v->k / v->groups,
                            width);
}

const char *
oc_conv_blocked_cannot_join(const struct oc_conv_window *v,
                            const struct oc_caps *caps)
{
    return joined(v, caps->vector_width) > MOST_JOINED
               ? "more than 8 groups would share a block of channels"
               : NULL;
}

int
oc_conv_blocked_groups(const struct oc_conv_window *v, int width)
{
    return v->groups / joined(v, width);
}

int
oc_conv_blocked_halo(const struct oc_conv_window *v)
{
    int halo = 0;

    for (int a = OC_H; a <= OC_W; a++) {
        int last = (v->out[a] - 1) * v->stride[a] +
                   (v->window[a] - 1) * v->dilation[a] - v->pad[a];

        if (v->pad[a] > halo)
            halo = v->pad[a];
        if (last - (v->in[a] - 1) > halo)
            halo = last - (v->in[a] - 1);
    }
    return halo;
}

struct oc_layout
oc_conv_blocked_x(const struct oc_conv_window *v, const struct oc_layout *now,
                  int width)
{
    struct oc_layout x = {.block = width, .halo = oc_conv_blocked_halo(v)};

    if (now->block != width && v->c <= FEW_CHANNELS && v->groups == 1)
        x.block = 1;
    else if (now->block == width && now->halo > x.halo)
        x.halo = now->halo;
    return x;
}

void
oc_conv_other_layouts(const struct oc_node *node, struct oc_layout in[],
                      const struct oc_layout *out)
{
    const int own = oc_own_inputs(node);

    for (int k = 2; k < own; k++)
        in[k] = OC_PLAIN;
    for (int k = own; k < node->n_in; k++)
        in[k] = *out;
}

static struct oc_layout
packed(const struct oc_conv_window *v, int width, int pack)
{
    return (struct oc_layout){
        .block = width, .pack = pack, .groups = v->groups > 1 ? v->groups : 0};
}

/* ---- Conv --------------------------------------------------------------- */

const char *
oc_conv_blocked_refuse(const struct oc_node *node, const struct oc_caps *caps)
{
    struct oc_conv_window v = oc_conv_window_of(node);
    const char *why = oc_conv_blocked_cannot(node, caps, &v);

    return why ? why : oc_conv_blocked_cannot_join(&v, caps);
}

void
oc_conv_blocked_layouts(const struct oc_node *node, const struct oc_caps *caps,
                        struct oc_layout in[], struct oc_layout out[],
                        size_t *scratch)
{
    const int b = caps->vector_width;
    struct oc_conv_window v = oc_conv_window_of(node);

    (void)scratch;
    in[0] = oc_conv_blocked_x(&v, &in[0], b);
    in[1] = packed(&v, b, in[0].block == 1 ? OC_PACK_CONV_FIRST : OC_PACK_CONV);
    out[0] = (struct oc_layout){.block = b};
    oc_conv_other_layouts(node, in, &out[0]);
}

ocellus_status
oc_conv_blocked(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_conv_window v = oc_conv_window_of(node);
    struct oc_conv_job job = oc_conv_job_of(steps);
    const struct oc_blocked *x = &job.x.of;

    oc_conv_job_weights(&job, &v);
    job.x.base = x->base - v.pad[OC_H] * x->row - v.pad[OC_W] * x->block;
    job.x.row = v.stride[OC_H] * x->row;
    job.x.col = v.stride[OC_W] * x->block;
    job.tap_r = v.dilation[OC_H] * x->row;
    job.tap_s = v.dilation[OC_W] * x->block;
    job.row_first = -v.pad[OC_H];
    job.row_step = v.stride[OC_H];
    job.row_tap = v.dilation[OC_H];
    job.y = oc_conv_whole(&job.y.of);
    for (int k = 0; k < OC_CONV_EXTRAS; k++)
        job.e[k] = oc_conv_whole(&job.e[k].of);
    for (int a = 0; a < 2; a++) {
        job.taps[a] = v.window[OC_H + a];
        job.out[a] = v.out[OC_H + a];
    }
    oc_conv_job_launch(steps, &job, oc_conv_flops(&v));
    return steps->status;
}

/* ---- ConvGradInput, ConvTranspose --------------------------------------- */

struct oc_conv_phase
oc_conv_phase_of(const struct oc_conv_window *v, int a, int phase)
{
    const int stride = v->stride[a], window = v->window[a];
    const int dilation = v->dilation[a];
    const int tap = (phase + v->pad[a]) % stride;
    struct oc_conv_phase p = {0};

    p.pixels = (v->in[a] - phase + stride - 1) / stride;
    if (p.pixels < 0)
        p.pixels = 0;
    if (stride == 1) {
        p.taps = window;
        p.at = v->pad[a] - (window - 1) * dilation;
        return p;
    }
    p.taps = tap < window ? (window - 1 - tap) / stride + 1 : 0;
    p.at = (phase + v->pad[a] - tap) / stride - (p.taps - 1);
    p.first = window - 1 - tap - stride * (p.taps - 1);
    return p;
}

int
oc_conv_dy_halo(const struct oc_conv_window *v)
{
    int halo = 0;

    for (int a = OC_H; a <= OC_W; a++)
        for (int s = 0; s < v->stride[a] && s < v->in[a]; s++) {
            struct oc_conv_phase p = oc_conv_phase_of(v, a, s);
            int step = v->stride[a] == 1 ? v->dilation[a] : 1;
            int last = p.pixels - 1 + p.at + (p.taps - 1) * step;

            if (p.taps == 0)
                continue;
            if (-p.at > halo)
                halo = -p.at;
            if (last - (v->out[a] - 1) > halo)
                halo = last - (v->out[a] - 1);
        }
    return halo;
}

const char *
oc_conv_blocked_cannot_turn(const struct oc_node *node,
                            const struct oc_caps *caps,
                            const struct oc_conv_window *v)
{
    const char *why = oc_conv_blocked_cannot(node, caps, v);

    if (why)
        return why;
    for (int a = OC_H; a <= OC_W; a++) {
        if (v->stride[a] > 1 && v->dilation[a] > 1)
            return "it knows no dilation with a stride";
        if (v->stride[a] > 4)
            return "it knows strides up to 4";
    }
    if (oc_conv_dy_halo(v) > WIDEST_HALO)
        return "the window reaches more than 16 beyond the border";
    return NULL;
}

const char *
oc_conv_blocked_input_refuse(const struct oc_node *node,
                             const struct oc_caps *caps)
{
    struct oc_conv_window v = oc_conv_window_of(node);
    const char *why = oc_conv_blocked_cannot_turn(node, caps, &v);

    return why ? why : oc_conv_blocked_cannot_join(&v, caps);
}

struct oc_layout
oc_conv_blocked_dy(const struct oc_conv_window *v, const struct oc_layout *now,
                   int width)
{
    struct oc_layout dy = {.block = width, .halo = oc_conv_dy_halo(v)};

    if (now->block == width && now->halo > dy.halo)
        dy.halo = now->halo;
    return dy;
}

void
oc_conv_blocked_input_layouts(const struct oc_node *node,
                              const struct oc_caps *caps, struct oc_layout in[],
                              struct oc_layout out[], size_t *scratch)
{
    const int b = caps->vector_width;
    struct oc_conv_window v = oc_conv_window_of(node);

    (void)scratch;
    in[0] = oc_conv_blocked_dy(&v, &in[0], b);
    in[1] = packed(&v, b, OC_PACK_CONV_FLIP);
    out[0] = (struct oc_layout){.block = b};
    oc_conv_other_layouts(node, in, &out[0]);
}

struct oc_conv_side
oc_conv_phased(const struct oc_blocked *of, const struct oc_conv_window *v,
               int r, int s)
{
    struct oc_conv_side side = {.of = *of};

    side.base = of->base + r * of->row + s * of->block;
    side.row = v->stride[OC_H] * of->row;
    side.col = v->stride[OC_W] * of->block;
    return side;
}

static void
launch_phase(struct oc_steps *steps, const struct oc_conv_window *v, int r,
             int s)
{
    const struct oc_conv_phase h = oc_conv_phase_of(v, OC_H, r);
    const struct oc_conv_phase w = oc_conv_phase_of(v, OC_W, s);
    const int step_h = v->stride[OC_H] == 1 ? v->dilation[OC_H] : 1;
    const int step_w = v->stride[OC_W] == 1 ? v->dilation[OC_W] : 1;
    struct oc_conv_job job = oc_conv_job_of(steps);
    const struct oc_blocked *x = &job.x.of;

    oc_conv_job_weights(&job, v);
    job.w_base = h.first * job.w_tap_r + w.first * job.w_tap_s;
    job.w_tap_r *= v->stride[OC_H];
    job.w_tap_s *= v->stride[OC_W];
    job.x.base = x->base + h.at * x->row + w.at * x->block;
    job.x.row = x->row;
    job.x.col = x->block;
    job.tap_r = step_h * x->row;
    job.tap_s = step_w * x->block;
    job.row_first = h.at;
    job.row_step = 1;
    job.row_tap = step_h;
    job.y = oc_conv_phased(&job.y.of, v, r, s);
    for (int k = 0; k < OC_CONV_EXTRAS; k++)
        job.e[k] = oc_conv_phased(&job.e[k].of, v, r, s);
    job.taps[0] = h.taps;
    job.taps[1] = w.taps;
    if (h.taps == 0 || w.taps == 0)
        job.taps[0] = job.taps[1] = job.x.base = 0;
    job.out[0] = h.pixels;
    job.out[1] = w.pixels;
    oc_conv_job_launch(steps, &job,
                       oc_conv_flops(v) / (v->stride[OC_H] * v->stride[OC_W]));
}

ocellus_status
oc_conv_blocked_input(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_conv_window v = oc_conv_window_of(node);

    for (int r = 0; r < v.stride[OC_H]; r++)
        for (int s = 0; s < v.stride[OC_W]; s++)
            launch_phase(steps, &v, r, s);
    return steps->status;
}
