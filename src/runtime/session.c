/* Sessions, callables and cancellation: the public face of the runtime. */
#include "runtime/session.h"

#include <string.h>
#include <tenon/testing.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "base/thread.h"
#include "kernel/call.h"
#include "kernel/step.h"
#include "runtime/program.h"

struct tn_callable {
  tn_session *session;
  tn_program *program;         /* NULL: the session is remote */
  tn_step_signature signature; /* of a remote one */
};

tn_session *tn_session_ref(tn_session *session) {
  atomic_fetch_add_explicit(&session->refs, 1, memory_order_relaxed);
  return session;
}

void tn_session_unref(tn_session *session) {
  if (!session || atomic_fetch_sub_explicit(&session->refs, 1, memory_order_acq_rel) != 1) return;
  if (session->remote) session->remote->free(session->remote);
  tn_program_cache_free(session->programs);
  tn_kernel_cache_free(session->kernels);
  tn_session_state_free(session->state);
  tn_placement_free(session->placement);
  tn_graph_free(session->graph);
  tn_free(session->disabled_passes);
  pthread_mutex_destroy(&session->mutex);
  tn_free(session);
}

/* Fills what needs memory. */
static tn_error *furnish(tn_session *session, const tn_session_options *options, tn_session_state *within) {
  if (options && options->disabled_passes) {
    session->disabled_passes = tn_strdup(options->disabled_passes);
    if (!session->disabled_passes) return tn_out_of_memory();
  }
  if (!within) {
    TN_TRY(tn_placement_new(options ? options->cpu_devices : 0, !options || !options->no_soft_placement,
                            options && options->log_device_placement, &session->placement));
  }
  TN_TRY(within ? tn_session_state_new_view(within, &session->state) : tn_session_state_new(&session->state));
  TN_TRY(tn_session_add_caller(session));
  TN_TRY(tn_kernel_cache_new(session->state, session->threads, &session->kernels));
  return tn_program_cache_new(&session->programs);
}

tn_error *tn_session_new_body(const tn_session *like, tn_graph *body, tn_session_state *state, int threads,
                              tn_session **out) {
  tn_session *session = tn_calloc(1, sizeof *session);
  if (!session) return tn_out_of_memory();
  atomic_init(&session->refs, 1);
  pthread_mutex_init(&session->mutex, NULL);
  session->graph = tn_graph_ref(body);
  session->threads = threads;
  session->workers = 1;
  session->dynamic_only = like->dynamic_only;
  tn_error *error = NULL;
  if (like->disabled_passes) {
    session->disabled_passes = tn_strdup(like->disabled_passes);
    if (!session->disabled_passes) error = tn_out_of_memory();
  }
  if (!error && like->placement) error = tn_placement_like(like->placement, &session->placement);
  if (!error) error = tn_session_state_new_child(state, &session->state);
  if (!error) error = tn_kernel_cache_new(session->state, threads, &session->kernels);
  if (error) {
    tn_session_unref(session);
    return error;
  }
  *out = session;
  return NULL;
}

tn_error *tn_session_new(tn_graph *graph, const tn_session_options *options, tn_session **out) {
  return tn_session_new_within(graph, options, NULL, out);
}

tn_error *tn_session_new_within(tn_graph *graph, const tn_session_options *options, tn_session_state *within,
                                tn_session **out) {
  if (!graph) return tn_errorf(TN_INVALID_ARGUMENT, "a session needs a graph");
  if (options && (options->intra_op_threads < 0 || options->inter_op_threads < 0)) {
    return tn_errorf(TN_INVALID_ARGUMENT, "a session can't have %d and %d threads", options->intra_op_threads,
                     options->inter_op_threads);
  }
  tn_session *session = tn_calloc(1, sizeof *session);
  if (!session) return tn_out_of_memory();
  atomic_init(&session->refs, 1);
  pthread_mutex_init(&session->mutex, NULL);
  session->graph = tn_graph_ref(graph);
  session->threads = options && options->intra_op_threads ? options->intra_op_threads : tn_cpus();
  session->workers = options && options->inter_op_threads ? options->inter_op_threads : 1;
  session->dynamic_only = options && options->dynamic_only;
  tn_error *error = furnish(session, options, within);
  if (error) {
    tn_session_unref(session);
    return error;
  }
  *out = session;
  return NULL;
}

tn_error *tn_session_new_remote(tn_graph *graph, tn_remote *remote, tn_session **out) {
  tn_session *session = tn_calloc(1, sizeof *session);
  if (!session) return tn_out_of_memory();
  atomic_init(&session->refs, 1);
  pthread_mutex_init(&session->mutex, NULL);
  session->graph = tn_graph_ref(graph);
  session->remote = remote;
  *out = session;
  return NULL;
}

void tn_session_plan_stats(const tn_session *session, uint64_t *cached, uint64_t *hits, uint64_t *made) {
  *cached = atomic_load(&session->plans_cached);
  *hits = atomic_load(&session->plan_hits);
  *made = atomic_load(&session->plans_made);
}

int tn_session_n_devices(const tn_session *session) {
  return session->remote ? session->remote->n_devices(session->remote) : tn_placement_n(session->placement);
}

