/* judge.h - a model file on a device, fed with images as in its training. */
#ifndef OC_CMD_JUDGE_H
#define OC_CMD_JUDGE_H

#include "cmd/samples.h"

struct judge {
    ocellus_device *device;
    ocellus_graph *graph;
    ocellus_session *session;
    const char *input, *output;
    struct cmd_image image; /* what the net takes; -1: any */
    int classes;
};

/* Reads the model, which will be given so many images at a time; opens the
 * device. */
ocellus_status judge_open(struct judge *judge, const char *model,
                          int64_t batch);
void judge_close(struct judge *judge);
/* Device and session, where they are not there yet. */
ocellus_status judge_begin(struct judge *judge);
/* The scores of a batch, lent until the next. */
ocellus_status judge_run(struct judge *judge, const ocellus_tensor *x,
                         const ocellus_tensor **y);

#endif
