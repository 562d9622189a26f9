/* Gradients of tensor arrays: each array has, for each call of the gradient builder, a second array that takes up the
 * gradients of what the first one holds. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/thread.h"
#include "ops/flow/tensor_array.h"

/* --- the ops --- */

/* With the lock of A held: its array of gradients for SOURCE; NULL if there is none yet. */
static tn_tensor_array *find(const tn_tensor_array *a, const tn_string *source) {
  tn_tensor_array *g = a->gradients;
  while (g && (strlen(g->source) != source->size || memcmp(g->source, source->data, source->size) != 0)) {
    g = g->next_gradient;
  }
  return g;
}

/* SHAPE with the dimensions of PREFIX before its own. */
static tn_error *prepend(const tn_run *r, const tn_shape *prefix, const tn_shape *shape, tn_shape *out) {
  *out = *shape;
  if (shape->rank < 0 || prefix->rank <= 0) return NULL;
  if (prefix->rank + shape->rank > TN_MAX_RANK) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "a gradient's rank would be %d", prefix->rank + shape->rank);
  }
  *out = *prefix;
  out->rank += shape->rank;
  for (int i = 0; i < shape->rank; i++) out->dims[prefix->rank + i] = shape->dims[i];
  return NULL;
}

/* The places of G that stand for written ones of A read as zeros of their shape. */
static tn_error *copy_shapes(const tn_run *r, const tn_tensor_array *a, const tn_shape *prefix, tn_tensor_array *g) {
  TN_TRY(prepend(r, prefix, &a->element, &g->element));
  for (int64_t i = 0; i < a->n; i++) {
    if (!a->slots[i].written) continue;
    TN_TRY(prepend(r, prefix, &a->slots[i].shape, &g->slots[i].shape));
    g->slots[i].written = true;
  }
  return NULL;
}

/* With the lock of A held. */
static tn_error *make(const tn_run *r, tn_tensor_array *a, const tn_string *source, const tn_shape *prefix,
                      tn_tensor_array **out) {
  /* Gradients are counted by place: the array can't grow any more. */
  a->dynamic = false;
  if (a->summed) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "Unable to create a gradients TensorArray for %s.  Gradient calculation is impossible when "
                         "multiple writes are performed to the same index.",
                         a->name);
  }
  tn_str name = {0};
  char *text = NULL;
  tn_str_add(&name, a->name);
  tn_str_add(&name, "@");
  tn_str_add_bytes(&name, source->data, source->size);
  TN_TRY(tn_str_take(&name, &text, NULL));
  tn_tensor_array *g = NULL;
  tn_error *error = tn_array_new(text, a->dtype, a->n, &g);
  tn_free(text);
  if (error) return error;
  g->is_gradient = true;
  g->forward = a;
  g->identical = a->identical;
  g->source = tn_strndup(source->size ? source->data : "", source->size);
  error = g->source ? copy_shapes(r, a, prefix, g) : tn_out_of_memory();
  if (error) {
    tn_object_unref(&g->object);
    return error;
  }
  g->next_gradient = a->gradients;
  a->gradients = g;
  *out = g;
  return NULL;
}

static tn_error *find_or_make(const tn_run *r, tn_tensor_array *a, tn_tensor_array **out) {
  tn_string source = tn_node_get_string(r->node, "source");
  tn_shape prefix = tn_shape_scalar();
  for (int64_t i = 0; r->n_inputs > 2 && i < tn_elements(r->inputs[2]); i++) {
    if (i == TN_MAX_RANK) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "shape_to_prepend has too many dimensions");
    prefix.dims[prefix.rank++] = tn_index_at(r->inputs[2], i);
  }
  tn_lock(&a->mutex);
  tn_error *error = tn_array_check_open(r, a);
  tn_tensor_array *g = error ? NULL : find(a, &source);
  if (!g && !error) error = make(r, a, &source, &prefix, &g);
  if (!error) tn_object_ref(&g->object);
  tn_unlock(&a->mutex);
  if (!error) *out = g;
  return error;
}

static tn_error *prepare_gradient(tn_prepare *p) {
  tn_shape scalar = tn_shape_scalar(), two = tn_shape_of(1, &(int64_t){2});
  if (p->n_inputs > 2) TN_TRY(tn_array_check_rank(p, 2, 1, "shape_to_prepend"));
  tn_prepare_dynamic(p, 0);
  TN_TRY(tn_prepare_output(p, 0, p->outputs[0].dtype == TN_STRING ? &two : &scalar));
  return p->n_outputs > 1 ? tn_prepare_alias(p, 1, 1, &p->inputs[1].shape) : NULL;
}

static tn_error *run_gradient(tn_run *r) {
  tn_tensor_array *a = NULL, *g = NULL;
  TN_TRY(tn_array_of(r, &a));
  tn_error *error = find_or_make(r, a, &g);
  tn_object_unref(&a->object);
  return error ? error : tn_array_hand_out(r, g);
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare_gradient, .run = run_gradient}, {0}};

static tn_error *shape_gradient(tn_shape_ctx *c) {
  c->out[0] = tn_shape_of(1, &(int64_t){2});
  if (c->n_outputs < 2) return NULL;
  c->out[1] = tn_shape_scalar();
  if (c->n_inputs == 2 && c->out_handles) c->out_handles[0] = c->in_handles[0];
  return NULL;
}

