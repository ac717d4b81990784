/* move.c - strided copies on the host and as launches. */
#include "op/move.h"

#include <string.h>

#define PIECE 16384 /* numbers of a row for one work-item */

struct oc_move *
oc_move_add(struct oc_moves *moves, int in, int out, const struct oc_shape *n)
{
    struct oc_move *m = &moves->move[moves->count++];
    memset(m, 0, sizeof *m);
    m->in = in;
    m->out = out;
    m->rank = n->rank;
    for (int d = 0; d < n->rank; d++)
        m->n[d] = n->dim[d];
    return m;
}

static void
drop(struct oc_move *m, int at)
{
    for (int d = at; d + 1 < m->rank; d++) {
        m->n[d] = m->n[d + 1];
        m->from[d] = m->from[d + 1];
        m->to[d] = m->to[d + 1];
    }
    m->rank--;
}

/* Axes of one element go; neighbours that lie end to end become one. */
static void
collapse(struct oc_move *m)
{
    for (int d = m->rank - 1; d >= 0; d--)
        if (m->n[d] == 1)
            drop(m, d);
    for (int d = m->rank - 2; d >= 0; d--) {
        if (m->from[d] != m->from[d + 1] * m->n[d + 1] ||
            m->to[d] != m->to[d + 1] * m->n[d + 1])
            continue;
        m->n[d + 1] *= m->n[d];
        drop(m, d);
    }
}

static int
empty(const struct oc_move *m)
{
    for (int d = 0; d < m->rank; d++)
        if (m->n[d] == 0)
            return 1;
    return 0;
}

/* ---- on the host -------------------------------------------------------- */

static void
copy_host(const struct oc_move *m, size_t size, const unsigned char *from,
          unsigned char *to)
{
    int64_t i[OC_MOVE_RANK] = {0};
    int64_t a = m->from0, b = m->to0;
    if (empty(m))
        return;
    for (;;) {
        memcpy(to + (size_t)b * size, from + (size_t)a * size, size);
        int d = m->rank - 1;
        for (; d >= 0; d--) {
            a += m->from[d];
            b += m->to[d];
            if (++i[d] < m->n[d])
                break;
            a -= m->from[d] * m->n[d];
            b -= m->to[d] * m->n[d];
            i[d] = 0;
        }
        if (d < 0)
            return;
    }
}

ocellus_status
oc_move_eval(struct oc_node *node, oc_moves_of of)
{
    struct oc_moves moves;
    size_t size = oc_type_size(node->out[0]->type);
    memset(&moves, 0, sizeof moves);
    OC_TRY(of(node, &moves));
    for (int k = 0; k < node->n_out; k++)
        if (node->out[k]->type != OCELLUS_UNDEFINED && !oc_eval_out(node, k))
            return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for numbers");
    int64_t count = oc_shape_count(&node->out[0]->shape);
    for (int64_t i = 0; moves.fill && i < count; i++)
        memcpy((unsigned char *)(uintptr_t)node->out[0]->data +
                   (size_t)i * size,
               moves.value, size);
    for (int k = 0; k < moves.count; k++) {
        const struct oc_move *m = &moves.move[k];
        copy_host(m, size, node->in[m->in]->data,
                  (unsigned char *)(uintptr_t)node->out[m->out]->data);
    }
    return OCELLUS_OK;
}

/* ---- on the device ------------------------------------------------------ */

/* An unsigned integer of the same size: bits are copied. */
static ocellus_type
bits_type(size_t size)
{
    switch (size) {
    case 1:
        return OCELLUS_UINT8;
    case 2:
        return OCELLUS_UINT16;
    case 4:
        return OCELLUS_UINT32;
    default:
        return OCELLUS_UINT64;
    }
}

/* n, from and to of the dimensions that are counted one by one, right-aligned
 * in 8; `skip` are left out. */
static void
dim_args(struct oc_steps *steps, struct oc_step *l, const struct oc_move *m,
         int skip_a, int skip_b)
{
    int64_t n[8], from[8] = {0}, to[8] = {0};
    int at = 8;
    for (int d = 0; d < 8; d++)
        n[d] = 1;
    for (int d = m->rank - 1; d >= 0; d--) {
        if (d == skip_a || d == skip_b)
            continue;
        at--;
        n[at] = m->n[d];
        from[at] = m->from[d];
        to[at] = m->to[d];
    }
    oc_define(steps, l, "RANK", 8 - at <= 2 ? 2 : 8 - at <= 4 ? 4 : 8);
    for (int d = 0; d < 8; d++) {
        oc_arg_int(steps, l, n[d]);
        oc_arg_int(steps, l, from[d]);
        oc_arg_int(steps, l, to[d]);
    }
}

static void
head_args(struct oc_steps *steps, struct oc_step *l, const struct oc_move *m,
          size_t size)
{
    oc_define_type(steps, l, "x", bits_type(size));
    oc_define(steps, l, "CPU", steps->caps->cpu);
    oc_arg_in(steps, l, m->in);
    oc_arg_out(steps, l, m->out);
    oc_arg_int(steps, l, m->from0);
    oc_arg_int(steps, l, m->to0);
}

