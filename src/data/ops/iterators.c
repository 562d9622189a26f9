/* Iterators as resources: made, started, drawn from. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "data/iterator.h"

static tn_error *make_iterator(void *argument, tn_object **out) {
  const tn_node *node = argument;
  const tn_attr *types = tn_node_attr(node, "output_types"), *shapes = tn_node_attr(node, "output_shapes");
  if (shapes->n != types->n) {
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "%zu output_types, but %zu output_shapes", types->n, shapes->n);
  }
  return tn_iterator_new(types->n, types->types, shapes->shapes, out);
}

/* The string attribute NAME of NODE, which holds no NUL; FALLBACK where it is empty. */
static tn_error *text_attr(const tn_node *node, const char *name, const char *fallback, char **out) {
  tn_string s = tn_node_get_string(node, name);
  *out = s.size > 0 ? tn_strndup(s.data, s.size) : tn_strdup(fallback);
  return *out ? NULL : tn_out_of_memory();
}

static tn_error *find_iterator(const tn_node *node, tn_resources *resources, tn_iterator **out) {
  char *container = NULL, *name = NULL;
  tn_error *error = text_attr(node, "container", "", &container);
  if (!error) error = text_attr(node, "shared_name", node->name, &name);
  tn_object *object = NULL;
  if (!error) {
    error = tn_resources_get(resources, container, name, TN_ITERATOR_TYPE, make_iterator, (void *)node, &object);
  }
  tn_free(container);
  tn_free(name);
  if (error) return error;
  tn_error *wrong = NULL;
  const tn_attr *types = tn_node_attr(node, "output_types"), *shapes = tn_node_attr(node, "output_shapes");
  wrong = tn_iterator_check((tn_iterator *)object, types->n, types->types, shapes->shapes);
  if (wrong) {
    tn_object_unref(object);
    return wrong;
  }
  *out = (tn_iterator *)object;
  return NULL;
}

static tn_error *run_iterator(tn_run *r) {
  tn_iterator *it = NULL;
  TN_TRY(find_iterator(r->node, tn_run_resources(r), &it));
  return tn_run_set_handle(r, 0, (tn_object *)it);
}

static tn_error *run_anonymous(tn_run *r) {
  tn_object *object = NULL;
  TN_TRY(make_iterator((void *)r->node, &object));
  TN_TRY(tn_run_set_handle(r, 0, object));
  if (r->n_outputs < 2) return NULL;
  return tn_run_set_handle(r, 1, tn_object_ref(object));
}

/* --- OneShotIterator: the dataset comes from a function, which is called once --- */

static tn_error *start_once(tn_run *r, tn_iterator *it) {
  tn_function *factory = NULL;
  TN_TRY(tn_node_function(r->node, "dataset_factory", &factory));
  tn_tensor variant = {0};
  if (factory->n_outputs != 1) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "the function '%s' must have one result", factory->name);
  }
  TN_TRY(tn_call_function(factory, r->step, 0, NULL, &variant));
  tn_source *source = NULL;
  tn_error *error = tn_source_of(&variant, &source);
  if (!error) error = tn_iterator_start(it, source, r->step);
  tn_tensor_clear(&variant);
  return error;
}

static tn_error *run_one_shot(tn_run *r) {
  tn_iterator *it = NULL;
  TN_TRY(find_iterator(r->node, tn_run_resources(r), &it));
  tn_error *error = tn_iterator_started(it) ? NULL : start_once(r, it);
  if (error) {
    tn_object_unref((tn_object *)it);
    return error;
  }
  return tn_run_set_handle(r, 0, (tn_object *)it);
}

/* --- use --- */

static tn_error *iterator_at(const tn_run *r, int i, tn_iterator **out) {
  tn_object *object = NULL;
  TN_TRY(tn_run_object(r, i, TN_ITERATOR_TYPE, &object));
  *out = (tn_iterator *)object;
  return NULL;
}

static tn_error *run_make(tn_run *r) {
  tn_iterator *it = NULL;
  tn_source *source = NULL;
  TN_TRY(iterator_at(r, 1, &it));
  TN_TRY(tn_source_of(r->inputs[0], &source));
  return tn_iterator_start(it, source, r->step);
}

