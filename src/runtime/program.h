/* A program is a step whose names are resolved: what a session keeps per set of feeds, fetches and targets. */
#ifndef TN_RUNTIME_PROGRAM_H
#define TN_RUNTIME_PROGRAM_H

#include "kernel/step.h"
#include "runtime/session.h"
#include "runtime/trace.h"

/* Steps that are fed more shapes than these run in the dynamic executor; and so does one whose plans went out of date
 * that often. */
#define TN_PROGRAM_PLANS   16
#define TN_PROGRAM_RETIRED 64

typedef struct tn_program {
  atomic_int refs;
  tn_session *session; /* not counted: the session owns its programs, a callable holds both */
  tn_step_signature signature;
  tn_subgraph *subgraph;
  bool nested;            /* an island of another program */
  tn_subgraph *condensed; /* with islands, for the dynamic executor; made with the lock held when it is needed */
  struct tn_program **islands;
  atomic_uint_fast64_t graph_version;                  /* the last one for which SUBGRAPH is known to be right */
  pthread_mutex_t mutex;                               /* taken to add a plan */
  _Atomic(struct tn_static *) plans[TN_PROGRAM_PLANS]; /* by the shapes that are fed */
  int n_plans, n_retired;
  struct tn_static *retired[TN_PROGRAM_RETIRED]; /* somebody may still walk them */
} tn_program;

tn_error *tn_program_new(tn_session *session, const tn_step_signature *signature, tn_program **out) TN_MUST_USE;
tn_program *tn_program_ref(tn_program *program);
void tn_program_unref(tn_program *program);
/* False if the graph was changed in what the program runs. */
bool tn_program_current(tn_program *program);

/* Frees the memory of the plans that nobody runs now. Safe while others run them. */
void tn_program_trim(tn_program *program);

/* Runs one step. */
tn_error *tn_program_run(tn_program *program, const tn_run_options *options, tn_tensor *const *values, tn_tensor **out,
                         tn_run_metadata *metadata) TN_MUST_USE;

/* Runs an island, or the body of a function, inside STEP: as a plan if it can be one. OUTPUTS are clear. */
tn_error *tn_program_run_island(tn_program *program, tn_step *step, tn_trace *trace, const tn_tensor *inputs,
                                tn_tensor *outputs) TN_MUST_USE;

/* Runs all of PROGRAM, which has neither feeds nor fetches, as a part of a larger step: what it takes and gives goes
 * through STEP's rendezvous. TRACE may be NULL. */
tn_error *tn_program_run_part(tn_program *program, tn_step *step, tn_trace *trace) TN_MUST_USE;

/* A session's programs, the least recently used dropped. Not thread-safe. */
typedef struct tn_program_cache tn_program_cache;
tn_error *tn_program_cache_new(tn_program_cache **out) TN_MUST_USE;
void tn_program_cache_free(tn_program_cache *cache);
/* Trims all programs. */
void tn_program_cache_trim(tn_program_cache *cache);
/* The program of SIGNATURE, made if need be; *OUT is a new reference. */
tn_error *tn_program_cache_get(tn_program_cache *cache, tn_session *session, const tn_step_signature *signature,
                               tn_program **out) TN_MUST_USE;

#endif
