/* Steps: what stops them. */
#include "kernel/step.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/thread.h"

void tn_step_init(tn_step *step, tn_session_state *session) {
  static atomic_uint_fast64_t next = 1;
  memset(step, 0, sizeof *step);
  step->session = session;
  step->id = atomic_fetch_add_explicit(&next, 1, memory_order_relaxed);
}

void tn_step_finish(tn_step *step) {
  tn_resources *resources = atomic_exchange(&step->resources, NULL);
  if (resources) tn_resources_free(resources);
}

tn_error *tn_step_check(const tn_step *step) {
  if (step->cancellation && atomic_load_explicit(&step->cancellation->cancelled, memory_order_relaxed)) {
    return tn_errorf(TN_CANCELLED, "the step was cancelled");
  }
  if (step->closed && atomic_load_explicit(step->closed, memory_order_relaxed)) {
    return tn_errorf(TN_CANCELLED, "the session has been closed");
  }
  if (atomic_load_explicit(&step->stopped, memory_order_relaxed)) {
    return tn_errorf(TN_CANCELLED, "the step was stopped because another node failed");
  }
  if (step->deadline_ns && tn_now_ns() > step->deadline_ns) {
    return tn_errorf(TN_DEADLINE_EXCEEDED, "the step took longer than its timeout");
  }
  return step->parent ? tn_step_check(step->parent) : NULL;
}

tn_error *tn_step_wait(const tn_step *step, pthread_cond_t *condition, pthread_mutex_t *mutex) {
  /* A cancellation may come from a signal handler, which can't signal a condition: look every few milliseconds. */
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += 10000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_nsec -= 1000000000;
    until.tv_sec++;
  }
  pthread_cond_timedwait(condition, mutex, &until);
  return step ? tn_step_check(step) : NULL;
}
