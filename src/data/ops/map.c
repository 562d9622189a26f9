/* Datasets that call a function on each element: MapDataset and its kin, FilterDataset, TakeWhileDataset, ScanDataset.
 */
#include <string.h>

#include "base/alloc.h"
#include "data/source.h"

typedef struct mapping {
  tn_source base;
  tn_capture capture;
  int n_state; /* of scans */
  tn_tensor *state;
  bool keeps_size;
} mapping;

typedef struct mapped {
  tn_cursor base;
  tn_tensor *arguments;
  int n_state;
  tn_tensor *state, *results;
  bool over;
} mapped;

static tn_error *make(tn_run *r, tn_source *s) {
  mapping *m = (mapping *)s;
  m->keeps_size = tn_node_attr(r->node, "preserve_cardinality") && tn_node_get_bool(r->node, "preserve_cardinality");
  TN_TRY(tn_capture_init(r, "f", 1, &m->capture));
  if (m->capture.function->n_outputs == (size_t)s->n) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "function '%s' has %zu results; output_types has %d",
                       m->capture.function->name, m->capture.function->n_outputs, s->n);
}

static tn_error *make_predicate(tn_run *r, tn_source *s) {
  return tn_capture_init(r, "predicate", 1, &((mapping *)s)->capture);
}

static void drop(tn_source *s) {
  mapping *m = (mapping *)s;
  tn_capture_clear(&m->capture);
  tn_element_free(m->n_state, m->state);
}

static tn_error *open(tn_cursor *c, tn_step *step) {
  mapped *m = (mapped *)c;
  TN_TRY(tn_element_new(c->source->inputs[0]->n, &m->arguments));
  return tn_cursor_open(c->source->inputs[0], step, &c->input);
}

static void close(tn_cursor *c) {
  mapped *m = (mapped *)c;
  tn_element_free(c->source->inputs[0]->n, m->arguments);
  tn_element_free(m->n_state, m->state);
  tn_element_free(m->n_state + c->source->n, m->results);
}

/* OUT_OF_RANGE from a function ends the sequence. */
static tn_error *end_or_error(const tn_cursor *c, tn_error *error, bool *end) {
  if (!error || tn_error_code(error) != TN_OUT_OF_RANGE) return error;
  if (((const mapping *)c->source)->keeps_size) {
    tn_error *other =
        tn_errorf(TN_INVALID_ARGUMENT, "Function invocation produced OutOfRangeError: %s", tn_error_message(error));
    tn_error_free(error);
    return other;
  }
  tn_error_free(error);
  *end = true;
  return NULL;
}

static tn_error *map_next(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  mapped *m = (mapped *)c;
  int n = c->input->source->n;
  TN_TRY(tn_cursor_next(c->input, step, m->arguments, end));
  if (*end) return NULL;
  tn_error *error = tn_capture_call(&((const mapping *)c->source)->capture, step, (size_t)n, m->arguments, out);
  tn_element_clear(n, m->arguments);
  return end_or_error(c, error, end);
}

static const tn_source_kind map_kind = {"MapDataset", sizeof(mapping), sizeof(mapped), 1, make, drop, NULL,
                                        open,         map_next,        close};

/* --- filter --- */

static int64_t unknown(const tn_source *s) {
  int64_t n = tn_source_size(s->inputs[0]);
  return n == 0 ? 0 : TN_SIZE_UNKNOWN;
}

static tn_error *filter_next(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  for (;;) {
    TN_TRY(tn_cursor_next(c->input, step, out, end));
    if (*end) return NULL;
    bool keep = false;
    tn_error *error =
        tn_capture_scalar(&((const mapping *)c->source)->capture, step, (size_t)c->source->n, out, TN_BOOL, &keep);
    if (error) return end_or_error(c, error, end);
    if (keep) return NULL;
    tn_element_clear(c->source->n, out);
  }
}

static const tn_source_kind filter_kind = {
    "FilterDataset", sizeof(mapping), sizeof(mapped), 1, make_predicate, drop, unknown, open, filter_next, close};

static tn_error *take_while_next(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  mapped *m = (mapped *)c;
  *end = m->over;
  if (!*end) TN_TRY(tn_cursor_next(c->input, step, out, end));
  if (*end) return NULL;
  bool keep = false;
  TN_TRY(tn_capture_scalar(&((const mapping *)c->source)->capture, step, (size_t)c->source->n, out, TN_BOOL, &keep));
  m->over = *end = !keep;
  return NULL;
}

static const tn_source_kind take_while_kind = {"TakeWhileDataset",
                                               sizeof(mapping),
                                               sizeof(mapped),
                                               1,
                                               make_predicate,
                                               drop,
                                               unknown,
                                               open,
                                               take_while_next,
                                               close};

/* --- scan --- */

