/* The gradients of Switch, Merge, Enter, Exit and NextIteration. */
#include "graph/gradients.h"

static tn_error *done(const tn_gradient_ctx *c) { return c->scope->error ? tn_error_copy(c->scope->error) : NULL; }

tn_error *tn_grad_next_iteration(tn_gradient_ctx *c) {
  c->grad_in[0] = c->grad_out[0];
  return NULL;
}

/* --- sparse gradients --- */

/* The static shape of X, or of the variable behind it. */
static tn_shape shape_of(tn_output x) {
  bool handle = tn_output_dtype(x) == TN_RESOURCE && x.node->handles;
  return handle ? x.node->handles[x.index].shape : tn_output_shape(x);
}

/* A sparse gradient of X without rows, made of values and indices like those of LIKE. False if the shape is not known.
 */
static bool empty_rows(tn_scope *s, tn_output x, const tn_gradient_value *like, tn_gradient_value *out) {
  tn_shape full = shape_of(x), rows = full, none = tn_shape_of(1, &(int64_t){0});
  if (!tn_shape_known(&full) || full.rank == 0) return false;
  rows.dims[0] = 0;
  tn_dtype index = tn_dtype_base(tn_output_dtype(like->indices));
  out->values = tn_build_filled(s, tn_dtype_base(tn_output_dtype(like->values)), &rows, 0);
  out->indices = tn_build_filled(s, index, &none, 0);
  out->dense_shape = tn_build_ints(s, index, full.rank, full.dims);
  return true;
}

/* --- conditions --- */

/* Both branches are sparse, or nothing comes from one: then it gives no rows, and gives them only if it was taken. */
static bool sparse_switch(tn_gradient_ctx *c) {
  const tn_gradient_value *out = c->grad_out;
  int sparse = out[0].indices.node ? 0 : 1, other = 1 - sparse;
  if (!out[sparse].indices.node || (tn_grad_has(c, other) && !out[other].indices.node)) return false;
  tn_gradient_value all, ways[2] = {out[0], out[1]};
  if (!empty_rows(c->scope, c->node->inputs[0], &out[sparse], &all)) return false;
  if (!tn_grad_has(c, other)) {
    tn_output pred = c->node->inputs[1];
    ways[other].values = tn_nth(tn_build2(c->scope, "Switch", all.values, pred), other);
    ways[other].indices = tn_nth(tn_build2(c->scope, "Switch", all.indices, pred), other);
  } else if (tn_output_dtype(out[0].indices) != tn_output_dtype(out[1].indices)) {
    for (int i = 0; i < 2; i++) ways[i].indices = tn_build_cast(c->scope, ways[i].indices, TN_INT64);
  }
  c->grad_in[0] = (tn_gradient_value){
      .values = tn_build(c->scope, "Merge", TN_IN(ways[0].values, ways[1].values), NULL),
      .indices = tn_build(c->scope, "Merge", TN_IN(ways[0].indices, ways[1].indices), NULL),
      .dense_shape = all.dense_shape,
  };
  return true;
}

/* Both branches have a gradient, zeros where none comes back; the one that was taken is alive. */
static tn_error *cond_switch(tn_gradient_ctx *c) {
  if (!tn_dtype_trainable(c->node->output_types[0])) return NULL;
  if (sparse_switch(c)) return done(c);
  tn_output taken[2] = {tn_grad_dense(c, 0), tn_grad_dense(c, 1)};
  if (!taken[0].node || !taken[1].node) return done(c);
  tn_grad_set(c, 0, tn_build(c->scope, "Merge", TN_IN(taken[0], taken[1]), NULL));
  return done(c);
}

/* Each input gets the gradient if it is the one that the Merge forwarded. */
static tn_error *cond_merge(tn_gradient_ctx *c) {
  tn_output gradient = tn_grad_dense(c, 0);
  for (int i = 0; i < c->node->n_inputs; i++) {
    tn_output chosen = tn_build2(c->scope, "Equal", tn_grad_y(c, 1), tn_build_scalar(c->scope, TN_INT32, i));
    tn_grad_set(c, i, tn_nth(tn_build2(c->scope, "Switch", gradient, chosen), 1));
  }
  return done(c);
}

