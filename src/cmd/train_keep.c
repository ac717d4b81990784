/* train_keep.c - the folder of --out: options, checkpoint, model, pictures.
 *
 * Whatever is there is whole: files are written beside and renamed. run.json
 * holds the options, so that --resume needs no others; the checkpoint's note
 * holds the place in the data and the sums of a begun epoch. */
#include "cmd/score.h"
#include "cmd/train.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *
join(const char *folder, const char *name)
{
    size_t room = strlen(folder) + strlen(name) + 2;
    char *path = malloc(room);
    if (path != NULL)
        snprintf(path, room, "%s/%s", folder, name);
    return path;
}

char *
train_path(const struct train *t, const char *name)
{
    return join(t->options->out, name);
}

static ocellus_status
no_memory(void)
{
    return cmd_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a path");
}

/* ---- the folder -------------------------------------------------------------
 */

/* The folder and those above it. */
static ocellus_status
make_folder(const char *out)
{
    struct stat about;
    char *path = strdup(out);
    int failed = path == NULL;
    for (char *at = path; !failed && at != NULL;) {
        at = strchr(at + 1, '/');
        if (at != NULL)
            *at = '\0';
        failed = mkdir(path, 0777) != 0 && errno != EEXIST;
        if (at != NULL)
            *at = '/';
    }
    free(path);
    if (!failed && stat(out, &about) == 0 && !S_ISDIR(about.st_mode))
        return cmd_fail(OCELLUS_IO,
                        "%s is there and is no folder; choose another --out",
                        out);
    if (failed || access(out, W_OK | X_OK) != 0)
        return cmd_fail(OCELLUS_IO,
                        "the folder '%s' cannot be written: %s; choose another "
                        "--out",
                        out, strerror(errno));
    return OCELLUS_OK;
}

ocellus_status
train_folder(const struct train *t)
{
    return make_folder(t->options->out);
}

/* ---- the options
 * ------------------------------------------------------------- */

/* Beside, then renamed. */
static ocellus_status
write_text(const char *path, const char *text)
{
    char *beside = malloc(strlen(path) + 5);
    if (beside == NULL)
        return no_memory();
    sprintf(beside, "%s.tmp", path);
    FILE *file = fopen(beside, "w");
    int ok = file != NULL && fputs(text, file) >= 0 && fflush(file) == 0 &&
             fsync(fileno(file)) == 0;
    if (file != NULL)
        ok = fclose(file) == 0 && ok;
    ok = ok && rename(beside, path) == 0;
    ocellus_status status =
        ok ? OCELLUS_OK
           : cmd_fail(OCELLUS_IO, "%s cannot be written: %s", path,
                      strerror(errno));
    if (!ok)
        unlink(beside);
    free(beside);
    return status;
}

