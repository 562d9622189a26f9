/* Datasets that say how others should run: the elements are the input's. And IgnoreErrorsDataset. */
#include "data/source.h"

static tn_error *next(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  return tn_cursor_next(c->input, step, out, end);
}

static const tn_source_kind kind = {
    "OptionsDataset", sizeof(tn_source), sizeof(tn_cursor), 1, NULL, NULL, NULL, NULL, next, NULL};

static tn_error *next_good(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  for (;;) {
    tn_error *error = tn_cursor_next(c->input, step, out, end);
    tn_code code = error ? tn_error_code(error) : TN_OK;
    if (!error || code == TN_CANCELLED || code == TN_DEADLINE_EXCEEDED) return error;
    tn_error_free(error);
    *end = false;
  }
}

static int64_t unknown(const tn_source *s) {
  (void)s;
  return TN_SIZE_UNKNOWN;
}

static const tn_source_kind ignore_kind = {
    "IgnoreErrorsDataset", sizeof(tn_source), sizeof(tn_cursor), 1, NULL, NULL, unknown, NULL, next_good, NULL};

/* --- AssertCardinalityDataset --- */

typedef struct asserted {
  tn_source base;
  int64_t size;
} asserted;

typedef struct counting {
  tn_cursor base;
  int64_t n;
} counting;

static tn_error *make_asserted(tn_run *r, tn_source *s) { return tn_run_int(r, 1, &((asserted *)s)->size); }
static int64_t asserted_size(const tn_source *s) { return ((const asserted *)s)->size; }

static tn_error *next_counted(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  counting *k = (counting *)c;
  int64_t size = asserted_size(c->source);
  TN_TRY(tn_cursor_next(c->input, step, out, end));
  if (*end && (size == TN_SIZE_UNKNOWN || k->n == size)) return NULL;
  if (!*end && (size < 0 || ++k->n <= size)) return NULL;
  return tn_cursor_errorf(c, TN_FAILED_PRECONDITION, "Input dataset was expected to contain %lld elements%s",
                          (long long)size, *end ? " but contained fewer." : " but contained at least one more.");
}

static const tn_source_kind asserted_kind = {"AssertCardinalityDataset",
                                             sizeof(asserted),
                                             sizeof(counting),
                                             1,
                                             make_asserted,
                                             NULL,
                                             asserted_size,
                                             NULL,
                                             next_counted,
                                             NULL};

TN_SOURCE_KERNELS(pass, kind);
TN_SOURCE_KERNELS(ignore, ignore_kind);
TN_SOURCE_KERNELS(asserted, asserted_kind);

#define RESULT .outputs = "handle: variant", .shape = tn_shape_scalar_out
#define PASSES RESULT, .kernels = pass_kernels, .doc = "The input; what else is said is a hint that is not needed."
#define ONLY   "input_dataset: variant"

TN_OP(OptionsDataset, .inputs = ONLY, .attrs = "serialized_options: string; " TN_SOURCE_ATTRS "; metadata: string = ''",
      .flags = TN_SOURCE_FLAGS, PASSES);

TN_OP(FinalizeDataset, .inputs = ONLY, .attrs = "has_captured_ref: bool = false; " TN_SOURCE_ATTRS,
      .flags = TN_SOURCE_FLAGS, PASSES);

TN_OP(ModelDataset, .inputs = ONLY,
      .attrs = "algorithm: int = 0; cpu_budget: int = 0; ram_budget: int = 0; " TN_SOURCE_ATTRS,
      .flags = TN_SOURCE_FLAGS, PASSES);

TN_OP(OptimizeDataset, .inputs = "input_dataset: variant, optimizations: string",
      .attrs = TN_SOURCE_ATTRS "; optimization_configs: list(string) = []", .flags = TN_SOURCE_FLAGS, PASSES);

TN_OP(OptimizeDatasetV2,
      .inputs = "input_dataset: variant, optimizations_enabled: string, optimizations_disabled: string, "
                "optimizations_default: string",
      .attrs = TN_SOURCE_ATTRS "; optimization_configs: list(string) = []", .flags = TN_SOURCE_FLAGS, PASSES);

TN_OP(AssertNextDataset, .inputs = "input_dataset: variant, transformations: string", .attrs = TN_SOURCE_ATTRS,
      .flags = TN_SOURCE_FLAGS, PASSES);

TN_OP(BytesProducedStatsDataset, .inputs = "input_dataset: variant, tag: string", .attrs = TN_SOURCE_ATTRS,
      .flags = TN_SOURCE_FLAGS, PASSES);

TN_OP(LatencyStatsDataset, .inputs = "input_dataset: variant, tag: string", .attrs = TN_SOURCE_ATTRS,
      .flags = TN_SOURCE_FLAGS, PASSES);

TN_OP(MaxIntraOpParallelismDataset, .inputs = "input_dataset: variant, max_intra_op_parallelism: int64",
      .attrs = TN_SOURCE_ATTRS, .flags = TN_SOURCE_FLAGS, PASSES);

TN_OP(PrivateThreadPoolDataset, .inputs = "input_dataset: variant, num_threads: int64", .attrs = TN_SOURCE_ATTRS,
      .flags = TN_SOURCE_FLAGS, PASSES);

TN_OP(NonSerializableDataset, .inputs = ONLY, .attrs = TN_SOURCE_ATTRS, .flags = TN_SOURCE_FLAGS, PASSES);

TN_OP(IgnoreErrorsDataset, .inputs = ONLY, .attrs = TN_SOURCE_ATTRS "; log_warning: bool = false", RESULT,
      .doc = "The elements that came without an error.", .flags = TN_SOURCE_FLAGS, .kernels = ignore_kernels);

TN_OP(ExperimentalIgnoreErrorsDataset, .inputs = ONLY, .attrs = TN_SOURCE_ATTRS "; log_warning: bool = false", RESULT,
      .doc = "The elements that came without an error.", .flags = TN_SOURCE_FLAGS, .kernels = ignore_kernels);

TN_OP(AssertCardinalityDataset, .inputs = "input_dataset: variant, cardinality: int64", .attrs = TN_SOURCE_ATTRS,
      RESULT, .doc = "The input, which must have so many elements.", .flags = TN_SOURCE_FLAGS,
      .kernels = asserted_kernels);
