/* Which loop each item of a subgraph belongs to. */
#ifndef TN_COMPILE_FRAMES_STATIC_H
#define TN_COMPILE_FRAMES_STATIC_H

#include "compile/subgraph.h"

/* Fills the frames of SUBGRAPH. INVALID_ARGUMENT: a node takes inputs from two frames, or a loop is left twice. */
tn_error *tn_find_frames(tn_subgraph *subgraph) TN_MUST_USE;

#endif
