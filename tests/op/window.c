/* window.c - see window.h. */
#include "tests/op/window.h"

#include <stdlib.h>
#include <string.h>

static int64_t
of(const int64_t *list, int i, int64_t otherwise)
{
    return list ? list[i] : otherwise;
}

void
window_read(const struct oc_node *node, struct window *w)
{
    const struct oc_shape *x = &node->in[0]->shape;
    const struct oc_shape *y = &node->out[0]->shape;
    const char *pad = oc_attr_text(node, "auto_pad", "NOTSET");
    int count;
    const int64_t *k = oc_attr_ints(node, "kernel_shape", &count);
    const int64_t *s = oc_attr_ints(node, "strides", &count);
    const int64_t *d = oc_attr_ints(node, "dilations", &count);
    const int64_t *p = oc_attr_ints(node, "pads", &count);

    memset(w, 0, sizeof *w);
    w->n = w->size.rank = x->rank - 2;
    for (int i = 0; i < w->n; i++) {
        w->size.dim[i] = k[i];
        w->stride[i] = of(s, i, 1);
        w->dilation[i] = of(d, i, 1);
        w->begin[i] = of(p, i, 0);
        w->end[i] = of(p, w->n + i, 0);
        w->in[i] = x->dim[2 + i];
        if (strncmp(pad, "SAME", 4) == 0) {
            int64_t all = (y->dim[2 + i] - 1) * w->stride[i] +
                          (k[i] - 1) * w->dilation[i] + 1 - w->in[i];

            all = all < 0 ? 0 : all;
            w->end[i] =
                strcmp(pad, "SAME_UPPER") == 0 ? all - all / 2 : all / 2;
            w->begin[i] = all - w->end[i];
        }
    }
}

int64_t
window_place(const struct window *w, const int64_t *o, const int64_t *k,
             int *padded)
{
    int64_t place = 0;
    int outside = 0;

    *padded = 1;
    for (int i = 0; i < w->n; i++) {
        int64_t at = o[i] * w->stride[i] - w->begin[i] + k[i] * w->dilation[i];

        if (at < 0 || at >= w->in[i])
            outside = 1;
        if (at >= w->in[i] + w->end[i])
            *padded = 0;
        place = place * w->in[i] + at;
    }
    return outside ? -1 : place;
}

void
window_apply(const struct oc_node *node, const double *x, double *y,
             window_rule rule)
{
    const struct oc_shape *out = &node->out[0]->shape;
    struct window w;
    int64_t at[OC_MAX_RANK] = {0}, i = 0;

    window_read(node, &w);
    double *v = calloc((size_t)oc_shape_count(&w.size) + 1, sizeof *v);
    int64_t plane = oc_shape_span(&node->in[0]->shape, 2, w.n + 2);

    do {
        int64_t k[OC_MAX_RANK] = {0};
        int64_t base = (at[0] * out->dim[1] + at[1]) * plane;
        int inside = 0, all = 0, padded;

        do {
            int64_t place = window_place(&w, at + 2, k, &padded);

            all += padded;
            if (place >= 0)
                v[inside++] = x[base + place];
        } while (oc_next(&w.size, k));
        y[i++] = rule(node, v, inside, all);
    } while (oc_next(out, at));
    free(v);
}
