/* One task of the job in a process of its own, over the real network: what the simulation is held against.
 *
 *     tenon run --ps 1 --workers 4 -- build/simulate-real --steps=100 --compute-ms=50
 *
 * The chief prints a line of JSON. */
#include <time.h>

#include "options.h"

static int count(const char *hosts) {
  int n = *hosts ? 1 : 0;
  for (; *hosts; hosts++) n += *hosts == ',';
  return n;
}

static double used_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Keeps a core busy until this thread has had it for S. */
static void work_s(double s) {
  volatile double x = 1;
  for (double until = used_s() + s; used_s() < until;) {
    for (int i = 0; i < 20000; i++) x = x * 0.999 + 1; /* to ask for the time takes the system's own */
  }
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
  bool serves = strcmp(name, "ps") == 0;
  tn_error *error = serves ? job_serve(&j, index) : job_work(&j, index, &result);
  if (error) fprintf(stderr, "%s: %s\n", tn_code_name(tn_error_code(error)), tn_error_message(error));
  if (!error && !serves && index == 0) {
    printf("{\"workers\": %d, \"ps\": %d, \"sync\": %d, \"steps_s\": %.3f, \"compute_s\": %.5f, \"start_s\": %.3f}\n",
           j.n_workers, j.n_ps, j.sync, result.steps_s, result.compute_s, result.start_s);
  }
  int status = error ? 1 : 0;
  tn_error_free(error);
  free(cluster);
  return status;
}
