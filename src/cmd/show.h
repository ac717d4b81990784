/* show.h - what the files of `ocellus show` share. */
#ifndef OC_CMD_SHOW_H
#define OC_CMD_SHOW_H

#include "cmd/feed.h"

/* A row for each layer of the graph, and what it comes to. */
ocellus_status show_table(const ocellus_graph *graph);
json_t *show_json(const ocellus_graph *graph);

#endif
