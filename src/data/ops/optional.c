/* Optionals: an element, or that there is none. */
#include <string.h>

#include "base/alloc.h"
#include "data/iterator.h"

#define OPTIONAL_TYPE "Optional"

typedef struct optional {
  tn_object object;
  int n; /* -1: there is none */
  tn_tensor *element;
} optional;

static void destroy(tn_object *object) {
  optional *o = (optional *)object;
  tn_element_free(o->n, o->element);
  tn_free(o);
}

/* An optional of N components, which are clear. */
static tn_error *new_optional(int n, optional **out) {
  optional *o = tn_calloc(1, sizeof *o);
  if (!o) return tn_out_of_memory();
  atomic_init(&o->object.refs, 1);
  o->object.type = OPTIONAL_TYPE;
  o->object.destroy = destroy;
  o->n = n;
  tn_error *error = n < 0 ? NULL : tn_element_new(n, &o->element);
  if (error) {
    tn_free(o);
    return error;
  }
  *out = o;
  return NULL;
}

static tn_error *run_none(tn_run *r) {
  optional *o = NULL;
  TN_TRY(new_optional(-1, &o));
  return tn_run_set_handle(r, 0, &o->object);
}

static tn_error *run_from(tn_run *r) {
  optional *o = NULL;
  TN_TRY(new_optional(r->n_inputs, &o));
  for (int i = 0; i < r->n_inputs; i++) tn_tensor_set(&o->element[i], r->inputs[i]);
  return tn_run_set_handle(r, 0, &o->object);
}

static tn_error *run_next(tn_run *r) {
  tn_object *iterator = NULL;
  TN_TRY(tn_run_object(r, 0, TN_ITERATOR_TYPE, &iterator));
  optional *o = NULL;
  bool end = false;
  int n = (int)tn_node_attr(r->node, "output_types")->n;
  TN_TRY(new_optional(n, &o));
  tn_error *error = tn_iterator_next((tn_iterator *)iterator, r->step, n, o->element, &end);
  if (error) {
    tn_object_unref(&o->object);
    return error;
  }
  if (end) {
    tn_element_free(o->n, o->element);
    o->element = NULL;
    o->n = -1;
  }
  return tn_run_set_handle(r, 0, &o->object);
}

static tn_error *find(tn_run *r, const optional **out) {
  tn_object *object = NULL;
  TN_TRY(tn_run_object(r, 0, OPTIONAL_TYPE, &object));
  *out = (const optional *)object;
  return NULL;
}

static tn_error *run_has(tn_run *r) {
  const optional *o = NULL;
  tn_shape scalar = tn_shape_scalar();
  TN_TRY(find(r, &o));
  TN_TRY(tn_run_allocate(r, 0, &scalar));
  *TN_DATA(bool, r->outputs[0]) = o->n >= 0;
  return NULL;
}

static tn_error *run_get(tn_run *r) {
  const optional *o = NULL;
  TN_TRY(find(r, &o));
  if (o->n < 0) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "The given optional does not have a value.");
  }
  if (o->n != r->n_outputs) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "the optional has %d components, not %d", o->n, r->n_outputs);
  }
  for (int i = 0; i < o->n; i++) {
    if (o->element[i].dtype != r->outputs[i]->dtype) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "component %d is a %s; expected a %s", i,
                           tn_dtype_name(o->element[i].dtype), tn_dtype_name(r->outputs[i]->dtype));
    }
  }
  for (int i = 0; i < o->n; i++) tn_run_set(r, i, &o->element[i]);
  return NULL;
}

static tn_error *given_shapes(tn_shape_ctx *c) {
  const tn_attr *shapes = tn_node_attr(c->node, "output_shapes");
  for (int i = 0; i < c->n_outputs && (size_t)i < shapes->n; i++) c->out[i] = shapes->shapes[i];
  return NULL;
}

#define KERNELS(NAME)                                                                                                  \
  static const tn_kernel_def NAME##_kernels[] = {                                                                      \
      {.name = "reference", .prepare = tn_prepare_all_dynamic, .run = run_##NAME}, {0}}
KERNELS(none);
KERNELS(from);
KERNELS(next);
KERNELS(has);
KERNELS(get);

TN_OP(OptionalNone, .inputs = "", .outputs = "optional: variant", .attrs = "", .doc = "An optional without a value.",
      .flags = TN_SOURCE_FLAGS, .shape = tn_shape_scalar_out, .kernels = none_kernels);

TN_OP(OptionalFromValue, .inputs = "components: Toutput_types", .outputs = "optional: variant",
      .attrs = "Toutput_types: list(type) >= 1", .doc = "An optional with a value.", .flags = TN_SOURCE_FLAGS,
      .shape = tn_shape_scalar_out, .kernels = from_kernels);

TN_OP(OptionalHasValue, .inputs = "optional: variant", .outputs = "has_value: bool", .attrs = "",
      .doc = "Whether an optional has a value.", .flags = TN_SOURCE_FLAGS, .shape = tn_shape_scalar_out,
      .kernels = has_kernels);

TN_OP(OptionalGetValue, .inputs = "optional: variant", .outputs = "components: output_types", .attrs = TN_SOURCE_ATTRS,
      .doc = "The value of an optional.", .flags = TN_SOURCE_FLAGS, .shape = given_shapes, .kernels = get_kernels);

TN_OP(IteratorGetNextAsOptional, .inputs = "iterator: resource", .outputs = "optional: variant",
      .attrs = TN_SOURCE_ATTRS, .doc = "The next element of an iterator, or none at its end.",
      .flags = TN_OP_STATEFUL | TN_SOURCE_FLAGS, .shape = tn_shape_scalar_out, .kernels = next_kernels);
