/* Parts of split steps: a session of their own over shared state, and one program. */
#include "runtime/fragment.h"

#include "base/alloc.h"
#include "runtime/program.h"

struct tn_fragment {
  atomic_int refs;
  tn_session *session;
  tn_program *program;
};

const tn_graph *tn_fragment_graph(const tn_fragment *fragment) { return fragment->session->graph; }

tn_fragment *tn_fragment_ref(tn_fragment *fragment) {
  atomic_fetch_add_explicit(&fragment->refs, 1, memory_order_relaxed);
  return fragment;
}

void tn_fragment_unref(tn_fragment *fragment) {
  if (!fragment || atomic_fetch_sub_explicit(&fragment->refs, 1, memory_order_acq_rel) != 1) return;
  tn_program_unref(fragment->program);
  tn_session_unref(fragment->session);
  tn_free(fragment);
}

static tn_error *furnish(tn_fragment *fragment, tn_graph *graph, const tn_session_options *options,
                         tn_session_state *state) {
  TN_TRY(tn_session_new_within(graph, options, state, &fragment->session));
  size_t n = tn_graph_n_nodes(graph);
  tn_node **targets = tn_malloc((n + 1) * sizeof *targets);
  if (!targets) return tn_out_of_memory();
  for (size_t i = 0; i < n; i++) targets[i] = tn_graph_node(graph, i);
  tn_step_signature signature = {.n_targets = n, .targets = targets};
  tn_error *error = tn_program_new(fragment->session, &signature, &fragment->program);
  tn_free(targets);
  return error;
}

tn_error *tn_fragment_new(const char *def, size_t size, const tn_session_options *options, tn_session_state *state,
                          tn_fragment **out) {
  tn_fragment *made = tn_calloc(1, sizeof *made);
  if (!made) return tn_out_of_memory();
  atomic_init(&made->refs, 1);
  tn_graph *graph = NULL;
  tn_error *error = tn_graph_new(&graph);
  if (!error) error = tn_graph_import(graph, def, size, &(tn_import_options){.internal_names = true});
  if (!error) error = furnish(made, graph, options, state);
  tn_graph_free(graph);
  if (error) {
    tn_fragment_unref(made);
    return error;
  }
  *out = made;
  return NULL;
}

tn_error *tn_fragment_run(tn_fragment *fragment, const tn_fragment_call *call) {
  tn_step step;
  tn_step_init(&step, fragment->session->state);
  step.rendezvous = call->rendezvous;
  step.closed = call->closed ? call->closed : &fragment->session->closed;
  step.cancellation = call->cancellation;
  step.deadline_ns = call->deadline_ns;
  tn_error *error = tn_program_run_part(fragment->program, &step, call->trace);
  if (error && call->rendezvous) tn_rendezvous_abort(call->rendezvous, error);
  tn_step_finish(&step);
  return error;
}
