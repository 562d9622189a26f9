/* Sessions: run graphs. Thread-safe: many threads may run steps of one session at once. */
#ifndef TENON_SESSION_H
#define TENON_SESSION_H

#include <tenon/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Runs a graph and holds its state (variables, queues, random counters). */
typedef struct tn_session tn_session;
/* A step whose names are resolved once; see tn_session_make_callable. */
typedef struct tn_callable tn_callable;
/* Stops steps from another thread. */
typedef struct tn_cancellation tn_cancellation;

/* How a session runs; zero-initialise for the defaults. */
typedef struct tn_session_options {
  int intra_op_threads;        /* threads inside an op; 0: as many as the cgroup grants */
  int inter_op_threads;        /* threads of the dynamic executor; 0: the same */
  const char *disabled_passes; /* comma-separated compiler passes that are left out; "all": every one */
  bool dynamic_only;           /* never use the static executor (tests) */
  bool no_soft_placement;      /* a device that does not exist is an error */
  int cpu_devices;             /* how many CPU devices there are, as device_count says; 0: one */
  bool log_device_placement;   /* shows on stdout which device each node is placed on */
} tn_session_options;

/* How one step runs; zero-initialise for the defaults. */
typedef struct tn_run_options {
  int64_t timeout_ms;            /* 0: none. Over it: DEADLINE_EXCEEDED */
  int trace;                     /* 1: record times and memory of every node */
  tn_cancellation *cancellation; /* NULL: none */
} tn_run_options;

/* What a traced step did; zero-initialise, free with tn_run_metadata_clear. */
typedef struct tn_run_metadata {
  char *step_stats; /* serialised StepStats proto, SIZE bytes */
  size_t step_stats_size;
  char *chrome_trace; /* the same as JSON for chrome://tracing, NUL-terminated */
} tn_run_metadata;

/* A session on GRAPH, of which it holds a reference. OPTIONS may be NULL. */
TN_API tn_error *tn_session_new(tn_graph *graph, const tn_session_options *options, tn_session **out) TN_MUST_USE;
/* Closes the session: running steps are cancelled, later ones fail with CANCELLED. */
TN_API void tn_session_close(tn_session *session);
/* Closes and frees. */
TN_API void tn_session_free(tn_session *session);

/* The number of SESSION's devices. */
TN_API int tn_session_n_devices(const tn_session *session);
/* The full name of device I ("/job:localhost/replica:0/task:0/device:CPU:0"), valid as long as SESSION; NULL if there
 * are fewer. */
TN_API const char *tn_session_device(const tn_session *session, int i);
/* The device that NODE runs on; the graph is placed as a step would do it. INVALID_ARGUMENT: NODE is of another graph,
 * or something in the graph can't be placed. */
TN_API tn_error *tn_session_node_device(tn_session *session, const tn_node *node, const char **out) TN_MUST_USE;

/* Runs one step: FEEDS replace tensors, FETCHES name what comes out (index -1: run only, out[i] is NULL), TARGETS run
 * as well. OPTIONS and METADATA may be NULL. OUT receives one tensor per fetch, to be freed by the caller; untouched on
 * an error. Errors carry the node's name; a fetch or feed from another graph is INVALID_ARGUMENT. */
TN_API tn_error *tn_session_run(tn_session *session, const tn_run_options *options, size_t n_feeds,
                                const tn_output *feeds, tn_tensor *const *values, size_t n_fetches,
                                const tn_output *fetches, size_t n_targets, tn_node *const *targets, tn_tensor **out,
                                tn_run_metadata *metadata) TN_MUST_USE;

/* Resolves a step once; run it many times, from any thread. Holds a reference on SESSION. */
TN_API tn_error *tn_session_make_callable(tn_session *session, size_t n_feeds, const tn_output *feeds, size_t n_fetches,
                                          const tn_output *fetches, size_t n_targets, tn_node *const *targets,
                                          tn_callable **out) TN_MUST_USE;
/* Runs it: as tn_session_run with the callable's feeds and fetches. */
TN_API tn_error *tn_callable_run(tn_callable *callable, const tn_run_options *options, tn_tensor *const *values,
                                 tn_tensor **out, tn_run_metadata *metadata) TN_MUST_USE;
/* Frees the callable. */
TN_API void tn_callable_free(tn_callable *callable);

/* Partial runs, as Session.partial_run: set up once what will be fed and fetched, then run it in parts. */
typedef struct tn_partial_run tn_partial_run;
/* Declares the step. */
TN_API tn_error *tn_partial_run_new(tn_session *session, size_t n_feeds, const tn_output *feeds, size_t n_fetches,
                                    const tn_output *fetches, tn_partial_run **out) TN_MUST_USE;
/* Feeds some, fetches some; each feed and fetch once. */
TN_API tn_error *tn_partial_run_step(tn_partial_run *run, size_t n_feeds, const tn_output *feeds,
                                     tn_tensor *const *values, size_t n_fetches, const tn_output *fetches,
                                     tn_tensor **out) TN_MUST_USE;
/* Frees it. */
TN_API void tn_partial_run_free(tn_partial_run *run);

/* A token that can stop steps; free with tn_cancellation_free after the steps ended. */
TN_API tn_error *tn_cancellation_new(tn_cancellation **out) TN_MUST_USE;
/* Stops every step that runs with the token: they end with CANCELLED. Async-signal-safe. */
TN_API void tn_cancellation_cancel(tn_cancellation *cancellation);
/* Frees the token. */
TN_API void tn_cancellation_free(tn_cancellation *cancellation);

/* Frees what METADATA holds. */
TN_API void tn_run_metadata_clear(tn_run_metadata *metadata);

/* Counters of the calling thread since its start: how many allocations, lock acquisitions and hash look-ups the library
 * made. */
typedef struct tn_counters {
  uint64_t allocations;
  uint64_t locks;
  uint64_t lookups;
} tn_counters;
/* Counters of the walk of the last static step that the calling thread ran. */
TN_API tn_counters tn_last_step_counters(void);

#ifdef __cplusplus
}
#endif
#endif
