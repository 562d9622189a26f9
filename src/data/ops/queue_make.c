/* The ops that hand out queues. */
#include <string.h>

#include "base/alloc.h"
#include "data/queue.h"
#include "graph/shape.h"
#include "kernel/handle.h"

/* What NODE asks for. TYPES and SHAPES have room for one more than it lists. */
static tn_error *read_spec(const tn_prepare *p, tn_queue_kind kind, tn_dtype *types, tn_shape *shapes,
                           tn_queue_spec *out) {
  const tn_attr *listed = tn_node_attr(p->node, "component_types"), *given = tn_node_attr(p->node, "shapes");
  size_t extra = kind == TN_QUEUE_PRIORITY;
  *out = (tn_queue_spec){.kind = kind, .n = (int)(listed->n + extra), .types = types};
  types[0] = TN_INT64;
  shapes[0] = tn_shape_scalar();
  if (listed->n) memcpy(types + extra, listed->types, listed->n * sizeof *types);
  if (given->n) memcpy(shapes + extra, given->shapes, given->n * sizeof *shapes);
  if (given->n || (extra && !listed->n)) out->shapes = shapes;
  if (given->n && given->n != listed->n) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "there are %zu component types but %zu shapes", listed->n,
                             given->n);
  }
  for (int i = 0; out->shapes && i < out->n; i++) {
    bool fits = kind == TN_QUEUE_PADDING ? shapes[i].rank >= 0 : tn_shape_known(&shapes[i]);
    if (fits) continue;
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "the shape of component %d must be known, but it is %s", i,
                             TN_SHAPE_STR(&shapes[i]));
  }
  int64_t capacity = tn_node_get_int(p->node, "capacity");
  out->capacity = capacity < 0 ? -1 : capacity;
  if (kind != TN_QUEUE_SHUFFLE) return NULL;
  out->min_after = tn_node_get_int(p->node, "min_after_dequeue");
  out->seed = tn_node_get_int(p->node, "seed");
  out->seed2 = tn_node_get_int(p->node, "seed2");
  if (out->min_after < 0) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "min_after_dequeue must be >= 0");
  if (capacity < 0 || out->min_after < capacity) return NULL;
  return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "min_after_dequeue %lld must be < capacity %lld",
                           (long long)out->min_after, (long long)capacity);
}

static tn_error *create(void *argument, const char *name, tn_object **out) {
  tn_queue *q = NULL;
  TN_TRY(tn_queue_new(name, argument, &q));
  *out = &q->object;
  return NULL;
}

static tn_error *prepare(tn_prepare *p, tn_queue_kind kind) {
  size_t n = tn_node_attr(p->node, "component_types")->n + tn_node_attr(p->node, "shapes")->n + 1;
  tn_dtype *types = tn_calloc(n + 1, sizeof *types);
  tn_shape *shapes = tn_calloc(n + 1, sizeof *shapes);
  tn_queue_spec spec;
  tn_object *object = NULL;
  tn_error *error = types && shapes ? read_spec(p, kind, types, shapes, &spec) : tn_out_of_memory();
  tn_handle_request request = {TN_QUEUE_TYPE, create, &spec};
  if (!error) error = tn_handle_prepare(p, &request, &object);
  if (!error) {
    error =
        tn_error_context(tn_queue_check((const tn_queue *)object, &spec), "%s '%s'", p->node->op->name, p->node->name);
  }
  tn_free(types);
  tn_free(shapes);
  return error;
}

static tn_error *prepare_fifo(tn_prepare *p) { return prepare(p, TN_QUEUE_FIFO); }
static tn_error *prepare_padding(tn_prepare *p) { return prepare(p, TN_QUEUE_PADDING); }
static tn_error *prepare_shuffle(tn_prepare *p) { return prepare(p, TN_QUEUE_SHUFFLE); }
static tn_error *prepare_priority(tn_prepare *p) { return prepare(p, TN_QUEUE_PRIORITY); }

#define KERNELS(PREPARE)                                                                                               \
  {                                                                                                                    \
    {.name = "reference", .prepare = (PREPARE), .run = tn_handle_run, .destroy = tn_handle_destroy}, { 0 }             \
  }
static const tn_kernel_def fifo[] = KERNELS(prepare_fifo);
static const tn_kernel_def padding[] = KERNELS(prepare_padding);
static const tn_kernel_def shuffle[] = KERNELS(prepare_shuffle);
static const tn_kernel_def priority[] = KERNELS(prepare_priority);

static tn_error *shape_ref(tn_shape_ctx *c) {
  c->out[0] = tn_shape_of(1, &(int64_t){2});
  return NULL;
}

#define FLAGS TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED
#define NAMES "container: string = ''; shared_name: string = ''"
#define PLAIN "component_types: list(type) >= 1; shapes: list(shape) >= 0 = []; capacity: int = -1; " NAMES
#define RANDOM                                                                                                         \
  "component_types: list(type) >= 1; shapes: list(shape) >= 0 = []; capacity: int = -1; "                              \
  "min_after_dequeue: int = 0; seed: int = 0; seed2: int = 0; " NAMES
#define RANKED "component_types: list(type) >= 0 = []; shapes: list(shape) >= 0; capacity: int = -1; " NAMES

TN_OP(FIFOQueueV2, .inputs = "", .outputs = "handle: resource", .attrs = PLAIN, .flags = FLAGS,
      .doc = "A queue that gives its elements in the order in which they came.", .shape = tn_shape_scalar_out,
      .kernels = fifo);
TN_OP(FIFOQueue, .inputs = "", .outputs = "handle: Ref(string)", .attrs = PLAIN, .flags = FLAGS,
      .doc = "The old FIFOQueueV2.", .shape = shape_ref, .kernels = fifo);
TN_OP(PaddingFIFOQueueV2, .inputs = "", .outputs = "handle: resource", .attrs = PLAIN, .flags = FLAGS,
      .doc = "A FIFOQueueV2 that makes elements of several shapes one batch by padding them.",
      .shape = tn_shape_scalar_out, .kernels = padding);
TN_OP(PaddingFIFOQueue, .inputs = "", .outputs = "handle: Ref(string)", .attrs = PLAIN, .flags = FLAGS,
      .doc = "The old PaddingFIFOQueueV2.", .shape = shape_ref, .kernels = padding);
TN_OP(RandomShuffleQueueV2, .inputs = "", .outputs = "handle: resource", .attrs = RANDOM, .flags = FLAGS,
      .doc = "A queue that gives one of its elements at random.", .shape = tn_shape_scalar_out, .kernels = shuffle);
TN_OP(RandomShuffleQueue, .inputs = "", .outputs = "handle: Ref(string)", .attrs = RANDOM, .flags = FLAGS,
      .doc = "The old RandomShuffleQueueV2.", .shape = shape_ref, .kernels = shuffle);
TN_OP(PriorityQueueV2, .inputs = "", .outputs = "handle: resource", .attrs = RANKED, .flags = FLAGS,
      .doc = "A queue that gives the element with the least first component.", .shape = tn_shape_scalar_out,
      .kernels = priority);
TN_OP(PriorityQueue, .inputs = "", .outputs = "handle: Ref(string)", .attrs = RANKED, .flags = FLAGS,
      .doc = "The old PriorityQueueV2.", .shape = shape_ref, .kernels = priority);
