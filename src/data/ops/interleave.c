/* Datasets of datasets: FlatMapDataset, InterleaveDataset and the parallel kinds of it. A function makes a dataset of
 * each element; some of these are open at a time, and give so many elements each in turn. */
#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "data/pump.h"

typedef struct weave {
  tn_source base;
  tn_capture capture;
  int64_t cycle, block;
  int64_t ahead; /* elements that threads may make ahead in each; 0: no threads */
  bool replaces; /* a dataset that ends gives its place to the next one at once */
} weave;

/* A dataset that is open. */
typedef struct strand {
  tn_cursor *cursor;
  tn_pump *pump;
} strand;

typedef struct weaving {
  tn_cursor base;
  tn_tensor *arguments;
  strand *strands;
  int64_t at, in_block, open;
  bool input_over;
} weaving;

static tn_error *init(tn_run *r, weave *w) {
  TN_TRY(tn_capture_init(r, "f", 1, &w->capture));
  if (w->capture.function->n_outputs != 1) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "function '%s' must have one result, a dataset",
                         w->capture.function->name);
  }
  if (w->cycle == -1) w->cycle = tn_cpus();
  if (w->cycle < 1 || w->cycle > 1 << 20) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "cycle_length must be greater than zero.");
  }
  if (w->block < 1) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "block_length must be greater than zero.");
  return NULL;
}

static tn_error *make_flat(tn_run *r, tn_source *s) {
  weave *w = (weave *)s;
  w->cycle = w->block = 1;
  return init(r, w);
}

static tn_error *make_interleave(tn_run *r, tn_source *s) {
  weave *w = (weave *)s;
  TN_TRY(tn_run_int(r, 2, &w->cycle));
  TN_TRY(tn_run_int(r, 3, &w->block));
  return init(r, w);
}

static tn_error *make_parallel(tn_run *r, tn_source *s) {
  weave *w = (weave *)s;
  TN_TRY(make_interleave(r, s));
  w->ahead = w->block > 1 ? w->block : 2;
  return NULL;
}

static tn_error *make_old(tn_run *r, tn_source *s) {
  weave *w = (weave *)s;
  TN_TRY(make_parallel(r, s));
  w->replaces = true;
  return NULL;
}

static void drop(tn_source *s) { tn_capture_clear(&((weave *)s)->capture); }

static int64_t unknown(const tn_source *s) {
  (void)s;
  return TN_SIZE_UNKNOWN;
}

static tn_error *open(tn_cursor *c, tn_step *step) {
  weaving *k = (weaving *)c;
  TN_TRY(tn_element_new(c->source->inputs[0]->n, &k->arguments));
  k->strands = tn_calloc((size_t)((const weave *)c->source)->cycle, sizeof *k->strands);
  if (!k->strands) return tn_out_of_memory();
  return tn_cursor_open(c->source->inputs[0], step, &c->input);
}

static void end_strand(strand *s) {
  tn_pump_stop(s->pump);
  tn_cursor_close(s->cursor);
  *s = (strand){0};
}

static void close(tn_cursor *c) {
  weaving *k = (weaving *)c;
  for (int64_t i = 0; k->strands && i < ((const weave *)c->source)->cycle; i++) end_strand(&k->strands[i]);
  tn_free(k->strands);
  tn_element_free(c->source->inputs[0]->n, k->arguments);
}

/* Opens the dataset that the function makes of the next element. */
static tn_error *open_strand(tn_cursor *c, tn_step *step, strand *s) {
  const weave *w = (const weave *)c->source;
  weaving *k = (weaving *)c;
  int n = c->input->source->n;
  TN_TRY(tn_cursor_next(c->input, step, k->arguments, &k->input_over));
  if (k->input_over) return NULL;
  tn_tensor variant = {0};
  tn_error *error = tn_capture_call(&w->capture, step, (size_t)n, k->arguments, &variant);
  tn_element_clear(n, k->arguments);
  tn_source *source = NULL;
  if (!error) error = tn_source_of(&variant, &source);
  if (!error && source->n != c->source->n) {
    error = tn_cursor_errorf(c, TN_INVALID_ARGUMENT, "the function's dataset has %d components; expected %d", source->n,
                             c->source->n);
  }
  if (!error) error = tn_cursor_open(source, step, &s->cursor);
  tn_tensor_clear(&variant);
  if (!error && w->ahead) {
    tn_pump_request request = {.input = s->cursor, .n = source->n, .threads = 1, .capacity = w->ahead};
    error = tn_pump_start(&request, step, &s->pump);
  }
  if (error) {
    end_strand(s);
    return error;
  }
  k->open++;
  return NULL;
}

static void turn(const weave *w, weaving *k) {
  k->in_block = 0;
  k->at = (k->at + 1) % w->cycle;
}

