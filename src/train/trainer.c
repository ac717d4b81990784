/* trainer.c - a net, its loss and its optimizer: sessions over one store of
 * states, and the small inputs that change from step to step. */
#include "train/trainer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pass/infer.h"

/* ---- making ----------------------------------------------------------------
 */

static ocellus_status
small(ocellus_type type, int64_t count, struct ocellus_tensor **tensor)
{
    struct oc_shape shape = OC_SHAPE(count);
    return oc_tensor_create(type, &shape, tensor);
}

static ocellus_status
small_inputs(struct ocellus_trainer *t)
{
    OC_TRY(small(OCELLUS_FLOAT, 1, &t->rate_in));
    OC_TRY(small(OCELLUS_FLOAT, 1, &t->step_in));
    OC_TRY(small(OCELLUS_INT32, 4, &t->key_in));
    OC_TRY(small(OCELLUS_FLOAT, 1, &t->decay_in));
    return small(OCELLUS_FLOAT, 1, &t->mix_in);
}

static ocellus_status
take_options(struct ocellus_trainer *t, const ocellus_trainer_options *o)
{
    OC_TRY(oc_loss_parse(o->loss, &t->recipe));
    OC_TRY(oc_optimizer_parse(o->optimizer, &t->recipe, &t->rate));
    OC_TRY(oc_schedule_parse(o->schedule, &t->schedule));
    if (o->label_smoothing < 0 || o->label_smoothing >= 1)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "label smoothing is in [0, 1); %g is not",
                       (double)o->label_smoothing);
    if (o->clip < 0 || o->accumulate < 0 || o->checkpoint < 0 ||
        o->average < 0 || o->average >= 1)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "clip %g, accumulate %d, checkpoint %d and average %g "
                       "are not all usable",
                       (double)o->clip, o->accumulate, o->checkpoint,
                       (double)o->average);
    t->recipe.label_smoothing = o->label_smoothing;
    t->recipe.mixup = o->mixup;
    t->recipe.clip = o->clip;
    t->recipe.accumulate = o->accumulate;
    t->recipe.average = o->average > 0;
    t->recipe.checkpoint = o->checkpoint;
    t->decay = o->average;
    t->epochs = o->epochs;
    t->steps_per_epoch = o->steps_per_epoch;
    t->seed = o->seed;
    t->micro = t->recipe;
    t->micro.only_accumulate = 1;
    return OCELLUS_OK;
}

/* The net on the averaged weights: the same graph, its parameters renamed. */
static ocellus_status
averaged_graph(const struct ocellus_graph *graph, struct ocellus_graph **out)
{
    OC_TRY(oc_graph_copy(graph, out));
    for (int k = 0; k < (*out)->n_states; k++) {
        struct ocellus_value *state = (*out)->states[k];
        if (!state->trainable)
            continue;
        state->name = oc_arena_printf((*out)->arena, "average:%s", state->name);
        state->data = NULL;
        state->init = "zeros";
        if (state->name == NULL)
            return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a graph");
    }
    return OCELLUS_OK;
}

/* Once its store has them, the trainer's graph needs no numbers. */
static ocellus_status
take_graph(struct ocellus_trainer *t, const struct ocellus_graph *graph)
{
    struct ocellus_graph *plain;
    OC_TRY(oc_graph_copy(graph, &plain));
    ocellus_status status = oc_infer_forms(plain);
    if (status == OCELLUS_OK)
        status = oc_session_create(t->device, plain, NULL, oc_train_pass,
                                   &t->recipe, &t->train);
    if (status == OCELLUS_OK)
        status = oc_graph_copy_apart(plain, &t->graph);
    oc_graph_destroy(plain);
    OC_TRY(status);
    t->input = t->graph->inputs[0]->name;
    t->output = t->graph->output_names[0];
    return OCELLUS_OK;
}

