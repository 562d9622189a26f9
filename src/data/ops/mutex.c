/* MutexV2, MutexLock, ConsumeMutexLock: who holds a mutex's lock runs alone. */
#include <pthread.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "graph/shape.h"
#include "kernel/handle.h"
#include "kernel/step.h"

#define MUTEX_TYPE "Mutex"
#define LOCK_TYPE  "MutexLock"

typedef struct mutex {
  tn_object object;
  pthread_mutex_t guard; /* of what follows */
  pthread_cond_t freed;
  bool taken;
} mutex;

/* Holds MUTEX until it is consumed or the last reference goes, as at the end of a step that failed. */
typedef struct lock {
  tn_object object;
  mutex *held;
  atomic_bool consumed;
} lock;

static void destroy_mutex(tn_object *object) {
  mutex *m = (mutex *)object;
  pthread_cond_destroy(&m->freed);
  pthread_mutex_destroy(&m->guard);
  tn_free(m);
}

static tn_error *create(void *argument, const char *name, tn_object **out) {
  (void)argument;
  (void)name;
  mutex *m = tn_calloc(1, sizeof *m);
  if (!m) return tn_out_of_memory();
  atomic_init(&m->object.refs, 1);
  m->object.type = MUTEX_TYPE;
  m->object.destroy = destroy_mutex;
  pthread_mutex_init(&m->guard, NULL);
  pthread_cond_init(&m->freed, NULL);
  *out = &m->object;
  return NULL;
}

static tn_error *prepare_mutex(tn_prepare *p) {
  tn_object *object = NULL;
  tn_handle_request request = {MUTEX_TYPE, create, NULL};
  return tn_handle_prepare(p, &request, &object);
}

/* --- locks --- */

static void release(mutex *m) {
  tn_lock(&m->guard);
  m->taken = false;
  pthread_cond_broadcast(&m->freed);
  tn_unlock(&m->guard);
}

static void destroy_lock(tn_object *object) {
  lock *l = (lock *)object;
  if (!atomic_load(&l->consumed)) release(l->held);
  tn_object_unref(&l->held->object);
  tn_free(l);
}

static tn_error *acquire(mutex *m, const tn_step *step) {
  tn_error *error = NULL;
  tn_lock(&m->guard);
  while (m->taken && !error) error = tn_step_wait(step, &m->freed, &m->guard);
  if (!error) m->taken = true;
  tn_unlock(&m->guard);
  return error;
}

static tn_error *run_lock(tn_run *r) {
  tn_object *object = NULL;
  TN_TRY(tn_run_object(r, 0, MUTEX_TYPE, &object));
  lock *l = tn_calloc(1, sizeof *l);
  if (!l) return tn_out_of_memory();
  atomic_init(&l->object.refs, 1);
  l->object.type = LOCK_TYPE;
  l->object.destroy = destroy_lock;
  l->held = (mutex *)object;
  tn_error *error = acquire(l->held, r->step);
  if (error) {
    tn_free(l);
    return tn_error_context(error, "%s '%s'", r->node->op->name, r->node->name);
  }
  tn_object_ref(object);
  return tn_run_set_handle(r, 0, &l->object);
}

static tn_error *run_consume(tn_run *r) {
  tn_object *object = NULL;
  TN_TRY(tn_run_object(r, 0, LOCK_TYPE, &object));
  lock *l = (lock *)object;
  if (atomic_exchange(&l->consumed, true)) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "the lock was consumed before: a lock is consumed once");
  }
  release(l->held);
  return NULL;
}

static const tn_kernel_def mutexes[] = {
    {.name = "reference", .prepare = prepare_mutex, .run = tn_handle_run, .destroy = tn_handle_destroy}, {0}};
static const tn_kernel_def locks[] = {{.name = "reference", .prepare = tn_prepare_all_dynamic, .run = run_lock}, {0}};
static const tn_kernel_def consumers[] = {{.name = "reference", .prepare = tn_prepare_all_dynamic, .run = run_consume},
                                          {0}};

#define FLAGS TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED

TN_OP(MutexV2, .inputs = "", .outputs = "resource: resource",
      .attrs = "container: string = ''; shared_name: string = ''", .doc = "A mutex that steps can lock.",
      .flags = FLAGS, .shape = tn_shape_scalar_out, .kernels = mutexes);
TN_OP(MutexLock, .inputs = "mutex: resource", .outputs = "mutex_lock: variant", .attrs = "",
      .doc = "Waits until nobody holds the mutex, and locks it.", .flags = FLAGS | TN_OP_BLOCKING | TN_OP_DYNAMIC_SHAPE,
      .shape = tn_shape_scalar_out, .kernels = locks);
TN_OP(ConsumeMutexLock, .inputs = "mutex_lock: variant", .outputs = "", .attrs = "",
      .doc = "Frees the mutex that a lock holds.", .flags = FLAGS, .shape = tn_shape_no_outputs, .kernels = consumers);