/* Opens all that may be open at the beginning, so that their threads start. */
static tn_error *open_ahead(tn_cursor *c, tn_step *step) {
  const weave *w = (const weave *)c->source;
  weaving *k = (weaving *)c;
  if (!w->ahead || k->open || k->input_over) return NULL;
  for (int64_t i = 0; i < w->cycle && !k->input_over; i++) {
    if (!k->strands[i].cursor) TN_TRY(open_strand(c, step, &k->strands[i]));
  }
  return NULL;
}

static tn_error *next(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  const weave *w = (const weave *)c->source;
  weaving *k = (weaving *)c;
  TN_TRY(open_ahead(c, step));
  while (!k->input_over || k->open > 0) {
    strand *s = &k->strands[k->at];
    if (!s->cursor) {
      if (k->input_over && w->replaces) {
        k->at = (k->at + 1) % w->cycle;
      } else if (k->input_over) {
        turn(w, k);
      } else {
        TN_TRY(open_strand(c, step, s));
      }
      continue;
    }
    bool over = false;
    TN_TRY(s->pump ? tn_pump_next(s->pump, step, out, &over) : tn_cursor_next(s->cursor, step, out, &over));
    if (!over) {
      if (++k->in_block == w->block) turn(w, k);
      return NULL;
    }
    end_strand(s);
    k->open--;
    if (w->replaces && !k->input_over) TN_TRY(open_strand(c, step, s));
    if (w->replaces && !s->cursor) {
      k->at = (k->at + 1) % w->cycle; /* the next one ends the block that was begun */
    } else {
      turn(w, k);
    }
  }
  *end = true;
  return NULL;
}

#define KIND(NAME, MAKE)                                                                                               \
  { NAME, sizeof(weave), sizeof(weaving), 1, MAKE, drop, unknown, open, next, close }
static const tn_source_kind flat_kind = KIND("FlatMapDataset", make_flat);
static const tn_source_kind interleave_kind = KIND("InterleaveDataset", make_interleave);
static const tn_source_kind parallel_kind = KIND("ParallelInterleaveDatasetV2", make_parallel);
static const tn_source_kind old_kind = KIND("ParallelInterleaveDataset", make_old);

TN_SOURCE_KERNELS(flat, flat_kind);
TN_SOURCE_KERNELS(interleave, interleave_kind);
TN_SOURCE_KERNELS(parallel, parallel_kind);
TN_SOURCE_KERNELS(old, old_kind);

#define INPUTS "input_dataset: variant, other_arguments: Targuments"
#define CYCLES INPUTS ", cycle_length: int64, block_length: int64"
#define MAPS   "f: func; Targuments: list(type) >= 0; " TN_SOURCE_ATTRS
#define CHOICE "f: func; deterministic: string = 'default'; Targuments: list(type) >= 0; " TN_SOURCE_ATTRS META
#define META   "; metadata: string = ''"
#define RESULT .outputs = "handle: variant", .flags = TN_SOURCE_FLAGS, .shape = tn_shape_scalar_out
#define WEAVES .doc = "Elements of the datasets that f makes, block_length of each in turn.", RESULT

TN_OP(FlatMapDataset, .inputs = INPUTS, .attrs = MAPS META, .doc = "The datasets that f makes, one after the other.",
      RESULT, .kernels = flat_kernels);

TN_OP(InterleaveDataset, .inputs = CYCLES, .attrs = MAPS META, WEAVES, .kernels = interleave_kernels);

TN_OP(ParallelInterleaveDatasetV2, .inputs = CYCLES ", num_parallel_calls: int64",
      .attrs = MAPS "; sloppy: bool = false" META, WEAVES, .kernels = parallel_kernels);

TN_OP(ParallelInterleaveDatasetV3, .inputs = CYCLES ", num_parallel_calls: int64", .attrs = CHOICE, WEAVES,
      .kernels = parallel_kernels);

TN_OP(ParallelInterleaveDatasetV4,
      .inputs = CYCLES ", buffer_output_elements: int64, prefetch_input_elements: int64, num_parallel_calls: int64",
      .attrs = CHOICE, WEAVES, .kernels = parallel_kernels);

TN_OP(ParallelInterleaveDataset,
      .inputs = CYCLES ", sloppy: bool, buffer_output_elements: int64, prefetch_input_elements: int64",
      .attrs = MAPS META, WEAVES, .kernels = old_kernels);

TN_OP(ExperimentalParallelInterleaveDataset,
      .inputs = CYCLES ", sloppy: bool, buffer_output_elements: int64, prefetch_input_elements: int64", .attrs = MAPS,
      WEAVES, .kernels = old_kernels);

TN_OP(LegacyParallelInterleaveDatasetV2,
      .inputs = CYCLES ", buffer_output_elements: int64, prefetch_input_elements: int64", .attrs = CHOICE, WEAVES,
      .kernels = old_kernels);
