/* session.c - see session.h. */
#include "device/session.h"

#include <stdlib.h>
#include <string.h>

#include "device/store.h"
#include "pass/infer.h"

#define MOST_PLANS 4

struct given {
    char *name;
    const struct ocellus_tensor *tensor;
};

/* A plan with what belongs to it on the device. */
struct entry {
    struct oc_shape *key; /* per input of the user's graph */
    struct oc_plan *plan;
    struct oc_run *run;
    struct oc_buffer **state;       /* per state of the plan's graph; lent */
    struct ocellus_tensor **output; /* as last read */
    uint64_t *read_at;              /* the run that it was read after */
    uint64_t seen;                  /* the store's version it derived from */
    uint64_t used;                  /* when, for the oldest to go */
    uint64_t runs;
};

struct ocellus_session {
    struct ocellus_device *device;
    struct ocellus_graph *graph;
    struct oc_store *store;
    struct oc_caps caps;
    oc_session_pass pass;
    void *user;
    struct given *given;
    int n_given, room_given;
    struct entry entry[MOST_PLANS];
    int n_entries;
    struct entry *last; /* of the last run */
    uint64_t clock;
};

static void
drop(struct entry *e)
{
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
    OC_TRY_OUT(oc_graph_copy(graph, &s->graph));
    if (share != NULL)
        s->store = oc_store_retain(share->store);
    else
        OC_TRY_OUT(oc_store_create(device, &s->store));
    for (int k = 0; k < s->graph->n_states; k++) {
        struct oc_buffer *buffer;
        OC_TRY_OUT(oc_store_home(s->store, s->graph->states[k], s->graph->seed,
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
        drop(&s->entry[k]);
    for (int k = 0; k < s->n_given; k++)
        free(s->given[k].name);
    free(s->given);
    oc_store_release(s->store);
    oc_graph_destroy(s->graph);
    free(s);
}

void
oc_session_set_caps(struct ocellus_session *s, const struct oc_caps *caps)
{
    for (int k = 0; k < s->n_entries; k++)
        drop(&s->entry[k]);
    s->n_entries = 0;
    s->last = NULL;
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

static const struct ocellus_tensor *
given(const struct ocellus_session *s, const char *name)
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
        const struct ocellus_tensor *t = given(s, in->name);
        OC_TRY(fits(in, t));
        key[k] = t->shape;
    }
    return OCELLUS_OK;
}

static int
same_key(const struct ocellus_session *s, const struct oc_shape *a,
         const struct oc_shape *b)
{
    for (int k = 0; k < s->graph->n_inputs; k++)
        if (!oc_shape_equal(&a[k], &b[k]))
            return 0;
    return 1;
}

static ocellus_status
make_plan(struct ocellus_session *s, struct entry *e)
{
    struct ocellus_graph *bound;
    OC_TRY(oc_graph_bind(s->graph, e->key, NULL, &bound));
    ocellus_status status =
        s->pass ? s->pass(bound, s->user) : oc_infer_pass(bound);
#ifdef OC_DEBUG
    if (status == OCELLUS_OK)
        status = oc_graph_verify(bound);
#endif
    if (status != OCELLUS_OK) {
        oc_graph_destroy(bound);
        return status;
    }
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
    drop(oldest);
    return oldest;
}

/* Takes `key` over. */
static ocellus_status
plan_for(struct ocellus_session *s, struct oc_shape *key, struct entry **out)
{
    for (int k = 0; k < s->n_entries; k++)
        if (same_key(s, s->entry[k].key, key)) {
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
        drop(e);
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

ocellus_status
oc_session_enqueue(struct ocellus_session *s)
{
    struct entry *e;
    OC_TRY(entry_now(s, &e));
    const struct ocellus_graph *g = e->plan->graph;
    for (int k = 0; k < g->n_inputs; k++) {
        const struct ocellus_tensor *t = given(s, g->inputs[k]->name);
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
    return OCELLUS_OK;
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

ocellus_status
oc_session_run(struct ocellus_session *s)
{
    OC_TRY(oc_session_enqueue(s));
    for (int k = 0; k < s->last->plan->graph->n_outputs; k++)
        OC_TRY(read_output(s->last, k));
    return OCELLUS_OK;
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
    for (int k = 0; k < g->n_outputs; k++)
        if (strcmp(g->output_names[k], name) == 0) {
            OC_TRY(read_output(s->last, k));
            *tensor = s->last->output[k];
            return OCELLUS_OK;
        }
    return oc_fail(OCELLUS_BAD_ARGUMENT,
                   "there is no output '%s'; the first is '%s'", name,
                   g->n_outputs ? g->output_names[0] : "(none)");
}

/* ---- states ----------------------------------------------------------------
 */

int
oc_session_state_count(const struct ocellus_session *s)
{
    return s->store->count;
}

const char *
oc_session_state_name(const struct ocellus_session *s, int k)
{
    return k >= 0 && k < s->store->count ? s->store->home[k].name : NULL;
}

static ocellus_status
find_state(const struct ocellus_session *s, const char *name,
           struct oc_home **home)
{
    *home = oc_store_find(s->store, name);
    if (*home == NULL)
        return oc_fail(OCELLUS_BAD_ARGUMENT, "there is no state '%s'", name);
    return OCELLUS_OK;
}

ocellus_status
oc_session_read_state(struct ocellus_session *s, const char *name,
                      struct ocellus_tensor **tensor)
{
    struct oc_home *home;
    *tensor = NULL;
    OC_TRY(find_state(s, name, &home));
    struct ocellus_tensor *t;
    OC_TRY(oc_tensor_create(home->type, &home->shape, &t));
    ocellus_status status =
        oc_buffer_read(home->buffer, 0, t->data, home->bytes);
    if (status != OCELLUS_OK) {
        oc_tensor_destroy(t);
        return status;
    }
    *tensor = t;
    return OCELLUS_OK;
}

ocellus_status
oc_session_write_state(struct ocellus_session *s, const char *name,
                       const struct ocellus_tensor *tensor)
{
    struct oc_home *home;
    OC_TRY(find_state(s, name, &home));
    if (tensor->type != home->type ||
        !oc_shape_equal(&tensor->shape, &home->shape)) {
        char a[OC_SHAPE_TEXT], b[OC_SHAPE_TEXT];
        return oc_fail(
            OCELLUS_BAD_ARGUMENT, "state '%s' is %s %s; it was given %s %s",
            name, oc_type_name(home->type), oc_shape_text(&home->shape, a),
            oc_type_name(tensor->type), oc_shape_text(&tensor->shape, b));
    }
    s->store->version++;
    return oc_buffer_write(home->buffer, 0, tensor->data, home->bytes);
}

ocellus_status
oc_session_put_state(struct ocellus_session *s, const char *name,
                     const struct ocellus_tensor *tensor)
{
    if (oc_store_find(s->store, name) == NULL) {
        struct ocellus_value state = {.name = name,
                                      .type = tensor->type,
                                      .shape = tensor->shape,
                                      .data = tensor->data};
        struct oc_buffer *buffer;
        s->store->version++;
        return oc_store_home(s->store, &state, 0, &buffer);
    }
    return oc_session_write_state(s, name, tensor);
}

uint64_t
oc_session_state_bytes(const struct ocellus_session *s)
{
    uint64_t bytes = 0;
    for (int k = 0; k < s->store->count; k++)
        bytes += s->store->home[k].bytes;
    return bytes;
}
