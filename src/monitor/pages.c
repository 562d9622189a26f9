/* What the task has told of itself, and the pages that say so. */
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "monitor/impl.h"

enum { MOST_GAUGES = 64, SAMPLES = 32 };
static const int64_t sample_ns = 1000000000;

typedef struct gauge {
  char name[64], labels[128];
  double value;
} gauge;

/* Where the training was at a time: rates are taken between two of them. */
typedef struct sample {
  int64_t at, step;
  double examples;
} sample;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct {
  tn_monitor_options o;
  char last_word[256];
  bool ready, hung;
  int open;        /* trainings */
  int64_t last_ns; /* the last step, or the beginning of the training */
  int64_t local, step, total;
  double examples, loss;
  bool loss_known;
  int n_gauges, n_samples; /* SAMPLES is a ring: N_SAMPLES were ever taken */
  gauge gauges[MOST_GAUGES];
  sample samples[SAMPLES];
} task = {.step = -1, .total = -1};

void tn_monitor_set_up(const tn_monitor_options *options) {
  tn_lock(&mutex);
  task.o = *options;
  if (options->last_word) snprintf(task.last_word, sizeof task.last_word, "%s", options->last_word);
  tn_unlock(&mutex);
}

void tn_monitor_ready(bool ready) {
  tn_lock(&mutex);
  task.ready = ready;
  tn_unlock(&mutex);
}

static void take_sample(int64_t now) {
  const sample *last = task.n_samples ? &task.samples[(task.n_samples - 1) % SAMPLES] : NULL;
  if (last && now - last->at < sample_ns) return;
  task.samples[task.n_samples++ % SAMPLES] = (sample){now, task.step >= 0 ? task.step : task.local, task.examples};
}

void tn_monitor_begin(void) {
  tn_lock(&mutex);
  task.open++;
  task.ready = true;
  task.last_ns = tn_now_ns();
  tn_unlock(&mutex);
}

void tn_monitor_step(int64_t n, double examples) {
  tn_lock(&mutex);
  task.local += n;
  task.examples += examples;
  task.last_ns = tn_now_ns();
  task.hung = false;
  take_sample(task.last_ns);
  tn_unlock(&mutex);
}

void tn_monitor_report(const tn_monitor_progress *p) {
  tn_lock(&mutex);
  /* Samples of the own steps are of no use any more. */
  if (p->step >= 0 && task.step < 0) task.n_samples = 0;
  if (p->step >= 0) task.step = p->step;
  if (p->total >= 0) task.total = p->total;
  if (p->loss_known) task.loss = p->loss, task.loss_known = true;
  if (p->step >= 0) take_sample(tn_now_ns());
  tn_unlock(&mutex);
}

void tn_monitor_set(const char *name, const char *labels, double value) {
  if (!labels) labels = "";
  tn_lock(&mutex);
  int i = 0;
  while (i < task.n_gauges && (strcmp(task.gauges[i].name, name) || strcmp(task.gauges[i].labels, labels))) i++;
  if (i == task.n_gauges && i < MOST_GAUGES) {
    snprintf(task.gauges[i].name, sizeof task.gauges[i].name, "%s", name);
    snprintf(task.gauges[i].labels, sizeof task.gauges[i].labels, "%s", labels);
    task.n_gauges++;
  }
  if (i < task.n_gauges) task.gauges[i].value = value;
  tn_unlock(&mutex);
}

/* Steps and examples a second, over the samples that there are: half a minute. False: not known yet. */
static bool rates(double *steps, double *examples) {
  if (task.n_samples < 2) return false;
  const sample *last = &task.samples[(task.n_samples - 1) % SAMPLES],
               *first = &task.samples[task.n_samples > SAMPLES ? task.n_samples % SAMPLES : 0];
  double seconds = (double)(last->at - first->at) * 1e-9;
  /* What stands still gets slower by the second. */
  double silence = (double)(tn_now_ns() - last->at) * 1e-9;
  if (silence > 5 && task.open) seconds += silence;
  if (seconds <= 0) return false;
  *steps = (double)(last->step - first->step) / seconds;
  *examples = (last->examples - first->examples) / seconds;
  return true;
}

