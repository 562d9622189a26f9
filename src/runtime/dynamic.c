/* The dynamic executor's loop: takes what is ready, runs it, passes its outputs on. */
#include "runtime/dynamic.h"

#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "base/thread.h"
#include "runtime/frames.h"
#include "runtime/live.h"
#include "runtime/node.h"
#include "runtime/threads.h"
#include "runtime/transfer.h"

struct tn_dynamic {
  tn_dynamic_request request;
  pthread_mutex_t mutex; /* guards what follows */
  pthread_cond_t changed;
  tn_flow flow;
  int active;         /* nodes that run now */
  int waiting;        /* threads that wait for CHANGED */
  int helpers;        /* threads beside the caller's that take nodes */
  atomic_int tellers; /* threads that are about to signal CHANGED, without the lock */
  struct job *parked; /* nodes whose kernels wait without a thread; they count as active */
  struct job *woken;  /* those of them that are to be run again */
  tn_error *error;
  bool aborted;       /* the rendezvous knows of the error */
  tn_tensor *fetched; /* each belongs to one item, which fills it without the lock */
};

/* A node that runs on a thread of its own, or that waits without one. */
typedef struct job {
  tn_dynamic *run;
  tn_ready ready;
  tn_waiter waiter;
  bool parked, woken; /* it is in the list of those; its object has changed since it ran */
  struct job *next, **link;
} job;

tn_error *tn_dynamic_new(const tn_dynamic_request *request, tn_dynamic **out) {
  tn_dynamic *run = tn_calloc(1, sizeof *run);
  if (!run) return tn_out_of_memory();
  run->request = *request;
  run->fetched = tn_calloc(request->n_fetches + 1, sizeof *run->fetched);
  tn_error *error = run->fetched ? tn_flow_init(&run->flow, request->subgraph) : tn_out_of_memory();
  if (error) {
    tn_free(run->fetched);
    tn_free(run);
    return error;
  }
  pthread_mutex_init(&run->mutex, NULL);
  pthread_cond_init(&run->changed, NULL);
  *out = run;
  return NULL;
}

void tn_dynamic_free(tn_dynamic *run) {
  if (!run) return;
  while (atomic_load_explicit(&run->tellers, memory_order_acquire)) sched_yield();
  tn_flow_clear(&run->flow);
  for (size_t i = 0; i < run->request.n_fetches; i++) tn_tensor_clear(&run->fetched[i]);
  tn_error_free(run->error);
  pthread_cond_destroy(&run->changed);
  pthread_mutex_destroy(&run->mutex);
  tn_free(run->fetched);
  tn_free(run);
}

tn_error *tn_dynamic_fetched(tn_dynamic *run, size_t i, const tn_tensor **out) {
  tn_tensor *value = &run->fetched[i];
  if (value->dtype != TN_INVALID && tn_dtype_is_ref(value->dtype)) TN_TRY(tn_deref(value, value));
  *out = value;
  return NULL;
}

/* While this thread brings several tensors: whom it is to tell at the end. */
static _Thread_local bool telling_rests;
static _Thread_local tn_dynamic *untold;

static void tell(tn_dynamic *run) {
  if (!run) return;
  pthread_cond_broadcast(&run->changed);
  atomic_fetch_sub_explicit(&run->tellers, 1, memory_order_release);
}

/* Lets the lock go and tells who waits, if there is something for them to do: in this order, for they would only wait
 * for the lock. */
static void unlock_and_tell(tn_dynamic *run) {
  bool idle = run->active && !run->flow.n_ready && !run->woken && !run->error;
  if (!run->waiting || idle || run == untold) {
    tn_unlock(&run->mutex);
    return;
  }
  atomic_fetch_add_explicit(&run->tellers, 1, memory_order_relaxed);
  tn_unlock(&run->mutex);
  tell(telling_rests ? untold : run);
  if (telling_rests) untold = run;
}

void tn_dynamic_hold(void) { telling_rests = true; }

void tn_dynamic_release(void) {
  tn_dynamic *run = untold;
  untold = NULL;
  telling_rests = false;
  tell(run);
}

/* With the lock held: the step fails with ERROR, if it is the first. */
static void fail(tn_dynamic *run, tn_error *error) {
  if (run->error) {
    tn_error_free(error);
    return;
  }
  run->error = error;
  atomic_store(&run->request.step->stopped, true);
}

