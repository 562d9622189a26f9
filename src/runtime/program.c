/* Running a program: checks, the step, the executor, what is handed over. */
#include "runtime/program.h"

#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "kernel/step.h"
#include "runtime/dynamic.h"

/* Copies SIGNATURE into PROGRAM. */
static tn_error *copy_signature(tn_program *program, const tn_signature *signature) {
  tn_output *feeds = tn_malloc((signature->n_feeds + 1) * sizeof *feeds);
  tn_output *fetches = tn_malloc((signature->n_fetches + 1) * sizeof *fetches);
  tn_node **targets = tn_malloc((signature->n_targets + 1) * sizeof *targets);
  program->signature = (tn_signature){.n_feeds = signature->n_feeds,
                                      .n_fetches = signature->n_fetches,
                                      .n_targets = signature->n_targets,
                                      .feeds = feeds,
                                      .fetches = fetches,
                                      .targets = targets};
  if (!feeds || !fetches || !targets) return tn_out_of_memory();
  for (size_t i = 0; i < signature->n_feeds; i++) feeds[i] = signature->feeds[i];
  for (size_t i = 0; i < signature->n_fetches; i++) fetches[i] = signature->fetches[i];
  for (size_t i = 0; i < signature->n_targets; i++) targets[i] = signature->targets[i];
  return NULL;
}

tn_error *tn_program_new(tn_session *session, const tn_signature *signature, tn_program **out) {
  TN_TRY(tn_check_signature(session, signature));
  tn_program *program = tn_calloc(1, sizeof *program);
  if (!program) return tn_out_of_memory();
  atomic_init(&program->refs, 1);
  program->session = session;
  program->graph_version = tn_graph_version(session->graph);
  tn_error *error = copy_signature(program, signature);
  if (!error) error = tn_subgraph_new(&program->signature, &program->subgraph);
  if (error) {
    tn_program_unref(program);
    return error;
  }
  *out = program;
  return NULL;
}

tn_program *tn_program_ref(tn_program *program) {
  atomic_fetch_add_explicit(&program->refs, 1, memory_order_relaxed);
  return program;
}

void tn_program_unref(tn_program *program) {
  if (!program || atomic_fetch_sub_explicit(&program->refs, 1, memory_order_acq_rel) != 1) return;
  tn_subgraph_free(program->subgraph);
  tn_free((void *)program->signature.feeds);
  tn_free((void *)program->signature.fetches);
  tn_free((void *)program->signature.targets);
  tn_free(program);
}

bool tn_program_current(const tn_program *program) {
  if (tn_graph_version(program->session->graph) == program->graph_version) return true;
  const tn_subgraph *g = program->subgraph;
  for (int i = g->n_feeds; i < g->n_items; i++) {
    const tn_node *node = g->items[i].node;
    /* New nodes don't matter; of old ones only control edges and the back edges of loops can change. */
    if (node->n_controls != g->items[i].n_controls || g->items[i].kind == TN_ITEM_MERGE) return false;
  }
  return true;
}

static void set_limits(tn_step *step, const tn_program *program, const tn_run_options *options) {
  step->closed = &program->session->closed;
  if (!options) return;
  step->cancellation = options->cancellation;
  if (options->timeout_ms > 0) step->deadline_ns = tn_now_ns() + options->timeout_ms * 1000000;
}

/* Boxes what was fetched; *OUT is touched only when all is there. */
static tn_error *hand_over(const tn_program *program, tn_dynamic *run, tn_tensor **out) {
  size_t n = program->signature.n_fetches;
  tn_tensor **boxed = tn_calloc(n + 1, sizeof *boxed);
  if (!boxed) return tn_out_of_memory();
  tn_error *error = NULL;
  for (size_t i = 0; i < n && !error; i++) {
    tn_output fetch = program->signature.fetches[i];
    if (fetch.index < 0) continue;
    const tn_tensor *value = tn_dynamic_fetched(run, i);
    if (value->dtype == TN_INVALID) {
      error = tn_errorf(TN_INVALID_ARGUMENT, "Retval[%zu] does not have value: '%s:%d' was not computed in this step",
                        i, fetch.node->name, fetch.index);
    } else {
      error = tn_tensor_box(value, &boxed[i]);
    }
  }
  for (size_t i = 0; i < n; i++) {
    if (error) {
      tn_tensor_free(boxed[i]);
    } else {
      out[i] = boxed[i];
    }
  }
  tn_free(boxed);
  return error;
}

static tn_error *run_dynamic(tn_program *program, tn_step *step, tn_tensor *const *values, tn_trace *trace,
                             tn_tensor **out) {
  tn_session *session = program->session;
  tn_dynamic_request request = {.subgraph = program->subgraph,
                                .kernels = session->kernels,
                                .step = step,
                                .trace = trace,
                                .n_fetches = program->signature.n_fetches,
                                .threads = session->threads,
                                .workers = session->workers};
  tn_dynamic *run = NULL;
  TN_TRY(tn_dynamic_new(&request, &run));
  for (size_t i = 0; i < program->signature.n_feeds; i++) tn_dynamic_feed(run, (int)i, values[i]);
  tn_error *error = tn_dynamic_go(run);
  if (!error) error = hand_over(program, run, out);
  tn_dynamic_free(run);
  return error;
}

tn_error *tn_program_run(tn_program *program, const tn_run_options *options, tn_tensor *const *values, tn_tensor **out,
                         tn_run_metadata *metadata) {
  if (atomic_load(&program->session->closed)) return tn_errorf(TN_CANCELLED, "Session has been closed.");
  for (size_t i = 0; i < program->signature.n_feeds; i++) {
    TN_TRY(tn_check_feed(program->signature.feeds[i], values[i]));
  }
  tn_trace *trace = NULL;
  if (options && options->trace && metadata) TN_TRY(tn_trace_new(&trace));
  tn_step step;
  tn_step_init(&step, program->session->state);
  set_limits(&step, program, options);
  tn_error *error = run_dynamic(program, &step, values, trace, out);
  tn_step_finish(&step);
  if (trace && !error) error = tn_trace_write(trace, metadata);
  tn_trace_free(trace);
  return error;
}
