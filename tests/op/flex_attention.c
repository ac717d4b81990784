/* flex_attention.c - FlexAttention against plain loops, and with graphs of the
 * model's own between its steps. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "device/session.h"
#include "tests/op/harness.h"

/* What is done to scores and to probabilities. */
struct mods {
    double more, times;
};

/* batch x heads x length x width; heads of K and V shared by several of Q. */
static void
attend(const struct oc_shape shape[3], const double *const x[], double scale,
       struct mods mods, double *y)
{
    int64_t heads = shape[0].dim[1], rows = shape[0].dim[2];
    int64_t width = shape[0].dim[3], keys = shape[1].dim[2];
    int64_t own = shape[1].dim[1], deep = shape[2].dim[3];
    double *p = malloc((size_t)keys * sizeof *p);

    for (int64_t row = 0; row < shape[0].dim[0] * heads * rows; row++) {
        int64_t b = row / rows / heads, h = row / rows % heads;
        int64_t at = (b * own + h / (heads / own)) * keys;
        double sum = 0;

        for (int64_t j = 0; j < keys; j++) {
            p[j] = 0;
            for (int64_t i = 0; i < width; i++)
                p[j] += x[0][row * width + i] * x[1][(at + j) * width + i];
            p[j] = exp(p[j] * scale + mods.more * (double)j);
            sum += p[j];
        }
        for (int64_t i = 0; i < deep; i++) {
            y[row * deep + i] = 0;
            for (int64_t j = 0; j < keys; j++)
                y[row * deep + i] +=
                    p[j] / sum * mods.times * x[2][(at + j) * deep + i];
        }
    }
    free(p);
}

static void
flex(const struct oc_node *node, const double *const x[], double *const y[])
{
    struct oc_shape shape[] = {node->in[0]->shape, node->in[1]->shape,
                               node->in[2]->shape};
    double width = (double)shape[0].dim[3];

    attend(shape, x, oc_attr_float(node, "scale", 1 / sqrt(width)),
           (struct mods){0, 1}, y[0]);
}

static const struct oc_case cases[] = {
    {.op = "FlexAttention",
     .in = {{"2x3x4x5"}, {"2x3x6x5"}, {"2x3x6x7"}},
     .expect = "2x3x4x7",
     .plain = 1,
     .reference = flex},
    {.op = "FlexAttention",
     .attributes = "scale=0.3",
     .in = {{"1x6x3x2"}, {"1x2x5x2"}, {"1x2x5x1"}},
     .plain = 1,
     .reference = flex},
};

/* ---- with graphs of the model's own ---------------------------------------
 */

enum { KEYS = 5, QUERIES = 3, WIDTH = 2, HEADS = 2 };

/* x -> x OP other, `other` from outside. */
static struct ocellus_graph *
mod(const char *op)
{
    struct ocellus_graph *g = NULL;
    struct oc_shape scalar = {0};

    if (oc_graph_create(&g) != OCELLUS_OK)
        exit(99);
    g->open = 1;
    struct ocellus_value *x = oc_graph_input(g, "x", 0, &scalar);
    struct ocellus_value *other = oc_graph_input(g, "other", 0, &scalar);
    x->unknown = other->unknown = 1;
    oc_graph_output(g, "y", OC_NODE(g, op, NULL, x, other));
    return g;
}

/* y for inputs q, k, v: each score has its key's number added, and each
 * probability is doubled. */
static struct ocellus_graph *
modified(const struct oc_shape shape[3])
{
    static const char *const names[] = {"q", "k", "v"};
    static const float numbers[KEYS] = {0, 1, 2, 3, 4};
    struct oc_attr attr[] = {
        {.name = "prob_mod", .kind = OC_ATTR_GRAPH, .count = 1},
        {.name = "score_mod", .kind = OC_ATTR_GRAPH, .count = 1}};
    struct oc_shape line = OC_SHAPE(KEYS);
    struct ocellus_graph *g = NULL;
    struct ocellus_value *in[5];

    if (oc_graph_create(&g) != OCELLUS_OK)
        exit(99);
    for (int k = 0; k < 3; k++)
        in[k] = oc_graph_input(g, names[k], OCELLUS_FLOAT, &shape[k]);
    in[3] = oc_scalar(g, 2);
    in[4] = oc_graph_constant(g, NULL, OCELLUS_FLOAT, &line, numbers);
    attr[0].graph = mod("Mul");
    attr[1].graph = mod("Add");
    for (int k = 0; k < 2; k++) {
        oc_graph_keep(g, attr[k].graph);
        oc_graph_destroy(attr[k].graph);
    }
    oc_graph_output(g, "y",
                    oc_apply_attrs(g, oc_op_find("FlexAttention"), "flex", 2,
                                   attr, in, 5, 1));
    return g;
}

static int
is_right(struct ocellus_session *session, const struct oc_shape shape[3])
{
    static const char *const names[] = {"q", "k", "v"};
    static double number[3][HEADS * KEYS * WIDTH], y[HEADS * QUERIES * WIDTH];
    const double *const x[] = {number[0], number[1], number[2]};
    const struct ocellus_tensor *got;
    struct ocellus_tensor *in[3] = {NULL, NULL, NULL};
    ocellus_status status = OCELLUS_OK;

    for (int k = 0; k < 3 && status == OCELLUS_OK; k++) {
        struct ocellus_tensor *t;
        status = oc_tensor_create(OCELLUS_FLOAT, &shape[k], &t);
        for (int64_t i = 0; !status && i < oc_shape_count(&shape[k]); i++) {
            ((float *)t->data)[i] = (float)sin((double)i + 3 * k);
            number[k][i] = (double)((float *)t->data)[i];
        }
        in[k] = status == OCELLUS_OK ? t : NULL;
        if (status == OCELLUS_OK)
            status = oc_session_set_input(session, names[k], t);
    }
    if (status == OCELLUS_OK)
        status = oc_session_run(session);
    for (int k = 0; k < 3; k++)
        oc_tensor_destroy(in[k]);
    if (status != OCELLUS_OK ||
        oc_session_get_output(session, "y", &got) != OCELLUS_OK)
        return 0;
    attend(shape, x, 1 / sqrt((double)WIDTH), (struct mods){1, 2}, y);
    for (int i = 0; i < HEADS * QUERIES * WIDTH; i++)
        if (!(fabs(y[i] - (double)((float *)got->data)[i]) < 1e-5))
            return 0;
    return 1;
}

static int
mods(void)
{
    const struct oc_shape shape[] = {OC_SHAPE(1, HEADS, QUERIES, WIDTH),
                                     OC_SHAPE(1, HEADS, KEYS, WIDTH),
                                     OC_SHAPE(1, HEADS, KEYS, WIDTH)};
    struct ocellus_session *session = NULL;
    struct ocellus_graph *g;
    ocellus_device *device;

    if (ocellus_device_open(NULL, &device) != OCELLUS_OK)
        return 1;
    g = modified(shape);
    int good = oc_session_create(device, g, NULL, NULL, NULL, &session) ==
                   OCELLUS_OK &&
               is_right(session, shape);
    printf("%s - FlexAttention with graphs of its own\n",
           good ? "ok" : "not ok");
    if (!good)
        printf("# %s\n", ocellus_error());
    oc_session_destroy(session);
    oc_graph_destroy(g);
    ocellus_device_close(device);
    return good;
}

int
main(void)
{
    int good = mods();
    int code = oc_cases_run(cases, OC_COUNT(cases));

    return good ? code : 1;
}
