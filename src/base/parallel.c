/* Parallel loops on a pool of threads of our own. oneDNN's primitives run inside it, one thread each; libgomp's own
 * pool, whose barriers wait for every thread, is never woken. */
#include "base/parallel.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_THREADS = 256, MAX_CHUNKS = 64, SPINS = 4000, MAX_RANGES = 16 };

static __thread int thread_limit = 1;
static __thread bool inside;

int tn_parallel_threads(void) { return inside ? 1 : thread_limit; }

int tn_parallel_set_threads(int threads) {
  int old = thread_limit;
  thread_limit = threads < 1 ? 1 : threads > MAX_THREADS ? MAX_THREADS : threads;
  return old;
}

/* Chunks BEGIN to END, of which TAKEN have been handed out; a cache line for itself. */
typedef struct range {
  _Alignas(64) atomic_int_fast64_t taken;
  int64_t begin, end;
} range;

/* A loop. Every thread begins with a range of its own, the same in every loop of as many chunks, so that it finds in
 * its cache what it left there; then it helps with the ranges of others. It lives on the stack of its caller. */
typedef struct job {
  void (*fn)(void *, int64_t);
  void *argument;
  bool backwards;
  int threads, n_ranges;
  range ranges[MAX_RANGES];
} job;

/* The workers of the process. A caller publishes its job and works on it too; it never waits for a worker that has not
 * begun, so a worker that gets no processor delays nothing. A worker counts itself in ACTIVE before it looks at JOB,
 * and the caller takes JOB away before it looks at ACTIVE: one of the two sees the other. */
static struct pool {
  job *_Atomic job;  /* NULL: none */
  atomic_int active; /* workers that may be looking at JOB */
  atomic_uint turn;  /* grows with every job; workers sleep on it */
  atomic_int sleepers;
  atomic_bool taken;  /* by the one caller that has the workers */
  atomic_int workers; /* that were started */
} pool;

