/* Parallel loops on OpenMP's pool, or on plain threads where the thread sanitizer must see them. */
#include "base/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/alloc.h"

enum { MAX_THREADS = 256, MAX_CHUNKS = 64 };

static __thread int thread_limit = 1;
static __thread bool inside;

int tn_parallel_threads(void) { return inside ? 1 : thread_limit; }

int tn_parallel_set_threads(int threads) {
  int old = thread_limit;
  thread_limit = threads < 1 ? 1 : threads > MAX_THREADS ? MAX_THREADS : threads;
  return old;
}

typedef struct job {
  void (*fn)(void *, int64_t);
  void *argument;
  int64_t n;
  atomic_int_fast64_t next;
} job;

static void *work(void *argument) {
  job *j = argument;
  inside = true;
  for (int64_t i; (i = atomic_fetch_add(&j->next, 1)) < j->n;) j->fn(j->argument, i);
  inside = false;
  return NULL;
}

static void run_plain(int threads, int64_t n, void (*fn)(void *, int64_t), void *argument) {
  job j = {.fn = fn, .argument = argument, .n = n};
  pthread_t handles[MAX_THREADS];
  int started = 0;
  while (started < threads - 1 && !pthread_create(&handles[started], NULL, work, &j)) started++;
  work(&j);
  while (started > 0) pthread_join(handles[--started], NULL);
}

#ifdef TN_TSAN
static void run_threads(int threads, int64_t n, void (*fn)(void *, int64_t), void *argument) {
  run_plain(threads, n, fn, argument);
}
#else
/* libgomp's entry point, called by name: clang generates no code for this library, and oneDNN's pool is to be shared.
 */
void GOMP_parallel(void (*fn)(void *), void *data, unsigned threads, unsigned flags);

static void work_in_team(void *argument) { work(argument); }

/* OpenMP's pool does not survive a fork: a child uses threads of its own. */
static atomic_bool forked;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;
static void in_child(void) { atomic_store(&forked, true); }
static void watch_forks(void) { (void)pthread_atfork(NULL, NULL, in_child); }

static void run_threads(int threads, int64_t n, void (*fn)(void *, int64_t), void *argument) {
  pthread_once(&fork_once, watch_forks);
  if (atomic_load_explicit(&forked, memory_order_relaxed)) {
    run_plain(threads, n, fn, argument);
    return;
  }
  job j = {.fn = fn, .argument = argument, .n = n};
  GOMP_parallel(work_in_team, &j, (unsigned)threads, 0);
}
#endif

void tn_parallel(int64_t n, void (*fn)(void *argument, int64_t i), void *argument) {
  int threads = tn_parallel_threads();
  if (threads > n) threads = (int)n;
  if (threads > 1) {
    run_threads(threads, n, fn, argument);
    return;
  }
  bool nested = inside;
  inside = true;
  for (int64_t i = 0; i < n; i++) fn(argument, i);
  inside = nested;
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
