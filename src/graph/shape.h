/* What a shape function sees, and the usual shape functions. Dimensions and ranks may be unknown (-1). */
#ifndef TN_GRAPH_SHAPE_H
#define TN_GRAPH_SHAPE_H

#include "graph/graph.h"

struct tn_shape_ctx {
  const tn_node
      *node; /* attributes and input dtypes are set; inputs may be absent in rebuilt contexts, use the fields below */
  int n_inputs, n_outputs;
  const tn_shape *in;
  tn_shape *out; /* preset to unknown */
  const tn_handle_info *in_handles;
  tn_handle_info *out_handles;
  /* The value of input I if it is constant (or computable from constants), else NULL. Owned by the context. */
  const tn_tensor *(*value)(tn_shape_ctx *c, int i);
  void *value_state;
};

/* Computes OUTPUT if it depends on nothing but constants (and static shapes) and is small: *OUT is a new tensor, NULL
 * if it is not constant. Installed by the layer that has kernels; NULL before that. It may ask tn_graph_constant for
 * the leaves. */
extern tn_error *(*tn_eval_const_hook)(tn_output output, tn_tensor **out);
/* The value of OUTPUT as far as the graph alone tells: a Const, or the shape, size or rank of a tensor whose shape is
 * known. *OUT is a new reference, or NULL. */
tn_error *tn_graph_constant(tn_output output, tn_tensor **out) TN_MUST_USE;
/* tn_graph_constant, then the hook. */
tn_error *tn_eval_const(tn_output output, tn_tensor **out) TN_MUST_USE;

/* --- checks: each fails with INVALID_ARGUMENT naming node, input and both shapes --- */
tn_error *tn_shape_with_rank(tn_shape_ctx *c, int input, int rank, tn_shape *out) TN_MUST_USE;
tn_error *tn_shape_at_least_rank(tn_shape_ctx *c, int input, int rank, tn_shape *out) TN_MUST_USE;
tn_error *tn_shape_merge(tn_shape_ctx *c, const tn_shape *a, const tn_shape *b, tn_shape *out) TN_MUST_USE;
tn_error *tn_dim_merge(tn_shape_ctx *c, int64_t a, int64_t b, int64_t *out) TN_MUST_USE;
/* The constant integer scalar of input I: *KNOWN false if it is not constant. */
tn_error *tn_shape_scalar_value(tn_shape_ctx *c, int input, bool *known, int64_t *out) TN_MUST_USE;
/* The vector of input I as a shape: partially known when only parts are constant (-1 inside, as TensorFlow's
 * MakeShapeFromShapeTensor: it looks through Shape, Pack, ConcatV2, StridedSlice, Cast). Unknown rank if nothing is
 * known. */
tn_error *tn_shape_from_value(tn_shape_ctx *c, int input, tn_shape *out) TN_MUST_USE;
/* The integer vector of input I as int64: *N -1 if it is not constant. At most TN_MAX_RANK elements. */
tn_error *tn_shape_vector_value(tn_shape_ctx *c, int input, int *n, int64_t values[TN_MAX_RANK]) TN_MUST_USE;
/* NumPy broadcasting with unknowns, as TensorFlow's BroadcastBinaryOpOutputShapeFnHelper. */
tn_error *tn_shape_broadcast_unknown(tn_shape_ctx *c, const tn_shape *a, const tn_shape *b, tn_shape *out) TN_MUST_USE;

/* --- whole shape functions, for the .shape field --- */
tn_error *tn_shape_unchanged(tn_shape_ctx *c);        /* every output has the shape of input 0 */
tn_error *tn_shape_broadcast_binary(tn_shape_ctx *c); /* output 0: inputs 0 and 1 broadcast */
tn_error *tn_shape_scalar_out(tn_shape_ctx *c);       /* every output is a scalar */
tn_error *tn_shape_unknown_out(tn_shape_ctx *c);      /* every output is unknown */
tn_error *tn_shape_no_outputs(tn_shape_ctx *c);       /* nothing to say */
tn_error *tn_shape_merge_all(tn_shape_ctx *c);        /* output 0: all inputs merged (AddN) */
tn_error *tn_shape_reduction(tn_shape_ctx *c);        /* input, axes (values), attribute keep_dims */

#endif