static void add_value(tn_str *s, const char *name, const char *labels, double value) {
  tn_str_addf(s, "%s%s%s%s ", name, *labels ? "{" : "", labels, *labels ? "}" : "");
  if (isnan(value))
    tn_str_add(s, "NaN\n");
  else if (isinf(value))
    tn_str_add(s, value > 0 ? "+Inf\n" : "-Inf\n");
  else
    tn_str_addf(s, "%.12g\n", value);
}

static void add_metric(tn_str *s, const char *name, const char *help, const char *type, double value) {
  tn_str_addf(s, "# HELP %s %s.\n# TYPE %s %s\n", name, help, name, type);
  add_value(s, name, "", value);
}

static void add_process(tn_str *s) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file && fscanf(file, "%*s %ld", &pages) != 1) pages = 0;
  if (file) fclose(file);
  struct timespec cpu = {0};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  add_metric(s, "process_resident_memory_bytes", "Resident memory in bytes", "gauge",
             (double)pages * (double)sysconf(_SC_PAGESIZE));
  add_metric(s, "process_cpu_seconds_total", "Time on processors in seconds", "counter",
             (double)cpu.tv_sec + (double)cpu.tv_nsec * 1e-9);
}

static void add_training(tn_str *s) {
  double steps, examples;
  add_metric(s, "tenon_task_local_steps_total", "Steps that this task has taken", "counter", (double)task.local);
  if (task.step >= 0)
    add_metric(s, "tenon_task_global_step", "The step of the whole training", "gauge", (double)task.step);
  if (task.total >= 0)
    add_metric(s, "tenon_task_total_steps", "The step at which the training ends", "gauge", (double)task.total);
  if (task.loss_known) add_metric(s, "tenon_task_loss", "The last loss that was looked at", "gauge", task.loss);
  if (rates(&steps, &examples)) {
    add_metric(s, "tenon_task_steps_per_second", "Steps a second, over half a minute", "gauge", steps);
    if (task.examples > 0)
      add_metric(s, "tenon_task_examples_per_second", "Examples a second of this task, over half a minute", "gauge",
                 examples);
  }
  if (task.open)
    add_metric(s, "tenon_task_seconds_since_step", "How long ago the last step ended", "gauge",
               (double)(tn_now_ns() - task.last_ns) * 1e-9);
}

static void add_gauges(tn_str *s) {
  for (int i = 0; i < task.n_gauges; i++) {
    const gauge *g = &task.gauges[i];
    char name[96];
    size_t size = strlen(g->name);
    bool first = true, counts = size > 6 && !strcmp(g->name + size - 6, "_total");
    for (int k = 0; k < i; k++) first &= strcmp(task.gauges[k].name, g->name) != 0;
    if (!first) continue; /* it went out with the first of its name */
    snprintf(name, sizeof name, "tenon_task_%s", g->name);
    tn_str_addf(s, "# TYPE %s %s\n", name, counts ? "counter" : "gauge");
    for (int k = i; k < task.n_gauges; k++)
      if (!strcmp(task.gauges[k].name, g->name)) add_value(s, name, task.gauges[k].labels, task.gauges[k].value);
  }
}

tn_error *tn_monitor_metrics(char **out) {
  tn_str s = {0};
  tn_lock(&mutex);
  add_training(&s);
  add_gauges(&s);
  tn_str_addf(&s, "# TYPE tenon_task_info gauge\ntenon_task_info{version=\"%s\"} 1\n", TN_VERSION);
  tn_unlock(&mutex);
  add_process(&s);
  return tn_str_take(&s, out, NULL);
}

