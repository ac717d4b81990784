/* feed.h - a net and numbers to feed it with, for programs that only measure
 * or look: random inputs of the shapes that it wants. */
#ifndef OC_CMD_FEED_H
#define OC_CMD_FEED_H

#include <stddef.h>

#include "cmd/model.h"

#define FEED_MOST 16

struct feed {
    ocellus_graph *graph;
    ocellus_tensor *input[FEED_MOST];
    ocellus_tensor *labels; /* int64, batch; random classes */
    int inputs;
    int classes;   /* 0: the output is not N x classes */
    int sequences; /* a label for each position */
    int waits;     /* what the output is like, only the run shows */
    int64_t batch;
};

/* image_text: "CxHxW" or NULL, the net's usual one; classes 0: likewise. */
ocellus_status feed_open(struct feed *feed, const char *model,
                         const char *image_text, int64_t classes,
                         int64_t batch);
ocellus_status feed_set(const struct feed *feed, ocellus_session *session);
/* What the net takes a batch of: "images", "sequences", "samples". */
const char *feed_unit(const struct feed *feed);
void feed_close(struct feed *feed);

#endif
