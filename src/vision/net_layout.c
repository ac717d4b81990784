/* net_layout.c - layers, their order, and places.
 *
 * The steps of K. Sugiyama, S. Tagawa, M. Toda, "Methods for visual
 * understanding of hierarchical system structures" (1981): the longest way from
 * an input gives the layer; lines over several layers get bends; a few sweeps
 * put each box near the mean of its neighbours, as far as those beside it
 * leave room.
 */
#include "vision/net_layout.h"

#include <stdlib.h>
#include <string.h>

enum {
    MOST_BENDS = 100000,
    SWEEPS = 12,
    ROW = 16,     /* of text, from line to line */
    LETTER = 7,   /* about as wide as one */
    MARGIN = 20,  /* of the page */
    BESIDE = 16,  /* between boxes of a layer */
    BETWEEN = 26, /* between layers */
    BEND = 4
};

static ocellus_status
no_memory(void)
{
    return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory to draw a net");
}

static void
measure(struct oc_net_box *box)
{
    size_t longest = box->shape ? strlen(box->shape) : 0, rows = 0;
    for (const struct oc_net_row *row = box->row; row; row = row->next) {
        longest = strlen(row->text) > longest ? strlen(row->text) : longest;
        rows++;
    }
    longest = longest > 60 ? 60 : longest;
    rows += box->shape != NULL;
    box->w = box->kind == OC_NET_BEND ? BEND : (double)(longest * LETTER + 20);
    box->h = box->kind == OC_NET_BEND ? 0 : (double)(rows * ROW + 10);
}

/* Boxes stand in an order in which lines lead onwards. An input that is read
 * late stands right above its reader. */
static void
give_layers(struct oc_net_picture *p)
{
    for (int k = 0; k < p->n_lines; k++) {
        const struct oc_net_line *line = &p->line[k];
        if (p->box[line->to].layer <= p->box[line->from].layer)
            p->box[line->to].layer = p->box[line->from].layer + 1;
    }
}

static ocellus_status
bend(struct oc_net_picture *p, int which)
{
    int to = p->line[which].to;
    for (int from = p->line[which].from;
         p->box[to].layer > p->box[from].layer + 1;) {
        if (++p->n_bends > MOST_BENDS)
            return oc_fail(OCELLUS_UNSUPPORTED,
                           "the picture of this net would have more than %d "
                           "bends; a .dot file has none",
                           MOST_BENDS);
        if (!oc_grow(&p->box, p->n_boxes, &p->room_boxes, sizeof(*p->box)) ||
            !oc_grow(&p->line, p->n_lines, &p->room_lines, sizeof(*p->line)))
            return no_memory();
        int made = p->n_boxes++;
        p->box[made] = (struct oc_net_box){.kind = OC_NET_BEND,
                                           .layer = p->box[from].layer + 1};
        p->line[which].to = made;
        which = p->n_lines++;
        p->line[which] = (struct oc_net_line){made, to};
        from = made;
    }
    return OCELLUS_OK;
}

/* ---- order and places -------------------------------------------------- */

struct placing {
    struct oc_net_picture *p;
    int layers;
    int *begin;             /* layers + 1: where each begins in `at` */
    struct oc_net_box **at; /* boxes by layer, from left to right */
    int *lines;             /* layers + 1: lines that leave each layer */
    double *sum, *weight;   /* per box */
};

static double
middle(const struct oc_net_box *box)
{
    return box->x + box->w / 2;
}

