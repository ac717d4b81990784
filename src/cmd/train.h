/* train.h - one training: what was asked for, what is at hand, where it
 * stands. `ocellus train` and `ocellus demo` share it. */
#ifndef OC_CMD_TRAIN_H
#define OC_CMD_TRAIN_H

#include "cmd/forecast.h"
#include "cmd/samples.h"

struct train_options {
    const char *net; /* or a model file */
    struct cmd_samples samples;
    const char *augment, *optimizer, *schedule, *out;
    int64_t epochs, batch, seed, accumulate, segments, threads;
    double label_smoothing, clip, average, minutes;
    int64_t classes; /* 0: those of the data */
    int resume, freeze;
};

struct train {
    struct train_options *options;
    const struct cmd_option *table; /* what --resume shall find; NULL */
    ocellus_device *device;
    ocellus_dataset *data;
    ocellus_graph *graph; /* NULL once the trainer has it */
    ocellus_trainer *trainer;
    ocellus_loader *loader;
    ocellus_loader *judge; /* of the split that epochs are judged by; NULL */
    ocellus_split judged;
    ocellus_history *history;     /* NULL until train_begin() */
    ocellus_metrics *metrics;     /* of that split */
    struct cmd_forecast forecast; /* the same, where numbers are forecast */
    int classes;
    int labels;    /* of a sample */
    int forecasts; /* labels are numbers */
    int axes;      /* of a sample; 0: as it lies */

    int64_t epoch;               /* whole epochs behind */
    int64_t position;            /* samples of this epoch behind */
    double loss, right, seconds; /* sums of this epoch's part */
    double rate;                 /* of the last step */
    double best;                 /* accuracy on the validation split */
    double began, kept, told;    /* clock: this part, checkpoint, message */
    int built;                   /* the first step of this process is behind */
    double building;             /* seconds that it took */
    int64_t unpaced;             /* samples of this epoch that it trained */
    double part;                 /* seconds of training before `began` */
};

/* Fills what was not asked for; the recipe that suits the net. */
void train_defaults(struct train_options *options);
/* From options to a trainer that stands where it should. */
ocellus_status train_open(struct train *train);
void train_close(struct train *train);
/* All epochs that are left. OCELLUS_CANCELLED after Ctrl-C, all kept. */
ocellus_status train_run(struct train *train);

/* train_keep.c: the folder of --out. */
char *train_path(const struct train *train, const char *name);
ocellus_status train_folder(const struct train *train);
/* Once a step was made: an earlier training's checkpoint steps aside, run.json
 * says what this training is, and its history begins. Until then a failure or
 * Ctrl-C leaves what was there as it was. */
ocellus_status train_begin(struct train *train);
ocellus_status train_read_options(const char *out,
                                  const struct cmd_option *table,
                                  const char **net, json_t **lender);
/* The checkpoint. */
ocellus_status train_keep(struct train *train);
ocellus_status train_take(struct train *train);
/* model.onnx (or another name) with its metadata. */
ocellus_status train_keep_model(struct train *train, const char *name);
/* curves.png and confusion.png, where pictures can be drawn. */
ocellus_status train_draw(struct train *train);

/* The whole judged split through the net as it stands, into the metrics. */
ocellus_status train_judge(struct train *train, ocellus_loader *loader);

#endif