#define FLAGS TN_OP_STATEFUL | TN_OP_DYNAMIC_SHAPE | TN_OP_NO_GRADIENT

TN_OP(TensorArrayGradV3, .inputs = "handle: resource, flow_in: float",
      .outputs = "grad_handle: resource, flow_out: float", .attrs = "source: string",
      .doc = "The array for the gradients of an array's elements.", .flags = FLAGS, .shape = shape_gradient,
      .kernels = kernels);

TN_OP(TensorArrayGradWithShape, .inputs = "handle: resource, flow_in: float, shape_to_prepend: int32",
      .outputs = "grad_handle: resource, flow_out: float", .attrs = "source: string",
      .doc = "TensorArrayGradV3 for gradients with more dimensions than the elements.", .flags = FLAGS,
      .shape = shape_gradient, .kernels = kernels);

TN_OP(TensorArrayGradV2, .inputs = "handle: string, flow_in: float", .outputs = "grad_handle: string",
      .attrs = "source: string", .doc = "The old TensorArrayGradV3.", .flags = FLAGS, .shape = shape_gradient,
      .kernels = kernels);

TN_OP(TensorArrayGrad, .inputs = "handle: string, flow_in: float", .outputs = "grad_handle: Ref(string)",
      .attrs = "source: string", .doc = "The oldest TensorArrayGradV3.", .flags = FLAGS, .shape = tn_shape_unknown_out,
      .kernels = kernels);

/* --- building gradients --- */

/* "V3", "V2" or "". */
static const char *version_of(const tn_node *node) {
  const char *name = node->op->name;
  size_t n = strlen(name);
  return n > 2 && name[n - 2] == 'V' ? name + n - 2 : "";
}

/* Adds the op "TensorArray" WHAT of the version that the forward node has. */
static tn_output build(tn_gradient_ctx *c, const char *what, const tn_output *inputs, const tn_named_attr *attrs) {
  char op[64];
  snprintf(op, sizeof op, "TensorArray%s%s", what, version_of(c->node));
  return tn_build(c->scope, op, inputs, attrs);
}

/* The handle of the gradients' array. */
static tn_output array(tn_gradient_ctx *c, tn_output flow) {
  char op[64];
  snprintf(op, sizeof op, "TensorArrayGrad%s", version_of(c->node));
  return tn_grad_array(c, op, tn_grad_x(c, 0), flow);
}

static tn_output flow_in(tn_gradient_ctx *c) { return tn_grad_array_flow(c, tn_grad_x(c, c->node->n_inputs - 1)); }

static tn_error *done(const tn_gradient_ctx *c) { return c->scope->error ? tn_error_copy(c->scope->error) : NULL; }

/* Sets the gradient of input I, which was put into the array: what OP takes out of the gradients' array, at INDEX if
 * that is not NULL. */
static tn_error *taken_out(tn_gradient_ctx *c, const char *op, int i, const tn_output *index) {
  tn_output value = tn_grad_x(c, i), flow = tn_grad_dense(c, 0);
  tn_dtype dtype = tn_dtype_base(tn_output_dtype(value));
  tn_grad_set(c, c->node->n_inputs - 1, flow);
  if (!tn_dtype_is_floating(dtype) && !tn_dtype_is_complex(dtype)) return done(c);
  flow = tn_grad_array_after(c, flow);
  tn_output handle = array(c, flow), two[] = {handle, flow, TN_END};
  tn_output three[] = {handle, index ? *index : flow, flow, TN_END};
  tn_output gradient = build(c, op, index ? three : two, TN_ATTRS(TN_A_TYPE("dtype", dtype)));
  if (c->scope->error) return done(c);
  gradient.node->output_shapes[0] = tn_output_shape(value);
  tn_grad_set(c, i, gradient);
  tn_grad_set(c, c->node->n_inputs - 1, flow);
  return NULL;
}

/* The gradients that come for what OP's counterpart took out are put into the gradients' array. */
static tn_error *put_in(tn_gradient_ctx *c, const char *op) {
  tn_output flow = flow_in(c), values = tn_grad_dense(c, 0);
  tn_output handle = array(c, flow);
  tn_grad_set(c, 2, build(c, op, TN_IN(handle, tn_grad_x(c, 1), values, flow), NULL));
  return done(c);
}

tn_error *tn_grad_array_read(tn_gradient_ctx *c) { return put_in(c, "Write"); }

tn_error *tn_grad_array_gather(tn_gradient_ctx *c) { return put_in(c, "Scatter"); }

tn_error *tn_grad_array_write(tn_gradient_ctx *c) { return taken_out(c, "Read", 2, &c->node->inputs[1]); }

tn_error *tn_grad_array_scatter(tn_gradient_ctx *c) { return taken_out(c, "Gather", 2, &c->node->inputs[1]); }

tn_error *tn_grad_array_split(tn_gradient_ctx *c) { return taken_out(c, "Concat", 1, NULL); }

tn_error *tn_grad_array_concat(tn_gradient_ctx *c) {
  tn_output flow = flow_in(c), values = tn_grad_dense(c, 0);
  tn_output handle = array(c, flow);
  tn_grad_set(c, 1, build(c, "Split", TN_IN(handle, values, tn_grad_y(c, 1), flow), NULL));
  return done(c);
}