/* The dimension along which `from` is contiguous, when that is not the
 * innermost and a tile of both is worth it; or -1. */
static int
crossing(const struct oc_move *m)
{
    int last = m->rank - 1;
    if (last < 1 || m->to[last] != 1 || m->from[last] == 1 || m->n[last] < 8)
        return -1;
    for (int d = 0; d < last; d++)
        if (m->from[d] == 1 && m->n[d] >= 8)
            return d;
    return -1;
}

static void
emit_tiles(struct oc_steps *steps, const struct oc_move *m, size_t size, int a)
{
    int last = m->rank - 1;
    int64_t rest = 1;
    struct oc_step *l = oc_launch(steps, "move", "move_tiles");
    head_args(steps, l, m, size);
    oc_arg_int(steps, l, m->n[a]);
    oc_arg_int(steps, l, m->to[a]);
    oc_arg_int(steps, l, m->n[last]);
    oc_arg_int(steps, l, m->from[last]);
    dim_args(steps, l, m, a, last);
    for (int d = 0; d < last; d++)
        rest *= d == a ? 1 : m->n[d];
    int64_t ta = (m->n[a] + 15) / 16, tb = (m->n[last] + 15) / 16;
    if (steps->caps->cpu)
        oc_grid2(l, ta, rest, 1, 1);
    else
        oc_grid2(l, ta * tb * rest * 16, 16, 16, 16);
    oc_cost(l, 0, 2.0 * (double)(rest * m->n[a] * m->n[last]) * (double)size);
}

static void
emit_rows(struct oc_steps *steps, const struct oc_move *m, size_t size)
{
    int last = m->rank - 1;
    int64_t rest = 1;
    struct oc_step *l = oc_launch(steps, "move", "move");
    head_args(steps, l, m, size);
    oc_arg_int(steps, l, last < 0 ? 1 : m->n[last]);
    oc_arg_int(steps, l, last < 0 ? 1 : m->from[last]);
    oc_arg_int(steps, l, last < 0 ? 1 : m->to[last]);
    dim_args(steps, l, m, last, last);
    for (int d = 0; d < last; d++)
        rest *= m->n[d];
    int64_t inner = last < 0 ? 1 : m->n[last];
    /* A long row is cut, so that all cores have a part of it. */
    oc_arg_int(steps, l, PIECE);
    if (steps->caps->cpu)
        oc_grid2(l, (inner + PIECE - 1) / PIECE, rest, 1, 1);
    else
        oc_grid1(l, inner * rest, 0);
    oc_cost(l, 0, 2.0 * (double)(rest * inner) * (double)size);
}

void
oc_fill_emit(struct oc_steps *steps, const unsigned char *value)
{
    const struct ocellus_value *out = steps->node->out[0];
    uint32_t word[2] = {0, 0};
    size_t size = oc_type_size(out->type);
    int64_t count = oc_shape_count(&out->shape);
    int64_t piece = steps->caps->cpu ? PIECE : 1;
    struct oc_step *l = oc_launch(steps, "move", "fill");
    memcpy(word, value, size);
    oc_define_type(steps, l, "x", bits_type(size));
    oc_define(steps, l, "RANK", 2);
    oc_define(steps, l, "CPU", steps->caps->cpu);
    oc_arg_out(steps, l, 0);
    oc_arg_int(steps, l, count);
    oc_arg_int(steps, l, (int32_t)word[0]);
    oc_arg_int(steps, l, (int32_t)word[1]);
    oc_arg_int(steps, l, piece);
    oc_grid1(l, (count + piece - 1) / piece, steps->caps->cpu ? 1 : 0);
    oc_cost(l, 0, (double)count * (double)size);
}

ocellus_status
oc_moves_launch(struct oc_steps *steps, struct oc_moves *moves)
{
    const struct oc_node *node = steps->node;
    size_t size = oc_type_size(node->out[0]->type);
    if (moves->fill)
        oc_fill_emit(steps, moves->value);
    for (int k = 0; k < moves->count; k++) {
        struct oc_move *m = &moves->move[k];
        if (empty(m) || steps->out[m->out].place < 0)
            continue;
        collapse(m);
        int a = crossing(m);
        if (m->rank > 9)
            return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                                "a copy over %d axes; 9 are the most", m->rank);
        if (a >= 0)
            emit_tiles(steps, m, size, a);
        else
            emit_rows(steps, m, size);
    }
    return steps->status;
}

ocellus_status
oc_move_emit(struct oc_steps *steps, const struct oc_node *node, oc_moves_of of)
{
    struct oc_moves moves;
    memset(&moves, 0, sizeof moves);
    OC_TRY(of(node, &moves));
    return oc_moves_launch(steps, &moves);
}