static ocellus_status
other_sessions(struct ocellus_trainer *t)
{
    if (t->recipe.accumulate > 1)
        OC_TRY(oc_session_create(t->device, t->graph, t->train, oc_train_pass,
                                 &t->micro, &t->accumulate));
    if (!t->recipe.average)
        return oc_session_create(t->device, t->graph, t->train, NULL, NULL,
                                 &t->eval);
    struct ocellus_graph *mean;
    OC_TRY(averaged_graph(t->graph, &mean));
    ocellus_status status =
        oc_session_create(t->device, mean, t->train, NULL, NULL, &t->eval);
    oc_graph_destroy(mean);
    return status;
}

static ocellus_status
make(struct ocellus_trainer *t, const struct ocellus_graph *graph,
     const ocellus_trainer_options *given)
{
    ocellus_trainer_options options = {0};
    if (given != NULL) {
        if (given->size < sizeof(size_t) || given->size > sizeof options)
            return oc_fail(OCELLUS_BAD_ARGUMENT,
                           "options.size is %zu; set it to "
                           "sizeof(ocellus_trainer_options)",
                           given->size);
        memcpy(&options, given, given->size);
    }
    if (graph->n_inputs < 1 || graph->n_outputs < 1)
        return oc_fail(OCELLUS_BAD_MODEL,
                       "a net to train has an input and an output; this one "
                       "has %d and %d",
                       graph->n_inputs, graph->n_outputs);
    OC_TRY(take_options(t, &options));
    OC_TRY(small_inputs(t));
    OC_TRY(take_graph(t, graph));
    return other_sessions(t);
}

ocellus_status
ocellus_trainer_create(ocellus_device *device, const ocellus_graph *graph,
                       const ocellus_trainer_options *options,
                       ocellus_trainer **trainer)
{
    *trainer = NULL;
    struct ocellus_trainer *t = calloc(1, sizeof *t);
    if (t == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a trainer");
    t->device = device;
    ocellus_status status = make(t, graph, options);
    if (status != OCELLUS_OK)
        ocellus_trainer_destroy(t);
    else
        *trainer = t;
    return status;
}

void
ocellus_trainer_destroy(ocellus_trainer *t)
{
    if (t == NULL)
        return;
    oc_session_destroy(t->eval);
    oc_session_destroy(t->accumulate);
    oc_session_destroy(t->train);
    oc_tensor_destroy(t->rate_in);
    oc_tensor_destroy(t->step_in);
    oc_tensor_destroy(t->key_in);
    oc_tensor_destroy(t->decay_in);
    oc_tensor_destroy(t->mix_in);
    oc_graph_destroy(t->graph);
    free(t);
}

/* ---- a step
 * ------------------------------------------------------------------ */

double
ocellus_trainer_learning_rate(const ocellus_trainer *t)
{
    double per = t->steps_per_epoch > 0 ? (double)t->steps_per_epoch : 1;
    return oc_schedule_rate(&t->schedule, t->rate, (double)t->step / per,
                            t->epochs);
}

void
ocellus_trainer_set_learning_rate(ocellus_trainer *t, double rate)
{
    t->rate = rate;
}

int64_t
ocellus_trainer_step_count(const ocellus_trainer *t)
{
    return t->step;
}

ocellus_session *
ocellus_trainer_session(ocellus_trainer *t)
{
    return t->train;
}

/* The average follows faster while it is young, and starts where the weights
 * are after the first update. */
static float
decay_now(const struct ocellus_trainer *t)
{
    if (t->step == 0)
        return 0;
    double young = (1.0 + (double)t->step) / (10.0 + (double)t->step);
    return (float)fmin(young, (double)t->decay);
}

static void
fill_inputs(struct ocellus_trainer *t, float mix)
{
    int32_t *key = t->key_in->data;
    *(float *)t->rate_in->data = (float)ocellus_trainer_learning_rate(t);
    *(float *)t->step_in->data = (float)(t->step + 1);
    *(float *)t->decay_in->data = decay_now(t);
    *(float *)t->mix_in->data = mix;
    key[0] = (int32_t)(uint32_t)t->seed;
    key[1] = (int32_t)(uint32_t)(t->seed >> 32);
    key[2] = (int32_t)(uint32_t)(uint64_t)t->batches;
    key[3] = (int32_t)(uint32_t)((uint64_t)t->batches >> 32);
}

static ocellus_status
set_inputs(struct ocellus_trainer *t, struct ocellus_session *s,
           const ocellus_tensor *x, const ocellus_tensor *labels,
           const ocellus_tensor *labels2)
{
    OC_TRY(oc_session_set_input(s, t->input, x));
    OC_TRY(oc_session_set_input(s, "labels", labels));
    OC_TRY(oc_session_set_input(s, "labels2", labels2 ? labels2 : labels));
    OC_TRY(oc_session_set_input(s, "mix", t->mix_in));
    OC_TRY(oc_session_set_input(s, "learning_rate", t->rate_in));
    OC_TRY(oc_session_set_input(s, "step", t->step_in));
    OC_TRY(oc_session_set_input(s, "key", t->key_in));
    return oc_session_set_input(s, "average_decay", t->decay_in);
}

ocellus_status
ocellus_trainer_step(ocellus_trainer *t, const ocellus_tensor *x,
                     const ocellus_tensor *labels,
                     const ocellus_tensor *labels2, float mix, float *loss)
{
    int every = t->recipe.accumulate > 1 ? t->recipe.accumulate : 1;
    int updates = (t->batches + 1) % every == 0;
    struct ocellus_session *s = updates ? t->train : t->accumulate;
    if (labels2 != NULL && !t->recipe.mixup)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "labels2 were given; the trainer was made without "
                       "options.mixup");
    fill_inputs(t, labels2 ? mix : 1);
    OC_TRY(set_inputs(t, s, x, labels, labels2));
    OC_TRY(oc_session_enqueue(s));
    t->last = s;
    t->batches++;
    t->step += updates;
    if (loss != NULL) {
        const struct ocellus_tensor *out;
        OC_TRY(oc_session_get_output(s, "loss", &out));
        *loss = *(const float *)out->data;
    }
    return OCELLUS_OK;
}

