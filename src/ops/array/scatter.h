/* Updating slices of a dense tensor: the kernel that ScatterNd and the TensorScatter ops share. */
#ifndef TN_OPS_ARRAY_SCATTER_H
#define TN_OPS_ARRAY_SCATTER_H

#include "kernel/combine.h"
#include "ops/array/nd_index.h"

typedef struct tn_scatter_state {
  tn_nd_index index;
  tn_combine_fn combine; /* NULL: strings, which are assigned one by one */
  bool joins;            /* ... or joined */
  tn_dtype dtype;
} tn_scatter_state;

/* Checks INDICES and UPDATES against SHAPE and sets up the update of KIND. */
tn_error *tn_scatter_prepare(tn_prepare *p, int indices, const tn_shape *shape, tn_combine kind) TN_MUST_USE;
/* Takes input UPDATES up into output 0 at the places that input INDICES names. */
tn_error *tn_scatter_apply(tn_run *r, int indices, int updates) TN_MUST_USE;

#endif
