/* Shape inference: running a node's shape function, the checks that shape functions make, and the usual ones whole. */
#include "graph/shape.h"

#include <string.h>

#include "base/str.h"
#include "graph/graph_internal.h"

/* --- the context --- */

typedef struct value_cache {
  bool *asked;
  tn_tensor **values;
  tn_error *error;
} value_cache;

static const tn_tensor *cached_value(tn_shape_ctx *c, int i) {
  value_cache *cache = c->value_state;
  if (i < 0 || i >= c->n_inputs) return NULL;
  if (!cache->asked[i]) {
    cache->asked[i] = true;
    tn_error *error = tn_eval_const(c->node->inputs[i], &cache->values[i]);
    /* A value that can't be computed now is no reason to refuse the node: the error comes when it runs. */
    tn_error_free(error);
  }
  return cache->values[i];
}

/* A pure op that hands a resource through leaves it what it was. */
static void pass_handles(tn_node *node, const tn_handle_info *in) {
  if (node->op->flags & TN_OP_STATEFUL) return;
  for (int i = 0; i < node->n_inputs; i++) {
    if (node->input_types[i] != TN_RESOURCE) continue;
    for (int j = 0; j < node->n_outputs; j++) {
      if (node->output_types[j] == TN_RESOURCE && node->handles[j].dtype == TN_INVALID) node->handles[j] = in[i];
    }
    return;
  }
}

/* ERROR with the shapes of the inputs at the end of its message, as TensorFlow tells them. */
static tn_error *with_shapes(tn_error *error, const tn_shape *in, size_t n) {
  tn_str text = {0};
  for (size_t i = 0; i < n; i++) tn_str_addf(&text, "%s%s", i ? ", " : "", TN_SHAPE_STR(&in[i]));
  char *shapes = NULL;
  tn_error *failed = tn_str_take(&text, &shapes, NULL);
  if (failed) {
    tn_error_free(error);
    return failed;
  }
  tn_error *told = tn_errorf(tn_error_code(error), "%s, with input shapes: %s", tn_error_message(error), shapes);
  tn_free(shapes);
  tn_error_free(error);
  return told;
}

static tn_error *infer(tn_node *node, char *memory) {
  size_t n = (size_t)node->n_inputs;
  tn_shape *in = (tn_shape *)(void *)memory;
  tn_handle_info *handles = (tn_handle_info *)(void *)(in + n);
  value_cache cache = {.values = (tn_tensor **)(void *)(handles + n)};
  cache.asked = (bool *)(void *)(cache.values + n);
  for (size_t i = 0; i < n; i++) {
    const tn_node *from = node->inputs[i].node;
    int index = node->inputs[i].index;
    in[i] = from->output_shapes[index];
    handles[i] = from->handles ? from->handles[index] : (tn_handle_info){.shape = tn_shape_unknown()};
  }
  tn_shape_ctx c = {.node = node,
                    .n_inputs = node->n_inputs,
                    .n_outputs = node->n_outputs,
                    .in = in,
                    .out = node->output_shapes,
                    .in_handles = handles,
                    .out_handles = node->handles,
                    .value = cached_value,
                    .value_state = &cache};
  tn_error *error = node->op->shape ? node->op->shape(&c) : NULL;
  if (error && n > 0) error = with_shapes(error, in, n);
  for (size_t i = 0; i < n; i++) tn_tensor_free(cache.values[i]);
  if (!error && node->handles) pass_handles(node, handles);
  return error;
}

tn_error *tn_node_infer_shapes(tn_node *node) {
  size_t each = sizeof(tn_shape) + sizeof(tn_handle_info) + sizeof(tn_tensor *) + sizeof(bool);
  char *memory = tn_calloc((size_t)node->n_inputs + 1, each);
  if (!memory) return tn_out_of_memory();
  tn_error *error = infer(node, memory);
  tn_free(memory);
  return error;
}

/* --- checks --- */

tn_error *tn_shape_with_rank(tn_shape_ctx *c, int input, int rank, tn_shape *out) {
  const tn_shape *shape = &c->in[input];
  if (shape->rank < 0) {
    *out = tn_shape_unknown_of_rank(rank);
    return NULL;
  }
  if (shape->rank != rank) {
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "input %d must have rank %d, but its shape is %s", input, rank,
                          TN_SHAPE_STR(shape));
  }
  *out = *shape;
  return NULL;
}

tn_error *tn_shape_at_least_rank(tn_shape_ctx *c, int input, int rank, tn_shape *out) {
  const tn_shape *shape = &c->in[input];
  if (shape->rank >= 0 && shape->rank < rank) {
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "input %d must have rank %d at least, but its shape is %s",
                          input, rank, TN_SHAPE_STR(shape));
  }
  *out = *shape;
  return NULL;
}

tn_error *tn_dim_merge(tn_shape_ctx *c, int64_t a, int64_t b, int64_t *out) {
  if (a >= 0 && b >= 0 && a != b) {
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "dimensions must be equal, but are %lld and %lld", (long long)a,
                          (long long)b);
  }
  *out = a >= 0 ? a : b;
  return NULL;
}

