/* Background threads, and who may use all cores. */
#include "runtime/threads.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/account.h"
#include "base/alloc.h"

#define IDLE_SECONDS 5

/* A thread that waits for work. */
typedef struct idler {
  pthread_cond_t wake;
  void (*fn)(void *argument);
  void *argument;
  tn_account *account; /* whom the thread works for: the same as who gave it work */
  struct idler *next;
} idler;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static idler *idle, *spare; /* SPARE: of threads that have ended; never freed, as somebody may still signal them */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_bool cores_taken;

/* A child has none of its parent's threads, and nobody in it uses the cores. */
static void after_fork(void) {
  pthread_mutex_init(&mutex, NULL);
  idle = spare = NULL;
  atomic_store(&cores_taken, false);
}

static void lock_for_fork(void) { pthread_mutex_lock(&mutex); }
static void unlock_after_fork(void) { pthread_mutex_unlock(&mutex); }
static void watch_forks(void) { pthread_atfork(lock_for_fork, unlock_after_fork, after_fork); }

/* Waits for more work; false after some seconds without any. */
static bool wait_for_work(idler *self) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += IDLE_SECONDS;
  pthread_mutex_lock(&mutex);
  self->fn = NULL;
  self->next = idle;
  idle = self;
  int waited = 0;
  while (!self->fn && waited == 0) waited = pthread_cond_timedwait(&self->wake, &mutex, &until);
  if (!self->fn) {
    idler **link = &idle;
    while (*link != self) link = &(*link)->next;
    *link = self->next;
  }
  pthread_mutex_unlock(&mutex);
  return self->fn != NULL;
}

static void *thread_main(void *argument) {
  idler *self = argument;
  do {
    tn_account *account = self->account;
    tn_account_enter(account);
    self->fn(self->argument);
    tn_account_enter(NULL);
    tn_account_unref(account);
  } while (wait_for_work(self));
  pthread_mutex_lock(&mutex);
  self->next = spare;
  spare = self;
  pthread_mutex_unlock(&mutex);
  return NULL;
}

static idler *new_idler(void) {
  pthread_mutex_lock(&mutex);
  idler *made = spare;
  if (made) spare = made->next;
  pthread_mutex_unlock(&mutex);
  if (made) return made;
  made = tn_calloc(1, sizeof *made);
  if (made) pthread_cond_init(&made->wake, NULL);
  return made;
}

static tn_error *new_thread(void (*fn)(void *argument), void *argument) {
  idler *self = new_idler();
  if (!self) return tn_out_of_memory();
  self->fn = fn;
  self->argument = argument;
  self->account = tn_account_ref(tn_account_current());
  pthread_t thread;
  if (pthread_create(&thread, NULL, thread_main, self) != 0) {
    pthread_cond_destroy(&self->wake);
    tn_account_unref(self->account);
    tn_free(self);
    return tn_errorf(TN_RESOURCE_EXHAUSTED, "the system grants no more threads");
  }
  pthread_detach(thread);
  return NULL;
}

tn_error *tn_background(void (*fn)(void *argument), void *argument) {
  pthread_once(&once, watch_forks);
  pthread_mutex_lock(&mutex);
  idler *found = idle;
  if (found) {
    idle = found->next;
    found->argument = argument;
    found->account = tn_account_ref(tn_account_current());
    found->fn = fn;
  }
  pthread_mutex_unlock(&mutex);
  if (found) pthread_cond_signal(&found->wake); /* without the lock, for which it would only wait */
  return found ? NULL : new_thread(fn, argument);
}

bool tn_cores_take(void) {
  return !atomic_load_explicit(&cores_taken, memory_order_relaxed) &&
         !atomic_exchange_explicit(&cores_taken, true, memory_order_acquire);
}

void tn_cores_give(void) { atomic_store_explicit(&cores_taken, false, memory_order_release); }
