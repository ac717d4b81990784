/* checkpoint.c - all that a resume needs, in one safetensors file: every state
 * of the training session, and as metadata the count of steps, the seed and
 * the caller's note. Written beside, synced and renamed, so that a kill at any
 * moment leaves the last good one. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/safetensors.h"
#include "train/trainer.h"

static void
drop(struct ocellus_tensor **read, int count)
{
    for (int k = 0; read != NULL && k < count; k++)
        oc_tensor_destroy(read[k]);
    free(read);
}

static ocellus_status
read_states(struct ocellus_trainer *t, struct ocellus_tensor **read,
            struct oc_safetensor *entry, int count)
{
    for (int k = 0; k < count; k++) {
        const char *name = oc_session_state_name(t->train, k);
        OC_TRY(oc_session_read_state(t->train, name, &read[k]));
        entry[k] = (struct oc_safetensor){
            .name = name,
            .type = read[k]->type,
            .shape = read[k]->shape,
            .data = read[k]->data,
            .bytes = (size_t)oc_shape_count(&read[k]->shape) *
                     oc_type_size(read[k]->type)};
    }
    return OCELLUS_OK;
}

ocellus_status
oc_trainer_save(struct ocellus_trainer *t, const char *path, const char *note)
{
    int count = oc_session_state_count(t->train);
    struct ocellus_tensor **read = calloc((size_t)count + 1, sizeof(*read));
    struct oc_safetensor *entry = calloc((size_t)count + 1, sizeof(*entry));
    char step[32], batches[32], seed[32];
    ocellus_status status = OCELLUS_OK;
    if (read == NULL || entry == NULL)
        OC_TRY_OUT(oc_fail(OCELLUS_OUT_OF_MEMORY,
                           "no memory for a checkpoint of %d states", count));
    OC_TRY_OUT(read_states(t, read, entry, count));
    snprintf(step, sizeof step, "%" PRId64, t->step);
    snprintf(batches, sizeof batches, "%" PRId64, t->batches);
    snprintf(seed, sizeof seed, "%" PRIu64, t->seed);
    const char *key[] = {"format", "step", "batches", "seed", "note"};
    const char *value[] = {"ocellus checkpoint 1", step, batches, seed,
                           note ? note : ""};
    status = oc_safetensors_write(path, entry, count, key, value,
                                  (int)OC_COUNT(key));
out:
    drop(read, count);
    free(entry);
    return status;
}

/* ---- loading
 * ------------------------------------------------------------------- */

static ocellus_status
number(const struct oc_safetensors *file, const char *path, const char *key,
       int64_t *out)
{
    const char *text = oc_safetensors_value(file, key);
    char *end;
    errno = 0;
    *out = text ? strtoll(text, &end, 10) : 0;
    if (text == NULL || *text == '\0' || *end != '\0' || errno != 0 || *out < 0)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s is no checkpoint of Ocellus: '%s' is %s", path, key,
                       text ? text : "missing");
    return OCELLUS_OK;
}

static ocellus_status
fits(const struct ocellus_trainer *t, const struct oc_safetensors *file,
     const char *path)
{
    char a[OC_SHAPE_TEXT], b[OC_SHAPE_TEXT];
    for (int k = 0; k < t->graph->n_states; k++) {
        const struct ocellus_value *state = t->graph->states[k];
        const struct oc_safetensor *there =
            oc_safetensors_find(file, state->name);
        if (there == NULL)
            return oc_fail(OCELLUS_BAD_DATA,
                           "%s is of another net: it holds no '%s'", path,
                           state->name);
        if (there->type != state->type ||
            !oc_shape_equal(&there->shape, &state->shape))
            return oc_fail(OCELLUS_BAD_DATA,
                           "%s is of another net: its '%s' is %s, not %s", path,
                           state->name, oc_shape_text(&there->shape, a),
                           oc_shape_text(&state->shape, b));
    }
    return OCELLUS_OK;
}

/* A training that averages from now on: from the weights that it goes on with.
 */
static ocellus_status
begin_average(struct ocellus_trainer *t, const struct oc_safetensors *file)
{
    for (int k = 0; k < t->graph->n_states; k++) {
        const struct ocellus_value *state = t->graph->states[k];
        const struct oc_safetensor *s = oc_safetensors_find(file, state->name);
        char name[512];
        if (!state->trainable || s == NULL)
            continue;
        snprintf(name, sizeof name, "average:%s", state->name);
        struct ocellus_tensor view = {
            .type = s->type, .shape = s->shape, .data = (void *)s->data};
        if (oc_safetensors_find(file, name) == NULL)
            OC_TRY(oc_session_put_state(t->train, name, &view));
    }
    return OCELLUS_OK;
}

static ocellus_status
take(struct ocellus_trainer *t, const struct oc_safetensors *file)
{
    for (int k = 0; k < file->count; k++) {
        const struct oc_safetensor *s = &file->tensor[k];
        struct ocellus_tensor view = {
            .type = s->type, .shape = s->shape, .data = (void *)s->data};
        OC_TRY(oc_session_put_state(t->train, s->name, &view));
    }
    return t->recipe.average ? begin_average(t, file) : OCELLUS_OK;
}

ocellus_status
oc_trainer_load(struct ocellus_trainer *t, const char *path, char **note)
{
    struct oc_safetensors *file = NULL;
    int64_t step, batches;
    ocellus_status status = OCELLUS_OK;
    if (note != NULL)
        *note = NULL;
    OC_TRY(oc_safetensors_read(path, &file));
    OC_TRY_OUT(number(file, path, "step", &step));
    OC_TRY_OUT(number(file, path, "batches", &batches));
    OC_TRY_OUT(fits(t, file, path));
    const char *words = oc_safetensors_value(file, "note");
    char *copy = strdup(words ? words : "");
    if (copy == NULL)
        OC_TRY_OUT(oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a note"));
    status = take(t, file);
    if (status == OCELLUS_OK) {
        t->step = step;
        t->batches = batches;
    }
    if (status == OCELLUS_OK && note != NULL)
        *note = copy;
    else
        free(copy);
out:
    oc_safetensors_free(file);
    return status;
}