/* Keeps what is fetched of ITEM's OUTPUTS. Variables themselves are read at the end, other references now. */
static tn_error *fetch(tn_dynamic *run, const tn_item *item, const tn_tensor *outputs) {
  for (int i = item->first_fetch; i < item->first_fetch + item->n_fetches; i++) {
    const tn_fetch_of *f = &run->request.subgraph->fetches[i];
    const tn_tensor *value = &outputs[f->output];
    if (tn_dtype_is_ref(value->dtype) && item->n_inputs > 0) {
      TN_TRY(tn_deref(value, &run->fetched[f->fetch]));
    } else if (value->dtype != TN_INVALID) {
      tn_tensor_set(&run->fetched[f->fetch], value);
    }
  }
  return NULL;
}

void tn_dynamic_feed(tn_dynamic *run, int i, tn_tensor *value) {
  tn_lock(&run->mutex);
  tn_error *error = fetch(run, &run->request.subgraph->items[i], value);
  if (error) {
    fail(run, error);
  } else {
    tn_flow_feed(&run->flow, i, value);
  }
  tn_unlock(&run->mutex);
}

/* Runs a node whose kernel may use all cores, if nobody else does. WAITER is NULL, or for a kernel that attempts. */
static tn_error *run_node(tn_dynamic *run, const tn_item *item, tn_tensor *inputs, tn_tensor *outputs,
                          tn_waiter *waiter, tn_run_outcome *outcome) {
  const tn_dynamic_request *request = &run->request;
  tn_node_context context = {.kernels = request->kernels,
                             .step = request->step,
                             .trace = request->trace,
                             .subgraph = request->subgraph,
                             .islands = request->islands,
                             .waiter = waiter};
  /* What calls functions leaves the cores to what these do. */
  bool alone = !item->blocking && item->kind == TN_ITEM_KERNEL && !(item->node->op->flags & TN_OP_CALLS);
  bool all = alone && request->threads > 1 && tn_cores_take();
  int before = tn_parallel_set_threads(all ? request->threads : 1);
  tn_error *error = tn_run_item(&context, item, inputs, outputs);
  tn_parallel_set_threads(before);
  if (all) tn_cores_give();
  *outcome = context.outcome;
  return error;
}

/* READY, which was counted as active, has run: its OUTPUTS (or ERROR) go on. Takes the lock. */
static void finish(tn_dynamic *run, const tn_ready *ready, const tn_tensor *outputs, tn_error *error) {
  if (!error) error = fetch(run, &run->request.subgraph->items[ready->item], outputs);
  tn_lock(&run->mutex);
  if (error) {
    if (tn_error_code(error) == TN_RESOURCE_EXHAUSTED) error = tn_name_largest(error, &run->flow);
    fail(run, error);
  } else if (!run->error) {
    tn_flow_propagate(&run->flow, ready, outputs);
    if (run->flow.failed) fail(run, tn_out_of_memory());
  }
  run->active--;
  unlock_and_tell(run);
}

/* What a _Recv waited for has come. */
static void received(void *argument, tn_error *error, tn_tensor *value, bool is_dead) {
  job j = *(job *)argument;
  tn_free(argument);
  tn_tensor outputs[1] = {{0}};
  if (!error && is_dead) j.ready.dead = true;
  if (!error && !is_dead) tn_tensor_set(&outputs[0], value);
  tn_tensor_clear(value);
  finish(j.run, &j.ready, outputs, error);
  tn_tensor_clear(&outputs[0]);
}

/* Starts READY, which waits for a tensor; it counts as active until that is there. */
static void receive(tn_dynamic *run, const tn_ready *ready) {
  job *j = tn_malloc(sizeof *j);
  tn_error *error = j ? tn_step_check(run->request.step) : tn_out_of_memory();
  if (j) *j = (job){.run = run, .ready = *ready};
  if (!error) error = tn_transfer_recv(run->request.step, &run->flow, ready, received, j);
  if (!error) return;
  tn_free(j);
  finish(run, ready, NULL, error);
}

/* With the lock held. */
static void unpark(job *j) {
  *j->link = j->next;
  if (j->next) j->next->link = j->link;
  j->parked = false;
}

