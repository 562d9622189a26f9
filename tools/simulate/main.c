/* A cluster of any size in one process: real servers, masters, workers, graphs and messages; simulated threads, clock,
 * network and computation. Prints a line of JSON.
 *
 *     build/simulate --workers=1000 --ps=50 --bytes=100e6 --compute-ms=1000
 */
#include <sys/resource.h>

#include "cores.h"
#include "fibers.h"
#include "network.h"
#include "options.h"

enum { SERVER, WORKER, KINDS };

typedef struct cluster {
  job job;
  sim_costs costs[KINDS];
  double bytes; /* of the model */
  bool ended;
  int left; /* workers that have not ended */
  job_result *results;
  int failed;
} cluster;

typedef struct task {
  cluster *cluster;
  int index;
  bool serves;
} task;

static void work_s(double s) { sim_work((int64_t)(s * 1e9)); }

static void run_task(void *argument) {
  task *t = argument;
  cluster *c = t->cluster;
  sim_set_process(&c->costs[t->serves ? SERVER : WORKER]);
  tn_error *error = t->serves ? job_serve(&c->job, t->index) : job_work(&c->job, t->index, &c->results[t->index]);
  if (!t->serves && t->index == 0) c->ended = true;
  /* When the chief has left, what others still wait for does not come. */
  if (error && !c->ended) {
    fprintf(stderr, "%s %d: %s\n", t->serves ? "ps" : "worker", t->index, tn_error_message(error));
    c->failed++;
  }
  tn_error_free(error);
}

/* "ps=p0:1,p1:1;worker=w0:1,...". */
static char *write_cluster(const job *j) {
  size_t size = (size_t)(j->n_ps + j->n_workers) * 16 + 32, used = 0;
  char *text = malloc(size);
  for (int i = 0; text && i < j->n_ps; i++) {
    used += (size_t)snprintf(text + used, size - used, "%sp%d:1", i ? "," : "ps=", i);
  }
  for (int i = 0; text && i < j->n_workers; i++) {
    used += (size_t)snprintf(text + used, size - used, "%sw%d:1", i ? "," : ";worker=", i);
  }
  return text;
}

static void run_all(void *argument) {
  cluster *c = argument;
  const job *j = &c->job;
  task *tasks = calloc((size_t)(j->n_ps + j->n_workers), sizeof *tasks);
  if (!tasks) return;
  for (int i = 0; i < j->n_ps + j->n_workers; i++) {
    bool serves = i < j->n_ps;
    tasks[i] = (task){c, serves ? i : i - j->n_ps, serves};
    sim_post(sim_queue_new(), run_task, &tasks[i]);
  }
  while (!c->ended && !c->failed) sim_sleep(10000000);
}

static double slowest_start(const cluster *c) {
  double most = 0;
  for (int i = 0; i < c->job.n_workers; i++) {
    if (c->results[i].start_s > most) most = c->results[i].start_s;
  }
  return most;
}

static void report(const cluster *c) {
  const job *j = &c->job;
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  sim_counts counts = sim_count();
  int counted = j->sync ? j->n_workers - j->backups : 1;
  printf(
      "{\"workers\": %d, \"ps\": %d, \"sync\": %d, \"backups\": %d, \"steps_s\": %.4f, \"batches_s\": %.4f, "
      "\"compute_s\": %.5f, \"start_s\": %.3f, \"simulated_s\": %.3f, \"bytes\": %.4g, \"messages\": %llu, "
      "\"ps_messages\": %llu, \"ps_bytes\": %.4g, \"worker_messages\": %llu, \"worker_bytes\": %.4g, \"busy_s\": %.3f, "
      "\"fibers\": %zu, \"switches\": %zu, \"memory_mib\": %ld, \"cpu_s\": %.1f}\n",
      j->n_workers, j->n_ps, j->sync, j->backups, c->results[0].steps_s, c->results[0].steps_s * counted,
      c->results[0].compute_s, slowest_start(c), (double)sim_now() * 1e-9, sim_carried.bytes,
      (unsigned long long)sim_carried.messages, (unsigned long long)c->costs[SERVER].messages, c->costs[SERVER].bytes,
      (unsigned long long)c->costs[WORKER].messages, c->costs[WORKER].bytes, (double)cores_busy() * 1e-9,
      counts.most_fibers, counts.switches, use.ru_maxrss / 1024,
      (double)use.ru_utime.tv_sec + (double)use.ru_utime.tv_usec * 1e-6);
}

/* Reads ARGUMENT if it is about a task's costs, of KIND, whose options begin with NAME. */
static bool read_costs(const char *argument, const char *name, sim_costs *costs) {
  char option[32];
  double us;
  snprintf(option, sizeof option, "%scall-us", name);
  bool calls = option_is(argument, option, &us);
  if (calls) costs->call_ns = us * 1e3;
  snprintf(option, sizeof option, "%sbyte-ns", name);
  return calls || option_is(argument, option, &costs->byte_ns);
}

static bool read_option(const char *argument, cluster *c, double *latency_us, double *gbps) {
  double v;
  if (option_is(argument, "workers", &v)) {
    c->job.n_workers = (int)v;
  } else if (option_is(argument, "ps", &v)) {
    c->job.n_ps = (int)v;
  } else if (option_is(argument, "bytes", &v)) {
    c->bytes = v;
  } else if (option_is(argument, "cores", &v)) {
    sim_share_cores((int)v);
  } else if (!option_is(argument, "latency-us", latency_us) && !option_is(argument, "gbps", gbps) &&
             !read_costs(argument, "ps-", &c->costs[SERVER]) && !read_costs(argument, "worker-", &c->costs[WORKER])) {
    return job_option(argument, &c->job);
  }
  return true;
}

int main(int argc, char **argv) {
  cluster c = {.job = default_job()};
  double latency_us = 50, gbps = 10;
  for (int i = 0; i < KINDS; i++) c.costs[i].call_ns = 7.5e3;
  for (int i = 1; i < argc; i++) {
    if (read_option(argv[i], &c, &latency_us, &gbps)) continue;
    fprintf(stderr, "unknown argument %s\n", argv[i]);
    return 2;
  }
  double held = (double)c.job.n_ps * (double)c.job.elements * sizeof(float);
  sim_net = (sim_network){.latency_ns = (int64_t)(latency_us * 1e3),
                          .bytes_per_ns = gbps / 8,
                          .scale = c.bytes > held ? c.bytes / held : 1,
                          .seed = c.job.seed};
  c.job.ended = &c.ended;
  c.job.work_s = work_s;
  c.job.cluster = write_cluster(&c.job);
  c.results = calloc((size_t)c.job.n_workers, sizeof *c.results);
  if (!c.results || !c.job.cluster) return 1;
  sim_run(run_all, &c);
  if (!c.failed) report(&c);
  fflush(stdout);
  return c.failed ? 1 : 0;
}
