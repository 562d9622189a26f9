/* GeneratorDataset: functions that start, go on and end. */
#include "base/alloc.h"
#include "data/source.h"

typedef struct generator {
  tn_source base;
  tn_capture init, next, finalize;
} generator;

typedef struct generating {
  tn_cursor base;
  bool started, over;
  int n_state;
  tn_tensor *state;
  tn_session_state *session;
} generating;

static tn_error *make(tn_run *r, tn_source *s) {
  generator *g = (generator *)s;
  TN_TRY(tn_capture_init(r, "init_func", 0, &g->init));
  TN_TRY(tn_capture_init(r, "next_func", 1, &g->next));
  TN_TRY(tn_capture_init(r, "finalize_func", 2, &g->finalize));
  if (g->next.function->n_outputs == (size_t)s->n) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "function '%s' has %zu results; output_types has %d",
                       g->next.function->name, g->next.function->n_outputs, s->n);
}

static void drop(tn_source *s) {
  generator *g = (generator *)s;
  tn_capture_clear(&g->init);
  tn_capture_clear(&g->next);
  tn_capture_clear(&g->finalize);
}

static int64_t unknown(const tn_source *s) {
  (void)s;
  return TN_SIZE_UNKNOWN;
}

static tn_error *open(tn_cursor *c, tn_step *step) {
  generating *k = (generating *)c;
  const generator *g = (const generator *)c->source;
  k->session = step->session;
  k->n_state = (int)g->init.function->n_outputs;
  return tn_element_new(k->n_state, &k->state);
}

/* What the last function returns is of no interest. */
static tn_error *finalize(tn_cursor *c, tn_step *step) {
  generating *k = (generating *)c;
  const generator *g = (const generator *)c->source;
  if (!k->started || k->over) return NULL;
  k->over = true;
  tn_tensor *results = NULL;
  int n = (int)g->finalize.function->n_outputs;
  TN_TRY(tn_element_new(n, &results));
  tn_error *error = tn_capture_call(&g->finalize, step, (size_t)k->n_state, k->state, results);
  tn_element_free(n, results);
  return error;
}

static tn_error *next(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  generating *k = (generating *)c;
  const generator *g = (const generator *)c->source;
  *end = k->over;
  if (k->over) return NULL;
  if (!k->started) TN_TRY(tn_capture_call(&g->init, step, 0, NULL, k->state));
  k->started = true;
  tn_error *error = tn_capture_call(&g->next, step, (size_t)k->n_state, k->state, out);
  if (!error || tn_error_code(error) != TN_OUT_OF_RANGE) return error;
  tn_error_free(error);
  *end = true;
  return finalize(c, step);
}

static void close(tn_cursor *c) {
  generating *k = (generating *)c;
  if (k->started && !k->over) {
    tn_step step;
    tn_step_init(&step, k->session);
    tn_error_free(finalize(c, &step)); /* nobody is there to hear of it */
    tn_step_finish(&step);
  }
  tn_element_free(k->n_state, k->state);
}

static const tn_source_kind kind = {
    "GeneratorDataset", sizeof(generator), sizeof(generating), 0, make, drop, unknown, open, next, close};

TN_SOURCE_KERNELS(generator, kind);

TN_OP(GeneratorDataset,
      .inputs = "init_func_other_args: Tinit_func_args, next_func_other_args: Tnext_func_args, "
                "finalize_func_other_args: Tfinalize_func_args",
      .outputs = "handle: variant",
      .attrs = "init_func: func; next_func: func; finalize_func: func; Tinit_func_args: list(type) >= 0; "
               "Tnext_func_args: list(type) >= 0; Tfinalize_func_args: list(type) >= 0; " TN_SOURCE_ATTRS
               "; metadata: string = ''",
      .doc = "What next_func makes of init_func's result, again and again until it is out of range.",
      .flags = TN_OP_STATEFUL | TN_SOURCE_FLAGS, .shape = tn_shape_scalar_out, .kernels = generator_kernels);
