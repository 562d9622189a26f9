/* Which loop each item of a subgraph belongs to. */
#ifndef TN_RUNTIME_FRAMES_STATIC_H
#define TN_RUNTIME_FRAMES_STATIC_H

#include "runtime/subgraph.h"

/* Fills the frames of SUBGRAPH. INVALID_ARGUMENT: a node takes inputs from two frames, or a loop is left twice. */
tn_error *tn_find_frames(tn_subgraph *subgraph) TN_MUST_USE;

#endif
