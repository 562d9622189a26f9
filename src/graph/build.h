/* Building nodes from C with little ceremony: for gradients and graph passes. The first error sticks in the scope. */
#ifndef TN_GRAPH_BUILD_H
#define TN_GRAPH_BUILD_H

#include "graph/graph.h"

typedef struct tn_scope {
  tn_graph *graph;
  const char *prefix; /* name scope for the new nodes, relative to the graph's own; NULL: none */
  const char *device; /* device for the new nodes; NULL: none */
  tn_error *error;    /* the first error; calls after it do nothing and return {NULL, 0} */
} tn_scope;

#define TN_NONE ((tn_output){NULL, 0})
#define TN_END  ((tn_output){NULL, -2})
/* Inputs of tn_build, lists flattened in order. */
#define TN_IN(...)   ((const tn_output[]){__VA_ARGS__, TN_END})
#define TN_NO_INPUTS ((const tn_output[]){TN_END})
/* Attributes of tn_build; those that the inputs determine and defaults may be left out. */
#define TN_ATTRS(...) ((const tn_named_attr[]){__VA_ARGS__, {NULL, {0}}})
#define TN_A_INT(NAME, VALUE)                                                                                          \
  {                                                                                                                    \
    NAME, { .kind = TN_ATTR_INT, .i = (VALUE) }                                                                        \
  }
#define TN_A_FLOAT(NAME, VALUE)                                                                                        \
  {                                                                                                                    \
    NAME, { .kind = TN_ATTR_FLOAT, .f = (VALUE) }                                                                      \
  }
#define TN_A_BOOL(NAME, VALUE)                                                                                         \
  {                                                                                                                    \
    NAME, { .kind = TN_ATTR_BOOL, .b = (VALUE) }                                                                       \
  }
#define TN_A_TYPE(NAME, VALUE)                                                                                         \
  {                                                                                                                    \
    NAME, { .kind = TN_ATTR_TYPE, .type = (VALUE) }                                                                    \
  }
#define TN_A_STRING(NAME, VALUE)                                                                                       \
  {                                                                                                                    \
    NAME, {                                                                                                            \
      .kind = TN_ATTR_STRING, .string = {(char *)(VALUE), sizeof(VALUE) - 1 }                                          \
    }                                                                                                                  \
  } /* a literal */
#define TN_A_TENSOR(NAME, VALUE)                                                                                       \
  {                                                                                                                    \
    NAME, { .kind = TN_ATTR_TENSOR, .tensor = (VALUE) }                                                                \
  }
/* The same attribute as NODE has, under the same name. */
#define TN_A_SAME(NODE, NAME)                                                                                          \
  { NAME, *tn_node_attr((NODE), NAME) }

/* Adds a node of type OP, named after it, and returns its output 0 (index -1 if it has none). INPUTS end with TN_END;
 * ATTRS (may be NULL) with a NULL name. */
tn_output tn_build(tn_scope *s, const char *op, const tn_output *inputs, const tn_named_attr *attrs);
/* Output I of the same node. */
static inline tn_output tn_nth(tn_output output, int i) { return (tn_output){output.node, i}; }

/* --- constants --- */
tn_output tn_build_scalar(tn_scope *s, tn_dtype dtype, double value);          /* value converted to DTYPE */
tn_output tn_build_ints(tn_scope *s, tn_dtype dtype, int n, const int64_t *v); /* a vector of int32 or int64 */
tn_output tn_build_const(tn_scope *s, tn_tensor *value);

/* --- the commonest ops: thin words over tn_build --- */
static inline tn_output tn_build1(tn_scope *s, const char *op, tn_output x) { return tn_build(s, op, TN_IN(x), NULL); }
static inline tn_output tn_build2(tn_scope *s, const char *op, tn_output x, tn_output y) {
  return tn_build(s, op, TN_IN(x, y), NULL);
}
tn_output tn_build_cast(tn_scope *s, tn_output x, tn_dtype dtype); /* X itself where it has DTYPE already */
tn_output tn_build_shape_of(tn_scope *s, tn_output x);             /* Shape, int32 */
tn_output tn_build_sum(tn_scope *s, tn_output x, tn_output axes, bool keep_dims);
/* Sums GRADIENT (of a broadcast result) back to the shape of X. Uses static shapes where they are known, else
 * BroadcastGradientArgs, so that simple graphs stay simple. OTHER is the other operand of the binary op. */
tn_output tn_build_unbroadcast(tn_scope *s, tn_output gradient, tn_output x, tn_output other);

/* --- gradients --- */
struct tn_gradient_ctx {
  tn_scope *scope;                   /* build with it; prefix and device are set as TensorFlow's gradients do */
  const tn_node *node;               /* the forward node */
  const tn_gradient_value *grad_out; /* one per output; .values.node NULL: nothing flows into this output */
  tn_gradient_value *grad_in;        /* one per input, preset to none: leave it so where nothing flows */
  struct tn_gradients *driver;       /* for the gradients of control flow */
};
/* The gradient of output I as a dense tensor; zeros of the output's shape where nothing flows. */
tn_output tn_grad_dense(tn_gradient_ctx *c, int i);
/* X once NODE has run. */
tn_output tn_build_after(tn_scope *s, tn_output x, tn_node *node);
/* The array, made by op TYPE, for the gradients of the tensor array HANDLE of the forward node; FLOW comes before it.
 */
tn_output tn_grad_array(tn_gradient_ctx *c, const char *type, tn_output handle, tn_output flow);
/* FLOW of gradients, after the forward node has run. */
tn_output tn_grad_array_after(tn_gradient_ctx *c, tn_output flow);
/* What stands for FLOW of the forward node in gradients. */
tn_output tn_grad_array_flow(tn_gradient_ctx *c, tn_output flow);
/* The gradients of control flow, which need to know the loops that they are in. */
tn_error *tn_grad_switch(tn_gradient_ctx *c);
tn_error *tn_grad_merge(tn_gradient_ctx *c);
tn_error *tn_grad_enter(tn_gradient_ctx *c);
tn_error *tn_grad_exit(tn_gradient_ctx *c);
tn_error *tn_grad_next_iteration(tn_gradient_ctx *c);
/* True if something flows into output I. */
static inline bool tn_grad_has(const tn_gradient_ctx *c, int i) { return c->grad_out[i].values.node != NULL; }
/* The forward node's input / output I. */
static inline tn_output tn_grad_x(const tn_gradient_ctx *c, int i) { return c->node->inputs[i]; }
static inline tn_output tn_grad_y(const tn_gradient_ctx *c, int i) { return (tn_output){(tn_node *)c->node, i}; }
/* Sets a dense gradient of input I. */
static inline void tn_grad_set(tn_gradient_ctx *c, int i, tn_output value) { c->grad_in[i].values = value; }

#endif
