/* session.c - see session.h. */
#include "device/session_inside.h"

#include <stdlib.h>
#include <string.h>

#include "pass/infer.h"

static void
drop(const struct ocellus_session *s, struct entry *e)
{
    oc_session_destroy(e->rest);
    for (int k = 0; e->number != NULL && k < s->graph->n_inputs; k++)
        free(e->number[k]);
    free(e->number);
    oc_run_destroy(e->run);
    for (int k = 0; e->plan && e->output && k < e->plan->graph->n_outputs; k++)
        oc_tensor_destroy(e->output[k]);
    oc_plan_destroy(e->plan);
    free(e->key);
    free(e->state);
    free(e->output);
    free(e->read_at);
    memset(e, 0, sizeof *e);
}

ocellus_status
oc_session_create(struct ocellus_device *device,
                  const struct ocellus_graph *graph,
                  struct ocellus_session *share, oc_session_pass pass,
                  void *user, struct ocellus_session **session)
{
    *session = NULL;
    struct ocellus_session *s = calloc(1, sizeof *s);
    if (s == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a session");
    ocellus_status status = OCELLUS_OK;
    s->device = device = share ? share->device : device;
    s->caps = *oc_device_caps(device);
    s->pass = pass;
    s->user = user;
    int lends = share == NULL && pass == NULL;
    OC_TRY_OUT(lends ? oc_graph_copy(graph, &s->graph)
                     : oc_graph_copy_apart(graph, &s->graph));
    s->on_host = calloc((size_t)s->graph->n_inputs + 1, 1);
    if (s->on_host == NULL)
        OC_TRY_OUT(oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a session"));
    oc_graph_host_inputs(s->graph, s->on_host);
    if (share != NULL)
        s->store = oc_store_retain(share->store);
    else
        OC_TRY_OUT(oc_store_create(device, &s->store));
    if (lends)
        OC_TRY_OUT(oc_store_lend(s->store, s->graph));
    const struct ocellus_graph *numbers = lends ? s->graph : graph;
    for (int k = 0; k < numbers->n_states; k++) {
        struct oc_buffer *buffer;
        OC_TRY_OUT(oc_store_home(s->store, numbers->states[k], numbers->seed,
                                 &buffer));
    }
    *session = s;
    return OCELLUS_OK;
out:
    oc_session_destroy(s);
    return status;
}

void
oc_session_destroy(struct ocellus_session *s)
{
    if (s == NULL)
        return;
    for (int k = 0; k < s->n_entries; k++)
        drop(s, &s->entry[k]);
    for (int k = 0; k < s->n_given; k++)
        free(s->given[k].name);
    free(s->given);
    free(s->on_host);
    oc_store_release(s->store);
    oc_graph_destroy(s->graph);
    free(s);
}

static void
drop_all(struct ocellus_session *s)
{
    for (int k = 0; k < s->n_entries; k++)
        drop(s, &s->entry[k]);
    s->n_entries = 0;
    s->last = NULL;
}

void
oc_session_set_caps(struct ocellus_session *s, const struct oc_caps *caps)
{
    drop_all(s);
    s->caps = *caps;
}

ocellus_status
oc_session_set_input(struct ocellus_session *s, const char *name,
                     const struct ocellus_tensor *tensor)
{
    for (int k = 0; k < s->n_given; k++)
        if (strcmp(s->given[k].name, name) == 0) {
            s->given[k].tensor = tensor;
            return OCELLUS_OK;
        }
    char *copy = strdup(name);
    if (copy == NULL ||
        !oc_grow(&s->given, s->n_given, &s->room_given, sizeof *s->given)) {
        free(copy);
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for an input");
    }
    s->given[s->n_given++] = (struct given){copy, tensor};
    return OCELLUS_OK;
}

const struct ocellus_tensor *
oc_session_given(const struct ocellus_session *s, const char *name)
{
    for (int k = 0; k < s->n_given; k++)
        if (strcmp(s->given[k].name, name) == 0)
            return s->given[k].tensor;
    return NULL;
}

/* ---- plans --------------------------------------------------------------- */

/* Does a tensor fit an input? Its shape may fill in unknown dimensions. */
static ocellus_status
fits(const struct ocellus_value *in, const struct ocellus_tensor *t)
{
    char a[OC_SHAPE_TEXT], b[OC_SHAPE_TEXT];
    if (t == NULL)
        return oc_fail(OCELLUS_BAD_ARGUMENT, "input '%s' (%s %s) was not set",
                       in->name, oc_type_name(in->type),
                       oc_shape_text(&in->shape, a));
    int same = t->type == in->type && t->shape.rank == in->shape.rank;
    for (int d = 0; same && d < in->shape.rank; d++)
        same = in->shape.dim[d] == OC_UNKNOWN ||
               in->shape.dim[d] == t->shape.dim[d];
    if (!same)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "input '%s' takes %s %s; it was given %s %s", in->name,
                       oc_type_name(in->type), oc_shape_text(&in->shape, a),
                       oc_type_name(t->type), oc_shape_text(&t->shape, b));
    return OCELLUS_OK;
}

static ocellus_status
key_now(const struct ocellus_session *s, struct oc_shape *key)
{
    for (int k = 0; k < s->graph->n_inputs; k++) {
        const struct ocellus_value *in = s->graph->inputs[k];
        const struct ocellus_tensor *t = oc_session_given(s, in->name);
        OC_TRY(fits(in, t));
        key[k] = t->shape;
    }
    return OCELLUS_OK;
}

static size_t
bytes_of(const struct ocellus_tensor *t)
{
    return (size_t)oc_shape_count(&t->shape) * oc_type_size(t->type);
}

static int
same_key(const struct ocellus_session *s, const struct entry *e,
         const struct oc_shape *key)
{
    for (int k = 0; k < s->graph->n_inputs; k++) {
        if (!oc_shape_equal(&e->key[k], &key[k]))
            return 0;
        if (!s->on_host[k])
            continue;
        const struct ocellus_tensor *t =
            oc_session_given(s, s->graph->inputs[k]->name);
        if (t->data == NULL || e->number[k] == NULL ||
            memcmp(e->number[k], t->data, bytes_of(t)) != 0)
            return 0;
    }
    return 1;
}

/* Copies of the numbers that are bound. */
static ocellus_status
take_numbers(const struct ocellus_session *s, struct entry *e)
{
    if (e->number == NULL)
        e->number = calloc((size_t)s->graph->n_inputs + 1, sizeof(*e->number));
    for (int k = 0; e->number != NULL && k < s->graph->n_inputs; k++) {
        const struct ocellus_tensor *t =
            oc_session_given(s, s->graph->inputs[k]->name);
        if (!s->on_host[k] || e->number[k] != NULL)
            continue;
        if (t->data == NULL)
            return oc_fail(OCELLUS_BAD_ARGUMENT,
                           "input '%s' decides about shapes or branches, so "
                           "its numbers must be in host memory",
                           s->graph->inputs[k]->name);
        e->number[k] = malloc(bytes_of(t) + 1);
        if (e->number[k] == NULL)
            return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for an input");
        memcpy(e->number[k], t->data, bytes_of(t));
    }
    return e->number != NULL
               ? OCELLUS_OK
               : oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a plan");
}

/* The user's graph with shapes, and the numbers that it cannot do without. */
static ocellus_status
bind(struct ocellus_session *s, struct entry *e, struct ocellus_graph **bound)
{
    for (;;) {
        OC_TRY(take_numbers(s, e));
        OC_TRY(oc_graph_bind(s->graph, e->key, (const void *const *)e->number,
                             bound));
        if (oc_graph_waiting(*bound) == NULL ||
            !oc_graph_more_host_inputs(s->graph, *bound, s->on_host))
            return OCELLUS_OK;
        oc_graph_destroy(*bound);
    }
}

/* What waits becomes a session of its own. */
static ocellus_status
split(struct ocellus_session *s, struct entry *e, struct ocellus_graph **bound)
{
    const struct oc_node *node = oc_graph_waiting(*bound);
    struct ocellus_graph *head, *rest;
    if (s->pass != NULL)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "it needs numbers that are known only within the "
                            "run: such a net can be run, not trained");
    OC_TRY(oc_graph_split(*bound, &head, &e->n_own, &rest));
    ocellus_status status = OCELLUS_OK;
    if (head->n_outputs == e->n_own)
        status = oc_node_fail(node, OCELLUS_UNSUPPORTED,
                              "it waits for numbers that no part of the net "
                              "gives");
    if (status == OCELLUS_OK)
        status = oc_session_create(s->device, rest, s, NULL, NULL, &e->rest);
    oc_graph_destroy(rest);
    if (status != OCELLUS_OK) {
        oc_graph_destroy(head);
        return status;
    }
    oc_graph_destroy(*bound);
    *bound = head;
    return OCELLUS_OK;
}