static tn_error *make_scan(tn_run *r, tn_source *s) {
  mapping *m = (mapping *)s;
  int first, n = tn_node_argument(r->node, 1, &first);
  m->keeps_size = tn_node_get_bool(r->node, "preserve_cardinality");
  TN_TRY(tn_element_new(n, &m->state));
  m->n_state = n;
  for (int i = 0; i < n; i++) tn_tensor_set(&m->state[i], r->inputs[first + i]);
  TN_TRY(tn_capture_init(r, "f", 2, &m->capture));
  if (m->capture.function->n_outputs == (size_t)(n + s->n)) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "function '%s' has %zu results; expected %d of state and %d",
                       m->capture.function->name, m->capture.function->n_outputs, n, s->n);
}

static tn_error *scan_open(tn_cursor *c, tn_step *step) {
  mapped *m = (mapped *)c;
  const mapping *s = (const mapping *)c->source;
  int n = c->source->inputs[0]->n;
  TN_TRY(tn_element_new(n, &m->arguments));
  TN_TRY(tn_element_new(s->n_state, &m->state));
  m->n_state = s->n_state;
  tn_element_share(s->n_state, m->state, s->state);
  TN_TRY(tn_element_new(s->n_state + c->source->n, &m->results));
  return tn_cursor_open(c->source->inputs[0], step, &c->input);
}

static tn_error *scan_next(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  mapped *m = (mapped *)c;
  int n = c->input->source->n, n_state = m->n_state;
  TN_TRY(tn_cursor_next(c->input, step, m->arguments, end));
  if (*end) return NULL;
  tn_tensor *all = tn_malloc((size_t)(n_state + n + 1) * sizeof *all);
  if (!all) return tn_out_of_memory();
  memcpy(all, m->state, (size_t)n_state * sizeof *all);
  memcpy(all + n_state, m->arguments, (size_t)n * sizeof *all);
  tn_error *error =
      tn_capture_call(&((const mapping *)c->source)->capture, step, (size_t)(n_state + n), all, m->results);
  tn_free(all);
  tn_element_clear(n, m->arguments);
  if (error) {
    tn_element_clear(n_state + c->source->n, m->results);
    return end_or_error(c, error, end);
  }
  tn_element_clear(n_state, m->state);
  tn_element_move(n_state, m->state, m->results);
  tn_element_move(c->source->n, out, m->results + n_state);
  return NULL;
}

static const tn_source_kind scan_kind = {"ScanDataset", sizeof(mapping), sizeof(mapped), 1,    make_scan, drop,
                                         NULL,          scan_open,       scan_next,      close};

TN_SOURCE_KERNELS(map, map_kind);
TN_SOURCE_KERNELS(filter, filter_kind);
TN_SOURCE_KERNELS(take_while, take_while_kind);
TN_SOURCE_KERNELS(scan, scan_kind);

#define RESULT .outputs = "handle: variant", .flags = TN_SOURCE_FLAGS, .shape = tn_shape_scalar_out
#define META   "; metadata: string = ''"

TN_OP(MapDataset, .inputs = "input_dataset: variant, other_arguments: Targuments",
      .attrs = "f: func; Targuments: list(type) >= 0; " TN_SOURCE_ATTRS
               "; use_inter_op_parallelism: bool = true; preserve_cardinality: bool = false; force_synchronous: bool = "
               "false" META,
      .doc = "What f makes of each element.", RESULT, .kernels = map_kernels);

TN_OP(FilterDataset, .inputs = "input_dataset: variant, other_arguments: Targuments",
      .attrs = "predicate: func; Targuments: list(type) >= 0; " TN_SOURCE_ATTRS META,
      .doc = "The elements for which predicate holds.", RESULT, .kernels = filter_kernels);

TN_OP(TakeWhileDataset, .inputs = "input_dataset: variant, other_arguments: Targuments",
      .attrs = "predicate: func; Targuments: list(type) >= 0; " TN_SOURCE_ATTRS META,
      .doc = "The elements up to the first for which predicate does not hold.", RESULT, .kernels = take_while_kernels);

TN_OP(ExperimentalTakeWhileDataset, .inputs = "input_dataset: variant, other_arguments: Targuments",
      .attrs = "predicate: func; Targuments: list(type) >= 0; " TN_SOURCE_ATTRS,
      .doc = "The elements up to the first for which predicate does not hold.", RESULT, .kernels = take_while_kernels);

#define SCAN "f: func; Tstate: list(type) >= 1; Targuments: list(type) >= 0; " TN_SOURCE_ATTRS

TN_OP(ScanDataset, .inputs = "input_dataset: variant, initial_state: Tstate, other_arguments: Targuments",
      .attrs = SCAN "; preserve_cardinality: bool = false; use_default_device: bool = true" META,
      .doc = "What f makes of a state and each element, beside the next state.", RESULT, .kernels = scan_kernels);

TN_OP(ExperimentalScanDataset, .inputs = "input_dataset: variant, initial_state: Tstate, other_arguments: Targuments",
      .attrs = SCAN "; preserve_cardinality: bool = false",
      .doc = "What f makes of a state and each element, beside the next state.", RESULT, .kernels = scan_kernels);
