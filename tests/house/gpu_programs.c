/* gpu_programs.c - writes the programs that a graphics card would be given.
 *
 *     gpu_programs FOLDER
 *
 * Plans named nets, for inference and for training, as for a card, with no
 * device at hand, and writes the text of each distinct program to FOLDER/K.cl
 * and its options to FOLDER/K.options, whose first word is the name of its
 * file in cl/. offline.sh gives them to compilers. Heavy operators also as for
 * a card with tensor cores, and as for one that has them in loops. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ocellus.h>

#include "base/hash.h"
#include "op/kernel_source.h"
#include "pass/infer.h"
#include "pass/train.h"
#include "plan/plan.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Between the least and the most of what is sold: local memory as NVIDIA's
 * OpenCL gives it, work-groups as AMD's does. */
static struct oc_caps card = {.compute_units = 80,
                              .local_memory = 48 << 10,
                              .max_work_group = 256,
                              .largest_allocation = 1u << 31,
                              .alignment = 256,
                              .fp64 = 1};

/* side 0: sequences of 32. */
static const struct {
    const char *name;
    int channels, side, classes, batch;
    enum oc_loss_kind loss;
} nets[] = {
    {"resnet50", 3, 224, 1000, 64, OC_LOSS_CROSS_ENTROPY},
    {"mobilenetv2", 3, 224, 1000, 32, OC_LOSS_CROSS_ENTROPY},
};

/* Heavy operators alone, in the types that no named net has. */
static const struct {
    const char *op, *attributes, *x, *w;
} heavy[] = {
    {"MatMul", NULL, "512x512", "512x512"},
    {"MatMul", NULL, "4096x1024", "1024x4096"},
    {"MatMulT", "transA=1", "512x4096", "512x4096"},
    {"MatMulT", "transA=1 transB=1", "500x301", "77x500"},
    {"Conv", "pads=1,1,1,1", "8x64x28x28", "128x64x3x3"},
    {"Conv", "pads=1,1,1,1", "8x256x28x28", "256x256x3x3"},
    {"Conv", "pads=1,1,1,1", "64x64x27x27", "64x64x3x3"},
    {"ConvGradInput", "pads=1,1,1,1 extent=28,28", "16x256x28x28",
     "256x256x3x3"},
    {"Conv", "pads=1,1,1,1 group=4", "8x64x28x28", "64x16x3x3"},
    {"Conv", NULL, "1x512x7x5", "20x512x1x1"},
    {"ConvGradInput", "pads=1,1,1,1 strides=2,2 extent=56,56", "8x64x28x28",
     "64x32x3x3"},
    {"ConvGradWeight", "kernel_shape=3,3 pads=1,1,1,1", "8x64x28x28",
     "8x128x28x28"},
};

static struct oc_digest *seen;
static int count;
static const char *folder;

static void
die(const char *what)
{
    fprintf(stderr, "gpu_programs: %s: %s\n", what, ocellus_error());
    exit(99);
}

static const char *
text_of(const char *file)
{
    for (const struct oc_kernel_source *k = oc_kernel_sources; k->name; k++)
        if (strcmp(k->name, file) == 0)
            return k->text;
    die(file);
    return NULL;
}

/* ---- files ----------------------------------------------------------------
 */

static int
is_new(const struct oc_step *step)
{
    const char *options = step->options ? step->options : "";
    const char *prelude = step->prelude ? step->prelude : "";
    /* What is fused behind a tile is a small part of it. */
    const char *part[] = {step->file, options,
                          strstr(options, "TILE_M") ? "" : prelude};
    struct oc_digest digest;

    oc_digest_start(&digest);
    for (size_t k = 0; k < COUNT(part); k++)
        oc_digest_add(&digest, part[k], strlen(part[k]) + 1);
    for (int k = 0; k < count; k++)
        if (memcmp(&seen[k], &digest, sizeof digest) == 0)
            return 0;
    seen = realloc(seen, (size_t)(count + 1) * sizeof *seen);
    if (seen == NULL)
        die("no memory");
    seen[count++] = digest;
    return 1;
}

static FILE *
create(const char *end)
{
    char path[4096];
    FILE *file;

    snprintf(path, sizeof path, "%s/%03d.%s", folder, count, end);
    file = fopen(path, "w");
    if (file == NULL) {
        perror(path);
        exit(99);
    }
    return file;
}

static void
finish(FILE *file)
{
    if (fclose(file) != 0) {
        perror("gpu_programs");
        exit(99);
    }
}

