/* samples.h - the data set of --data and its companions. */
#ifndef OC_CMD_SAMPLES_H
#define OC_CMD_SAMPLES_H

#include <math.h>

#include "cmd/model.h"

struct cmd_samples {
    const char *data, *format, *transform;
    const char *vocabulary; /* a model's; NULL: what the data has */
    int64_t limit, limit_test, sequence;
    double validation;
    char *fitted; /* transform that was made; freed by cmd_samples_free */
};

#define CMD_SAMPLES(s)                                                         \
    {"data",                                                                   \
     CMD_TEXT,                                                                 \
     &(s).data,                                                                \
     "DIR",                                                                    \
     "folder with MNIST's, CIFAR's or NumPy's files, or a folder of images a " \
     "class, or of text files with names; a text; a table (.csv) with a "      \
     "series; `digits` draws its own",                                         \
     0,                                                                        \
     0},                                                                       \
        {"format",                                                             \
         CMD_TEXT,                                                             \
         &(s).format,                                                          \
         "F",                                                                  \
         "idx, cifar10, cifar100, npy, names or folder, text or series, "      \
         "where looking at DIR does not tell",                                 \
         0,                                                                    \
         0},                                                                   \
        {"transform",                                                          \
         CMD_TEXT,                                                             \
         &(s).transform,                                                       \
         "T",                                                                  \
         "steps for every image: \"resize=32x32 gray\"",                       \
         0,                                                                    \
         0},                                                                   \
        {"sequence",                                                           \
         CMD_WHOLE,                                                            \
         &(s).sequence,                                                        \
         "N",                                                                  \
         "characters of a text's window (64) or numbers of a series' (24)",    \
         1,                                                                    \
         1 << 20},                                                             \
        {"limit", CMD_WHOLE, &(s).limit, "N", "most training images",          \
         1,       INFINITY},                                                   \
    {                                                                          \
        "limit-test", CMD_WHOLE, &(s).limit_test, "N", "most test images", 0,  \
            INFINITY                                                           \
    }

/* Opens it; where images have no size of their own, or not the one that `want`
 * asks for (NULL: any), steps that make them so are added. */
ocellus_status cmd_samples_open(struct cmd_samples *samples, uint64_t seed,
                                const struct cmd_image *want,
                                ocellus_dataset **dataset);
/* The same for a model of sequences: windows as long as in its training,
 * numbered by the characters that it knows, normalised as it says. */
ocellus_status cmd_samples_open_sequences(struct cmd_samples *samples,
                                          uint64_t seed,
                                          const ocellus_graph *graph,
                                          ocellus_dataset **dataset);
/* The transform in use, or NULL. */
const char *cmd_samples_transform(const struct cmd_samples *samples);
/* What its samples are called: "images", "windows", "names". */
const char *cmd_unit(const ocellus_dataset *dataset);
/* A loader's `axes`, for a net that takes N x H x W or N x numbers of images;
 * 0 for any other. */
int cmd_samples_axes(const ocellus_dataset *dataset,
                     const ocellus_graph *graph);
void cmd_samples_free(struct cmd_samples *samples);

#endif