static void add_progress(tn_str *s) {
  double steps, examples;
  bool known = rates(&steps, &examples);
  tn_str_addf(s, "{\"training\":%s", task.open ? "true" : "false");
  if (task.step >= 0 || task.local)
    tn_str_addf(s, ",\"step\":%lld", (long long)(task.step >= 0 ? task.step : task.local));
  if (task.total >= 0) tn_str_addf(s, ",\"total\":%lld", (long long)task.total);
  /* A text: JSON has no numbers for what a loss may become. */
  if (task.loss_known) tn_str_addf(s, ",\"loss\":\"%.6g\"", task.loss);
  if (known) tn_str_addf(s, ",\"stepsPerSecond\":%.4f", steps);
  if (known && task.examples > 0) tn_str_addf(s, ",\"examplesPerSecond\":%.2f", examples);
  if (known && steps > 0 && task.total >= 0 && task.step >= 0)
    tn_str_addf(s, ",\"remainingSeconds\":%.0f", (double)(task.total - task.step) / steps);
  tn_str_add(s, "}\n");
}

tn_error *tn_monitor_progress_text(char **out) {
  tn_str s = {0};
  tn_lock(&mutex);
  add_progress(&s);
  tn_unlock(&mutex);
  return tn_str_take(&s, out, NULL);
}

void tn_monitor_end(void) {
  char *text = NULL;
  tn_lock(&mutex);
  bool last = task.open > 0 && --task.open == 0;
  tn_unlock(&mutex);
  if (!last || !task.last_word[0]) return;
  tn_error *error = tn_monitor_progress_text(&text);
  FILE *file = error ? NULL : fopen(task.last_word, "w");
  if (file) {
    fprintf(file, "{\"tenonProgress\":%s}", text);
    fclose(file);
  }
  tn_free(text);
  tn_error_free(error);
}

/* Why the training hangs; false if it does not. */
static bool hangs(char text[160]) {
  double silence = (double)(tn_now_ns() - task.last_ns) * 1e-9;
  text[0] = 0;
  if (!task.open || task.o.hang_s <= 0 || silence <= task.o.hang_s) return false;
  snprintf(text, 160, "the training hangs: no step for %.0f s, the limit is %.10g s", silence, task.o.hang_s);
  return true;
}

void tn_monitor_trouble(char text[160]) {
  tn_lock(&mutex);
  hangs(text);
  tn_unlock(&mutex);
}

void tn_monitor_stacks(void) {
  tn_str s = {0};
  tn_stacks_add(&s);
  fprintf(stderr, "tenon: what every thread of process %d is doing:\n%s", (int)getpid(), s.data ? s.data : "");
  fflush(stderr);
  tn_str_clear(&s);
  /* Python's handler prints them; by the main thread, which every process has. */
  if (task.o.python_signal) syscall(SYS_tgkill, getpid(), getpid(), task.o.python_signal);
}

void tn_monitor_watch(void) {
  char text[160];
  tn_lock(&mutex);
  bool news = hangs(text) && !task.hung;
  task.hung |= news;
  tn_unlock(&mutex);
  if (!news) return;
  fprintf(stderr, "tenon: %s\n", text);
  tn_monitor_stacks();
}

int tn_monitor_page(const char *path, tn_str *text, const char **type) {
  char *page = NULL, trouble[160];
  tn_error *error = NULL;
  int status = 200;
  if (task.o.collect) task.o.collect(task.o.argument);
  if (!strcmp(path, "/healthz")) {
    tn_monitor_trouble(trouble);
    if (*trouble) status = 503;
    tn_str_addf(text, "%s\n", *trouble ? trouble : "ok");
  } else if (!strcmp(path, "/readyz")) {
    status = task.ready ? 200 : 503;
    tn_str_add(text, task.ready ? "ok\n" : "the task does not serve and does not train yet\n");
  } else if (!strcmp(path, "/metrics")) {
    error = tn_monitor_metrics(&page);
  } else if (!strcmp(path, "/progress")) {
    *type = "application/json";
    error = tn_monitor_progress_text(&page);
  } else {
    status = 404;
    tn_str_add(text, "there are /metrics, /healthz, /readyz and /progress\n");
  }
  if (page) tn_str_add(text, page);
  tn_free(page);
  if (error) status = 500;
  tn_error_free(error);
  return status;
}
