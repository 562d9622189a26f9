/* Ops that run through a dataset at once: DatasetToSingleElement, ReduceDataset, DatasetCardinality. */
#include <string.h>

#include "base/alloc.h"
#include "data/iterator.h"

/* --- the only element --- */

static tn_error *take_only(tn_run *r, tn_visit *v, tn_tensor *element, tn_tensor *second) {
  bool end = false;
  TN_TRY(tn_cursor_next(v->cursor, &v->step, element, &end));
  if (end) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Dataset was empty.");
  TN_TRY(tn_cursor_next(v->cursor, &v->step, second, &end));
  return end ? NULL : tn_run_errorf(r, TN_INVALID_ARGUMENT, "Dataset had more than one element.");
}

static tn_error *run_single(tn_run *r) {
  tn_source *source = NULL;
  TN_TRY(tn_source_of(r->inputs[0], &source));
  if (source->n != r->n_outputs) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "the dataset has %d components; expected %d", source->n, r->n_outputs);
  }
  tn_visit v;
  TN_TRY(tn_visit_begin(&v, source, r->step));
  tn_tensor *elements = NULL;
  tn_error *error = tn_element_new(2 * source->n, &elements);
  if (!error) error = take_only(r, &v, elements, elements + source->n);
  for (int i = 0; i < r->n_outputs && !error; i++) tn_run_set(r, i, &elements[i]);
  tn_element_free(2 * source->n, elements);
  tn_visit_end(&v);
  return error;
}

/* --- reduce --- */

typedef struct reduction {
  tn_run *r;
  tn_capture capture;
  int n, m;           /* tensors of state, components */
  tn_tensor *all;     /* the state, then an element */
  tn_tensor *results; /* the next state */
} reduction;

static tn_error *reduce(reduction *d, tn_visit *v) {
  for (bool end = false;;) {
    TN_TRY(tn_cursor_next(v->cursor, &v->step, d->all + d->n, &end));
    if (end) return NULL;
    TN_TRY(tn_capture_call(&d->capture, &v->step, (size_t)(d->n + d->m), d->all, d->results));
    tn_element_clear(d->n + d->m, d->all);
    tn_element_move(d->n, d->all, d->results);
  }
}

static tn_error *reduce_source(reduction *d, tn_source *source) {
  TN_TRY(tn_capture_init(d->r, "f", 2, &d->capture));
  if (d->capture.function->n_outputs != (size_t)d->n) {
    return tn_run_errorf(d->r, TN_INVALID_ARGUMENT, "function '%s' has %zu results; the state has %d",
                         d->capture.function->name, d->capture.function->n_outputs, d->n);
  }
  TN_TRY(tn_element_new(d->n + d->m, &d->all));
  TN_TRY(tn_element_new(d->n, &d->results));
  for (int i = 0; i < d->n; i++) tn_tensor_set(&d->all[i], d->r->inputs[1 + i]);
  tn_visit v;
  TN_TRY(tn_visit_begin(&v, source, d->r->step));
  tn_error *error = reduce(d, &v);
  tn_visit_end(&v);
  return error;
}

static tn_error *run_reduce(tn_run *r) {
  tn_source *source = NULL;
  TN_TRY(tn_source_of(r->inputs[0], &source));
  int first;
  reduction d = {.r = r, .n = tn_node_argument(r->node, 1, &first), .m = source->n};
  tn_error *error = d.n == r->n_outputs ? NULL : tn_run_errorf(r, TN_INVALID_ARGUMENT, "the state changes its length");
  if (!error) error = reduce_source(&d, source);
  for (int i = 0; i < d.n && !error; i++) {
    if (d.all[i].dtype != r->outputs[i]->dtype) {
      error = tn_run_errorf(r, TN_INVALID_ARGUMENT, "state %d is a %s; expected a %s", i, tn_dtype_name(d.all[i].dtype),
                            tn_dtype_name(r->outputs[i]->dtype));
    } else {
      tn_run_set(r, i, &d.all[i]);
    }
  }
  tn_element_free(d.n + d.m, d.all);
  tn_element_free(d.n, d.results);
  tn_capture_clear(&d.capture);
  return error;
}

/* --- size --- */

static tn_error *run_size(tn_run *r) {
  tn_source *source = NULL;
  TN_TRY(tn_source_of(r->inputs[0], &source));
  tn_shape scalar = tn_shape_scalar();
  TN_TRY(tn_run_allocate(r, 0, &scalar));
  *TN_DATA(int64_t, r->outputs[0]) = tn_source_size(source);
  return NULL;
}

static tn_error *given_shapes(tn_shape_ctx *c) {
  const tn_attr *shapes = tn_node_attr(c->node, "output_shapes");
  for (int i = 0; i < c->n_outputs && (size_t)i < shapes->n; i++) c->out[i] = shapes->shapes[i];
  return NULL;
}

static const tn_kernel_def single_kernels[] = {
    {.name = "reference", .prepare = tn_prepare_all_dynamic, .run = run_single}, {0}};
static const tn_kernel_def reduce_kernels[] = {
    {.name = "reference", .prepare = tn_prepare_all_dynamic, .run = run_reduce}, {0}};
static const tn_kernel_def size_kernels[] = {{.name = "reference", .prepare = tn_prepare_all_dynamic, .run = run_size},
                                             {0}};

TN_OP(DatasetToSingleElement, .inputs = "dataset: variant", .outputs = "components: output_types",
      .attrs = TN_SOURCE_ATTRS "; metadata: string = ''", .doc = "The element of a dataset that has only one.",
      .flags = TN_OP_STATEFUL | TN_SOURCE_FLAGS, .shape = given_shapes, .kernels = single_kernels);

TN_OP(ReduceDataset, .inputs = "input_dataset: variant, initial_state: Tstate, other_arguments: Targuments",
      .outputs = "components: output_types",
      .attrs = "f: func; Tstate: list(type) >= 1; Targuments: list(type) >= 0; " TN_SOURCE_ATTRS
               "; use_inter_op_parallelism: bool = true; metadata: string = ''",
      .doc = "The state after f has seen all elements.", .flags = TN_OP_STATEFUL | TN_SOURCE_FLAGS,
      .shape = given_shapes, .kernels = reduce_kernels);

TN_OP(DatasetCardinality, .inputs = "input_dataset: variant", .outputs = "cardinality: int64",
      .attrs = "cardinality_options: string = ''",
      .doc = "The number of elements; -1 without an end, -2 where it is not known.", .flags = TN_SOURCE_FLAGS,
      .shape = tn_shape_scalar_out, .kernels = size_kernels);