/* J's object has changed. */
static void wake(tn_waiter *waiter) {
  job *j = (job *)((char *)waiter - offsetof(job, waiter));
  tn_dynamic *run = j->run;
  tn_lock(&run->mutex);
  j->woken = true;
  if (j->parked) {
    unpark(j);
    j->next = run->woken;
    run->woken = j;
    unlock_and_tell(run);
  } else {
    tn_unlock(&run->mutex);
  }
}

/* J's kernel waits: true if its node rests until it is woken; false if it was already, or if the step has failed. */
static bool park(tn_dynamic *run, job *j) {
  tn_lock(&run->mutex);
  bool rests = !j->woken && !run->error;
  if (rests) {
    j->parked = true;
    j->next = run->parked;
    j->link = &run->parked;
    if (j->next) j->next->link = &j->next;
    run->parked = j;
  }
  j->woken = false;
  tn_unlock(&run->mutex);
  return rests;
}

static void leave_line(job *j) {
  if (j->waiter.state) j->waiter.leave(&j->waiter);
}

/* Runs READY, which the caller counted as active; takes the lock when it is done. J is NULL, or the job of a node whose
 * kernel attempts: its outcome is returned, and unless that is TN_RUN_DONE the node still counts as active. */
static tn_run_outcome process(tn_dynamic *run, const tn_ready *ready, tn_tensor *inputs, job *j) {
  enum { FEW = 8 };
  const tn_item *item = &run->request.subgraph->items[ready->item];
  tn_tensor few[FEW], *outputs = few;
  size_t n = (size_t)item->n_outputs;
  if (n > FEW) outputs = tn_malloc(n * sizeof *outputs);
  tn_error *error = outputs ? tn_step_check(run->request.step) : tn_out_of_memory();
  if (outputs) memset(outputs, 0, n * sizeof *outputs);
  tn_run_outcome outcome = TN_RUN_DONE;
  if (!error && !ready->dead) error = run_node(run, item, inputs, outputs, j ? &j->waiter : NULL, &outcome);
  if (!error && item->kind == TN_ITEM_SEND) error = tn_transfer_send(run->request.step, &run->flow, ready, inputs);
  if (error) outcome = TN_RUN_DONE;
  if (j && outcome != TN_RUN_WAITS) leave_line(j);
  if (outcome == TN_RUN_DONE) finish(run, ready, outputs, error);
  for (size_t i = 0; outputs && i < n; i++) tn_tensor_clear(&outputs[i]);
  if (outputs != few) tn_free(outputs);
  return outcome;
}

static void run_job(void *argument) {
  job j = *(job *)argument;
  tn_free(argument);
  process(j.run, &j.ready, tn_flow_inputs(&j.run->flow, &j.ready), NULL);
}

/* With the lock held: runs READY, which may wait, on a thread of its own. */
static void start_job(tn_dynamic *run, const tn_ready *ready) {
  job *j = tn_malloc(sizeof *j);
  tn_error *error = j ? NULL : tn_out_of_memory();
  if (j) {
    *j = (job){.run = run, .ready = *ready};
    error = tn_background(run_job, j);
  }
  if (!error) return;
  tn_free(j);
  run->active--;
  fail(run, error);
}

/* Runs the node of J, which is counted as active, without blocking. */
static void attempt(tn_dynamic *run, job *j) {
  for (;;) {
    tn_run_outcome outcome = process(run, &j->ready, tn_flow_inputs(&run->flow, &j->ready), j);
    if (outcome == TN_RUN_WAITS && park(run, j)) return;
    if (outcome == TN_RUN_WAITS) continue;
    if (outcome == TN_RUN_NEEDS_THREAD) {
      tn_lock(&run->mutex);
      start_job(run, &j->ready);
      tn_unlock(&run->mutex);
    }
    tn_free(j);
    return;
  }
}

/* With the lock held, which it lets go meanwhile: attempts READY, counted as active. */
static void start_attempt(tn_dynamic *run, const tn_ready *ready) {
  job *j = tn_malloc(sizeof *j);
  if (j) *j = (job){.run = run, .ready = *ready, .waiter = {.wake = wake}};
  tn_unlock(&run->mutex);
  if (j) {
    attempt(run, j);
  } else {
    finish(run, ready, NULL, tn_out_of_memory());
  }
  tn_lock(&run->mutex);
}