static ocellus_status
keep_options(const struct train_options *o, const struct cmd_option *table)
{
    char *path = join(o->out, "run.json");
    json_t *options = cmd_options_pack(table);
    static const char *const of_this_run[] = {"resume", "out", "json", "quiet",
                                              "weights"};
    for (size_t k = 0; k < sizeof of_this_run / sizeof of_this_run[0]; k++)
        json_object_del(options, of_this_run[k]);
    json_t *all = json_pack("{ss so}", "net", o->net, "options", options);
    char *text = json_dumps(all, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    json_decref(all);
    ocellus_status status = path && text ? write_text(path, text) : no_memory();
    free(path);
    free(text);
    return status;
}

/* A new training does not destroy the last one's checkpoint; one that cannot
 * even say what it is leaves it where it was. */
static ocellus_status
begin_anew(const struct train *t, const char *path, const char *aside)
{
    int moved = access(path, F_OK) == 0 && rename(path, aside) == 0;
    ocellus_status status =
        t->table ? keep_options(t->options, t->table) : OCELLUS_OK;
    if (status != OCELLUS_OK && moved)
        rename(aside, path);
    else if (moved)
        cmd_say("the earlier training's checkpoint is now %s", aside);
    return status;
}

ocellus_status
train_begin(struct train *t)
{
    char *path = train_path(t, "checkpoint");
    char *aside = train_path(t, "checkpoint.old");
    ocellus_status status = path && aside ? OCELLUS_OK : no_memory();
    if (status == OCELLUS_OK && t->options->resume && t->table != NULL)
        status = keep_options(t->options, t->table);
    else if (status == OCELLUS_OK)
        status = begin_anew(t, path, aside);
    free(path);
    free(aside);
    CMD_TRY(status);
    return ocellus_history_create(t->options->out, t->epoch, &t->history);
}

ocellus_status
train_read_options(const char *out, const struct cmd_option *table,
                   const char **net, json_t **lender)
{
    json_error_t error;
    char *path = join(out, "run.json");
    if (path == NULL)
        return no_memory();
    *lender = json_load_file(path, 0, &error);
    ocellus_status status = OCELLUS_OK;
    if (*lender == NULL && access(path, R_OK) != 0)
        status = cmd_fail(OCELLUS_IO,
                          "there is no training to go on with in %s: %s "
                          "cannot be read",
                          out, path);
    else if (*lender == NULL)
        status = cmd_fail(OCELLUS_BAD_DATA,
                          "%s is damaged, line %d: %s; write the net and the "
                          "options into it anew, as in another training's",
                          path, error.line, error.text);
    else if (*net == NULL)
        *net = json_string_value(json_object_get(*lender, "net"));
    if (status == OCELLUS_OK && *net == NULL)
        status = cmd_fail(OCELLUS_BAD_DATA,
                          "%s does not say which net was trained; name it: "
                          "ocellus train NET --resume --out %s",
                          path, out);
    free(path);
    CMD_TRY(status);
    return cmd_options_unpack(table, json_object_get(*lender, "options"));
}

/* ---- the checkpoint
 * ----------------------------------------------------------- */

ocellus_status
train_keep(struct train *t)
{
    json_t *note =
        json_pack("{sI sI sf sf sf sf}", "epoch", (json_int_t)t->epoch,
                  "position", (json_int_t)t->position, "loss", t->loss, "right",
                  t->right, "seconds", t->part, "best", t->best);
    char *text = note ? json_dumps(note, JSON_REAL_PRECISION(17)) : NULL;
    char *path = train_path(t, "checkpoint");
    ocellus_status status = text && path
                                ? ocellus_trainer_save(t->trainer, path, text)
                                : no_memory();
    json_decref(note);
    free(text);
    free(path);
    return status;
}

static ocellus_status
take_note(struct train *t, const char *note, const char *path)
{
    json_int_t epoch, position;
    json_t *o = json_loads(note, 0, NULL);
    int bad = json_unpack(o, "{sI sI sF sF sF sF}", "epoch", &epoch, "position",
                          &position, "loss", &t->loss, "right", &t->right,
                          "seconds", &t->part, "best", &t->best);
    json_decref(o);
    if (bad || epoch < 0 || position < 0)
        return cmd_fail(OCELLUS_BAD_DATA,
                        "%s does not say where the training stood", path);
    t->epoch = epoch;
    t->position = position;
    return OCELLUS_OK;
}

ocellus_status
train_take(struct train *t)
{
    char *path = train_path(t, "checkpoint"), *note = NULL;
    if (path == NULL)
        return no_memory();
    if (access(path, F_OK) != 0) {
        cmd_say("no checkpoint was kept yet: from the beginning");
        free(path);
        return OCELLUS_OK;
    }
    ocellus_status status = ocellus_trainer_load(t->trainer, path, &note);
    if (status == OCELLUS_OK)
        status = take_note(t, note, path);
    if (status == OCELLUS_BAD_DATA)
        cmd_say("the weights of the last epoch are in %s/model.onnx: `ocellus "
                "train %s/model.onnx` begins with them",
                t->options->out, t->options->out);
    if (status == OCELLUS_OK)
        cmd_say("going on in epoch %lld after %lld %s", (long long)t->epoch + 1,
                (long long)t->position, cmd_unit(t->data));
    ocellus_text_free(note);
    free(path);
    return status;
}

/* ---- the model and the pictures
 * ------------------------------------------------ */

ocellus_status
train_keep_model(struct train *t, const char *name)
{
    ocellus_graph *graph;
    char *path = train_path(t, name);
    if (path == NULL)
        return no_memory();
    ocellus_status status = ocellus_trainer_get_model(t->trainer, &graph);
    if (status == OCELLUS_OK)
        status = cmd_model_describe(
            graph, t->data, cmd_samples_transform(&t->options->samples));
    if (status == OCELLUS_OK)
        status = ocellus_graph_save(graph, path);
    ocellus_graph_destroy(graph);
    free(path);
    return status;
}

static ocellus_status
draw_confusion(struct train *t)
{
    char *path = train_path(t, "confusion.png");
    const char **names = cmd_class_names(t->data);
    int classes = ocellus_dataset_classes(t->data);
    ocellus_status status =
        path && names
            ? ocellus_draw_confusion(
                  path, t->options->net, ocellus_metrics_confusion(t->metrics),
                  t->classes, t->classes == classes ? names : NULL)
            : no_memory();
    free(names);
    free(path);
    return status;
}

ocellus_status
train_draw(struct train *t)
{
    if (!ocellus_can_draw())
        return OCELLUS_OK;
    char *path = train_path(t, "curves.png");
    if (path == NULL)
        return no_memory();
    ocellus_status status = ocellus_draw_curves(
        path, t->options->net, ocellus_history_rows(t->history),
        ocellus_history_count(t->history));
    free(path);
    CMD_TRY(status);
    return t->judge != NULL && !t->forecasts ? draw_confusion(t) : OCELLUS_OK;
}
