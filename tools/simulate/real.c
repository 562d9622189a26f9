/* One task of the job in a process of its own, over the real network: what the simulation is held against.
 *
 *     tenon run --ps 1 --workers 4 -- build/simulate-real --steps=100 --compute-ms=50
 *
 * The chief prints a line of JSON. */
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

#include "options.h"

static int count(const char *hosts) {
  int n = *hosts ? 1 : 0;
  for (; *hosts; hosts++) n += *hosts == ',';
  return n;
}

/* --- the computation --- */

static double clock_s(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double used_s(void) { return clock_s(CLOCK_THREAD_CPUTIME_ID); }

static void count_to(long n) {
  volatile double x = 1;
  for (long i = 0; i < n; i++) x = x * 0.999 + 1;
}

static double worked_s, squares; /* of a core, in so many computations; the sum of their squares */
static long works;
static double rate; /* of count_to in a second of a core, where nothing disturbs it */

static void find_rate(void) {
  enum { N = 200000 };
  for (int i = 0; i < 20; i++) {
    double from = used_s();
    count_to(N);
    double found = N / (used_s() - from);
    if (found > rate) rate = found;
  }
}

/* As much arithmetic as a core does in S. To look at a clock in between would be to call the system, which takes the
 * chance to have another thread run. */
static void work_s(double s) {
  double from = used_s();
  count_to((long)(s * rate));
  double took = used_s() - from;
  worked_s += took;
  squares += took * took;
  works++;
}

/* --- what this process has used of the cores, every 50 ms --- */

typedef struct sample {
  double at_s, cpu_s;
  long slept, pushed; /* context switches: by itself, by the system */
} sample;

enum { SAMPLES = 4096 };
static sample samples[SAMPLES];
static int n_samples;
static volatile bool ended;

/* Ends the job of a parameter server at SIGTERM, which `tenon run` sends when the workers are done. */
static void *watch(void *argument) {
  sigset_t *set = argument;
  while (!ended) {
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    if (n_samples < SAMPLES) {
      samples[n_samples++] =
          (sample){clock_s(CLOCK_MONOTONIC), clock_s(CLOCK_PROCESS_CPUTIME_ID), use.ru_nvcsw, use.ru_nivcsw};
    }
    if (sigtimedwait(set, NULL, &(struct timespec){.tv_nsec = 50000000}) == SIGTERM) ended = true;
  }
  return NULL;
}

static void report(const job *j, const char *name, int index, const job_result *r) {
  double mean = works ? worked_s / (double)works : 0;
  double variance = works ? squares / (double)works - mean * mean : 0;
  printf("{\"task\": \"%s %d\", \"workers\": %d, \"ps\": %d, \"sync\": %d, \"steps_s\": %.3f, \"worked_s\": %.6f, "
         "\"spread\": %.5f, "
         "\"start_s\": %.3f, \"taken\": %lld, \"window\": [%.6f, %.6f], \"samples\": [",
         name, index, j->n_workers, j->n_ps, j->sync, r->steps_s, mean,
         mean > 0 && variance > 0 ? sqrt(variance) / mean : 0, r->start_s, (long long)r->taken, r->from_s, r->to_s);
  for (int i = 0; i < n_samples; i++) {
    const sample *s = &samples[i];
    printf("%s[%.4f, %.6f, %ld, %ld]", i ? ", " : "", s->at_s, s->cpu_s, s->slept, s->pushed);
  }
  printf("]}\n");
}

int main(int argc, char **argv) {
  job j = default_job();
  j.work_s = work_s;
  const char *ps = "", *workers = "", *name = "worker";
  int index = 0;
  for (int i = 1; i < argc; i++) {
    if (strncmp(argv[i], "--ps_hosts=", 11) == 0) {
      ps = argv[i] + 11;
    } else if (strncmp(argv[i], "--worker_hosts=", 15) == 0) {
      workers = argv[i] + 15;
    } else if (strncmp(argv[i], "--job_name=", 11) == 0) {
      name = argv[i] + 11;
    } else if (strncmp(argv[i], "--task_index=", 13) == 0) {
      index = atoi(argv[i] + 13);
    } else if (strcmp(argv[i], "--sync_replicas") == 0) {
      j.sync = true;
    } else if (!job_option(argv[i], &j)) {
      fprintf(stderr, "unknown argument %s\n", argv[i]);
      return 2;
    }
  }
  size_t size = strlen(ps) + strlen(workers) + 32;
  char *cluster = malloc(size);
  if (!cluster) return 1;
  snprintf(cluster, size, "ps=%s;worker=%s", ps, workers);
  j.cluster = cluster;
  j.n_ps = count(ps);
  j.n_workers = count(workers);
  job_result result = {0};
  find_rate();
  bool serves = strcmp(name, "ps") == 0;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  pthread_t watcher;
  if (pthread_create(&watcher, NULL, watch, &set) != 0) return 1;
  if (serves) j.ended = &ended;
  tn_error *error = serves ? job_serve(&j, index) : job_work(&j, index, &result);
  ended = true;
  pthread_join(watcher, NULL);
  if (error) fprintf(stderr, "%s: %s\n", tn_code_name(tn_error_code(error)), tn_error_message(error));
  if (!error) report(&j, name, index, &result);
  int status = error ? 1 : 0;
  tn_error_free(error);
  free(cluster);
  return status;
}