static tn_error *hand_over(tn_run *r, tn_tensor *element) {
  const tn_attr *shapes = tn_node_attr(r->node, "output_shapes");
  for (int i = 0; i < r->n_outputs; i++) {
    const tn_shape *want = &shapes->shapes[i], *got = &element[i].shape;
    bool fits = want->rank < 0 || want->rank == got->rank;
    for (int d = 0; fits && d < want->rank; d++) fits = want->dims[d] < 0 || want->dims[d] == got->dims[d];
    if (element[i].dtype != r->outputs[i]->dtype || !fits) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "component %d is a %s of shape %s; expected a %s of shape %s", i,
                           tn_dtype_name(element[i].dtype), TN_SHAPE_STR(got), tn_dtype_name(r->outputs[i]->dtype),
                           TN_SHAPE_STR(want));
    }
  }
  for (int i = 0; i < r->n_outputs; i++) tn_run_set(r, i, &element[i]);
  return NULL;
}

static tn_error *run_next(tn_run *r) {
  tn_iterator *it = NULL;
  TN_TRY(iterator_at(r, 0, &it));
  tn_tensor *element = NULL;
  TN_TRY(tn_element_new(r->n_outputs, &element));
  bool end = false;
  tn_error *error = tn_iterator_next(it, r->step, r->n_outputs, element, &end);
  if (!error && end) error = tn_errorf(TN_OUT_OF_RANGE, "End of sequence");
  if (!error) error = hand_over(r, element);
  tn_element_free(r->n_outputs, element);
  return error;
}

/* A handle as text: the address, which is looked up among the session's iterators. */
static tn_error *run_to_string(tn_run *r) {
  tn_iterator *it = NULL;
  TN_TRY(iterator_at(r, 0, &it));
  tn_shape scalar = tn_shape_scalar();
  TN_TRY(tn_run_allocate(r, 0, &scalar));
  tn_str text = {0};
  tn_str_addf(&text, "tenon.Iterator:%p", (void *)it);
  /* Kept under that name as well, so that it can be found again. */
  tn_object *object = NULL;
  tn_error *error = text.failed ? tn_out_of_memory() : tn_iterator_name(it, tn_run_resources(r), text.data, &object);
  tn_object_unref(object);
  if (!error) error = tn_string_set(TN_DATA(tn_string, r->outputs[0]), text.data, text.size);
  tn_str_clear(&text);
  return error;
}

static tn_error *run_from_string(tn_run *r) {
  tn_string text;
  TN_TRY(tn_run_string(r, 0, &text));
  char *name = tn_strndup(text.data, text.size);
  if (!name) return tn_out_of_memory();
  tn_object *object = NULL;
  tn_error *error =
      tn_resources_get(tn_run_resources(r), TN_ITERATOR_NAMES, name, TN_ITERATOR_TYPE, NULL, NULL, &object);
  tn_free(name);
  if (error) {
    tn_error_free(error);
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "'%.*s' is not the handle of an iterator of this session",
                         text.size < 100 ? (int)text.size : 100, text.data ? text.data : "");
  }
  const tn_attr *types = tn_node_attr(r->node, "output_types"), *shapes = tn_node_attr(r->node, "output_shapes");
  error =
      tn_iterator_check((tn_iterator *)object, types->n, types->types, shapes->n == types->n ? shapes->shapes : NULL);
  if (!error) return tn_run_set_handle(r, 0, object);
  tn_object_unref(object);
  return error;
}

static tn_error *run_delete(tn_run *r) {
  (void)r;
  return NULL;
}

static tn_error *run_device(tn_run *r) {
  tn_shape scalar = tn_shape_scalar();
  TN_TRY(tn_run_allocate(r, 0, &scalar));
  static const char name[] = "/job:localhost/replica:0/task:0/device:CPU:0";
  return tn_string_set(TN_DATA(tn_string, r->outputs[0]), name, sizeof name - 1);
}

static tn_error *given_shapes(tn_shape_ctx *c) {
  const tn_attr *shapes = tn_node_attr(c->node, "output_shapes");
  for (int i = 0; i < c->n_outputs && (size_t)i < shapes->n; i++) c->out[i] = shapes->shapes[i];
  return NULL;
}

