/* blocked.c - see blocked.h. */
#include "tests/op/blocked.h"

#include "op/impl.h"

static struct oc_layout wanted;

void
oc_blocked_set(int block, int halo)
{
    wanted = (struct oc_layout){.block = block, .halo = halo};
}

int
oc_can_be_raw(const struct ocellus_value *value)
{
    return value->shape.rank == 4 && value->type == OCELLUS_FLOAT &&
           oc_shape_count(&value->shape) > 0;
}

/* ---- into the blocked layout --------------------------------------------- */

static ocellus_status
infer_same(struct oc_node *node)
{
    return oc_infer_out(node, 0, node->in[0]->type, &node->in[0]->shape);
}

static void
layouts_to(const struct oc_node *node, const struct oc_caps *caps,
           struct oc_layout in[], struct oc_layout out[], size_t *scratch)
{
    (void)node;
    (void)caps;
    (void)scratch;
    in[0] = OC_PLAIN;
    out[0] = wanted;
}

static ocellus_status
emit_to(struct oc_steps *steps, const struct oc_node *node)
{
    (void)node;
    return oc_emit_reorder(steps, &steps->in[0], &steps->out[0]);
}

static void
grad_same(const struct oc_node *node, struct ocellus_value *dy[],
          struct ocellus_value *dx[])
{
    (void)node;
    dx[0] = dy[0];
}

static const struct oc_impl to_impls[] = {
    {.name = "direct",
     .layouts = layouts_to,
     .emit = emit_to,
     .flags = OC_IMPL_HALO},
    {.name = NULL},
};

const struct oc_op oc_blocked_op = {.name = "ToBlocked",
                                    .min_in = 1,
                                    .max_in = 1,
                                    .n_out = 1,
                                    .infer = infer_same,
                                    .grad = grad_same,
                                    .impls = to_impls};

/* ---- bytes as they lie --------------------------------------------------- */

static ocellus_status
infer_raw(struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    int64_t around = 2 * wanted.halo;
    struct oc_shape shape =
        OC_SHAPE(x->dim[0], (x->dim[1] + wanted.block - 1) / wanted.block,
                 x->dim[2] + around, x->dim[3] + around, wanted.block);

    return oc_infer_out(node, 0, node->in[0]->type, &shape);
}

static void
layouts_raw(const struct oc_node *node, const struct oc_caps *caps,
            struct oc_layout in[], struct oc_layout out[], size_t *scratch)
{
    (void)node;
    (void)caps;
    (void)scratch;
    in[0] = wanted;
    out[0] = OC_PLAIN;
}

static ocellus_status
emit_raw(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_step *step = oc_launch(steps, "copy", "copy");

    if (steps->in[0].layout.halo != wanted.halo)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED, "a halo of %d",
                            steps->in[0].layout.halo);
    step->kind = OC_STEP_COPY;
    step->from = steps->in[0].place;
    step->to = steps->out[0].place;
    step->bytes = (size_t)oc_shape_count(&node->out[0]->shape) * sizeof(float);
    return steps->status;
}

static const struct oc_impl raw_impls[] = {
    {.name = "direct", .layouts = layouts_raw, .emit = emit_raw},
    {.name = NULL},
};

const struct oc_op oc_raw_op = {.name = "Raw",
                                .min_in = 1,
                                .max_in = 1,
                                .n_out = 1,
                                .infer = infer_raw,
                                .impls = raw_impls};

int
oc_raw_read(const struct ocellus_tensor *raw, struct ocellus_tensor *plain)
{
    const int64_t *dim = plain->shape.dim, *all = raw->shape.dim;
    const float *from = raw->data;
    float *to = plain->data;
    int64_t at = 0;

    for (int64_t n = 0; n < all[0]; n++)
        for (int64_t b = 0; b < all[1]; b++)
            for (int64_t i = 0; i < all[2]; i++)
                for (int64_t j = 0; j < all[3]; j++)
                    for (int64_t l = 0; l < all[4]; l++, at++) {
                        int64_t c = b * all[4] + l;
                        int64_t y = i - wanted.halo, x = j - wanted.halo;

                        if (c < dim[1] && y >= 0 && y < dim[2] && x >= 0 &&
                            x < dim[3])
                            to[((n * dim[1] + c) * dim[2] + y) * dim[3] + x] =
                                from[at];
                        else if (!(from[at] == 0.0f))
                            return 0;
                    }
    return 1;
}
