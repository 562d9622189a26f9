/* Stage, MapStage, OrderedMapStage and what belongs to them. An area is found by container and name when a node runs.
 */
#include <string.h>

#include "base/alloc.h"
#include "data/staging.h"
#include "graph/shape.h"

static tn_error *create(void *argument, tn_object **out) {
  const tn_node *node = argument;
  tn_staging *s = NULL;
  TN_TRY(tn_staging_new(tn_node_get_int(node, "capacity"), tn_node_get_int(node, "memory_limit"), &s));
  *out = &s->object;
  return NULL;
}

/* A new reference. */
static tn_error *area_of(const tn_run *r, tn_staging **out) {
  tn_string container = tn_node_get_string(r->node, "container"), shared = tn_node_get_string(r->node, "shared_name");
  char *group = tn_strndup(container.size ? container.data : "", container.size);
  char *name = shared.size ? tn_strndup(shared.data, shared.size) : tn_strdup(r->node->name);
  tn_object *object = NULL;
  tn_error *error = group && name ? tn_resources_get(tn_run_resources(r), group, name, TN_STAGING_TYPE, create,
                                                     (void *)r->node, &object)
                                  : tn_out_of_memory();
  tn_free(group);
  tn_free(name);
  if (!error) *out = (tn_staging *)object;
  return error;
}

/* What the node says of the components: key and indices where it has these inputs. */
typedef struct request {
  tn_staging *area;
  int64_t key;
  tn_staging_part part;
} request;

/* FIRST: the first input or output that is a component. */
static tn_error *begin(tn_run *r, bool keyed, int n_values, request *q) {
  *q = (request){.part = {.n = (int)tn_node_attr(r->node, "dtypes")->n, .n_values = n_values}};
  int indices = keyed ? 1 : 0;
  if (keyed) {
    if (tn_elements(r->inputs[0]) != 1) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "key must be a scalar");
    q->key = TN_DATA(int64_t, r->inputs[0])[0];
    q->part.key = &q->key;
  }
  if (keyed || strstr(r->node->op->name, "NoKey")) {
    if (tn_elements(r->inputs[indices]) != n_values) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "there are %lld indices for %d components",
                           (long long)tn_elements(r->inputs[indices]), n_values);
    }
    q->part.indices = TN_DATA(int32_t, r->inputs[indices]);
  }
  q->part.values = tn_calloc((size_t)n_values + 1, sizeof *q->part.values);
  return q->part.values ? area_of(r, &q->area) : tn_out_of_memory();
}

static void end(request *q) {
  for (int i = 0; q->part.values && i < q->part.n_values; i++) tn_tensor_clear(&q->part.values[i]);
  tn_free(q->part.values);
  if (q->area) tn_object_unref(&q->area->object);
}

static tn_error *put(tn_run *r, bool keyed) {
  int first = keyed ? 2 : 0;
  request q;
  tn_error *error = begin(r, keyed, r->n_inputs - first, &q);
  for (int i = 0; !error && i < q.part.n_values; i++) {
    tn_tensor_set(&q.part.values[i], r->inputs[first + i]);
    const tn_tensor *value = &q.part.values[i];
    if (!value->buffer) { /* what the step may overwrite can't stay */
      tn_tensor copy;
      error = tn_tensor_init(&copy, value->dtype, &value->shape);
      if (!error) error = tn_copy_elements(value->dtype, copy.data, value->data, tn_elements(value));
      if (!error) tn_tensor_set(&q.part.values[i], &copy);
      tn_tensor_clear(&copy);
    }
  }
  if (!error) error = tn_staging_put(q.area, r->step, &q.part);
  end(&q);
  return tn_error_context(error, "%s '%s'", r->node->op->name, r->node->name);
}

static tn_error *hand_over(tn_run *r, const request *q, int first) {
  for (int i = 0; i < q->part.n_values; i++) {
    tn_dtype type = q->part.values[i].dtype, wanted = r->node->output_types[first + i];
    if (type != wanted) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "component %d is %s, but %s is asked for", i, tn_dtype_name(type),
                           tn_dtype_name(wanted));
    }
    tn_run_set(r, first + i, &q->part.values[i]);
  }
  return NULL;
}

