/* Partial runs: one step of the dynamic executor that goes on as its feeds come. */
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "kernel/step.h"
#include "runtime/dynamic.h"
#include "runtime/program.h"

struct tn_partial_run {
  pthread_mutex_t mutex;
  tn_session *session;
  tn_program *program;
  tn_step step;
  tn_dynamic *run;
  bool *fed, *fetched;
  bool failed;
  char *remote; /* the handle of a remote session's; what is above is not used then */
};

static tn_error *furnish(tn_partial_run *run, const tn_step_signature *signature) {
  TN_TRY(tn_program_new(run->session, signature, &run->program));
  tn_dynamic_request request = {.subgraph = run->program->subgraph,
                                .kernels = run->session->kernels,
                                .step = &run->step,
                                .n_fetches = signature->n_fetches,
                                .threads = run->session->threads,
                                .workers = 1};
  TN_TRY(tn_dynamic_new(&request, &run->run));
  run->fed = tn_calloc(signature->n_feeds + 1, sizeof *run->fed);
  run->fetched = tn_calloc(signature->n_fetches + 1, sizeof *run->fetched);
  return run->fed && run->fetched ? NULL : tn_out_of_memory();
}

tn_error *tn_partial_run_new(tn_session *session, size_t n_feeds, const tn_output *feeds, size_t n_fetches,
                             const tn_output *fetches, tn_partial_run **out) {
  if (atomic_load(&session->closed)) return tn_errorf(TN_CANCELLED, "Session has been closed.");
  tn_partial_run *run = tn_calloc(1, sizeof *run);
  if (!run) return tn_out_of_memory();
  pthread_mutex_init(&run->mutex, NULL);
  run->session = tn_session_ref(session);
  tn_step_init(&run->step, session->state);
  run->step.closed = &session->closed;
  tn_step_signature signature = {.n_feeds = n_feeds, .feeds = feeds, .n_fetches = n_fetches, .fetches = fetches};
  tn_remote *remote = session->remote;
  tn_error *error = remote ? remote->partial_new(remote, &signature, &run->remote) : furnish(run, &signature);
  if (error) {
    tn_partial_run_free(run);
    return error;
  }
  *out = run;
  return NULL;
}

/* The number of OUTPUT among the N that were declared; INVALID_ARGUMENT if it isn't there or was used before. */
static tn_error *find(const tn_output *declared, size_t n, const bool *used, tn_output output, size_t *out) {
  for (size_t i = 0; i < n; i++) {
    if (declared[i].node != output.node || declared[i].index != output.index) continue;
    if (used[i]) {
      return tn_errorf(TN_INVALID_ARGUMENT, "'%s:%d' was fed or fetched before in this partial run", output.node->name,
                       output.index);
    }
    *out = i;
    return NULL;
  }
  return tn_errorf(TN_INVALID_ARGUMENT, "'%s:%d' was not specified in partial_run_setup",
                   output.node ? output.node->name : "", output.index);
}

static tn_error *feed(tn_partial_run *run, size_t n, const tn_output *feeds, tn_tensor *const *values) {
  const tn_step_signature *s = &run->program->signature;
  for (size_t i = 0; i < n; i++) {
    size_t at = 0;
    TN_TRY(find(s->feeds, s->n_feeds, run->fed, feeds[i], &at));
    TN_TRY(tn_check_feed(feeds[i], values[i]));
  }
  for (size_t i = 0; i < n; i++) {
    size_t at = 0;
    TN_TRY(find(s->feeds, s->n_feeds, run->fed, feeds[i], &at));
    run->fed[at] = true;
    tn_dynamic_feed(run->run, (int)at, values[i]);
  }
  return NULL;
}

static tn_error *take(tn_partial_run *run, size_t n, const tn_output *fetches, tn_tensor **boxed) {
  const tn_step_signature *s = &run->program->signature;
  for (size_t i = 0; i < n; i++) {
    size_t at = 0;
    TN_TRY(find(s->fetches, s->n_fetches, run->fetched, fetches[i], &at));
    run->fetched[at] = true;
    if (fetches[i].index < 0) continue;
    const tn_tensor *value = NULL;
    TN_TRY(tn_dynamic_fetched(run->run, at, &value));
    if (value->dtype == TN_INVALID) {
      return tn_errorf(TN_INVALID_ARGUMENT, "'%s:%d' can't be computed from what was fed so far", fetches[i].node->name,
                       fetches[i].index);
    }
    TN_TRY(tn_tensor_box(value, &boxed[i]));
  }
  return NULL;
}

/* With the lock held: hands over what FETCHES name. */
static tn_error *hand_over(tn_partial_run *run, size_t n, const tn_output *fetches, tn_tensor **out) {
  tn_tensor **boxed = tn_calloc(n + 1, sizeof *boxed);
  if (!boxed) return tn_out_of_memory();
  tn_error *error = take(run, n, fetches, boxed);
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

/* With the lock held: feeds, and runs what that makes ready. */
static tn_error *advance(tn_partial_run *run, size_t n, const tn_output *feeds, tn_tensor *const *values) {
  if (run->failed) return tn_errorf(TN_INVALID_ARGUMENT, "this partial run has failed before");
  TN_TRY(feed(run, n, feeds, values));
  tn_error *error = tn_dynamic_go(run->run);
  if (error) run->failed = true;
  return error;
}

tn_error *tn_partial_run_step(tn_partial_run *run, size_t n_feeds, const tn_output *feeds, tn_tensor *const *values,
                              size_t n_fetches, const tn_output *fetches, tn_tensor **out) {
  if (run->remote) {
    tn_step_signature signature = {.n_feeds = n_feeds, .feeds = feeds, .n_fetches = n_fetches, .fetches = fetches};
    return run->session->remote->partial_step(run->session->remote, run->remote, &signature, values, out);
  }
  tn_lock(&run->mutex);
  tn_error *error = advance(run, n_feeds, feeds, values);
  if (!error) error = hand_over(run, n_fetches, fetches, out);
  tn_unlock(&run->mutex);
  return error;
}

void tn_partial_run_free(tn_partial_run *run) {
  if (!run) return;
  tn_dynamic_free(run->run);
  tn_step_finish(&run->step);
  tn_program_unref(run->program);
  tn_session_unref(run->session);
  tn_free(run->remote);
  tn_free(run->fed);
  tn_free(run->fetched);
  pthread_mutex_destroy(&run->mutex);
  tn_free(run);
}