ocellus_status
ocellus_trainer_get_output(ocellus_trainer *t, const ocellus_tensor **y)
{
    *y = NULL;
    if (t->last == NULL)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "the trainer's output was asked for before a step");
    return oc_session_get_output(t->last, t->output, y);
}

ocellus_status
ocellus_trainer_predict(ocellus_trainer *t, const ocellus_tensor *x,
                        const ocellus_tensor **y)
{
    *y = NULL;
    OC_TRY(oc_session_set_input(t->eval, t->input, x));
    OC_TRY(oc_session_enqueue(t->eval));
    return oc_session_get_output(t->eval, t->output, y);
}

/* ---- the model
 * ------------------------------------------------------------------ */

static ocellus_status
fill_state(struct ocellus_trainer *t, struct ocellus_value *state)
{
    char name[512];
    struct ocellus_tensor *now;
    const char *role =
        t->recipe.average && state->trainable && t->step > 0 ? "average:" : "";
    snprintf(name, sizeof name, "%s%s", role, state->name);
    OC_TRY(oc_session_read_state(t->train, name, &now));
    size_t bytes =
        (size_t)oc_shape_count(&now->shape) * oc_type_size(now->type);
    state->data = oc_arena_copy(state->graph->arena, now->data, bytes);
    oc_tensor_destroy(now);
    return state->data
               ? OCELLUS_OK
               : oc_fail(OCELLUS_OUT_OF_MEMORY,
                         "no memory for '%s' (%zu bytes)", state->name, bytes);
}

ocellus_status
ocellus_trainer_get_model(ocellus_trainer *t, ocellus_graph **graph)
{
    struct ocellus_graph *copy;
    *graph = NULL;
    OC_TRY(oc_graph_copy(t->graph, &copy));
    for (int k = 0; k < copy->n_states; k++) {
        ocellus_status status = fill_state(t, copy->states[k]);
        if (status != OCELLUS_OK) {
            oc_graph_destroy(copy);
            return status;
        }
    }
    *graph = copy;
    return OCELLUS_OK;
}

ocellus_status
ocellus_trainer_save(ocellus_trainer *t, const char *path, const char *note)
{
    return oc_trainer_save(t, path, note);
}

ocellus_status
ocellus_trainer_load(ocellus_trainer *t, const char *path, char **note)
{
    return oc_trainer_load(t, path, note);
}
