/* The second order of batch normalisation: its gradient written with plain ops, and then differentiated. */
#include "ops/nn/batch_norm.h"

/* Inputs and results of the gradient as plain ops. */
typedef struct norm_graph {
  tn_scope *s;
  tn_output g, x, scale, mean, variance; /* vectors in a shape that broadcasts over the images */
  tn_output epsilon, axes;
  tn_output gx, gscale, goffset;
} norm_graph;

static tn_output times(const norm_graph *n, tn_output a, tn_output b) { return tn_build2(n->s, "Mul", a, b); }

static tn_output mean_of(const norm_graph *n, tn_output x) {
  return tn_build(n->s, "Mean", TN_IN(x, n->axes), TN_ATTRS(TN_A_BOOL("keep_dims", true)));
}

static tn_output rsqrt_of(const norm_graph *n, tn_output variance) {
  return tn_build1(n->s, "Rsqrt", tn_build2(n->s, "AddV2", variance, n->epsilon));
}

static void build_training(norm_graph *n, tn_output vector_shape) {
  tn_scope *s = n->s;
  const tn_output mean_g = mean_of(n, n->g), mean_x = mean_of(n, n->x);
  const tn_output square = tn_build2(s, "SquaredDifference", n->x, tn_build1(s, "StopGradient", mean_x));
  const tn_output variance = mean_of(n, square), inverse = rsqrt_of(n, variance);
  const tn_output g_offset = tn_build2(s, "Sub", n->g, mean_g), x_offset = tn_build2(s, "Sub", n->x, mean_x);
  const tn_output dot = times(n, n->g, x_offset);
  const tn_output reciprocal = tn_build1(s, "Reciprocal", tn_build2(s, "AddV2", variance, n->epsilon));
  const tn_output through = times(n, times(n, reciprocal, mean_of(n, dot)), x_offset);
  n->gx = times(n, times(n, n->scale, inverse), tn_build2(s, "Sub", g_offset, through));
  n->gscale = tn_build2(s, "Reshape", times(n, inverse, tn_build_sum(s, dot, n->axes, true)), vector_shape);
  n->goffset = tn_build_sum(s, n->g, n->axes, false);
}

static void build_inference(norm_graph *n) {
  tn_scope *s = n->s;
  const tn_output inverse = rsqrt_of(n, n->variance);
  const tn_output dot = times(n, times(n, n->g, tn_build2(s, "Sub", n->x, n->mean)), inverse);
  n->goffset = tn_build_sum(s, n->g, n->axes, false);
  n->gscale = tn_build_sum(s, dot, n->axes, false);
  n->gx = times(n, times(n, n->g, n->scale), inverse);
}

/* [channels] as a shape that broadcasts over the images. */
static tn_output spread(tn_gradient_ctx *c, tn_output vector) {
  if (!tn_norm_channels_first(c->node)) return vector;
  const int64_t shape[] = {1, -1, 1, 1, 1};
  return tn_build2(c->scope, "Reshape", vector, tn_build_ints(c->scope, TN_INT32, tn_norm_rank(c->node), shape));
}

static tn_output reduced_axes(tn_gradient_ctx *c) {
  const int rank = tn_norm_rank(c->node), at = tn_norm_channels_first(c->node) ? 1 : rank - 1;
  int64_t axes[5];
  int n = 0;
  for (int i = 0; i < rank; i++)
    if (i != at) axes[n++] = i;
  return tn_build_ints(c->scope, TN_INT32, n, axes);
}

tn_error *tn_norm_second_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  const tn_dtype dtype = c->node->input_types[1];
  const tn_output xs[] = {tn_grad_x(c, 0), tn_grad_x(c, 1), tn_grad_x(c, 2)};
  norm_graph n = {.s = s, .g = tn_build_cast(s, xs[0], TN_FLOAT), .x = tn_build_cast(s, xs[1], TN_FLOAT)};
  n.scale = spread(c, xs[2]);
  n.mean = spread(c, tn_grad_x(c, 3));
  n.variance = spread(c, tn_grad_x(c, 4));
  n.epsilon = tn_build_scalar(s, TN_FLOAT, tn_node_get_float(c->node, "epsilon"));
  n.axes = reduced_axes(c);
  if (tn_node_get_bool(c->node, "is_training"))
    build_training(&n, tn_build_shape_of(s, xs[2]));
  else
    build_inference(&n);
  const tn_output ys[] = {tn_build_cast(s, n.gx, dtype), n.gscale, n.goffset};
  const tn_output gs[] = {tn_grad_dense(c, 0), tn_grad_dense(c, 1), tn_grad_dense(c, 2)};
  if (s->error) return NULL;
  tn_gradient_value out[3];
  TN_TRY(tn_graph_gradients_sparse(s->graph, 3, ys, 3, xs, gs, 3, xs, out));
  for (int i = 0; i < 3; i++)
    if (out[i].values.node) c->grad_in[i] = out[i];
  return NULL;
}
