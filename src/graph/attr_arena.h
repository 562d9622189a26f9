/* Copies of attributes whose arrays and strings belong to an arena. */
#ifndef TN_GRAPH_ATTR_ARENA_H
#define TN_GRAPH_ATTR_ARENA_H

#include "base/alloc.h"
#include "graph/attr.h"

/* ARENA NULL: from tn_malloc, as tn_attr_copy. Tensors are shared: give them back with tn_attr_drop_tensors. */
tn_error *tn_attr_copy_to(tn_arena *arena, const tn_attr *source, tn_attr *out) TN_MUST_USE;
/* Gives back the tensors that ATTR holds, and nothing else. */
void tn_attr_drop_tensors(tn_attr *attr);
/* Bytes of one element of a list of KIND; 0 for no kind. */
size_t tn_attr_element_size(tn_attr_kind kind);

#endif
