/* tune.h - the tuner: which implementation is fastest for each operator of a
 * session's plan, by measurement.
 *
 * Operators that are alike are one class (plan/tuned.h). The classes that take
 * most of a run come first. In each, every implementation that does not refuse
 * is tried on one node by itself, with its inputs lying as in the usual plan,
 * turn by turn with the usual one; medians are compared, and first quartiles,
 * which others on the machine disturb less. The fastest wins, if its numbers
 * are those of the direct one, and the verdict is kept at once.
 *
 * A node alone is not the net: at the end the whole plan is measured, with the
 * verdicts and without, turn by turn. Verdicts whose nodes are no faster there
 * are taken back, and all of this plan's where the whole does not gain 1%.
 */
#ifndef OC_DEVICE_TUNE_H
#define OC_DEVICE_TUNE_H

#include "device/session.h"

/* Less than that of a node's time is no gain; noise is as large. */
#define OC_TUNE_LEAST_GAIN 0.03
/* The same of a whole plan. */
#define OC_TUNE_LEAST_WHOLE 0.01

/* See ocellus_session_tune(). */
ocellus_status oc_session_tune(struct ocellus_session *session, double seconds,
                               int (*each)(void *user,
                                           const ocellus_tune_row *row),
                               void *user, ocellus_tune_result *result);

#endif