static void pause_briefly(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/* As thread NUMBER. */
static void work(job *j, int number) {
  inside = true;
  for (int k = 0; k < j->n_ranges; k++) {
    range *r = &j->ranges[(number + k) % j->n_ranges];
    for (int64_t i; (i = atomic_fetch_add_explicit(&r->taken, 1, memory_order_relaxed)) < r->end - r->begin;)
      j->fn(j->argument, j->backwards ? r->end - 1 - i : r->begin + i);
  }
  inside = false;
}

/* Waits until there is another turn than SEEN: awake for some microseconds, which bridges the gap between two ops, then
 * asleep. */
static unsigned wait_for_turn(unsigned seen) {
  for (;;) {
    for (int i = 0; i < SPINS; i++) {
      unsigned turn = atomic_load_explicit(&pool.turn, memory_order_acquire);
      if (turn != seen) return turn;
      pause_briefly();
    }
    atomic_fetch_add(&pool.sleepers, 1);
    syscall(SYS_futex, &pool.turn, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
    atomic_fetch_sub(&pool.sleepers, 1);
  }
}

static void *worker(void *argument) {
  int number = (int)(intptr_t)argument;
  unsigned seen = 0;
  for (;;) {
    seen = wait_for_turn(seen);
    atomic_fetch_add(&pool.active, 1);
    job *j = atomic_load(&pool.job);
    if (j && number < j->threads) work(j, number);
    atomic_fetch_sub(&pool.active, 1);
  }
  return NULL;
}

/* A child has none of its parent's threads: it begins with a fresh pool. */
static void in_child(void) {
  pool.job = NULL;
  pool.active = 0;
  pool.sleepers = 0;
  pool.workers = 0;
  pool.taken = false;
  inside = false;
}

static void watch_forks(void) { (void)pthread_atfork(NULL, NULL, in_child); }

/* Starts workers until there are THREADS - 1 of them, as far as the system allows. They get no signals: those are the
 * program's. */
static void start_workers(int threads) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, watch_forks);
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  pthread_attr_t detached;
  pthread_attr_init(&detached);
  pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
  while (atomic_load(&pool.workers) < threads - 1) {
    pthread_t handle;
    intptr_t number = atomic_load(&pool.workers) + 1;
    if (pthread_create(&handle, &detached, worker, (void *)number)) break;
    atomic_fetch_add(&pool.workers, 1);
  }
  pthread_attr_destroy(&detached);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* Runs the job with the workers; the caller has taken the pool. */
static void run_with_workers(job *j) {
  if (atomic_load_explicit(&pool.workers, memory_order_relaxed) < j->threads - 1) start_workers(j->threads);
  atomic_store(&pool.job, j);
  atomic_fetch_add(&pool.turn, 1);
  if (atomic_load(&pool.sleepers)) syscall(SYS_futex, &pool.turn, FUTEX_WAKE_PRIVATE, j->threads - 1, NULL, NULL, 0);
  work(j, 0);
  atomic_store(&pool.job, NULL);
  for (int i = 1; atomic_load(&pool.active); i++) {
    if (i % 1024)
      pause_briefly();
    else
      sched_yield(); /* the worker that holds the last chunk may need this processor */
  }
}

static void set_ranges(job *j, int64_t n) {
  j->n_ranges = j->threads < MAX_RANGES ? j->threads : MAX_RANGES;
  for (int i = 0; i < j->n_ranges; i++) {
    atomic_init(&j->ranges[i].taken, 0);
    tn_chunk(n, j->n_ranges, i, 1, &j->ranges[i].begin, &j->ranges[i].end);
  }
}

static void run(int64_t n, void (*fn)(void *, int64_t), void *argument, bool backwards) {
  int threads = tn_parallel_threads();
  if (threads > n) threads = (int)n;
  if (threads > 1 && !atomic_exchange_explicit(&pool.taken, true, memory_order_acquire)) {
    job j;
    j.fn = fn;
    j.argument = argument;
    j.backwards = backwards;
    j.threads = threads;
    set_ranges(&j, n);
    run_with_workers(&j);
    atomic_store_explicit(&pool.taken, false, memory_order_release);
    return;
  }
  bool nested = inside;
  inside = true;
  for (int64_t i = 0; i < n; i++) fn(argument, backwards ? n - 1 - i : i);
  inside = nested;
}

void tn_parallel(int64_t n, void (*fn)(void *argument, int64_t i), void *argument) { run(n, fn, argument, false); }
void tn_parallel_backwards(int64_t n, void (*fn)(void *argument, int64_t i), void *argument) {
  run(n, fn, argument, true);
}

/* The CPU limit of the cgroup, rounded up; 0 if there is none. */
static int cgroup_cpus(void) {
  long long quota = 0, period = 0;
  FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
  if (file) {
    if (fscanf(file, "%lld %lld", &quota, &period) != 2) quota = 0;
    fclose(file);
  } else if ((file = fopen("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "re"))) {
    if (fscanf(file, "%lld", &quota) != 1) quota = 0;
    fclose(file);
    if (quota > 0 && (file = fopen("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "re"))) {
      if (fscanf(file, "%lld", &period) != 1) period = 0;
      fclose(file);
    }
  }
  return quota > 0 && period > 0 ? (int)((quota + period - 1) / period) : 0;
}

int tn_cpus(void) {
  cpu_set_t set;
  int n = sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);
  int limit = cgroup_cpus();
  if (limit && limit < n) n = limit;
  return n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : n;
}

int64_t tn_chunks(int64_t n, int64_t grain) {
  int64_t chunks = grain > 0 ? n / grain : n;
  return chunks < 1 ? 1 : chunks > MAX_CHUNKS ? MAX_CHUNKS : chunks;
}

void tn_chunk(int64_t n, int64_t chunks, int64_t i, int64_t align, int64_t *begin, int64_t *end) {
  int64_t units = (n + align - 1) / align;
  int64_t first = units / chunks * i + (i < units % chunks ? i : units % chunks);
  int64_t last = first + units / chunks + (i < units % chunks ? 1 : 0);
  *begin = first * align < n ? first * align : n;
  *end = last * align < n ? last * align : n;
}
