/* model.h - nets by name, model files, and what a model keeps about its data.
 *
 * Metadata of a model: "ocellus.mean" and "ocellus.std" (numbers with commas,
 * one a channel), "ocellus.transform", "ocellus.classes" (a name a line); of
 * texts "ocellus.vocabulary" (the characters) and "ocellus.sequence" (how many
 * a sample had).
 */
#ifndef OC_CMD_MODEL_H
#define OC_CMD_MODEL_H

#include "cmd/cmd.h"

#define CMD_MOST_CHANNELS 64

/* What images are like: channels, height, width; 0 or -1: not known. */
struct cmd_image {
    int64_t chw[3];
};

/* --weights: a file whose numbers replace those of the model, or NULL. */
extern const char *cmd_weights;
#define CMD_WEIGHTS                                                            \
    {                                                                          \
        "weights", CMD_TEXT, &cmd_weights, "FILE",                             \
            "take the numbers from there: .safetensors or a model, by name; "  \
            ".weights, .caffemodel",                                           \
            0, 0                                                               \
    }

/* --precision: a word of ocellus_graph_set_precision(), or NULL. */
extern const char *cmd_precision;
#define CMD_PRECISION                                                          \
    {                                                                          \
        "precision", CMD_TEXT, &cmd_precision, "P",                            \
            "fp32, bf16, or fp16 on graphics cards: tensors there, on "        \
            "processors with AMX factors of convolutions and products; sums "  \
            "and parameters stay fp32 (fp32)",                                 \
            0, 0                                                               \
    }

/* "3x224x224" */
ocellus_status cmd_image_size(const char *text, struct cmd_image *image);
/* The sizes that a named net was made for; 0 when there is no such net. */
int cmd_net_defaults(const char *net, struct cmd_image *image, int *classes);
/* A model file, with --weights and --precision. */
ocellus_status cmd_model_load(const char *path, ocellus_graph **graph);
/* A named net for such images, or a model file: a word that is no net's name.
 * For a file, image and classes are not looked at. */
ocellus_status cmd_model_open(const char *word, const struct cmd_image *image,
                              int classes, uint64_t seed,
                              ocellus_graph **graph);
/* Makes the model take `batch` images at a time, or any number (-1), where it
 * was made for another; fails where it cannot. */
ocellus_status cmd_model_batch(ocellus_graph **graph, int64_t batch);
/* The only input's last three dimensions, -1 where unknown. */
ocellus_status cmd_model_image(const ocellus_graph *graph,
                               struct cmd_image *image);
/* Is its first input no batch of images, but of sequences: N x T (characters),
 * N x T x numbers? */
int cmd_model_is_sequence(const ocellus_graph *graph);
/* How many characters a vocabulary has; 0 for NULL. */
int cmd_characters(const char *vocabulary);
/* The classes that the first output tells apart; -1 where unknown. Fails where
 * it is not N x classes, or N x T x classes. */
ocellus_status cmd_model_classes(const ocellus_graph *graph, int *classes);
/* Words behind `transform` (or NULL) that make images of `have` such as the
 * model wants; into a malloc'ed text, NULL where none are needed. */
char *cmd_fit(const char *transform, const struct cmd_image *have,
              const struct cmd_image *want);

/* Numbers with commas, 1 or `channels` of them. */
ocellus_status cmd_numbers(const char *text, int channels, float *out);
/* --mean and --std over what stands there; NULL leaves it. */
ocellus_status cmd_normalization(const char *mean_text, const char *std_text,
                                 int channels, float *mean, float *std);
/* Mean, deviation, transform and names of a data set into the model, and the
 * first two back: *found is 0 where the model has none. */
ocellus_status cmd_model_describe(ocellus_graph *graph,
                                  ocellus_dataset *dataset,
                                  const char *transform);
ocellus_status cmd_model_normalization(const ocellus_graph *graph, int channels,
                                       float *mean, float *std, int *found);

#endif
