/* Putting elements into queues, closing and asking them. */
#include <string.h>

#include "data/ops/queue_ops.h"

static tn_error *prepare_close(tn_prepare *p) {
  if (tn_node_attr(p->node, "timeout_ms") && tn_node_get_int(p->node, "timeout_ms") != -1) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Timeout not supported yet.");
  }
  return NULL;
}

tn_error *tn_queue_of(const tn_run *r, tn_queue **out) {
  tn_object *object = NULL;
  TN_TRY(tn_run_object(r, 0, TN_QUEUE_TYPE, &object));
  *out = (tn_queue *)object;
  return NULL;
}

static bool fits(const tn_shape *wanted, const tn_shape *given) {
  bool same = wanted->rank == given->rank;
  for (int i = 0; same && i < given->rank; i++) same = wanted->dims[i] < 0 || wanted->dims[i] == given->dims[i];
  return same;
}

/* Component I has the shape and dtype that Q takes; of many elements, SHAPE is that of one. */
static tn_error *check(const tn_run *r, const tn_queue *q, int i, const tn_shape *shape) {
  const tn_tensor *value = r->inputs[i + 1];
  if (value->dtype != q->spec.types[i]) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Type mismatch in tuple component %d. Expected %s, got %s", i,
                         tn_dtype_name(q->spec.types[i]), tn_dtype_name(value->dtype));
  }
  if (q->spec.shapes && !fits(&q->spec.shapes[i], shape)) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Shape mismatch in tuple component %d. Expected %s, got %s", i,
                         TN_SHAPE_STR(&q->spec.shapes[i]), TN_SHAPE_STR(shape));
  }
  if (q->spec.kind == TN_QUEUE_PRIORITY && i == 0 && shape->rank != 0) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "the priority must be a scalar, but its shape is %s",
                         TN_SHAPE_STR(shape));
  }
  return NULL;
}

static tn_error *check_count(const tn_run *r, const tn_queue *q) {
  if (r->n_inputs == q->spec.n + 1) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Wrong number of components in tuple. Expected %d, got %d", q->spec.n,
                       r->n_inputs - 1);
}

/* VALUE for a queue to keep: a copy where its bytes belong to somebody who may change them. */
static tn_error *keep(tn_tensor *to, const tn_tensor *value) {
  if (!value->buffer || (value->buffer->release && !value->buffer->fixed)) return tn_tensor_init_copy(to, value);
  tn_tensor_set(to, value);
  return NULL;
}

/* Puts COUNT elements into Q; at once, or not at all, where R must not wait. */
static tn_error *put(tn_run *r, tn_queue *q, int64_t count, tn_tensor *tuples) {
  bool done = r->waiter == NULL;
  tn_error *error = done ? tn_queue_put(q, r->step, count, tuples) : tn_queue_try_put(q, count, tuples, &done);
  if (!done) r->outcome = TN_RUN_NEEDS_THREAD;
  return tn_error_context(error, "%s '%s'", r->node->op->name, r->node->name);
}

static tn_error *run_put(tn_run *r) {
  tn_queue *q = NULL;
  TN_TRY(tn_queue_of(r, &q));
  TN_TRY(check_count(r, q));
  for (int i = 0; i < q->spec.n; i++) TN_TRY(check(r, q, i, &r->inputs[i + 1]->shape));
  tn_tensor *tuple = tn_calloc((size_t)q->spec.n + 1, sizeof *tuple);
  tn_error *error = tuple ? NULL : tn_out_of_memory();
  for (int i = 0; i < q->spec.n && !error; i++) error = keep(&tuple[i], r->inputs[i + 1]);
  if (!error) error = put(r, q, 1, tuple);
  for (int i = 0; tuple && i < q->spec.n; i++) tn_tensor_clear(&tuple[i]);
  tn_free(tuple);
  return error;
}

/* --- many elements: they share the buffers of what they are cut out of --- */

static tn_error *check_many(const tn_run *r, const tn_queue *q, int64_t *count) {
  TN_TRY(check_count(r, q));
  *count = 0;
  for (int i = 0; i < q->spec.n; i++) {
    const tn_shape *all = &r->inputs[i + 1]->shape;
    if (all->rank == 0) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "tuple component %d must have at least 1 dimension", i);
    }
    tn_shape one = tn_shape_of(all->rank - 1, all->dims + 1);
    TN_TRY(check(r, q, i, &one));
    if (i == 0) *count = all->dims[0];
    if (*count == all->dims[0]) continue;
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "All input tuple components must have the same size 0th dimension. Component %d has %lld, "
                         "and should have %lld",
                         i, (long long)all->dims[0], (long long)*count);
  }
  return NULL;
}

tn_error *tn_queue_cut(const tn_run *r, int i, int64_t count, tn_tensor *tuples) {
  tn_tensor whole = {0};
  TN_TRY(keep(&whole, r->inputs[i + 1]));
  tn_tensor piece = {.dtype = whole.dtype, .buffer = whole.buffer};
  piece.shape = tn_shape_of(whole.shape.rank - 1, whole.shape.dims + 1);
  size_t bytes = (size_t)tn_shape_elements(&piece.shape) * tn_dtype_size(whole.dtype);
  for (int64_t k = 0; k < count; k++) {
    piece.data = (char *)whole.data + (size_t)k * bytes;
    tn_tensor_set(&tuples[k * (r->n_inputs - 1) + i], &piece);
  }
  tn_tensor_clear(&whole);
  return NULL;
}

