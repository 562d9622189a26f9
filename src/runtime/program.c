/* Running a program: checks, the step, the executor, what is handed over. */
#include "runtime/program.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/thread.h"
#include "compile/passes.h"
#include "kernel/step.h"
#include "runtime/dynamic.h"
#include "runtime/static.h"

tn_error *tn_signature_copy(const tn_step_signature *signature, tn_step_signature *out) {
  tn_output *feeds = tn_malloc((signature->n_feeds + 1) * sizeof *feeds);
  tn_output *fetches = tn_malloc((signature->n_fetches + 1) * sizeof *fetches);
  tn_node **targets = tn_malloc((signature->n_targets + 1) * sizeof *targets);
  *out = (tn_step_signature){.n_feeds = signature->n_feeds,
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

void tn_signature_clear(tn_step_signature *signature) {
  tn_free((void *)signature->feeds);
  tn_free((void *)signature->fetches);
  tn_free((void *)signature->targets);
  *signature = (tn_step_signature){0};
}

tn_error *tn_program_new(tn_session *session, const tn_step_signature *signature, tn_program **out) {
  TN_TRY(tn_check_signature(session, signature));
  tn_program *program = tn_calloc(1, sizeof *program);
  if (!program) return tn_out_of_memory();
  atomic_init(&program->refs, 1);
  pthread_mutex_init(&program->mutex, NULL);
  program->session = session;
  program->graph_version = tn_graph_version(session->graph);
  tn_error *error =
      signature->within || !session->placement ? NULL : tn_placement_update(session->placement, session->graph);
  if (!error) error = tn_signature_copy(signature, &program->signature);
  program->signature.within = signature->within;
  program->nested = signature->within != NULL;
  tn_graph_lock(session->graph);
  if (!error) error = tn_subgraph_new(&program->signature, &program->subgraph);
  tn_graph_unlock(session->graph);
  program->signature.within = NULL;
  if (error) {
    tn_program_unref(program);
    return error;
  }
  const char *why = program->nested                   ? NULL
                    : program->subgraph->control_flow ? "control flow"
                    : program->subgraph->blocking     ? "a node may wait"
                                                      : NULL;
  if (why && tn_dump_wanted("plan")) fprintf(stderr, "--- plan: none: %s\n", why);
  *out = program;
  return NULL;
}

tn_program *tn_program_ref(tn_program *program) {
  atomic_fetch_add_explicit(&program->refs, 1, memory_order_relaxed);
  return program;
}

static void free_islands(tn_subgraph *condensed, tn_program **islands) {
  for (int i = 0; islands && i < condensed->n_islands; i++) tn_program_unref(islands[i]);
  tn_free(islands);
  tn_subgraph_free(condensed);
}

void tn_program_unref(tn_program *program) {
  if (!program || atomic_fetch_sub_explicit(&program->refs, 1, memory_order_acq_rel) != 1) return;
  for (int i = 0; i < program->n_plans; i++) {
    if (!tn_static_plan(program->plans[i])->refused) program->session->plans_cached--;
    tn_static_free(program->plans[i]);
  }
  for (int i = 0; i < program->n_retired; i++) tn_static_free(program->retired[i]);
  free_islands(program->condensed, program->islands);
  pthread_mutex_destroy(&program->mutex);
  tn_subgraph_free(program->subgraph);
  tn_signature_clear(&program->signature);
  tn_free(program);
}

/* With the graph locked: true if the edges of what the program runs are as they were. */
static bool edges_unchanged(const tn_subgraph *g) {
  for (int i = g->n_feeds; i < g->n_items; i++) {
    const tn_node *node = g->items[i].node;
    /* New nodes don't matter; of old ones only control edges and the back edges of loops can change. */
    if (node->n_controls != g->items[i].n_controls || g->items[i].kind == TN_ITEM_MERGE) return false;
  }
  return true;
}

bool tn_program_current(tn_program *program) {
  const tn_graph *graph = program->session->graph;
  if (tn_graph_version(graph) == atomic_load(&program->graph_version)) return true;
  tn_graph_lock(graph);
  uint64_t version = tn_graph_version(graph);
  bool same = edges_unchanged(program->subgraph);
  tn_graph_unlock(graph);
  if (same) atomic_store(&program->graph_version, version);
  return same;
}

void tn_program_trim(tn_program *program) {
  for (int i = 0; i < TN_PROGRAM_PLANS; i++) {
    tn_static *s = atomic_load(&program->plans[i]);
    if (s) tn_static_trim(s);
  }
  pthread_mutex_lock(&program->mutex);
  for (int i = 0; program->islands && i < program->condensed->n_islands; i++) tn_program_trim(program->islands[i]);
  pthread_mutex_unlock(&program->mutex);
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
    const tn_tensor *value = NULL;
    error = tn_dynamic_fetched(run, i, &value);
    if (error) break;
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

/* --- the dynamic executor --- */

/* True if running NODE changes something. */
static bool acts(const tn_node *node) {
  if (node->op->flags & TN_OP_READ_ONLY) return false;
  bool handle = false;
  for (int i = 0; i < node->n_inputs; i++) {
    handle = handle || tn_dtype_is_ref(node->input_types[i]) || node->input_types[i] == TN_RESOURCE;
  }
  return handle || (node->op->flags & TN_OP_STATEFUL);
}

static tn_error *new_island(const tn_program *program, const tn_island *island, tn_program **out) {
  tn_node **targets = tn_malloc((tn_map_size(island->nodes) + 1) * sizeof *targets);
  if (!targets) return tn_out_of_memory();
  size_t n = 0, cursor = 0;
  void *node = NULL;
  while (tn_map_next(island->nodes, &cursor, NULL, NULL, &node)) {
    if (acts(node)) targets[n++] = node;
  }
  tn_step_signature signature = {.n_feeds = (size_t)island->n_inputs,
                                 .feeds = island->inputs,
                                 .n_fetches = (size_t)island->n_outputs,
                                 .fetches = island->outputs,
                                 .n_targets = n,
                                 .targets = targets,
                                 .within = island->nodes};
  tn_error *error = tn_program_new(program->session, &signature, out);
  tn_free(targets);
  return error;
}

/* With the lock held. */
static tn_error *condense(tn_program *program) {
  tn_subgraph *condensed = NULL;
  TN_TRY(tn_subgraph_condense(program->subgraph, &condensed));
  tn_program **islands = tn_calloc((size_t)condensed->n_islands + 1, sizeof *islands);
  tn_error *error = islands ? NULL : tn_out_of_memory();
  for (int i = 0; i < condensed->n_islands && !error; i++) {
    error = new_island(program, &condensed->islands[i], &islands[i]);
  }
  if (error) {
    free_islands(condensed, islands);
    return error;
  }
  program->condensed = condensed;
  program->islands = islands;
  return NULL;
}

/* What the dynamic executor runs. */
static tn_error *choose_subgraph(tn_program *program, const tn_subgraph **out) {
  *out = program->subgraph;
  if (program->nested || program->session->dynamic_only) return NULL;
  tn_lock(&program->mutex);
  tn_error *error = program->condensed ? NULL : condense(program);
  tn_unlock(&program->mutex);
  if (!error && program->condensed->n_islands) *out = program->condensed;
  return error;
}

/* Runs all but what is handed over. */
static tn_error *run_flow(tn_program *program, tn_step *step, tn_tensor *const *values, tn_trace *trace,
                          tn_dynamic **out) {
  tn_session *session = program->session;
  tn_dynamic_request request = {.kernels = session->kernels,
                                .step = step,
                                .trace = trace,
                                .n_fetches = program->signature.n_fetches,
                                .threads = session->threads,
                                .workers = program->nested ? 1 : session->workers};
  TN_TRY(choose_subgraph(program, &request.subgraph));
  request.islands = program->islands;
  tn_dynamic *run = NULL;
  TN_TRY(tn_dynamic_new(&request, &run));
  for (size_t i = 0; i < program->signature.n_feeds; i++) tn_dynamic_feed(run, (int)i, values[i]);
  tn_error *error = tn_dynamic_go(run);
  if (error) {
    tn_dynamic_free(run);
    return error;
  }
  *out = run;
  return NULL;
}

static tn_error *run_dynamic(tn_program *program, tn_step *step, tn_tensor *const *values, tn_trace *trace,
                             tn_tensor **out) {
  tn_dynamic *run = NULL;
  TN_TRY(run_flow(program, step, values, trace, &run));
  tn_error *error = hand_over(program, run, out);
  tn_dynamic_free(run);
  return error;
}

/* --- static plans --- */

/* The plan for VALUES; NULL if there is none yet. */
static tn_static *find_plan(tn_program *program, tn_tensor *const *values, int *at) {
  for (int i = 0; i < TN_PROGRAM_PLANS; i++) {
    tn_static *s = atomic_load_explicit(&program->plans[i], memory_order_acquire);
    if (!s) return NULL;
    if (!tn_static_fits(s, values)) continue;
    *at = i;
    return s;
  }
  return NULL;
}

static tn_error *make_plan(tn_program *program, tn_tensor *const *values, tn_static **out) {
  tn_plan_request request = {.subgraph = program->subgraph,
                             .signature = &program->signature,
                             .feeds = (const tn_tensor *const *)values,
                             .session = program->session->state,
                             .threads = program->session->threads,
                             .disabled = program->session->disabled_passes};
  tn_plan *plan = NULL;
  TN_TRY(tn_plan_new(&request, &plan));
  return tn_static_new(plan, out);
}

/* With the lock held: makes a plan and keeps it. *OUT stays NULL if the step is to run dynamically. */
static tn_error *add_plan(tn_program *program, tn_tensor *const *values, tn_static *stale, tn_static **out) {
  int at = program->n_plans;
  tn_static *s = find_plan(program, values, &at);
  if (s && s != stale) {
    *out = s;
    return NULL;
  }
  if (at == TN_PROGRAM_PLANS || program->n_retired == TN_PROGRAM_RETIRED) return NULL;
  tn_static *made = NULL;
  TN_TRY(make_plan(program, values, &made));
  const tn_plan *plan = tn_static_plan(made);
  if (plan->refused && plan->refused_for_now) {
    tn_static_free(made);
    return NULL;
  }
  if (s) {
    program->retired[program->n_retired++] = s;
  } else {
    program->n_plans++;
    if (!plan->refused) program->session->plans_cached++;
  }
  if (!plan->refused) program->session->plans_made++;
  atomic_store_explicit(&program->plans[at], made, memory_order_release);
  *out = made;
  return NULL;
}

/* Runs the step as a plan if it is static. *DONE: it was, and this is what came of it. */
static tn_error *try_static(tn_program *program, const tn_static_call *call, tn_tensor **out, bool *done) {
  tn_static *s = NULL, *stale_one = NULL;
  for (int tries = 0; tries < 3; tries++) {
    int at = 0;
    s = find_plan(program, call->values, &at);
    if (!s || s == stale_one) {
      s = NULL;
      tn_lock(&program->mutex);
      tn_error *error = add_plan(program, call->values, stale_one, &s);
      tn_unlock(&program->mutex);
      if (error) return error;
    } else {
      atomic_fetch_add_explicit(&program->session->plan_hits, 1, memory_order_relaxed);
    }
    if (!s || tn_static_plan(s)->refused) return NULL;
    bool stale = false;
    tn_error *error = tn_static_run(s, call, out, &stale);
    *done = !stale;
    if (error || !stale) {
      *done = true;
      return error;
    }
    stale_one = s;
  }
  return NULL;
}

static bool may_be_static(const tn_program *program) {
  return !program->session->dynamic_only && !program->subgraph->control_flow && !program->subgraph->blocking;
}

static tn_error *run_traced(tn_program *program, const tn_run_options *options, tn_tensor *const *values,
                            tn_trace *trace, tn_tensor **out) {
  bool done = false;
  if (may_be_static(program)) {
    tn_static_call call = {.session = program->session->state,
                           .closed = &program->session->closed,
                           .options = options,
                           .values = values,
                           .trace = trace,
                           .threads = program->session->threads};
    tn_error *error = try_static(program, &call, out, &done);
    tn_note_step(done);
    if (error || done) return error;
  }
  tn_note_step(false);
  tn_step step;
  tn_step_init(&step, program->session->state);
  set_limits(&step, program, options);
  tn_error *error = run_dynamic(program, &step, values, trace, out);
  tn_step_finish(&step);
  return error;
}

/* Moves what is boxed into OUTPUTS. */
static void unbox(size_t n, tn_tensor **boxed, tn_tensor *outputs) {
  for (size_t i = 0; i < n; i++) {
    tn_tensor_set(&outputs[i], boxed[i]);
    tn_tensor_free(boxed[i]);
  }
}

tn_error *tn_program_run_island(tn_program *program, tn_step *step, tn_trace *trace, const tn_tensor *inputs,
                                tn_tensor *outputs) {
  enum { FEW = 16 };
  size_t n = program->signature.n_feeds, m = program->signature.n_fetches;
  tn_tensor *few[FEW], **values = few;
  if (n + m > FEW) values = tn_malloc((n + m) * sizeof *values);
  if (!values) return tn_out_of_memory();
  for (size_t i = 0; i < n; i++) values[i] = (tn_tensor *)&inputs[i];
  tn_static_call call = {.session = program->session->state,
                         .closed = &program->session->closed,
                         .values = values,
                         .parent = step,
                         .trace = trace,
                         .threads = program->session->threads};
  bool done = false;
  tn_error *error = may_be_static(program) ? try_static(program, &call, values + n, &done) : NULL;
  if (!error && !done) error = run_dynamic(program, step, values, trace, values + n);
  if (!error) unbox(m, values + n, outputs);
  if (values != few) tn_free(values);
  return error;
}

tn_error *tn_program_run_part(tn_program *program, tn_step *step, tn_trace *trace) {
  return tn_program_run_island(program, step, trace, NULL, NULL);
}

tn_error *tn_program_run(tn_program *program, const tn_run_options *options, tn_tensor *const *values, tn_tensor **out,
                         tn_run_metadata *metadata) {
  if (atomic_load(&program->session->closed)) return tn_errorf(TN_CANCELLED, "Session has been closed.");
  for (size_t i = 0; i < program->signature.n_feeds; i++) {
    TN_TRY(tn_check_feed(program->signature.feeds[i], values[i]));
  }
  tn_trace *trace = NULL;
  if (options && options->trace && metadata) TN_TRY(tn_trace_new(&trace));
  tn_error *error = run_traced(program, options, values, trace, out);
  if (trace && !error) error = tn_trace_write(trace, metadata);
  tn_trace_free(trace);
  return error;
}