tn_error *tn_shape_merge(tn_shape_ctx *c, const tn_shape *a, const tn_shape *b, tn_shape *out) {
  if (a->rank < 0 || b->rank < 0) {
    *out = a->rank < 0 ? *b : *a;
    return NULL;
  }
  tn_shape merged = *a;
  bool equal = a->rank == b->rank;
  for (int i = 0; equal && i < a->rank; i++) {
    if (merged.dims[i] < 0) merged.dims[i] = b->dims[i];
    equal = b->dims[i] < 0 || merged.dims[i] == b->dims[i];
  }
  if (!equal) {
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "shapes must be equal, but are %s and %s", TN_SHAPE_STR(a),
                          TN_SHAPE_STR(b));
  }
  *out = merged;
  return NULL;
}

/* The dimension of the broadcast of A and B, of which either may be unknown; false if they don't agree. */
static bool broadcast_dim(int64_t a, int64_t b, int64_t *out) {
  if (a < 0 || b < 0) {
    /* A size over 1 wins over an unknown one; 1 gives way to it; else nothing is known. */
    int64_t known = a < 0 ? b : a;
    *out = known > 1 ? known : -1;
    return true;
  }
  *out = a == 1 ? b : a;
  return a == 1 || b == 1 || a == b;
}

tn_error *tn_shape_broadcast_unknown(tn_shape_ctx *c, const tn_shape *a, const tn_shape *b, tn_shape *out) {
  if (a->rank < 0 || b->rank < 0) {
    *out = tn_shape_unknown();
    return NULL;
  }
  int rank = a->rank > b->rank ? a->rank : b->rank;
  tn_shape result = tn_shape_unknown_of_rank(rank);
  for (int i = 0; i < rank; i++) {
    int64_t x = i < rank - a->rank ? 1 : a->dims[i - (rank - a->rank)];
    int64_t y = i < rank - b->rank ? 1 : b->dims[i - (rank - b->rank)];
    if (!broadcast_dim(x, y, &result.dims[i])) {
      return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "shapes %s and %s can't be broadcast together",
                            TN_SHAPE_STR(a), TN_SHAPE_STR(b));
    }
  }
  *out = result;
  return NULL;
}

/* --- whole shape functions --- */

tn_error *tn_shape_unchanged(tn_shape_ctx *c) {
  for (int i = 0; i < c->n_outputs; i++) c->out[i] = c->in[0];
  return NULL;
}

tn_error *tn_shape_broadcast_binary(tn_shape_ctx *c) {
  return tn_shape_broadcast_unknown(c, &c->in[0], &c->in[1], &c->out[0]);
}

tn_error *tn_shape_scalar_out(tn_shape_ctx *c) {
  for (int i = 0; i < c->n_outputs; i++) c->out[i] = tn_shape_scalar();
  return NULL;
}

tn_error *tn_shape_unknown_out(tn_shape_ctx *c) {
  for (int i = 0; i < c->n_outputs; i++) c->out[i] = tn_shape_unknown();
  return NULL;
}

tn_error *tn_shape_no_outputs(tn_shape_ctx *c) {
  (void)c;
  return NULL;
}

tn_error *tn_shape_merge_all(tn_shape_ctx *c) {
  tn_shape merged = tn_shape_unknown();
  for (int i = 0; i < c->n_inputs; i++) TN_TRY(tn_shape_merge(c, &merged, &c->in[i], &merged));
  c->out[0] = merged;
  return NULL;
}

/* Element I of an integer tensor. */
static int64_t int_at(const tn_tensor *t, int64_t i) {
  return t->dtype == TN_INT32 ? ((const int32_t *)t->data)[i] : ((const int64_t *)t->data)[i];
}

tn_error *tn_shape_reduction(tn_shape_ctx *c) {
  const tn_shape *in = &c->in[0];
  bool keep = tn_node_get_bool(c->node, "keep_dims");
  if (c->in[1].rank > 1) {
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "the axes must be a scalar or a vector, but their shape is %s",
                          TN_SHAPE_STR(&c->in[1]));
  }
  const tn_tensor *axes = c->value(c, 1);
  if (!axes || in->rank < 0) {
    c->out[0] = keep && in->rank >= 0 ? tn_shape_unknown_of_rank(in->rank) : tn_shape_unknown();
    return NULL;
  }
  bool reduced[TN_MAX_RANK] = {false};
  for (int64_t i = 0, n = tn_shape_elements(&axes->shape); i < n; i++) {
    int64_t axis = int_at(axes, i);
    if (axis < -in->rank || axis >= in->rank) {
      return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "axis %lld is outside of the input's shape %s",
                            (long long)axis, TN_SHAPE_STR(in));
    }
    reduced[axis < 0 ? axis + in->rank : axis] = true;
  }
  tn_shape out = tn_shape_scalar();
  for (int i = 0; i < in->rank; i++) {
    if (!reduced[i]) {
      out.dims[out.rank++] = in->dims[i];
    } else if (keep) {
      out.dims[out.rank++] = 1;
    }
  }
  c->out[0] = out;
  return NULL;
}