#define KERNELS(NAME)                                                                                                  \
  static const tn_kernel_def NAME##_kernels[] = {                                                                      \
      {.name = "reference", .prepare = tn_prepare_all_dynamic, .run = run_##NAME}, {0}}
KERNELS(iterator);
KERNELS(anonymous);
KERNELS(one_shot);
KERNELS(make);
KERNELS(next);
KERNELS(to_string);
KERNELS(from_string);
KERNELS(delete);
KERNELS(device);

#define FLAGS (TN_OP_STATEFUL | TN_SOURCE_FLAGS)
#define NAMED "shared_name: string; container: string; " TN_SOURCE_ATTRS

TN_OP(Iterator, .inputs = "", .outputs = "handle: resource", .attrs = NAMED, .doc = "An iterator, which a name finds.",
      .flags = FLAGS, .shape = tn_shape_scalar_out, .kernels = iterator_kernels);

TN_OP(IteratorV2, .inputs = "", .outputs = "handle: resource", .attrs = NAMED,
      .doc = "An iterator, which a name finds.", .flags = FLAGS, .shape = tn_shape_scalar_out,
      .kernels = iterator_kernels);

TN_OP(AnonymousIterator, .inputs = "", .outputs = "handle: resource", .attrs = TN_SOURCE_ATTRS,
      .doc = "An iterator that lives as long as its handle.", .flags = FLAGS, .shape = tn_shape_scalar_out,
      .kernels = anonymous_kernels);

TN_OP(AnonymousIteratorV2, .inputs = "", .outputs = "handle: resource, deleter: variant", .attrs = TN_SOURCE_ATTRS,
      .doc = "An iterator that lives as long as its handle.", .flags = FLAGS, .shape = tn_shape_scalar_out,
      .kernels = anonymous_kernels);

TN_OP(AnonymousIteratorV3, .inputs = "", .outputs = "handle: resource", .attrs = TN_SOURCE_ATTRS,
      .doc = "An iterator that lives as long as its handle.", .flags = FLAGS, .shape = tn_shape_scalar_out,
      .kernels = anonymous_kernels);

TN_OP(DeleteIterator, .inputs = "handle: resource, deleter: variant", .outputs = "", .attrs = "",
      .doc = "Gives an iterator's handle back.", .flags = FLAGS, .shape = tn_shape_no_outputs,
      .kernels = delete_kernels);

TN_OP(OneShotIterator, .inputs = "", .outputs = "handle: resource",
      .attrs = "dataset_factory: func; " TN_SOURCE_ATTRS "; container: string = ''; shared_name: string = ''",
      .doc = "An iterator of the dataset that a function makes.", .flags = FLAGS, .shape = tn_shape_scalar_out,
      .kernels = one_shot_kernels);

TN_OP(MakeIterator, .inputs = "dataset: variant, iterator: resource", .outputs = "", .attrs = "",
      .doc = "Lets an iterator start at the beginning of a dataset.", .flags = FLAGS, .shape = tn_shape_no_outputs,
      .kernels = make_kernels);

TN_OP(IteratorGetNext, .inputs = "iterator: resource", .outputs = "components: output_types", .attrs = TN_SOURCE_ATTRS,
      .doc = "The next element of an iterator.", .flags = FLAGS, .shape = given_shapes, .kernels = next_kernels);

TN_OP(IteratorGetNextSync, .inputs = "iterator: resource", .outputs = "components: output_types",
      .attrs = TN_SOURCE_ATTRS, .doc = "The next element of an iterator.", .flags = FLAGS, .shape = given_shapes,
      .kernels = next_kernels);

TN_OP(IteratorToStringHandle, .inputs = "resource_handle: resource", .outputs = "string_handle: string", .attrs = "",
      .doc = "A handle as text that can be fed.", .flags = FLAGS, .shape = tn_shape_scalar_out,
      .kernels = to_string_kernels);

#define FROM_STRING "output_types: list(type) >= 0 = []; output_shapes: list(shape) >= 0 = []"

TN_OP(IteratorFromStringHandle, .inputs = "string_handle: string", .outputs = "resource_handle: resource",
      .attrs = FROM_STRING, .doc = "The iterator that a text stands for.", .flags = FLAGS, .shape = tn_shape_scalar_out,
      .kernels = from_string_kernels);

TN_OP(IteratorFromStringHandleV2, .inputs = "string_handle: string", .outputs = "resource_handle: resource",
      .attrs = FROM_STRING, .doc = "The iterator that a text stands for.", .flags = FLAGS, .shape = tn_shape_scalar_out,
      .kernels = from_string_kernels);

TN_OP(IteratorGetDevice, .inputs = "resource: resource", .outputs = "device: string", .attrs = "",
      .doc = "The device that an iterator is on.", .flags = FLAGS, .shape = tn_shape_scalar_out,
      .kernels = device_kernels);
