/* The devices of a session, and which of them each node of its graph runs on. */
#ifndef TN_RUNTIME_PLACEMENT_H
#define TN_RUNTIME_PLACEMENT_H

#include "compile/place.h"

typedef struct tn_placement tn_placement;

/* CPUS devices of this process (0: one). SOFT, and LOG as log_device_placement: every node's device goes to stdout. */
tn_error *tn_placement_new(int cpus, bool soft, bool log, tn_placement **out) TN_MUST_USE;
/* The same devices and rules for another graph. */
tn_error *tn_placement_like(const tn_placement *placement, tn_placement **out) TN_MUST_USE;
void tn_placement_free(tn_placement *placement);
/* Places what came to GRAPH since the last call; nodes with a state stay where they were. Thread-safe. Errors as
 * tn_place; every call then fails until the graph is mended. */
tn_error *tn_placement_update(tn_placement *placement, const tn_graph *graph) TN_MUST_USE;

/* The devices' full names. */
int tn_placement_n(const tn_placement *placement);
const char *tn_placement_name(const tn_placement *placement, int device);
/* The device of NODE, an index; 0 while it is not placed. Thread-safe. */
int tn_placement_of(tn_placement *placement, const tn_node *node);

#endif