/* PEEK: the values stay. With neither key nor PEEK the area's first tuple is taken. */
static tn_error *take(tn_run *r, bool keyed, bool peek, int first) {
  request q;
  int64_t key = 0;
  tn_error *error = begin(r, keyed, r->n_outputs - first, &q);
  if (!error) error = tn_staging_take(q.area, r->step, &q.part, peek, &key);
  tn_shape scalar = tn_shape_scalar();
  if (!error && first) error = tn_run_allocate(r, 0, &scalar);
  if (!error && first) TN_DATA(int64_t, r->outputs[0])[0] = key;
  if (!error) error = hand_over(r, &q, first);
  end(&q);
  return tn_error_context(error, "%s '%s'", r->node->op->name, r->node->name);
}

static tn_error *run_stage(tn_run *r) { return put(r, false); }
static tn_error *run_unstage(tn_run *r) { return take(r, false, false, 0); }
static tn_error *run_map_stage(tn_run *r) { return put(r, true); }
static tn_error *run_map_unstage(tn_run *r) { return take(r, true, false, 0); }
static tn_error *run_map_peek(tn_run *r) { return take(r, true, true, 0); }
static tn_error *run_map_no_key(tn_run *r) { return take(r, false, false, 1); }

static tn_error *run_peek(tn_run *r) {
  request q;
  tn_error *error = begin(r, false, r->n_outputs, &q);
  if (!error) error = tn_staging_peek_at(q.area, r->step, TN_DATA(int32_t, r->inputs[0])[0], &q.part);
  if (!error) error = hand_over(r, &q, 0);
  end(&q);
  return tn_error_context(error, "%s '%s'", r->node->op->name, r->node->name);
}

static tn_error *size(tn_run *r, bool complete) {
  tn_staging *s = NULL;
  TN_TRY(area_of(r, &s));
  TN_DATA(int32_t, r->outputs[0])[0] = (int32_t)tn_staging_size(s, complete);
  tn_object_unref(&s->object);
  return NULL;
}

static tn_error *run_size(tn_run *r) { return size(r, true); }
static tn_error *run_incomplete(tn_run *r) { return size(r, false); }

static tn_error *run_clear(tn_run *r) {
  tn_staging *s = NULL;
  TN_TRY(area_of(r, &s));
  tn_staging_clear(s);
  tn_object_unref(&s->object);
  return NULL;
}

static tn_error *prepare_size(tn_prepare *p) {
  tn_shape scalar = tn_shape_scalar();
  return tn_prepare_output(p, 0, &scalar);
}

#define KERNELS(NAME, PREPARE)                                                                                         \
  static const tn_kernel_def NAME##_kernels[] = {{.name = "reference", .prepare = PREPARE, .run = run_##NAME}, {0}};
KERNELS(stage, tn_prepare_all_dynamic)
KERNELS(unstage, tn_prepare_all_dynamic)
KERNELS(peek, tn_prepare_all_dynamic)
KERNELS(map_stage, tn_prepare_all_dynamic)
KERNELS(map_unstage, tn_prepare_all_dynamic)
KERNELS(map_peek, tn_prepare_all_dynamic)
KERNELS(map_no_key, tn_prepare_all_dynamic)
KERNELS(size, prepare_size)
KERNELS(incomplete, prepare_size)
KERNELS(clear, tn_prepare_all_dynamic)

#define WAITS (TN_OP_STATEFUL | TN_OP_BLOCKING | TN_OP_DYNAMIC_SHAPE | TN_OP_GRADIENT_UNREGISTERED)
#define FLAGS (TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED)
#define HEAD  "capacity: int >= 0 = 0; memory_limit: int >= 0 = 0; "
#define NAMES "; container: string = ''; shared_name: string = ''"
#define SOME  HEAD "dtypes: list(type) >= 1" NAMES
#define ANY   HEAD "dtypes: list(type)" NAMES
#define FAKE  HEAD "dtypes: list(type); fake_dtypes: list(type) >= 1" NAMES

TN_OP(Stage, .inputs = "values: dtypes", .outputs = "", .attrs = SOME,
      .doc = "Puts values into a staging area, once there is room.", .flags = WAITS, .shape = tn_shape_no_outputs,
      .kernels = stage_kernels);
TN_OP(Unstage, .inputs = "", .outputs = "values: dtypes", .attrs = SOME,
      .doc = "Takes the values out that have been in a staging area for longest.", .flags = WAITS,
      .shape = tn_shape_unknown_out, .kernels = unstage_kernels);
TN_OP(StagePeek, .inputs = "index: int32", .outputs = "values: dtypes", .attrs = SOME,
      .doc = "The values at a place of a staging area, where they stay.", .flags = WAITS, .shape = tn_shape_unknown_out,
      .kernels = peek_kernels);
