/* bench.h - what is measured of one net on one device. */
#ifndef OC_CMD_BENCH_H
#define OC_CMD_BENCH_H

#include "cmd/feed.h"

struct bench {
    const char *model, *image;
    int64_t classes, batch;
    int train;
    double seconds;

    struct feed feed;
    ocellus_device *device;
    ocellus_session *session; /* of the trainer, where there is one */
    ocellus_trainer *trainer;
};

/* One step: from inputs in host memory to outputs in host memory, or to the
 * end of an update. */
ocellus_status bench_step(struct bench *bench);

/* bench_profile.c: `runs` more steps with a clock on each launch; a row per
 * operator into `rows`, and a trace for Chrome's viewer (NULL: none). */
ocellus_status bench_profile(struct bench *bench, int runs, const char *trace,
                             json_t *rows);
void bench_print_profile(const json_t *rows);

#endif
