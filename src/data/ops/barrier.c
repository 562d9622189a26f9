/* Barriers: elements by key whose components come one by one; who has all of them moves to a queue, in the order in
 * which the keys came. */
#include <string.h>

#include "base/map.h"
#include "base/thread.h"
#include "data/ops/queue_ops.h"
#include "kernel/handle.h"

#define BARRIER_TYPE "Barrier"

/* What a key has so far. */
typedef struct element {
  int64_t index; /* of the insertion that brought the key */
  int missing;   /* components */
  tn_tensor *parts;
} element;

typedef struct barrier {
  tn_object object;
  char *name;
  int n;                 /* components, which the queue has after the index and the key */
  tn_queue *ready;       /* by priority: the index */
  pthread_mutex_t mutex; /* guards what follows */
  bool closed, cancelled;
  tn_map *incomplete; /* of element */
  int64_t index;
} barrier;

/* --- making --- */

static void free_element(element *e, int n) {
  for (int i = 0; i < n; i++) tn_tensor_clear(&e->parts[i]);
  tn_free(e->parts);
  tn_free(e);
}

static void forget_all(barrier *b) {
  size_t cursor = 0, size;
  const void *key;
  void *value;
  while (b->incomplete && tn_map_next(b->incomplete, &cursor, &key, &size, &value)) free_element(value, b->n);
  tn_map_free(b->incomplete);
  b->incomplete = NULL;
}

static void destroy(tn_object *object) {
  barrier *b = (barrier *)object;
  forget_all(b);
  if (b->ready) tn_object_unref(&b->ready->object);
  pthread_mutex_destroy(&b->mutex);
  tn_free(b->name);
  tn_free(b);
}

static tn_error *as_strings(tn_object *object, tn_tensor *out) {
  return tn_handle_strings("", ((const barrier *)object)->name, out);
}

static tn_error *create(void *argument, const char *name, tn_object **out) {
  const tn_queue_spec *spec = argument;
  barrier *b = tn_calloc(1, sizeof *b);
  if (!b) return tn_out_of_memory();
  atomic_init(&b->object.refs, 1);
  b->object.type = BARRIER_TYPE;
  b->object.destroy = destroy;
  b->object.read = as_strings;
  pthread_mutex_init(&b->mutex, NULL);
  b->n = spec->n - 2;
  b->index = INT64_MIN;
  b->name = tn_strdup(name);
  tn_error *error = b->name ? tn_map_new(&b->incomplete) : tn_out_of_memory();
  if (!error) error = tn_queue_new(name, spec, &b->ready);
  if (error) {
    tn_object_unref(&b->object);
    return error;
  }
  *out = &b->object;
  return NULL;
}

static tn_error *check_shapes(const tn_prepare *p, const tn_attr *types, const tn_attr *shapes) {
  bool all = shapes->n == types->n;
  for (size_t i = 0; all && i < shapes->n; i++) all = tn_shape_known(&shapes->shapes[i]);
  if (!all) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "All of the component shapes must be specified");
  if (tn_node_get_int(p->node, "capacity") == -1) return NULL;
  return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                           "Barrier only accepts capacity=-1.  Feed the inputs to your Barrier through a queue to "
                           "enforce a limited capacity.");
}

static tn_error *prepare(tn_prepare *p) {
  const tn_attr *listed = tn_node_attr(p->node, "component_types"), *given = tn_node_attr(p->node, "shapes");
  TN_TRY(check_shapes(p, listed, given));
  size_t n = listed->n + 2;
  tn_dtype *types = tn_calloc(n, sizeof *types);
  tn_shape *shapes = tn_calloc(n, sizeof *shapes);
  tn_error *error = types && shapes ? NULL : tn_out_of_memory();
  if (!error) {
    types[0] = TN_INT64;
    types[1] = TN_STRING;
    memcpy(types + 2, listed->types, listed->n * sizeof *types);
    shapes[0] = shapes[1] = tn_shape_scalar();
    memcpy(shapes + 2, given->shapes, given->n * sizeof *shapes);
    tn_queue_spec spec = {TN_QUEUE_PRIORITY, (int)n, types, shapes, -1, 0, 0, 0};
    tn_object *object = NULL;
    tn_handle_request request = {BARRIER_TYPE, create, &spec};
    error = tn_handle_prepare(p, &request, &object);
    if (!error) error = tn_queue_check(((const barrier *)object)->ready, &spec);
    error = tn_error_context(error, "Barrier '%s'", p->node->name);
  }
  tn_free(types);
  tn_free(shapes);
  return error;
}

static tn_error *barrier_of(const tn_run *r, barrier **out) {
  tn_object *object = NULL;
  TN_TRY(tn_run_object(r, 0, BARRIER_TYPE, &object));
  *out = (barrier *)object;
  return NULL;
}