static int
by_wish(const void *a, const void *b)
{
    const struct oc_net_box *x = *(struct oc_net_box *const *)a;
    const struct oc_net_box *y = *(struct oc_net_box *const *)b;
    if (x->wish != y->wish)
        return x->wish < y->wish ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* Side by side, with the least squares of the ways to where they would be.
 * With what must lie to the left of it taken off, each wish must not be less
 * than the one before: what is, shares a mean with it (pool adjacent
 * violators). sum, weight: of the shared means; room for `count`. */
static void
settle(struct oc_net_box **box, int count, double *sum, double *weight)
{
    double left = 0;
    int pools = 0, k = 0;
    for (int i = 0; i < count; i++) {
        left += i ? box[i - 1]->w + BESIDE : 0;
        sum[pools] = box[i]->wish - box[i]->w / 2 - left;
        weight[pools++] = 1;
        while (pools > 1 && sum[pools - 2] * weight[pools - 1] >
                                sum[pools - 1] * weight[pools - 2]) {
            sum[pools - 2] += sum[pools - 1];
            weight[pools - 2] += weight[pools - 1];
            pools--;
        }
    }
    left = 0;
    for (int pool = 0; pool < pools; pool++)
        for (int i = 0; i < (int)weight[pool]; i++, k++) {
            left += k ? box[k - 1]->w + BESIDE : 0;
            box[k]->x = sum[pool] / weight[pool] + left;
        }
}

/* The mean of the other ends of the lines from above (down) or below. Bends
 * pull harder at each other, for long lines to be straight. */
static void
wish(struct placing *s, int layer, int down)
{
    struct oc_net_picture *p = s->p;
    int from = down ? layer - 1 : layer, n = s->begin[layer + 1];
    for (int k = s->begin[layer]; k < n; k++) {
        s->sum[s->at[k] - p->box] = 0;
        s->weight[s->at[k] - p->box] = 0;
    }
    for (int k = s->lines[from]; k < s->lines[from + 1]; k++) {
        int me = down ? p->line[k].to : p->line[k].from;
        int other = down ? p->line[k].from : p->line[k].to;
        int both =
            p->box[me].kind == OC_NET_BEND && p->box[other].kind == OC_NET_BEND;
        s->sum[me] += (both ? 4 : 1) * middle(&p->box[other]);
        s->weight[me] += both ? 4 : 1;
    }
    for (int k = s->begin[layer]; k < n; k++) {
        ptrdiff_t id = s->at[k] - p->box;
        s->at[k]->wish =
            s->weight[id] > 0 ? s->sum[id] / s->weight[id] : middle(s->at[k]);
    }
}

static void
sweep(struct placing *s, int down)
{
    for (int k = 1; k < s->layers; k++) {
        int layer = down ? k : s->layers - 1 - k;
        struct oc_net_box **box = s->at + s->begin[layer];
        int count = s->begin[layer + 1] - s->begin[layer];
        wish(s, layer, down);
        qsort(box, (size_t)count, sizeof(struct oc_net_box *), by_wish);
        settle(box, count, s->sum, s->weight);
    }
}

/* Where things of each layer begin, when they are sorted by layer: begin[] of
 * one more than there are layers holds their numbers, and becomes that. */
static void
begins(int *begin, int layers)
{
    for (int k = 0, sum = 0; k <= layers; k++) {
        int here = begin[k];
        begin[k] = sum;
        sum += here;
    }
}

static ocellus_status
sort_lines(struct placing *s)
{
    struct oc_net_picture *p = s->p;
    size_t bytes = ((size_t)p->n_lines + 1) * sizeof(struct oc_net_line);
    struct oc_net_line *sorted = malloc(bytes);
    if (sorted == NULL)
        return no_memory();
    for (int k = 0; k < p->n_lines; k++)
        s->lines[p->box[p->line[k].from].layer]++;
    begins(s->lines, s->layers);
    for (int k = 0; k < p->n_lines; k++)
        sorted[s->lines[p->box[p->line[k].from].layer]++] = p->line[k];
    memmove(s->lines + 1, s->lines, (size_t)s->layers * sizeof(*s->lines));
    s->lines[0] = 0;
    free(p->line);
    p->line = sorted;
    p->room_lines = p->n_lines;
    return OCELLUS_OK;
}

static void
sort_boxes(struct placing *s)
{
    struct oc_net_picture *p = s->p;
    for (int k = 0; k < p->n_boxes; k++)
        s->begin[p->box[k].layer]++;
    begins(s->begin, s->layers);
    for (int k = 0; k < p->n_boxes; k++) {
        struct oc_net_box *box = &p->box[k];
        int place = s->begin[box->layer]++;
        s->at[place] = box;
        box->wish = place;
    }
    memmove(s->begin + 1, s->begin, (size_t)s->layers * sizeof(*s->begin));
    s->begin[0] = 0;
    for (int k = 0; k < s->layers; k++)
        settle(s->at + s->begin[k], s->begin[k + 1] - s->begin[k], s->sum,
               s->weight);
}

static void
find_size(struct placing *s)
{
    struct oc_net_picture *p = s->p;
    double left = 1e300, y = MARGIN;
    for (int k = 0; k < p->n_boxes; k++)
        left = p->box[k].x < left ? p->box[k].x : left;
    for (int k = 0; k < s->layers; k++) {
        double most = 0;
        for (int i = s->begin[k]; i < s->begin[k + 1]; i++)
            most = s->at[i]->h > most ? s->at[i]->h : most;
        for (int i = s->begin[k]; i < s->begin[k + 1]; i++) {
            struct oc_net_box *box = s->at[i];
            box->x += MARGIN - left;
            box->y = y;
            box->h = box->kind == OC_NET_BEND ? most : box->h;
            if (box->x + box->w + MARGIN > p->width)
                p->width = box->x + box->w + MARGIN;
        }
        y += most + BETWEEN;
    }
    p->height = y - BETWEEN + MARGIN;
}

static ocellus_status
place(struct placing *s)
{
    struct oc_net_picture *p = s->p;
    size_t boxes = (size_t)p->n_boxes + 1, layers = (size_t)s->layers + 1;
    s->begin = oc_arena_alloc(p->arena, layers * sizeof(*s->begin));
    s->lines = oc_arena_alloc(p->arena, layers * sizeof(*s->lines));
    s->at = oc_arena_alloc(p->arena, boxes * sizeof(*s->at));
    s->sum = oc_arena_alloc(p->arena, boxes * sizeof(*s->sum));
    s->weight = oc_arena_alloc(p->arena, boxes * sizeof(*s->weight));
    if (!s->begin || !s->lines || !s->at || !s->sum || !s->weight)
        return no_memory();
    OC_TRY(sort_lines(s));
    sort_boxes(s);
    for (int k = 0; k < SWEEPS; k++) {
        sweep(s, 1);
        sweep(s, 0);
    }
    find_size(s);
    return OCELLUS_OK;
}

ocellus_status
oc_net_picture_place(struct oc_net_picture *picture)
{
    struct placing s = {.p = picture};
    int lines = picture->n_lines;
    give_layers(picture);
    for (int k = 0; k < lines; k++)
        OC_TRY(bend(picture, k));
    for (int k = 0; k < picture->n_boxes; k++) {
        measure(&picture->box[k]);
        if (picture->box[k].layer >= s.layers)
            s.layers = picture->box[k].layer + 1;
    }
    return place(&s);
}
