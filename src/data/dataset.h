/* dataset.h - what readers fill and the public functions hand out.
 *
 * A store is what one part of the source holds (its training files, say); a
 * split is what a program sees: all of a store, or some of it by index. So a
 * validation split is cut from the training store without copying a sample.
 */
#ifndef OC_DATA_DATASET_H
#define OC_DATA_DATASET_H

#include "base/shape.h"
#include "data/image.h"
#include "data/listing.h"
#include "data/transform.h"

#define OC_MOST_CLASSES 1000000
#define OC_MOST_CHANNELS 4096

struct oc_store {
    int64_t count;
    int chw[3];     /* of each sample; H and W 0: they differ */
    int32_t *label; /* owned; NULL for a user's source */
    /* One sample into an image, from any thread. */
    ocellus_status (*read)(const struct oc_store *store, int64_t i,
                           struct oc_image *image, struct oc_image *scratch,
                           void *label);
    /* What the samples lie in, by kind; all owned. */
    uint8_t *bytes;               /* C x H x W each, 255 is 1 */
    float *floats;                /* the same as they are */
    int32_t *token;               /* characters as numbers */
    char **path;                  /* of image files */
    ocellus_sample_source source; /* a user's */
    ocellus_split split;          /* which the source calls it */
};

struct oc_part {
    int store; /* an ocellus_split */
    int64_t count;
    int64_t *index; /* into the store; NULL: in its order */
};

struct ocellus_dataset {
    const char *format;
    struct oc_store store[3];
    struct oc_part part[3];
    int chw[3]; /* after the transform */
    int axes;   /* of a sample: 3 C x H x W, 2 W x 1 (a series), 1 W (text) */
    ocellus_type type; /* of its numbers: float32, or int64 (characters) */
    int labels;        /* of a sample */
    ocellus_type label_type; /* int64, or float32 (a forecast) */
    int classes;             /* 0: labels are no classes */
    char *vocabulary; /* the characters, asked for or found; NULL: no text */
    int64_t sequence; /* the window asked for; 0: the usual one */
    struct oc_listing class_name; /* as many as classes */
    struct oc_transform transform;
    int measured; /* mean and std are there */
    float *mean, *std;
};

/* The two kinds of store in memory. */
ocellus_status oc_store_read_bytes(const struct oc_store *store, int64_t i,
                                   struct oc_image *image,
                                   struct oc_image *scratch, void *label);
ocellus_status oc_store_read_floats(const struct oc_store *store, int64_t i,
                                    struct oc_image *image,
                                    struct oc_image *scratch, void *label);
/* Checks C, H, W for a store and that `count` samples fit the memory's
 * arithmetic; `bytes` is one sample's. */
ocellus_status oc_store_shape(struct oc_store *store, const char *name,
                              int64_t count, const int64_t chw[3]);
/* Takes 32-bit labels for `count` samples. */
ocellus_status oc_store_labels(struct oc_store *store, int64_t count);

/* A reader of one format: does this folder look like it, and fill stores,
 * format and, where known, class names. */
struct oc_reader {
    const char *format;
    int (*looks)(const char *folder, const struct oc_listing *names);
    ocellus_status (*read)(const char *folder, const struct oc_listing *names,
                           struct ocellus_dataset *dataset);
};
extern const struct oc_reader oc_idx_reader, oc_cifar10_reader,
    oc_cifar100_reader, oc_npy_reader, oc_names_reader, oc_folder_reader;

/* Readers of what is one file: a text; numbers in the column of a table. They
 * cut it into splits by place, as options->test and options->validation say. */
ocellus_status oc_text_read(const char *path,
                            const ocellus_dataset_options *options,
                            struct ocellus_dataset *dataset);
/* Of data sets that hold characters, as all are read. */
ocellus_status oc_text_settle(struct ocellus_dataset *dataset);
ocellus_status oc_series_read(const char *path,
                              const ocellus_dataset_options *options,
                              struct ocellus_dataset *dataset);

/* One sample of a split after the data set's own transform, in
 * canvas->image. */
ocellus_status oc_dataset_read(const struct ocellus_dataset *dataset,
                               ocellus_split split, int64_t index,
                               struct oc_canvas *canvas, void *label);
/* The shape of `count` samples of these C, H, W, and of their labels: count,
 * or count x labels. */
struct oc_shape oc_dataset_batch_shape(const struct ocellus_dataset *dataset,
                                       int64_t count, const int chw[3]);
struct oc_shape oc_dataset_label_shape(const struct ocellus_dataset *dataset,
                                       int64_t count);
/* A sample's numbers, of the data set's type, into `to`. */
void oc_dataset_convert(const struct ocellus_dataset *dataset,
                        const float *from, size_t count, void *to);
/* An empty data set of images; options as oc_dataset_options() has them. */
ocellus_status oc_dataset_create(const ocellus_dataset_options *given,
                                 ocellus_dataset_options *options,
                                 struct ocellus_dataset **dataset);
/* Stores are filled: options, splits, names, shape. */
ocellus_status oc_dataset_finish(struct ocellus_dataset *dataset,
                                 const ocellus_dataset_options *options);
/* The caller's options by their size, with all that is missing 0. */
ocellus_status oc_dataset_options(const ocellus_dataset_options *given,
                                  ocellus_dataset_options *options);
/* Cuts stores into splits. */
ocellus_status oc_dataset_split(struct ocellus_dataset *dataset,
                                const ocellus_dataset_options *options);
/* A permutation of 0 .. count-1; count below 2^32. */
void oc_shuffle(struct oc_random *random, int64_t *index, int64_t count);

#endif