/* --- inserting, with the lock held --- */

static tn_error *new_element(barrier *b, tn_string key, element **out) {
  element *e = tn_calloc(1, sizeof *e);
  if (!e) return tn_out_of_memory();
  e->parts = tn_calloc((size_t)b->n, sizeof *e->parts);
  tn_error *error = e->parts ? tn_map_set(b->incomplete, key.data, key.size, e, NULL) : tn_out_of_memory();
  if (error) {
    free_element(e, e->parts ? b->n : 0);
    return error;
  }
  e->index = b->index;
  e->missing = b->n;
  *out = e;
  return NULL;
}

/* The element of KEY; *FRESH if it is a new one. */
static tn_error *find_element(const tn_run *r, barrier *b, tn_string key, bool *fresh, element **out) {
  element *e = tn_map_get(b->incomplete, key.data, key.size);
  int shown = (int)(key.size < 100 ? key.size : 100);
  if (!e && b->closed) {
    return tn_run_errorf(r, TN_CANCELLED, "Barrier %s is closed, but attempted to insert a brand new key: %.*s",
                         b->name, shown, key.data);
  }
  if (!e) {
    TN_TRY(new_element(b, key, &e));
    *fresh = true;
  }
  int64_t at = tn_node_get_int(r->node, "component_index");
  if (e->parts[at].buffer) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Key %.*s already has a value for component %lld in barrier %s", shown,
                         key.data, (long long)at, b->name);
  }
  *out = e;
  return NULL;
}

/* PIECE, key and value, is inserted; TUPLE (the queue's components) gets the element if that is complete: *READY. */
static tn_error *insert_one(const tn_run *r, barrier *b, tn_tensor *piece, tn_tensor *tuple, bool *fresh, bool *ready) {
  int64_t at = tn_node_get_int(r->node, "component_index");
  tn_string key = *TN_DATA(const tn_string, &piece[0]);
  if (!key.data) key.data = "";
  element *e = NULL;
  *ready = false;
  TN_TRY(find_element(r, b, key, fresh, &e));
  if (e->missing == 1) {
    tn_shape scalar = tn_shape_scalar();
    TN_TRY(tn_tensor_init(&tuple[0], TN_INT64, &scalar));
    *TN_DATA(int64_t, &tuple[0]) = e->index;
    tn_map_remove(b->incomplete, key.data, key.size);
    tn_tensor_set(&tuple[1], &piece[0]);
  }
  tn_tensor_set(&e->parts[at], &piece[1]);
  if (--e->missing > 0) return NULL;
  for (int i = 0; i < b->n; i++) tn_tensor_set(&tuple[2 + i], &e->parts[i]);
  free_element(e, b->n);
  *ready = true;
  return NULL;
}

static tn_error *insert_all(const tn_run *r, barrier *b, int64_t count, tn_tensor *pieces, tn_tensor *tuples) {
  if (b->closed && (b->cancelled || (count > 0 && tn_map_size(b->incomplete) == 0))) {
    return tn_run_errorf(r, TN_CANCELLED,
                         "Barrier %s is closed.  Pending enqueues cancelled: %d.  Number of new insertions: %lld.  "
                         "Number of incomplete keys: %zu.",
                         b->name, b->cancelled, (long long)count, tn_map_size(b->incomplete));
  }
  bool fresh = false, ready = false;
  int64_t complete = 0;
  tn_error *error = NULL;
  for (int64_t k = 0; k < count && !error; k++) {
    error = insert_one(r, b, pieces + 2 * k, tuples + complete * (b->n + 2), &fresh, &ready);
    complete += ready;
  }
  b->index += fresh;
  /* The queue takes all that comes: it has no limit, and does not wait. */
  if (!error && complete > 0) error = tn_queue_put(b->ready, r->step, complete, tuples);
  if (!error && b->closed && tn_map_size(b->incomplete) == 0 && !tn_queue_is_closed(b->ready)) {
    error = tn_queue_close(b->ready, r->step, false);
  }
  return error;
}