/* --- loops --- */

/* The backward loop of the loop that NODE is in; NULL outside of loops, or where the gradient stays inside the loop. */
static tn_frame *backward_of(const tn_gradient_ctx *c, const tn_node *node) {
  tn_frame *frame = tn_frame_of(c->driver, node);
  return frame ? frame->backward : NULL;
}

/* A loop variable's Switch is seen twice: from its Exit, which starts the backward loop's variable, and from the body,
 * which gives that its next value. */
static tn_error *loop_switch(tn_gradient_ctx *c) {
  tn_gradients *g = c->driver;
  tn_frame *frame = backward_of(c, c->node);
  if (!frame) {
    return tn_node_errorf(
        c->node, TN_UNIMPLEMENTED,
        "inside a loop there are gradients for the loop's invariants and for what is made in the same "
        "iteration, but not for the values that it began with");
  }
  uint64_t key = (uint64_t)c->node->id + 1;
  tn_node *merge = tn_map_find_u64(frame->merges, key);
  if (merge) return tn_grad_has(c, 1) ? tn_loop_close(g, frame, merge, tn_grad_dense(c, 1)) : NULL;
  if (!tn_grad_has(c, 0)) return NULL;
  tn_output first = tn_grad_dense(c, 0);
  tn_output made = tn_loop_raw(g, frame, "Merge", TN_IN(first, first), NULL, NULL);
  if (c->scope->error) return done(c);
  tn_grad_set(c, 0, made);
  return tn_map_put_u64(frame->merges, key, made.node);
}

tn_error *tn_grad_switch(tn_gradient_ctx *c) { return tn_is_loop_switch(c->node) ? loop_switch(c) : cond_switch(c); }

/* In the backward loop's last iteration the gradient leaves to where the value came in. */
static tn_error *loop_merge(tn_gradient_ctx *c, tn_frame *frame) {
  tn_output gradient = tn_loop_map(c->driver, frame, tn_grad_dense(c, 0)), cond = {frame->cond, 0};
  tn_output way = tn_loop_raw(c->driver, frame, "Switch", TN_IN(gradient, cond), NULL, NULL);
  for (int i = 0; i < c->node->n_inputs; i++) tn_grad_set(c, i, tn_nth(way, tn_is_next(c->node->inputs[i].node)));
  return done(c);
}

tn_error *tn_grad_merge(tn_gradient_ctx *c) {
  if (!tn_grad_has(c, 0)) return NULL;
  if (!tn_is_loop_merge(c->node)) return cond_merge(c);
  tn_frame *frame = backward_of(c, c->node);
  return frame ? loop_merge(c, frame) : NULL;
}

tn_error *tn_grad_exit(tn_gradient_ctx *c) {
  tn_frame *frame = backward_of(c, c->node->inputs[0].node);
  if (!tn_grad_has(c, 0) || !frame) return NULL;
  /* Dense before it enters: inside, every iteration would add the rows up again, and begin the loop's variable anew. */
  tn_gradient_value value = {.values = tn_loop_enter(c->driver, frame, tn_grad_dense(c, 0), false)};
  c->grad_in[0] = value;
  c->driver->current = frame;
  return done(c);
}

/* A variable of the backward loop that begins as INITIAL. *OUT is its value in an iteration. */
static tn_node *accumulator(tn_gradients *g, tn_frame *frame, tn_output initial, bool grows, tn_output *out) {
  tn_output enter = tn_loop_enter(g, frame, initial, false);
  /* Rows are added to it, so the number that it begins with is not the one that it has. */
  if (grows && !g->scope.error) enter.node->output_shapes[0].dims[0] = -1;
  tn_output merge = tn_loop_raw(g, frame, "Merge", TN_IN(enter, enter), NULL, NULL);
  tn_output cond = {frame->cond, 0};
  *out = tn_loop_raw(g, frame, "Switch", TN_IN(merge, cond), NULL, NULL);
  return merge.node;
}