/* With the lock held, which it lets go meanwhile: runs one of the woken nodes again. */
static void attempt_again(tn_dynamic *run) {
  job *j = run->woken;
  run->woken = j->next;
  j->woken = false;
  tn_unlock(&run->mutex);
  attempt(run, j);
  tn_lock(&run->mutex);
}

/* With the lock held, which it lets go meanwhile: the step has failed, and nobody waits for it any more. */
static void drop_waiting(tn_dynamic *run) {
  while (run->parked || run->woken) {
    job *j = run->woken;
    if (j) {
      run->woken = j->next;
    } else {
      j = run->parked;
      unpark(j);
    }
    tn_unlock(&run->mutex);
    leave_line(j);
    tn_free(j);
    tn_lock(&run->mutex);
    run->active--;
  }
}

/* With the lock held: waits until something changed, but looks up now and then whether the step was stopped. */
static void wait_for_change(tn_dynamic *run) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += 10000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_nsec -= 1000000000;
    until.tv_sec++;
  }
  run->waiting++;
  pthread_cond_timedwait(&run->changed, &run->mutex, &until);
  run->waiting--;
  if (!run->error) {
    tn_error *error = tn_step_check(run->request.step);
    if (error) fail(run, error);
  }
}

/* With the lock held, which it lets go meanwhile: who waits for a tensor hears of the error. */
static void abort_transfers(tn_dynamic *run) {
  run->aborted = true;
  if (!run->request.step->rendezvous) return;
  tn_error *error = tn_error_copy(run->error);
  tn_unlock(&run->mutex);
  tn_rendezvous_abort(run->request.step->rendezvous, error);
  tn_error_free(error);
  tn_lock(&run->mutex);
}

/* Takes nodes until none is ready or running. */
static void work(tn_dynamic *run) {
  tn_lock(&run->mutex);
  for (;;) {
    if (run->error || (!run->flow.n_ready && !run->woken)) {
      if (run->error) drop_waiting(run);
      if (!run->active) break;
      if (run->error && !run->aborted) {
        abort_transfers(run);
        continue;
      }
      wait_for_change(run);
      continue;
    }
    if (run->woken) {
      attempt_again(run);
      continue;
    }
    tn_ready ready = run->flow.ready[--run->flow.n_ready];
    const tn_item *item = &run->request.subgraph->items[ready.item];
    run->active++;
    /* If it is the only one that could run, nobody waits for this thread. */
    bool alone = run->active == 1 && !run->flow.n_ready && !run->helpers;
    if (!ready.dead && !alone && tn_item_attempts(item)) {
      start_attempt(run, &ready);
      continue;
    }
    if (item->blocking && !ready.dead && !alone) {
      start_job(run, &ready);
      continue;
    }
    tn_tensor *inputs = tn_flow_inputs(&run->flow, &ready);
    tn_unlock(&run->mutex);
    if (item->kind == TN_ITEM_RECV) {
      receive(run, &ready);
    } else {
      process(run, &ready, inputs, NULL);
    }
    tn_lock(&run->mutex);
  }
  if (run->waiting) pthread_cond_broadcast(&run->changed);
  tn_unlock(&run->mutex);
}

static void help(void *argument) {
  tn_dynamic *run = argument;
  work(run);
  tn_lock(&run->mutex);
  run->helpers--;
  pthread_cond_broadcast(&run->changed);
  tn_unlock(&run->mutex);
}

tn_error *tn_dynamic_go(tn_dynamic *run) {
  for (int i = 1; i < run->request.workers && i < run->request.subgraph->n_items; i++) {
    tn_lock(&run->mutex);
    run->helpers++;
    tn_unlock(&run->mutex);
    tn_error *error = tn_background(help, run);
    if (!error) continue;
    tn_error_free(error); /* fewer threads do the same */
    tn_lock(&run->mutex);
    run->helpers--;
    tn_unlock(&run->mutex);
    break;
  }
  work(run);
  tn_lock(&run->mutex);
  while (run->helpers) {
    run->waiting++;
    pthread_cond_wait(&run->changed, &run->mutex);
    run->waiting--;
  }
  tn_error *error = run->error;
  run->error = NULL;
  tn_unlock(&run->mutex);
  return error;
}
