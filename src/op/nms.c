/* nms.c - NonMaxSuppression: of boxes that lie over each other, the one with
 * the best score. Greedy, class by class; of equal scores the first box wins.
 * On the host: how many stay follows from the numbers.
 */
#include <math.h>
#include <stdlib.h>

#include "op/order.h"
#include "op/pool.h"

struct nms {
    int64_t batches, classes, boxes;
    int64_t most; /* of each class */
    float overlap;
    float least; /* scores must be above it */
    int center;  /* boxes are x, y, width, height, not two corners */
    const float *box, *score;
};

/* The best come first. */
static int
by_score(const void *context, int64_t a, int64_t b)
{
    const float *score = context;
    return score[b] > score[a];
}

/* top, left, bottom, right */
static void
corners(const struct nms *n, const float *box, float c[4])
{
    if (n->center) {
        c[0] = box[1] - box[3] / 2;
        c[1] = box[0] - box[2] / 2;
        c[2] = box[1] + box[3] / 2;
        c[3] = box[0] + box[2] / 2;
        return;
    }
    for (int k = 0; k < 2; k++) {
        c[k] = fminf(box[k], box[k + 2]);
        c[k + 2] = fmaxf(box[k], box[k + 2]);
    }
}

static int
covers(const struct nms *n, const float *one, const float *other)
{
    float a[4], b[4];
    corners(n, one, a);
    corners(n, other, b);
    float h = fminf(a[2], b[2]) - fmaxf(a[0], b[0]);
    float w = fminf(a[3], b[3]) - fmaxf(a[1], b[1]);
    float area = (a[2] - a[0]) * (a[3] - a[1]);
    float other_area = (b[2] - b[0]) * (b[3] - b[1]);
    if (!(h > 0) || !(w > 0) || !(area > 0) || !(other_area > 0))
        return 0;
    return h * w / (area + other_area - h * w) > n->overlap;
}

/* The boxes of one class that stay, in order[0 ..]; returns their number.
 * spare has room for all boxes too. */
static int64_t
one_class(const struct nms *n, const float *box, const float *score,
          int64_t *order, int64_t *spare)
{
    int64_t count = 0, kept = 0;
    for (int64_t i = 0; i < n->boxes; i++)
        if (score[i] > n->least)
            order[count++] = i;
    oc_order(order, spare, count, by_score, score);
    for (int64_t i = 0; i < count && kept < n->most; i++) {
        int stays = 1;
        for (int64_t k = 0; stays && k < kept; k++)
            stays = !covers(n, box + 4 * order[i], box + 4 * order[k]);
        if (stays)
            order[kept++] = order[i];
    }
    return kept;
}

/* All of them; into y where it is not NULL: batch, class, box. */
static ocellus_status
all_classes(const struct nms *n, int64_t *y, int64_t *total)
{
    size_t bytes = (size_t)(n->boxes + 1) * sizeof(int64_t);
    int64_t *order = malloc(bytes), *spare = malloc(bytes);
    *total = 0;
    for (int64_t i = 0; order && spare && i < n->batches * n->classes; i++) {
        int64_t batch = i / n->classes;
        int64_t kept = one_class(n, n->box + batch * n->boxes * 4,
                                 n->score + i * n->boxes, order, spare);
        for (int64_t k = 0; y && k < kept; k++) {
            *y++ = batch;
            *y++ = i % n->classes;
            *y++ = order[k];
        }
        *total += kept;
    }
    ocellus_status status =
        order && spare ? OCELLUS_OK
                       : oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for boxes");
    free(order);
    free(spare);
    return status;
}

static ocellus_status
number(const struct oc_node *node, int k, double otherwise, double *value)
{
    const struct ocellus_value *in = oc_input(node, k);
    *value = otherwise;
    if (!in)
        return OCELLUS_OK;
    if (oc_shape_count(&in->shape) != 1)
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "input %d is no number",
                            k);
    *value = oc_element_get(in->type, in->data, 0);
    return OCELLUS_OK;
}

static ocellus_status
check(const struct oc_node *node, struct nms *n)
{
    const struct oc_shape *box = &node->in[0]->shape;
    const struct oc_shape *score = &node->in[1]->shape;
    char a[OC_SHAPE_TEXT], b[OC_SHAPE_TEXT];
    int known = oc_shape_known(box) && oc_shape_known(score);
    int fits = box->rank == 3 && score->rank == 3 && box->dim[2] == 4 &&
               node->in[0]->type == OCELLUS_FLOAT &&
               node->in[1]->type == OCELLUS_FLOAT;
    if (!fits || (known && (box->dim[0] != score->dim[0] ||
                            box->dim[1] != score->dim[2])))
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "boxes %s and scores %s; N x boxes x 4 and N x "
                            "classes x boxes of float32 are taken",
                            oc_shape_text(box, a), oc_shape_text(score, b));
    *n = (struct nms){.batches = score->dim[0],
                      .classes = score->dim[1],
                      .boxes = score->dim[2],
                      .center = oc_attr_int(node, "center_point_box", 0) != 0,
                      .box = node->in[0]->data,
                      .score = node->in[1]->data};
    return OCELLUS_OK;
}

static int
known(const struct oc_node *node)
{
    for (int k = 0; k < node->n_in; k++)
        if (node->in[k] && !node->in[k]->data)
            return 0;
    return 1;
}

static ocellus_status
read(const struct oc_node *node, struct nms *n)
{
    double most, overlap, least;
    OC_TRY(check(node, n));
    OC_TRY(number(node, 2, 0, &most));
    OC_TRY(number(node, 3, 0, &overlap));
    OC_TRY(number(node, 4, -HUGE_VAL, &least));
    n->most = most >= (double)n->boxes ? n->boxes
              : most > 0               ? (int64_t)most
                                       : 0;
    n->overlap = (float)overlap;
    n->least = (float)least;
    return OCELLUS_OK;
}

static ocellus_status
infer(struct oc_node *node)
{
    struct oc_shape y = OC_SHAPE(OC_UNKNOWN, 3);
    struct nms n;
    OC_TRY(check(node, &n));
    if (known(node)) {
        OC_TRY(read(node, &n));
        OC_TRY(all_classes(&n, NULL, &y.dim[0]));
    }
    return oc_infer_out(node, 0, OCELLUS_INT64, &y);
}

static ocellus_status
eval(struct oc_node *node)
{
    int64_t *y = oc_eval_out(node, 0), total;
    struct nms n;
    OC_TRY(read(node, &n));
    if (!y)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for boxes");
    return all_classes(&n, y, &total);
}

const struct oc_op oc_op_NonMaxSuppression = {
    .name = "NonMaxSuppression",
    .min_in = 2,
    .max_in = 5,
    .n_out = 1,
    .host = 0x1f,
    .infer = infer,
    .eval = eval,
};