static void
write_program(const struct oc_step *step)
{
    FILE *file = create("cl");

    fprintf(file, "%s%s%s", step->prelude ? step->prelude : "",
            text_of("common"), text_of(step->file));
    finish(file);
    file = create("options");
    fprintf(file, "%s %s\n", step->file, step->options ? step->options : "");
    finish(file);
}

/* Takes the concrete graph over. */
static void
plan(struct ocellus_graph *bound, const char *what)
{
    struct oc_plan *made;

    if (oc_plan_make(bound, &card, &made) != OCELLUS_OK)
        die(what);
    for (int k = 0; k < made->n_steps; k++)
        if (made->step[k]->kind == OC_STEP_KERNEL && is_new(made->step[k]))
            write_program(made->step[k]);
    oc_plan_destroy(made);
}

/* ---- graphs ---------------------------------------------------------------
 */

static void
plan_net(int k, int train, ocellus_type storage)
{
    int side = nets[k].side ? nets[k].side : 32;
    struct oc_shape shape =
        nets[k].side ? OC_SHAPE(nets[k].batch, nets[k].channels, side, side)
                     : OC_SHAPE(nets[k].batch, side);
    struct oc_recipe recipe = {
        .loss = nets[k].loss, .optimizer = OC_OPTIMIZER_SGD, .momentum = 0.9f};
    ocellus_graph *graph;
    struct ocellus_graph *bound;

    if (ocellus_net_create(nets[k].name, nets[k].channels, side, side,
                           nets[k].classes, 1, &graph) != OCELLUS_OK ||
        oc_graph_bind(graph, &shape, NULL, &bound) != OCELLUS_OK)
        die(nets[k].name);
    bound->storage = storage;
    if ((train ? oc_train_pass(bound, &recipe) : oc_infer_pass(bound)) !=
        OCELLUS_OK)
        die(nets[k].name);
    plan(bound, nets[k].name);
    ocellus_graph_destroy(graph);
}

static struct ocellus_value *
input(struct ocellus_graph *graph, const char *name, const char *text,
      ocellus_type type)
{
    int64_t dims[OC_MAX_RANK];
    int rank = 0;
    char *end;

    for (const char *at = text; rank < OC_MAX_RANK; at = end + 1) {
        dims[rank++] = strtol(at, &end, 10);
        if (*end != 'x')
            break;
    }
    return ocellus_graph_input(graph, name, type, rank, dims);
}

static void
plan_heavy(int k, ocellus_type type)
{
    struct ocellus_graph *graph;
    struct ocellus_value *y;
    struct oc_shape shapes[2];
    struct ocellus_graph *bound;

    if (ocellus_graph_create(&graph) != OCELLUS_OK)
        die("graph");
    y = OC_NODE(graph, heavy[k].op, heavy[k].attributes,
                input(graph, "x", heavy[k].x, type),
                input(graph, "w", heavy[k].w, type));
    if (y == NULL || ocellus_graph_output(graph, "y", y) != OCELLUS_OK)
        die(heavy[k].op);
    shapes[0] = graph->inputs[0]->shape;
    shapes[1] = graph->inputs[1]->shape;
    if (oc_graph_bind(graph, shapes, NULL, &bound) != OCELLUS_OK)
        die(heavy[k].op);
    plan(bound, heavy[k].op);
    ocellus_graph_destroy(graph);
}

int
main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: gpu_programs FOLDER\n");
        return 2;
    }
    folder = argv[1];
    for (size_t k = 0; k < COUNT(nets); k++)
        for (int train = 0; train < 2; train++)
            plan_net((int)k, train, OCELLUS_FLOAT);
    /* In mixed precision, the training of the first. */
    plan_net(0, 1, OCELLUS_FLOAT16);
    plan_net(0, 1, OCELLUS_BFLOAT16);
    for (size_t k = 0; k < COUNT(heavy); k++) {
        plan_heavy((int)k, OCELLUS_FLOAT);
        plan_heavy((int)k, OCELLUS_FLOAT16);
        plan_heavy((int)k, OCELLUS_BFLOAT16);
        for (int tensor = OC_TENSOR_INSTRUCTIONS; tensor <= OC_TENSOR_LOOPS;
             tensor++) {
            card.tensor = tensor;
            plan_heavy((int)k, OCELLUS_FLOAT16);
            plan_heavy((int)k, OCELLUS_BFLOAT16);
        }
        card.tensor = OC_TENSOR_NONE;
        card.pairs = OC_PAIRS_INSTRUCTIONS;
        plan_heavy((int)k, OCELLUS_FLOAT16);
        card.pairs = OC_PAIRS_NONE;
    }
    free(seen);
    printf("%d\n", count);
    return 0;
}
