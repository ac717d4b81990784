/* tune_inside.h - what the files of the tuner share: one node tried by itself,
 * and a whole plan on the clock. */
#ifndef OC_DEVICE_TUNE_INSIDE_H
#define OC_DEVICE_TUNE_INSIDE_H

#include "base/thread.h"
#include "device/session.h"
#include "device/tune.h"
#include "plan/tuned.h"

/* ---- one node by itself (tune_trial.c) ----------------------------------- */

/* A node of a plan, with numbers for its inputs. */
struct oc_tune_site {
    const struct oc_plan *plan;
    const struct oc_node *node;
    size_t between; /* bytes that a run touches between two turns of it */
    struct ocellus_tensor *in[OC_MAX_IN]; /* NULL: absent, or known */
};

/* May it be tried: are its inputs numbers that can be drawn? */
int oc_tune_can_try(const struct oc_node *node);
ocellus_status oc_tune_site_open(struct oc_tune_site *site,
                                 const struct oc_plan *plan,
                                 const struct oc_node *node, size_t between);
void oc_tune_site_close(struct oc_tune_site *site);

/* The node alone by one implementation, its inputs lying as in the plan, its
 * output wanted as in the plan: reorders that this takes are on the clock. */
struct oc_tune_trial {
    struct ocellus_device *device;
    struct oc_plan *plan;
    struct oc_run *run;
    struct oc_step_time *time;
};
ocellus_status oc_tune_trial_open(struct oc_tune_trial *trial,
                                  struct ocellus_device *device,
                                  const struct oc_caps *caps,
                                  const struct oc_tune_site *site,
                                  const char *by);
void oc_tune_trial_close(struct oc_tune_trial *trial);
/* Do both do the same, step by step? Then one need not be tried. */
int oc_tune_trial_same(const struct oc_tune_trial *a,
                       const struct oc_tune_trial *b);
/* Runs it once; microseconds from the node's first launch to the end of its
 * last. */
ocellus_status oc_tune_trial_run(struct oc_tune_trial *trial,
                                 const struct oc_tune_site *site, double *us);
/* The outputs of the last run, *count of them; release each. */
enum { OC_TUNE_MOST_OUT = 8, OC_TUNE_MOST_ROUNDS = 32 };
ocellus_status oc_tune_trial_read(struct oc_tune_trial *trial,
                                  struct ocellus_tensor *out[OC_TUNE_MOST_OUT],
                                  int *count);

/* ---- the fastest of those that are right (tune_race.c) --------------------
 */

enum { OC_TUNE_NAME = 64 };

/* How an implementation fared so far: one that is slow again and again is not
 * tried any more. */
struct oc_tune_form {
    const struct oc_op *op;
    char by[OC_TUNE_NAME];
    int races;
    double best; /* its time over the usual one's, the smallest */
};

struct oc_tune_race {
    struct ocellus_device *device;
    const struct oc_caps *caps; /* without verdicts */
    const struct oc_tune_site *site;
    struct oc_tune_form **form; /* grows */
    int *n_forms, *room_forms;
    double until; /* of oc_now() */

    char by[OC_TUNE_NAME], usual[OC_TUNE_NAME];
    double us, usual_us; /* of the winner, of the usual one */
    char why[256];       /* about others that were faster; or "" */
};

/* How many could carry the node out, the usual one first. */
int oc_tune_candidates(const struct oc_caps *caps, const struct oc_node *node);
/* Sets what stands below the empty line. An implementation that fails loses;
 * the usual one's failure is that of the call. *whole = 0: the time was up
 * before all were tried, and who was fastest once more. */
ocellus_status oc_tune_race_run(struct oc_tune_race *race, int *whole);

/* ---- a whole plan (tune_whole.c) ----------------------------------------- */

/* The session's last plan, made again for other capabilities. It reads the
 * session's states, and writes copies of those that it would change. */
struct oc_tune_whole {
    struct ocellus_session *session;
    struct oc_plan *plan;
    struct oc_run *run;
    struct oc_buffer **state;
    char *own; /* states that are copies */
    struct oc_step_time *time;
    double *sample;   /* rounds x (nodes + 1): microseconds; the last: all */
    int rounds, room; /* rounds that were run, and that `sample` holds */
};
ocellus_status oc_tune_whole_open(struct oc_tune_whole *whole,
                                  struct ocellus_session *session,
                                  const struct oc_caps *caps, int rounds);
void oc_tune_whole_close(struct oc_tune_whole *whole);
/* One run on the clock, a sample for each node: its launches and the reorders
 * before and behind it. */
ocellus_status oc_tune_whole_run(struct oc_tune_whole *whole);
/* Microseconds over the rounds: of node k, and of a run (oc_tune_typical). */
double oc_tune_whole_node(const struct oc_tune_whole *whole, int k, int good);
double oc_tune_whole_all(const struct oc_tune_whole *whole, int good);
/* Memory that it works in. */
size_t oc_tune_whole_bytes(const struct oc_tune_whole *whole);

/* The median; `good`: the first quartile, which is less of what others did to
 * the machine. Who wins must be faster by both. Sorts. 0 of none. */
double oc_tune_typical(double *list, int count, int good);

/* ---- the tuner (tune.c, tune_judge.c) -------------------------------------
 */

/* Rounds of both plans at the end, and how long more of them may take. */
enum { OC_TUNE_LEAST_ROUNDS = 5, OC_TUNE_END_SECONDS = 20 };

/* Operators that are alike. */
struct oc_tune_class {
    char *what;
    int node; /* the first of them */
    int nodes;
    double us; /* of all, in the usual plan */
    int state; /* OCELLUS_TUNE_... */
    int race;  /* verdict is known or measured */
    char by[OC_TUNE_NAME], usual[OC_TUNE_NAME];
    double by_us, usual_us;
    char why[256];
};

struct oc_tuner {
    struct ocellus_session *session;
    struct ocellus_device *device;
    struct oc_caps caps; /* without verdicts */
    double start, end, until;
    double all; /* microseconds of a run, at first */
    struct oc_tune_whole base;
    struct oc_tune_class *class;
    int n_classes, room_classes;
    int *class_of; /* per node; -1 */
    struct oc_tune_form *form;
    int n_forms, room_forms;
    ocellus_tune_result *result;
};

/* A class's verdict onto the disk; result->kept = 0 where it cannot. */
void oc_tune_keep(struct oc_tuner *tuner, const struct oc_tune_class *c);
/* The verdicts of the classes that are wanted, by class in order; free() it. */
ocellus_status oc_tune_table(const struct oc_tuner *tuner,
                             struct oc_tuned **table, int *count,
                             int (*wanted)(const struct oc_tune_class *c));
/* Measures the whole plan with the verdicts and without, and drops those that
 * are no gain there; none where the time is up before. */
ocellus_status oc_tune_judge(struct oc_tuner *tuner);

#endif