/* Two bytes a number are for devices that compute in them as fast as in
 * float32: kernels for processors round factors at most, where they pack them.
 */
static ocellus_status
choose_storage(const struct ocellus_session *s, struct ocellus_graph *bound)
{
    if (bound->precision == OC_FP16 && s->caps.cpu)
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "fp16 is for graphics cards, and this device is a "
                       "processor: use fp32, or bf16 where `ocellus devices` "
                       "says bfloat16 yes");
    if (bound->precision != OC_FP32 && !s->caps.cpu)
        bound->storage =
            bound->precision == OC_FP16 ? OCELLUS_FLOAT16 : OCELLUS_BFLOAT16;
    return OCELLUS_OK;
}

static ocellus_status
make_plan(struct ocellus_session *s, struct entry *e)
{
    struct ocellus_graph *bound;
    OC_TRY(bind(s, e, &bound));
    ocellus_status status = OCELLUS_OK;
    e->n_own = bound->n_outputs;
    if (oc_graph_waiting(bound) != NULL)
        status = split(s, e, &bound);
    if (status == OCELLUS_OK)
        status = choose_storage(s, bound);
    if (status == OCELLUS_OK)
        status = s->pass ? s->pass(bound, s->user) : oc_infer_pass(bound);
#ifdef OC_DEBUG
    if (status == OCELLUS_OK)
        status = oc_graph_verify(bound);
#endif
    if (status != OCELLUS_OK) {
        oc_graph_destroy(bound);
        return status;
    }
    if (e->rest == NULL)
        e->n_own = bound->n_outputs;
    return oc_plan_make(bound, &s->caps, &e->plan);
}

