/* carry.h - recurrent layers that go on where another run left them. */
#ifndef OC_PASS_CARRY_H
#define OC_PASS_CARRY_H

#include "graph/graph.h"

/* A copy of `graph` whose LSTM, GRU and RNN nodes begin with inputs "state:K"
 * (1 x N x hidden, K from 0, an LSTM's h before its c) and end in outputs
 * "next:K"; *states counts them. OCELLUS_UNSUPPORTED names a node that reads
 * from the end, and so cannot go on. */
ocellus_status oc_carry_copy(const struct ocellus_graph *graph,
                             struct ocellus_graph **copy, int *states);

#endif
