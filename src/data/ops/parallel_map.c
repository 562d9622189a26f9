/* Datasets with threads: ParallelMapDataset, MapAndBatchDataset, PrefetchDataset. */
#include "data/batch.h"
#include "data/pump.h"

typedef struct ahead {
  tn_source base;
  tn_capture capture; /* no function: elements pass as they are */
  int64_t threads, capacity;
  bool keeps_size;
} ahead;

typedef struct pumped {
  tn_cursor base;
  tn_pump *pump;
} pumped;

static tn_error *init_map(tn_run *r, ahead *a, int64_t threads, int n) {
  a->threads = threads;
  a->keeps_size = tn_node_get_bool(r->node, "preserve_cardinality");
  if (threads < 1 && threads != -1) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "num_parallel_calls must be greater than zero.");
  }
  TN_TRY(tn_capture_init(r, "f", 1, &a->capture));
  if (a->capture.function->n_outputs == (size_t)n) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "function '%s' has %zu results; output_types has %d",
                       a->capture.function->name, a->capture.function->n_outputs, n);
}

static tn_error *make_map(tn_run *r, tn_source *s) {
  int64_t threads;
  TN_TRY(tn_run_int(r, 2, &threads));
  return init_map(r, (ahead *)s, threads, s->n);
}

static tn_error *make_prefetch(tn_run *r, tn_source *s) {
  ahead *a = (ahead *)s;
  TN_TRY(tn_run_int(r, 1, &a->capacity));
  if (a->capacity < -1) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "buffer_size must be >= 0 or set to -1");
  if (a->capacity == -1) a->capacity = 4;
  return NULL;
}

static void drop(tn_source *s) { tn_capture_clear(&((ahead *)s)->capture); }

static tn_error *open(tn_cursor *c, tn_step *step) {
  const ahead *a = (const ahead *)c->source;
  pumped *p = (pumped *)c;
  TN_TRY(tn_cursor_open(c->source->inputs[0], step, &c->input));
  bool calls = a->capture.function != NULL;
  if (!calls && a->capacity == 0) return NULL;
  int threads = calls ? tn_pump_threads(a->threads) : 1;
  tn_pump_request request = {.input = c->input,
                             .capture = calls ? &a->capture : NULL,
                             .n = c->source->n,
                             .threads = threads,
                             .capacity = calls ? 2 * threads : a->capacity,
                             .end_is_error = a->keeps_size};
  return tn_pump_start(&request, step, &p->pump);
}

static tn_error *next(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  const pumped *p = (const pumped *)c;
  if (!p->pump) return tn_cursor_next(c->input, step, out, end);
  return tn_pump_next(p->pump, step, out, end);
}

static void close(tn_cursor *c) { tn_pump_stop(((pumped *)c)->pump); }

static const tn_source_kind map_kind = {
    "ParallelMapDataset", sizeof(ahead), sizeof(pumped), 1, make_map, drop, NULL, open, next, close};
static const tn_source_kind prefetch_kind = {
    "PrefetchDataset", sizeof(ahead), sizeof(pumped), 1, make_prefetch, drop, NULL, open, next, close};

/* --- map and batch: a parallel map inside a batch --- */

static tn_error *make_map_and_batch(tn_run *r, tn_source *s) {
  tn_batch_source *b = (tn_batch_source *)s;
  int64_t threads;
  TN_TRY(tn_run_int(r, 2, &b->size));
  TN_TRY(tn_run_int(r, 3, &threads));
  TN_TRY(tn_run_bool(r, 4, &b->drop));
  TN_TRY(tn_batch_check(r, b->size));
  tn_source *inner = NULL;
  TN_TRY(tn_source_new(&map_kind, s, &inner));
  tn_source **inputs = tn_calloc(2, sizeof(tn_source *));
  tn_error *error = inputs ? init_map(r, (ahead *)inner, threads, s->n) : tn_out_of_memory();
  if (error) {
    tn_free(inputs);
    tn_source_unref(inner);
    return error;
  }
  inputs[0] = s->inputs[0];
  inner->inputs = inputs;
  inner->n_inputs = 1;
  s->inputs[0] = inner;
  return NULL;
}

static const tn_source_kind map_and_batch_kind = {"MapAndBatchDataset", sizeof(tn_batch_source),
                                                  sizeof(tn_cursor),    1,
                                                  make_map_and_batch,   NULL,
                                                  tn_batch_size,        NULL,
                                                  tn_batch_next,        NULL};

TN_SOURCE_KERNELS(map, map_kind);
TN_SOURCE_KERNELS(prefetch, prefetch_kind);
TN_SOURCE_KERNELS(map_and_batch, map_and_batch_kind);

#define RESULT .outputs = "handle: variant", .flags = TN_SOURCE_FLAGS, .shape = tn_shape_scalar_out
#define META   "; metadata: string = ''"
#define MAPS   "f: func; Targuments: list(type) >= 0; " TN_SOURCE_ATTRS

TN_OP(ParallelMapDataset, .inputs = "input_dataset: variant, other_arguments: Targuments, num_parallel_calls: int32",
      .attrs = MAPS
      "; use_inter_op_parallelism: bool = true; sloppy: bool = false; preserve_cardinality: bool = false" META,
      .doc = "What f makes of each element, num_parallel_calls at a time.", RESULT, .kernels = map_kernels);

TN_OP(ParallelMapDatasetV2, .inputs = "input_dataset: variant, other_arguments: Targuments, num_parallel_calls: int64",
      .attrs = MAPS "; use_inter_op_parallelism: bool = true; deterministic: string = 'default'; preserve_cardinality: "
                    "bool = false; use_unbounded_threadpool: bool = false" META,
      .doc = "What f makes of each element, num_parallel_calls at a time.", RESULT, .kernels = map_kernels);

#define BATCHES                                                                                                        \
  "input_dataset: variant, other_arguments: Targuments, batch_size: int64, num_parallel_calls: int64, "                \
  "drop_remainder: "                                                                                                   \
  "bool"

TN_OP(MapAndBatchDataset, .inputs = BATCHES, .attrs = MAPS "; preserve_cardinality: bool = false" META,
      .doc = "Batches of what f makes of the elements.", RESULT, .kernels = map_and_batch_kernels);

TN_OP(ExperimentalMapAndBatchDataset, .inputs = BATCHES, .attrs = MAPS "; preserve_cardinality: bool = false",
      .doc = "Batches of what f makes of the elements.", RESULT, .kernels = map_and_batch_kernels);

TN_OP(PrefetchDataset, .inputs = "input_dataset: variant, buffer_size: int64",
      .attrs = TN_SOURCE_ATTRS "; slack_period: int = 0; legacy_autotune: bool = true; buffer_size_min: int = 0" META,
      .doc = "The input, of which up to buffer_size elements are made ahead of time.", RESULT,
      .kernels = prefetch_kernels);