const char *tn_session_device(const tn_session *session, int i) {
  if (session->remote) return session->remote->device(session->remote, i);
  return i < 0 || i >= tn_placement_n(session->placement) ? NULL : tn_placement_name(session->placement, i);
}

tn_error *tn_session_node_device(tn_session *session, const tn_node *node, const char **out) {
  if (!node || node->graph != session->graph) {
    return tn_errorf(TN_INVALID_ARGUMENT, "the node is not in this session's graph");
  }
  if (session->remote) return tn_errorf(TN_UNIMPLEMENTED, "nodes of a remote session are placed by its master");
  TN_TRY(tn_placement_update(session->placement, session->graph));
  *out = tn_placement_name(session->placement, tn_placement_of(session->placement, node));
  return NULL;
}

void tn_session_close(tn_session *session) {
  if (session && !atomic_exchange(&session->closed, true) && session->remote) session->remote->close(session->remote);
}

void tn_session_free(tn_session *session) {
  tn_session_close(session);
  tn_session_unref(session);
}

/* Every so many new plans the idle ones give their memory back: what is in use takes it again. */
#define PLANS_BETWEEN_TRIMS 64

static tn_error *program_of(tn_session *session, const tn_step_signature *signature, tn_program **out) {
  tn_lock(&session->mutex);
  uint64_t made = atomic_load_explicit(&session->plans_made, memory_order_relaxed);
  if (made - atomic_load_explicit(&session->trimmed_at, memory_order_relaxed) >= PLANS_BETWEEN_TRIMS) {
    atomic_store(&session->trimmed_at, made);
    tn_program_cache_trim(session->programs);
  }
  tn_error *error = tn_program_cache_get(session->programs, session, signature, out);
  tn_unlock(&session->mutex);
  return error;
}

tn_error *tn_session_run(tn_session *session, const tn_run_options *options, size_t n_feeds, const tn_output *feeds,
                         tn_tensor *const *values, size_t n_fetches, const tn_output *fetches, size_t n_targets,
                         tn_node *const *targets, tn_tensor **out, tn_run_metadata *metadata) {
  if (atomic_load(&session->closed)) return tn_errorf(TN_CANCELLED, "Session has been closed.");
  tn_step_signature signature = {.n_feeds = n_feeds,
                                 .n_fetches = n_fetches,
                                 .n_targets = n_targets,
                                 .feeds = feeds,
                                 .fetches = fetches,
                                 .targets = targets};
  if (session->remote) return session->remote->run(session->remote, options, &signature, values, out, metadata);
  tn_program *program = NULL;
  TN_TRY(program_of(session, &signature, &program));
  tn_session_ref(session);
  tn_error *error = tn_program_run(program, options, values, out, metadata);
  tn_program_unref(program);
  tn_session_unref(session);
  return error;
}

tn_error *tn_session_make_callable(tn_session *session, size_t n_feeds, const tn_output *feeds, size_t n_fetches,
                                   const tn_output *fetches, size_t n_targets, tn_node *const *targets,
                                   tn_callable **out) {
  tn_callable *callable = tn_calloc(1, sizeof *callable);
  if (!callable) return tn_out_of_memory();
  tn_step_signature signature = {.n_feeds = n_feeds,
                                 .n_fetches = n_fetches,
                                 .n_targets = n_targets,
                                 .feeds = feeds,
                                 .fetches = fetches,
                                 .targets = targets};
  tn_error *error = session->remote ? tn_signature_copy(&signature, &callable->signature)
                                    : program_of(session, &signature, &callable->program);
  if (error) {
    tn_signature_clear(&callable->signature);
    tn_free(callable);
    return error;
  }
  callable->session = tn_session_ref(session);
  *out = callable;
  return NULL;
}

tn_error *tn_callable_run(tn_callable *callable, const tn_run_options *options, tn_tensor *const *values,
                          tn_tensor **out, tn_run_metadata *metadata) {
  tn_remote *remote = callable->session->remote;
  if (remote) return remote->run(remote, options, &callable->signature, values, out, metadata);
  return tn_program_run(callable->program, options, values, out, metadata);
}

void tn_callable_free(tn_callable *callable) {
  if (!callable) return;
  tn_program_unref(callable->program);
  tn_session_unref(callable->session);
  tn_signature_clear(&callable->signature);
  tn_free(callable);
}

tn_error *tn_cancellation_new(tn_cancellation **out) {
  tn_cancellation *cancellation = tn_calloc(1, sizeof *cancellation);
  if (!cancellation) return tn_out_of_memory();
  *out = cancellation;
  return NULL;
}

void tn_cancellation_cancel(tn_cancellation *cancellation) { atomic_store(&cancellation->cancelled, true); }

void tn_cancellation_free(tn_cancellation *cancellation) { tn_free(cancellation); }

void tn_run_metadata_clear(tn_run_metadata *metadata) {
  if (!metadata) return;
  tn_free(metadata->step_stats);
  tn_free(metadata->chrome_trace);
  memset(metadata, 0, sizeof *metadata);
}