static tn_error *check_insert(const tn_run *r, const barrier *b, int64_t count) {
  int64_t at = tn_node_get_int(r->node, "component_index");
  const tn_tensor *values = r->inputs[2];
  if (at < 0 || at >= b->n) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "The component ID is out of range %lld > num_components (= %d)",
                         (long long)at, b->n);
  }
  if (values->dtype != b->ready->spec.types[2 + at]) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "component %lld of barrier %s is %s, but the values are %s",
                         (long long)at, b->name, tn_dtype_name(b->ready->spec.types[2 + at]),
                         tn_dtype_name(values->dtype));
  }
  if (values->shape.rank < 1 || values->shape.dims[0] != count) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "there are %lld keys, but the values have shape %s", (long long)count,
                         TN_SHAPE_STR(&values->shape));
  }
  if (count > 0 && tn_elements(values) == 0) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Tensors with no elements are not supported %s: received shape %s",
                         b->name, TN_SHAPE_STR(&values->shape));
  }
  tn_shape one = tn_shape_of(values->shape.rank - 1, values->shape.dims + 1);
  const tn_shape *wanted = &b->ready->spec.shapes[2 + at];
  if (count == 0 || tn_shape_equal(&one, wanted)) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Shape mismatch in tuple component %lld. Expected %s, got %s",
                       (long long)at + 2, TN_SHAPE_STR(wanted), TN_SHAPE_STR(&one));
}

static tn_error *run_insert(tn_run *r) {
  barrier *b = NULL;
  TN_TRY(barrier_of(r, &b));
  if (r->inputs[1]->shape.rank != 1) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "keys must be a vector, but their shape is %s",
                         TN_SHAPE_STR(&r->inputs[1]->shape));
  }
  int64_t count = tn_elements(r->inputs[1]);
  TN_TRY(check_insert(r, b, count));
  size_t n = (size_t)count * 2, m = (size_t)count * (size_t)(b->n + 2);
  tn_tensor *pieces = tn_calloc(n + m + 1, sizeof *pieces), *tuples = pieces + n;
  tn_error *error = pieces ? NULL : tn_out_of_memory();
  for (int i = 0; i < 2 && !error; i++) error = tn_queue_cut(r, i, count, pieces);
  if (!error) {
    tn_lock(&b->mutex);
    error = insert_all(r, b, count, pieces, tuples);
    tn_unlock(&b->mutex);
  }
  for (size_t i = 0; pieces && i < n + m; i++) tn_tensor_clear(&pieces[i]);
  tn_free(pieces);
  return error;
}

/* --- taking --- */

/* Of a closed barrier: whether there will ever be *COUNT elements, of which SMALL takes what there are. */
static tn_error *check_closed(const tn_run *r, barrier *b, bool small, int64_t *count) {
  int64_t there = tn_queue_size(b->ready);
  if (!b->closed) return NULL;
  if (small) {
    *count = there < *count ? there : *count;
  } else {
    there += (int64_t)tn_map_size(b->incomplete);
  }
  if (there >= *count && there > 0) return NULL;
  return tn_run_errorf(r, TN_OUT_OF_RANGE,
                       "Barrier '%s' is closed and has insufficient elements (requested %lld, total size %lld)",
                       b->name, (long long)*count, (long long)there);
}

static tn_error *prepare_take(tn_prepare *p) {
  if (tn_node_get_int(p->node, "timeout_ms") != -1) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Timeout not supported yet.");
  }
  if (p->inputs[1].shape.rank != 0) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "num_elements must be a scalar, but its shape is %s",
                             TN_SHAPE_STR(&p->inputs[1].shape));
  }
  return tn_prepare_all_dynamic(p);
}

static tn_error *run_take(tn_run *r) {
  barrier *b = NULL;
  TN_TRY(barrier_of(r, &b));
  TN_TRY(tn_queue_check_outputs(r, b->ready));
  int64_t count = *TN_DATA(const int32_t, r->inputs[1]);
  if (count < 0)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "num_elements is %lld; it must be >= 0", (long long)count);
  bool small = tn_node_get_bool(r->node, "allow_small_batch");
  tn_lock(&b->mutex);
  tn_error *error = check_closed(r, b, small, &count);
  tn_unlock(&b->mutex);
  return error ? error : tn_queue_take_batch(r, b->ready, count, small);
}

/* --- closing and asking --- */

static tn_error *close_locked(const tn_run *r, barrier *b, bool cancel) {
  if (b->closed && (b->cancelled || !cancel)) {
    return tn_run_errorf(r, TN_CANCELLED, "Barrier '%s' is already closed.", b->name);
  }
  if (cancel) {
    tn_map *empty = NULL;
    TN_TRY(tn_map_new(&empty));
    forget_all(b);
    b->incomplete = empty;
  }
  b->closed = true;
  b->cancelled = cancel;
  if (tn_map_size(b->incomplete) > 0 || tn_queue_is_closed(b->ready)) return NULL;
  return tn_queue_close(b->ready, r->step, cancel);
}

static tn_error *run_close(tn_run *r) {
  barrier *b = NULL;
  TN_TRY(barrier_of(r, &b));
  tn_lock(&b->mutex);
  tn_error *error = close_locked(r, b, tn_node_get_bool(r->node, "cancel_pending_enqueues"));
  tn_unlock(&b->mutex);
  return error;
}

