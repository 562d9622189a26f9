/* What a task tells those who watch it: Prometheus metrics, health probes and its progress, over a small HTTP server of
 * its own, and the stacks of all its threads on stderr when its training hangs. One to a process; it is not part of
 * libtenon, so that programs that nobody watches do not carry it. All here may be called from any thread, and does
 * nothing before tn_monitor_start. */
#ifndef TN_MONITOR_MONITOR_H
#define TN_MONITOR_MONITOR_H

#include <stdbool.h>
#include <stdint.h>
#include <tenon/error.h>

typedef struct tn_monitor_options {
  const char *address;   /* an IP address to listen on; "*": all of them; NULL: loopback */
  int port;              /* 0: any free one */
  double hang_s;         /* a training that takes no step for longer hangs; 0: none does */
  int python_signal;     /* makes Python print its stacks; 0: this is no Python */
  const char *last_word; /* a file that gets the progress when a training ends; NULL: none does */
  /* Called on the server's thread before each answer, to set gauges. NULL: nobody is. */
  void (*collect)(void *argument);
  void *argument;
} tn_monitor_options;

/* Begins to serve /metrics, /healthz, /readyz and /progress. ALREADY_EXISTS: it is serving, or the address is in use.
 * INVALID_ARGUMENT: no address. */
tn_error *tn_monitor_start(const tn_monitor_options *options) TN_MUST_USE;
/* The same by the environment: TENON_METRICS_PORT (without it nothing is done), TENON_METRICS_ADDRESS,
 * TENON_HANG_SECONDS, TENON_LAST_WORD, TENON_TOTAL_STEPS. What they do not say is taken from OPTIONS. The port's
 * variable is removed: the programs that this one starts are not this task. */
tn_error *tn_monitor_from_environment(tn_monitor_options options) TN_MUST_USE;
/* Serves no more. */
void tn_monitor_stop(void);
/* The port that is listened on; 0: none is. */
int tn_monitor_port(void);

/* The task can do its work now: /readyz says so from here on. */
void tn_monitor_ready(bool ready);
/* A training begins or ends. A process can hang only while one is open. */
void tn_monitor_begin(void);
void tn_monitor_end(void);
/* This process has taken N steps more, on EXAMPLES examples (0: unknown). */
void tn_monitor_step(int64_t n, double examples);
/* Where the whole training is: step STEP of TOTAL (negative: unknown), with the last LOSS (NaN with KNOWN false). */
typedef struct tn_monitor_progress {
  int64_t step, total;
  double loss;
  bool loss_known;
} tn_monitor_progress;
/* What is unknown stays as it was. */
void tn_monitor_report(const tn_monitor_progress *progress);
/* Sets a gauge or, if its name ends with _total, a counter: NAME without its prefix "tenon_task_"; LABELS as
 * `queue="input"`, or NULL. There may be 64 of them; more are not kept. */
void tn_monitor_set(const char *name, const char *labels, double value);

/* What the pages /metrics and /progress hold; free with tn_free. */
tn_error *tn_monitor_metrics(char **out) TN_MUST_USE;
tn_error *tn_monitor_progress_text(char **out) TN_MUST_USE;
/* "" or why the task does not live: in one sentence. */
void tn_monitor_trouble(char text[160]);
/* Writes the stacks of all threads to stderr. */
void tn_monitor_stacks(void);

#endif