/* Closes the variable MERGE with NEXT. */
static void close_loop(tn_gradient_ctx *c, tn_frame *frame, tn_node *merge, tn_output next) {
  if (c->scope->error) return;
  tn_error *error = tn_loop_close(c->driver, frame, merge, next);
  if (c->scope->error) {
    tn_error_free(error);
  } else {
    c->scope->error = error;
  }
}

/* Sums DENSE of each iteration; the sum leaves the loop. */
static tn_output sum_iterations(tn_gradient_ctx *c, tn_frame *frame, tn_output dense, tn_output zeros) {
  tn_gradients *g = c->driver;
  tn_output now;
  tn_node *merge = accumulator(g, frame, zeros, false, &now);
  tn_output sum = tn_loop_raw(g, frame, "Add", TN_IN(tn_nth(now, 1), tn_loop_map(g, frame, dense)), NULL, NULL);
  close_loop(c, frame, merge, sum);
  return tn_loop_raw(g, frame->parent, "Exit", TN_IN(tn_nth(now, 0)), NULL, NULL);
}

/* Puts the rows of each iteration behind those of the others. */
static tn_output join_iterations(tn_gradient_ctx *c, tn_frame *frame, tn_output rows, tn_output empty) {
  tn_gradients *g = c->driver;
  tn_output now;
  tn_node *merge = accumulator(g, frame, empty, true, &now);
  g->current = frame;
  tn_output axis = tn_build_scalar(c->scope, TN_INT32, 0);
  tn_output all = tn_build(c->scope, "ConcatV2", TN_IN(tn_nth(now, 1), rows, axis), NULL);
  close_loop(c, frame, merge, all);
  return tn_loop_raw(g, frame->parent, "Exit", TN_IN(tn_nth(now, 0)), NULL, NULL);
}

/* The rows of all iterations; false where they can't be kept apart. */
static bool sparse_invariant(tn_gradient_ctx *c, tn_frame *frame) {
  const tn_gradient_value *value = &c->grad_out[0];
  tn_gradient_value start, all;
  tn_frame *before = c->driver->current;
  if (!value->indices.node) return false;
  c->driver->current = frame->parent;
  if (!empty_rows(c->scope, c->node->inputs[0], value, &start)) {
    c->driver->current = before;
    return false;
  }
  all.values = join_iterations(c, frame, value->values, start.values);
  all.indices = join_iterations(c, frame, value->indices, start.indices);
  all.dense_shape = start.dense_shape;
  c->grad_in[0] = all;
  return true;
}

/* Each iteration used the invariant, so its gradient is the sum over all of them. */
static tn_error *invariant(tn_gradient_ctx *c, tn_frame *frame) {
  if (sparse_invariant(c, frame)) return done(c);
  tn_output dense = tn_grad_dense(c, 0);
  c->driver->current = frame->parent;
  tn_output zeros = tn_grad_zeros(c->driver, c->scope, c->node->inputs[0]);
  if (c->scope->error) return done(c);
  if (!zeros.node) return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "the shape of the variable is not known");
  tn_grad_set(c, 0, sum_iterations(c, frame, dense, zeros));
  return done(c);
}

tn_error *tn_grad_enter(tn_gradient_ctx *c) {
  if (!tn_grad_has(c, 0)) return NULL;
  tn_frame *frame = backward_of(c, c->node);
  if (!frame) {
    c->grad_in[0] = c->grad_out[0];
    return NULL;
  }
  if (tn_node_get_bool(c->node, "is_constant")) return invariant(c, frame);
  tn_output inside = tn_loop_map(c->driver, frame, tn_grad_dense(c, 0));
  tn_grad_set(c, 0, tn_loop_raw(c->driver, frame->parent, "Exit", TN_IN(inside), NULL, NULL));
  return done(c);
}