static tn_error *prepare_scalar(tn_prepare *p) {
  tn_shape scalar = tn_shape_scalar();
  return tn_prepare_output(p, 0, &scalar);
}

static tn_error *run_ready(tn_run *r) {
  barrier *b = NULL;
  TN_TRY(barrier_of(r, &b));
  *TN_DATA(int32_t, r->outputs[0]) = (int32_t)tn_queue_size(b->ready);
  return NULL;
}

static tn_error *run_incomplete(tn_run *r) {
  barrier *b = NULL;
  TN_TRY(barrier_of(r, &b));
  tn_lock(&b->mutex);
  *TN_DATA(int32_t, r->outputs[0]) = (int32_t)tn_map_size(b->incomplete);
  tn_unlock(&b->mutex);
  return NULL;
}

static tn_error *shape_ref(tn_shape_ctx *c) {
  c->out[0] = tn_shape_of(1, &(int64_t){2});
  return NULL;
}

static tn_error *shape_insert(tn_shape_ctx *c) {
  tn_shape keys, values;
  int64_t n;
  TN_TRY(tn_shape_with_rank(c, 1, 1, &keys));
  TN_TRY(tn_shape_at_least_rank(c, 2, 1, &values));
  if (keys.rank < 0 || values.rank < 0) return NULL;
  return tn_dim_merge(c, keys.dims[0], values.dims[0], &n);
}

static const tn_kernel_def makes[] = {
    {.name = "reference", .prepare = prepare, .run = tn_handle_run, .destroy = tn_handle_destroy}, {0}};
static const tn_kernel_def inserts[] = {{.name = "reference", .prepare = tn_prepare_nothing, .run = run_insert}, {0}};
static const tn_kernel_def takes[] = {{.name = "reference", .prepare = prepare_take, .run = run_take}, {0}};
static const tn_kernel_def closes[] = {{.name = "reference", .prepare = tn_prepare_nothing, .run = run_close}, {0}};
static const tn_kernel_def asks_ready[] = {{.name = "reference", .prepare = prepare_scalar, .run = run_ready}, {0}};
static const tn_kernel_def asks_rest[] = {{.name = "reference", .prepare = prepare_scalar, .run = run_incomplete}, {0}};

#define FLAGS TN_OP_GRADIENT_UNREGISTERED

TN_OP(Barrier, .inputs = "", .outputs = "handle: Ref(string)",
      .attrs = "component_types: list(type) >= 1; shapes: list(shape) >= 0 = []; capacity: int = -1; "
               "container: string = ''; shared_name: string = ''",
      .doc = "Elements by key, whose components come one by one.", .flags = TN_OP_STATEFUL | FLAGS, .shape = shape_ref,
      .kernels = makes);
TN_OP(BarrierInsertMany, .inputs = "handle: Ref(string), keys: string, values: T", .outputs = "",
      .attrs = "T: type; component_index: int", .doc = "Gives the elements of some keys one of their components.",
      .flags = FLAGS | TN_OP_BLOCKING, .shape = shape_insert, .kernels = inserts);
TN_OP(BarrierTakeMany, .inputs = "handle: Ref(string), num_elements: int32",
      .outputs = "indices: int64, keys: string, values: component_types",
      .attrs = "component_types: list(type) >= 1; allow_small_batch: bool = false; wait_for_incomplete: bool = false; "
               "timeout_ms: int = -1",
      .doc = "Takes complete elements out of a barrier, in the order in which their keys came, once there are enough.",
      .flags = FLAGS | TN_OP_BLOCKING | TN_OP_DYNAMIC_SHAPE, .shape = tn_shape_unknown_out, .kernels = takes);
TN_OP(BarrierClose, .inputs = "handle: Ref(string)", .outputs = "", .attrs = "cancel_pending_enqueues: bool = false",
      .doc = "No new keys come into a barrier.", .flags = FLAGS | TN_OP_BLOCKING, .shape = tn_shape_no_outputs,
      .kernels = closes);
TN_OP(BarrierReadySize, .inputs = "handle: Ref(string)", .outputs = "size: int32", .attrs = "",
      .doc = "The number of complete elements in a barrier.", .flags = FLAGS | TN_OP_READ_ONLY,
      .shape = tn_shape_scalar_out, .kernels = asks_ready);
TN_OP(BarrierIncompleteSize, .inputs = "handle: Ref(string)", .outputs = "size: int32", .attrs = "",
      .doc = "The number of elements in a barrier that lack components.", .flags = FLAGS | TN_OP_READ_ONLY,
      .shape = tn_shape_scalar_out, .kernels = asks_rest);