TN_OP(StageSize, .inputs = "", .outputs = "size: int32", .attrs = ANY, .doc = "How many tuples a staging area holds.",
      .flags = FLAGS, .shape = tn_shape_scalar_out, .kernels = size_kernels);
TN_OP(StageClear, .inputs = "", .outputs = "", .attrs = ANY, .doc = "Empties a staging area.", .flags = FLAGS,
      .shape = tn_shape_no_outputs, .kernels = clear_kernels);

#define KEY_IN  "key: int64, indices: int32"
#define MAP_DOC "Puts components of a tuple under a key, once there is room."

TN_OP(MapStage, .inputs = KEY_IN ", values: fake_dtypes", .outputs = "", .attrs = FAKE, .doc = MAP_DOC, .flags = WAITS,
      .shape = tn_shape_no_outputs, .kernels = map_stage_kernels);
TN_OP(OrderedMapStage, .inputs = KEY_IN ", values: fake_dtypes", .outputs = "", .attrs = FAKE, .doc = MAP_DOC,
      .flags = WAITS, .shape = tn_shape_no_outputs, .kernels = map_stage_kernels);
TN_OP(MapPeek, .inputs = KEY_IN, .outputs = "values: dtypes", .attrs = SOME,
      .doc = "Components of the tuple under a key, where they stay.", .flags = WAITS, .shape = tn_shape_unknown_out,
      .kernels = map_peek_kernels);
TN_OP(OrderedMapPeek, .inputs = KEY_IN, .outputs = "values: dtypes", .attrs = SOME,
      .doc = "Components of the tuple under a key, where they stay.", .flags = WAITS, .shape = tn_shape_unknown_out,
      .kernels = map_peek_kernels);
TN_OP(MapUnstage, .inputs = KEY_IN, .outputs = "values: dtypes", .attrs = SOME,
      .doc = "Takes components of the tuple under a key out.", .flags = WAITS, .shape = tn_shape_unknown_out,
      .kernels = map_unstage_kernels);
TN_OP(OrderedMapUnstage, .inputs = KEY_IN, .outputs = "values: dtypes", .attrs = SOME,
      .doc = "Takes components of the tuple under a key out.", .flags = WAITS, .shape = tn_shape_unknown_out,
      .kernels = map_unstage_kernels);
TN_OP(MapUnstageNoKey, .inputs = "indices: int32", .outputs = "key: int64, values: dtypes", .attrs = SOME,
      .doc = "Takes components of some tuple out.", .flags = WAITS, .shape = tn_shape_unknown_out,
      .kernels = map_no_key_kernels);
TN_OP(OrderedMapUnstageNoKey, .inputs = "indices: int32", .outputs = "key: int64, values: dtypes", .attrs = SOME,
      .doc = "Takes components of the tuple with the least key out.", .flags = WAITS, .shape = tn_shape_unknown_out,
      .kernels = map_no_key_kernels);
TN_OP(MapSize, .inputs = "", .outputs = "size: int32", .attrs = ANY, .doc = "How many whole tuples there are.",
      .flags = FLAGS, .shape = tn_shape_scalar_out, .kernels = size_kernels);
TN_OP(OrderedMapSize, .inputs = "", .outputs = "size: int32", .attrs = ANY, .doc = "How many whole tuples there are.",
      .flags = FLAGS, .shape = tn_shape_scalar_out, .kernels = size_kernels);
TN_OP(MapIncompleteSize, .inputs = "", .outputs = "size: int32", .attrs = ANY,
      .doc = "How many tuples still miss components.", .flags = FLAGS, .shape = tn_shape_scalar_out,
      .kernels = incomplete_kernels);
TN_OP(OrderedMapIncompleteSize, .inputs = "", .outputs = "size: int32", .attrs = ANY,
      .doc = "How many tuples still miss components.", .flags = FLAGS, .shape = tn_shape_scalar_out,
      .kernels = incomplete_kernels);
TN_OP(MapClear, .inputs = "", .outputs = "", .attrs = ANY, .doc = "Empties the area.", .flags = FLAGS,
      .shape = tn_shape_no_outputs, .kernels = clear_kernels);
TN_OP(OrderedMapClear, .inputs = "", .outputs = "", .attrs = ANY, .doc = "Empties the area.", .flags = FLAGS,
      .shape = tn_shape_no_outputs, .kernels = clear_kernels);
