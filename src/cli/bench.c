/* `tenon bench`: times the workloads that the peers' scripts time, and prints what these print. */
#include "cli/bench.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/parallel.h"
#include "cli/cli.h"

static void clear(bench_step *b) {
  for (int i = 0; i < b->n_feeds; i++) tn_tensor_free(b->values[i]);
  tn_error_free(b->scope.error);
  tn_graph_free(b->graph);
}

/* Seconds of one step: the best of three timed runs. */
static tn_error *time_steps(tn_callable *step, tn_tensor *const *values, int runs, int warmup, double *best) {
  tn_tensor *out;
  *best = 1e30;
  for (int round = -1; round < 3; round++) {
    int n = round < 0 ? warmup : runs;
    double start = cli_seconds();
    for (int i = 0; i < n; i++) {
      TN_TRY(tn_callable_run(step, NULL, values, &out, NULL));
      tn_tensor_free(out);
    }
    double seconds = (cli_seconds() - start) / n;
    if (round >= 0 && seconds < *best) *best = seconds;
  }
  return NULL;
}

/* Seconds since this process was started, by the kernel's clock (in hundredths). */
static double process_age(void) {
  FILE *file = fopen("/proc/self/stat", "re");
  if (!file) return 0;
  unsigned long long ticks = 0;
  if (fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
             &ticks) != 1)
    ticks = 0;
  fclose(file);
  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9 - (double)ticks / 100.0;
}

static void print_result(const char *name, const char *unit, double value) {
  printf("{\"peer\": \"tenon\", \"version\": \"%s\", \"work\": \"%s\", \"unit\": \"%s\", \"value\": %.3f, \"rss_mb\": "
         "%ld}\n",
         tn_version(), name, unit, value, cli_peak_mb());
  fflush(stdout);
}

/* Builds the graph and makes its variables; STARTUP: runs one step and prints how old the process is then. */
static tn_error *run_work(const bench_work *w, int threads, bool startup) {
  bench_step b = {0};
  tn_session *session = NULL;
  tn_callable *step = NULL;
  tn_session_options options = {.intra_op_threads = threads, .inter_op_threads = threads};
  double seconds;
  tn_error *error = tn_graph_new(&b.graph);
  if (error) return error;
  b.scope = (tn_scope){.graph = b.graph};
  w->build(&b);
  error = tn_error_copy(b.scope.error);
  if (!error) error = tn_session_new(b.graph, &options, &session);
  if (!error) error = tn_session_run(session, NULL, 0, NULL, NULL, 0, NULL, (size_t)b.n_inits, b.inits, NULL, NULL);
  if (!error)
    error =
        tn_session_make_callable(session, (size_t)b.n_feeds, b.feeds, 1, &b.fetch, (size_t)b.n_trains, b.trains, &step);
  if (!error && startup) {
    tn_tensor *out;
    error = tn_callable_run(step, NULL, b.values, &out, NULL);
    if (!error) tn_tensor_free(out);
    if (!error) print_result("startup", "ms", process_age() * 1e3);
  } else if (!error) {
    error = time_steps(step, b.values, w->runs, w->warmup, &seconds);
    if (!error) print_result(w->name, w->unit, w->units > 0 ? w->units / seconds : seconds * 1e6);
  }
  tn_callable_free(step);
  tn_session_free(session);
  clear(&b);
  return tn_error_context(error, "%s", startup ? "startup" : w->name);
}

static const bench_work *find_work(const char *name) {
  const bench_work *w = bench_works;
  while (w->name && strcmp(w->name, name)) w++;
  return w->name ? w : NULL;
}

static int run(const cli_command *command, int argc, char **argv) {
  int64_t threads = tn_cpus();
  bool json = false;
  const cli_option options[] = {{"threads", CLI_INT, &threads, "N", "threads to compute with"},
                                {"json", CLI_FLAG, &json, NULL, "one JSON object a line (it is always so)"},
                                {.name = NULL}};
  int n, code = cli_parse(command, options, argc, argv, &n);
  if (code >= 0) return code;
  if (threads < 1 || threads > 256)
    return cli_usage(command, "--threads must be 1 to 256, not %lld", (long long)threads);
  for (int i = 0; i < n; i++) {
    bool startup = !strcmp(argv[i], "startup");
    if (!startup && !find_work(argv[i])) return cli_usage(command, "there is no workload '%s'", argv[i]);
  }
  tn_error *error = NULL;
  if (!n)
    for (const bench_work *w = bench_works; !error && w->name; w++) error = run_work(w, (int)threads, false);
  for (int i = 0; !error && i < n; i++) {
    bool startup = !strcmp(argv[i], "startup");
    error = run_work(find_work(startup ? "mlp" : argv[i]), (int)threads, startup);
  }
  return error ? cli_fail(error) : CLI_OK;
}

const cli_command cli_bench = {
    .name = "bench",
    .arguments = "[WORK...] [--threads N] [--json]",
    .summary = "Time the workloads that TensorFlow and others are compared by.",
    .details = "WORK is one of call-overhead, mlp, lenet, lstm (all of these by default), or startup: the time from "
               "the start of the\n"
               "process to the end of mlp's first training step. Each line is a JSON object.",
    .run = run,
};