static ocellus_status
make_run(struct ocellus_session *s, struct entry *e)
{
    const struct ocellus_graph *g = e->plan->graph;
    e->state = calloc((size_t)g->n_states + 1, sizeof(*e->state));
    e->output = calloc((size_t)g->n_outputs + 1, sizeof(*e->output));
    e->read_at = calloc((size_t)g->n_outputs + 1, sizeof(*e->read_at));
    if (e->state == NULL || e->output == NULL || e->read_at == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a plan");
    for (int k = 0; k < g->n_states; k++)
        OC_TRY(oc_store_home(s->store, g->states[k], g->seed, &e->state[k]));
    for (int k = 0; k < g->n_outputs; k++)
        OC_TRY(oc_tensor_create(g->outputs[k]->type, &g->outputs[k]->shape,
                                &e->output[k]));
    return oc_run_create(s->device, e->plan, e->state, &e->run);
}

static struct entry *
room_for_plan(struct ocellus_session *s)
{
    if (s->n_entries < MOST_PLANS)
        return &s->entry[s->n_entries++];
    struct entry *oldest = &s->entry[0];
    for (int k = 1; k < s->n_entries; k++)
        if (s->entry[k].used < oldest->used)
            oldest = &s->entry[k];
    if (s->last == oldest)
        s->last = NULL;
    drop(s, oldest);
    return oldest;
}

/* Takes `key` over. */
static ocellus_status
plan_for(struct ocellus_session *s, struct oc_shape *key, struct entry **out)
{
    for (int k = 0; k < s->n_entries; k++)
        if (same_key(s, &s->entry[k], key)) {
            free(key);
            *out = &s->entry[k];
            return OCELLUS_OK;
        }
    struct entry *e = room_for_plan(s);
    e->key = key;
    ocellus_status status = make_plan(s, e);
    if (status == OCELLUS_OK)
        status = make_run(s, e);
    if (status != OCELLUS_OK) {
        drop(s, e);
        *e = s->entry[--s->n_entries];
        memset(&s->entry[s->n_entries], 0, sizeof *e);
        s->last = NULL;
        return status;
    }
    *out = e;
    return OCELLUS_OK;
}

static ocellus_status
entry_now(struct ocellus_session *s, struct entry **e)
{
    size_t n = (size_t)s->graph->n_inputs + 1;
    struct oc_shape *key = calloc(n, sizeof *key);
    if (key == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a plan");
    ocellus_status status = key_now(s, key);
    if (status != OCELLUS_OK) {
        free(key);
        return status;
    }
    if (s->moved)
        drop_all(s);
    s->moved = 0;
    OC_TRY(plan_for(s, key, e));
    (*e)->used = ++s->clock;
    return OCELLUS_OK;
}

ocellus_status
oc_session_plan(struct ocellus_session *s, const struct oc_plan **plan,
                struct oc_run **run)
{
    struct entry *e;
    OC_TRY(entry_now(s, &e));
    *plan = e->plan;
    if (run != NULL)
        *run = e->run;
    return OCELLUS_OK;
}

ocellus_status
oc_session_last_plan(struct ocellus_session *s, const struct oc_plan **plan,
                     struct oc_run **run)
{
    if (s->last == NULL)
        return oc_session_plan(s, plan, run);
    *plan = s->last->plan;
    if (run != NULL)
        *run = s->last->run;
    return OCELLUS_OK;
}

/* ---- runs -----------------------------------------------------------------
 */

static int
changes_states(const struct oc_plan *plan)
{
    for (int k = 0; k < plan->graph->n_states; k++)
        if (plan->assigned_place[k] >= 0)
            return 1;
    return 0;
}

static ocellus_status
read_output(struct entry *e, int k)
{
    if (e->read_at[k] == e->runs)
        return OCELLUS_OK;
    struct ocellus_tensor *t = e->output[k];
    size_t bytes = (size_t)oc_shape_count(&t->shape) * oc_type_size(t->type);
    if (bytes > 0)
        OC_TRY(oc_run_read_output(e->run, k, t->data, bytes));
    e->read_at[k] = e->runs;
    return OCELLUS_OK;
}

/* The numbers that cross are read back and bound. */
static ocellus_status
enqueue_rest(struct ocellus_session *s, struct entry *e)
{
    const struct ocellus_graph *head = e->plan->graph;
    const struct ocellus_graph *rest = e->rest->graph;
    for (int k = 0; k < rest->n_inputs; k++) {
        const struct ocellus_tensor *t =
            oc_session_given(s, rest->inputs[k]->name);
        if (t != NULL)
            OC_TRY(oc_session_set_input(e->rest, rest->inputs[k]->name, t));
    }
    for (int k = e->n_own; k < head->n_outputs; k++) {
        OC_TRY(read_output(e, k));
        OC_TRY(
            oc_session_set_input(e->rest, head->output_names[k], e->output[k]));
    }
    return oc_session_enqueue(e->rest);
}

ocellus_status
oc_session_enqueue(struct ocellus_session *s)
{
    struct entry *e;
    OC_TRY(entry_now(s, &e));
    const struct ocellus_graph *g = e->plan->graph;
    for (int k = 0; k < g->n_inputs; k++) {
        const struct ocellus_tensor *t =
            oc_session_given(s, g->inputs[k]->name);
        OC_TRY(fits(g->inputs[k], t));
        if (e->plan->input_place[k] >= 0)
            OC_TRY(oc_run_set_input(e->run, k, t));
    }
    OC_TRY(oc_run_enqueue(e->run, e->seen != s->store->version));
    if (changes_states(e->plan))
        s->store->version++;
    e->seen = s->store->version;
    e->runs++;
    s->last = e;
    return e->rest ? enqueue_rest(s, e) : OCELLUS_OK;
}

static ocellus_status
read_all(struct ocellus_session *s)
{
    for (int k = 0; k < s->last->n_own; k++)
        OC_TRY(read_output(s->last, k));
    return s->last->rest ? read_all(s->last->rest) : OCELLUS_OK;
}

ocellus_status
oc_session_run(struct ocellus_session *s)
{
    OC_TRY(oc_session_enqueue(s));
    return read_all(s);
}

ocellus_status
oc_session_get_output(struct ocellus_session *s, const char *name,
                      const struct ocellus_tensor **tensor)
{
    *tensor = NULL;
    if (s->last == NULL)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "output '%s' was asked for before a run", name);
    const struct ocellus_graph *g = s->last->plan->graph;
    for (int k = 0; k < s->last->n_own; k++)
        if (strcmp(g->output_names[k], name) == 0) {
            OC_TRY(read_output(s->last, k));
            *tensor = s->last->output[k];
            return OCELLUS_OK;
        }
    if (s->last->rest != NULL)
        return oc_session_get_output(s->last->rest, name, tensor);
    return oc_fail(OCELLUS_BAD_ARGUMENT,
                   "there is no output '%s'; the first is '%s'", name,
                   g->n_outputs ? g->output_names[0] : "(none)");
}
