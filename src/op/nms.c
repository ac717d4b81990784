/* nms.c - NonMaxSuppression: of boxes that lie over each other, the one with
 * the best score. Greedy, class by class; of equal scores the first box wins.
 * On the host: how many stay follows from the numbers.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "op/order.h"
#include "op/pool.h"

/* Each box is compared with those that stay, so a hostile model could ask for
 * years; a thousand million comparisons are some seconds. */
static const int64_t most_compared = 1000000000;

struct nms {
    int64_t batches, classes, boxes;
    int64_t most; /* of each class */
    float overlap;
    float least; /* scores must be above it */
    int center;  /* boxes are x, y, width, height, not two corners */
    const float *box, *score;
    int64_t compared; /* so far */
};

/* What is chosen: batch, class, box, by three. */
struct chosen {
    int64_t *number;
    int64_t count, room;
};

struct rectangle {
    float top, left, bottom, right, area;
};

/* For one class; room for all boxes each. */
struct space {
    int64_t *order, *spare;
    struct rectangle *kept;
};

/* The best come first. */
static int
by_score(const void *context, int64_t a, int64_t b)
{
    const float *score = context;
    return score[b] > score[a];
}

static struct rectangle
rectangle_of(const struct nms *n, const float *box)
{
    struct rectangle r = {fminf(box[0], box[2]), fminf(box[1], box[3]),
                          fmaxf(box[0], box[2]), fmaxf(box[1], box[3]), 0};
    if (n->center)
        r = (struct rectangle){box[1] - box[3] / 2, box[0] - box[2] / 2,
                               box[1] + box[3] / 2, box[0] + box[2] / 2, 0};
    r.area = (r.bottom - r.top) * (r.right - r.left);
    return r;
}

static int
covers(const struct nms *n, const struct rectangle *a,
       const struct rectangle *b)
{
    float h = fminf(a->bottom, b->bottom) - fmaxf(a->top, b->top);
    float w = fminf(a->right, b->right) - fmaxf(a->left, b->left);
    if (!(h > 0) || !(w > 0) || !(a->area > 0) || !(b->area > 0))
        return 0;
    return h * w / (a->area + b->area - h * w) > n->overlap;
}

static ocellus_status
add(struct chosen *c, int64_t batch, int64_t class, int64_t box)
{
    if (c->count + 3 > c->room) {
        int64_t room = c->room ? 2 * c->room : 96;
        int64_t *more = realloc(c->number, (size_t)room * sizeof *more);
        if (!more)
            return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for boxes");
        c->number = more;
        c->room = room;
    }
    c->number[c->count++] = batch;
    c->number[c->count++] = class;
    c->number[c->count++] = box;
    return OCELLUS_OK;
}

/* Batch and class number `at`. */
static ocellus_status
one_class(struct nms *n, int64_t at, struct space *s, struct chosen *c)
{
    int64_t batch = at / n->classes, count = 0, kept = 0;
    const float *box = n->box + batch * n->boxes * 4;
    const float *score = n->score + at * n->boxes;
    for (int64_t i = 0; i < n->boxes; i++)
        if (score[i] > n->least)
            s->order[count++] = i;
    oc_order(s->order, s->spare, count, by_score, score);
    for (int64_t i = 0; i < count && kept < n->most; i++) {
        struct rectangle r = rectangle_of(n, box + 4 * s->order[i]);
        int stays = 1;
        int64_t k = 0;
        for (; stays && k < kept; k++)
            stays = !covers(n, &r, &s->kept[k]);
        n->compared += k;
        if (n->compared > most_compared)
            return oc_fail(OCELLUS_UNSUPPORTED,
                           "%lld boxes of %lld classes ask for more than %lld "
                           "comparisons; a higher score threshold or fewer "
                           "boxes a class would do with less",
                           (long long)n->boxes, (long long)n->classes,
                           (long long)most_compared);
        if (stays) {
            s->kept[kept++] = r;
            OC_TRY(add(c, batch, at % n->classes, s->order[i]));
        }
    }
    return OCELLUS_OK;
}

static ocellus_status
all_classes(struct nms *n, struct chosen *c)
{
    size_t boxes = (size_t)n->boxes + 1;
    struct space s = {malloc(boxes * sizeof *s.order),
                      malloc(boxes * sizeof *s.spare),
                      malloc(boxes * sizeof *s.kept)};
    ocellus_status status = OCELLUS_OK;
    if (!s.order || !s.spare || !s.kept)
        status = oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for boxes");
    for (int64_t i = 0; !status && i < n->batches * n->classes; i++)
        status = one_class(n, i, &s, c);
    free(s.order);
    free(s.spare);
    free(s.kept);
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

/* Its numbers are set here: they must be found for their number to be known.
 */
static ocellus_status
choose(struct oc_node *node, struct nms *n)
{
    struct chosen c = {0};
    ocellus_status status = read(node, n);
    if (status == OCELLUS_OK)
        status = all_classes(n, &c);
    struct oc_shape y = OC_SHAPE(c.count / 3, 3);
    if (status == OCELLUS_OK)
        status = oc_infer_out(node, 0, OCELLUS_INT64, &y);
    if (status == OCELLUS_OK) {
        int64_t *data = oc_eval_out(node, 0);
        if (!data)
            status = oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for boxes");
        else if (c.count > 0)
            memcpy(data, c.number, (size_t)c.count * sizeof *data);
    }
    free(c.number);
    return status;
}

static ocellus_status
infer(struct oc_node *node)
{
    struct oc_shape y = OC_SHAPE(OC_UNKNOWN, 3);
    struct nms n;
    OC_TRY(check(node, &n));
    return known(node) ? choose(node, &n)
                       : oc_infer_out(node, 0, OCELLUS_INT64, &y);
}

/* That it has one says that it is computed on the host. */
static ocellus_status
eval(struct oc_node *node)
{
    (void)node;
    return OCELLUS_OK;
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