static tn_error *run_put_many(tn_run *r) {
  tn_queue *q = NULL;
  int64_t count = 0;
  TN_TRY(tn_queue_of(r, &q));
  TN_TRY(check_many(r, q, &count));
  size_t n = (size_t)count * (size_t)q->spec.n;
  tn_tensor *tuples = tn_calloc(n + 1, sizeof *tuples);
  tn_error *error = tuples ? NULL : tn_out_of_memory();
  for (int i = 0; i < q->spec.n && !error; i++) error = tn_queue_cut(r, i, count, tuples);
  if (!error) error = put(r, q, count, tuples);
  for (size_t i = 0; tuples && i < n; i++) tn_tensor_clear(&tuples[i]);
  tn_free(tuples);
  return error;
}

/* --- the rest --- */

static tn_error *run_close(tn_run *r) {
  tn_queue *q = NULL;
  TN_TRY(tn_queue_of(r, &q));
  bool cancel = tn_node_get_bool(r->node, "cancel_pending_enqueues");
  return tn_error_context(tn_queue_close(q, r->step, cancel), "%s '%s'", r->node->op->name, r->node->name);
}

static tn_error *prepare_scalar(tn_prepare *p) {
  tn_shape scalar = tn_shape_scalar();
  return tn_prepare_output(p, 0, &scalar);
}

static tn_error *run_is_closed(tn_run *r) {
  tn_queue *q = NULL;
  TN_TRY(tn_queue_of(r, &q));
  *TN_DATA(bool, r->outputs[0]) = tn_queue_is_closed(q);
  return NULL;
}

static tn_error *run_size(tn_run *r) {
  tn_queue *q = NULL;
  TN_TRY(tn_queue_of(r, &q));
  *TN_DATA(int32_t, r->outputs[0]) = (int32_t)tn_queue_size(q);
  return NULL;
}

static const tn_kernel_def puts_one[] = {
    {.name = "reference", .prepare = prepare_close, .run = run_put, .attempts = true}, {0}};
static const tn_kernel_def puts_many[] = {
    {.name = "reference", .prepare = prepare_close, .run = run_put_many, .attempts = true}, {0}};
static const tn_kernel_def closes[] = {{.name = "reference", .prepare = prepare_close, .run = run_close}, {0}};
static const tn_kernel_def asks[] = {{.name = "reference", .prepare = prepare_scalar, .run = run_is_closed}, {0}};
static const tn_kernel_def sizes[] = {{.name = "reference", .prepare = prepare_scalar, .run = run_size}, {0}};

#define NEW  TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED
#define OLD  TN_OP_NO_GRADIENT
#define WAIT TN_OP_BLOCKING
#define PUT  "Tcomponents: list(type) >= 1; timeout_ms: int = -1"

TN_OP(QueueEnqueueV2, .inputs = "handle: resource, components: Tcomponents", .outputs = "", .attrs = PUT,
      .doc = "Puts an element into a queue, once there is room.", .flags = NEW | WAIT, .shape = tn_shape_no_outputs,
      .kernels = puts_one);
TN_OP(QueueEnqueue, .inputs = "handle: Ref(string), components: Tcomponents", .outputs = "", .attrs = PUT,
      .doc = "The old QueueEnqueueV2.", .flags = OLD | WAIT, .shape = tn_shape_no_outputs, .kernels = puts_one);
TN_OP(QueueEnqueueManyV2, .inputs = "handle: resource, components: Tcomponents", .outputs = "", .attrs = PUT,
      .doc = "Puts the rows of tensors into a queue, one element each.", .flags = NEW | WAIT,
      .shape = tn_shape_no_outputs, .kernels = puts_many);
TN_OP(QueueEnqueueMany, .inputs = "handle: Ref(string), components: Tcomponents", .outputs = "", .attrs = PUT,
      .doc = "The old QueueEnqueueManyV2.", .flags = OLD | WAIT, .shape = tn_shape_no_outputs, .kernels = puts_many);
TN_OP(QueueCloseV2, .inputs = "handle: resource", .outputs = "", .attrs = "cancel_pending_enqueues: bool = false",
      .doc = "Nothing more can be put into a queue.", .flags = NEW | WAIT, .shape = tn_shape_no_outputs,
      .kernels = closes);
TN_OP(QueueClose, .inputs = "handle: Ref(string)", .outputs = "", .attrs = "cancel_pending_enqueues: bool = false",
      .doc = "The old QueueCloseV2.", .flags = OLD | WAIT, .shape = tn_shape_no_outputs, .kernels = closes);
TN_OP(QueueIsClosedV2, .inputs = "handle: resource", .outputs = "is_closed: bool", .attrs = "",
      .doc = "Whether a queue was closed.", .flags = NEW | TN_OP_READ_ONLY, .shape = tn_shape_scalar_out,
      .kernels = asks);
TN_OP(QueueIsClosed, .inputs = "handle: Ref(string)", .outputs = "is_closed: bool", .attrs = "",
      .doc = "The old QueueIsClosedV2.", .flags = TN_OP_GRADIENT_UNREGISTERED | TN_OP_READ_ONLY,
      .shape = tn_shape_scalar_out, .kernels = asks);
TN_OP(QueueSizeV2, .inputs = "handle: resource", .outputs = "size: int32", .attrs = "",
      .doc = "The number of elements in a queue.", .flags = NEW | TN_OP_READ_ONLY, .shape = tn_shape_scalar_out,
      .kernels = sizes);
TN_OP(QueueSize, .inputs = "handle: Ref(string)", .outputs = "size: int32", .attrs = "", .doc = "The old QueueSizeV2.",
      .flags = OLD | TN_OP_READ_ONLY, .shape = tn_shape_scalar_out, .kernels = sizes);
