/* The monitor's thread: its beginning and its end. */
#include "monitor/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "monitor/impl.h"

static struct {
  pthread_t thread;
  int listener, port, wake[2];
} server = {.listener = -1};

static void *serve(void *unused) {
  (void)unused;
  tn_monitor_serve(server.listener, server.wake[0]);
  return NULL;
}

/* A forked child has no such thread; the port is its parent's alone. */
static void in_child(void) {
  if (server.listener < 0) return;
  close(server.listener);
  close(server.wake[0]);
  close(server.wake[1]);
  server.listener = -1;
  server.port = 0;
}

static tn_error *start_thread(void) {
  sigset_t all, before;
  sigfillset(&all); /* signals are for the program's own threads */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int failed = pthread_create(&server.thread, NULL, serve, NULL);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return failed ? tn_errorf(TN_RESOURCE_EXHAUSTED, "the system grants no thread to serve metrics") : NULL;
}

tn_error *tn_monitor_start(const tn_monitor_options *options) {
  static bool once;
  if (server.listener >= 0) return tn_errorf(TN_ALREADY_EXISTS, "this process serves metrics at port %d", server.port);
  int listener = -1, port = 0;
  TN_TRY(tn_monitor_listen(options->address, options->port, &listener, &port));
  if (pipe2(server.wake, O_CLOEXEC)) {
    close(listener);
    return tn_errorf(TN_RESOURCE_EXHAUSTED, "no pipe to serve metrics with: %s", strerror(errno));
  }
  tn_monitor_set_up(options);
  tn_stacks_set_up();
  if (!once) pthread_atfork(NULL, NULL, in_child);
  once = true;
  server.listener = listener;
  server.port = port;
  tn_error *error = start_thread();
  if (error) in_child();
  return error;
}

static bool number(const char *name, double *out) {
  const char *text = getenv(name);
  char *end = NULL;
  double value = text && *text ? strtod(text, &end) : -1;
  if (!end || *end || value < 0) return false;
  *out = value;
  return true;
}

tn_error *tn_monitor_from_environment(tn_monitor_options options) {
  double port, total;
  const char *text = getenv("TENON_METRICS_PORT");
  if (!text || !*text) return NULL;
  if (!number("TENON_METRICS_PORT", &port) || port > 65535 || port != (int)port)
    return tn_errorf(TN_INVALID_ARGUMENT, "TENON_METRICS_PORT is '%s', which is no port", text);
  options.port = (int)port;
  if (getenv("TENON_METRICS_ADDRESS")) options.address = getenv("TENON_METRICS_ADDRESS");
  if (getenv("TENON_LAST_WORD")) options.last_word = getenv("TENON_LAST_WORD");
  text = getenv("TENON_HANG_SECONDS");
  if (text && *text && !number("TENON_HANG_SECONDS", &options.hang_s))
    return tn_errorf(TN_INVALID_ARGUMENT, "TENON_HANG_SECONDS is '%s', which is no number of seconds", text);
  TN_TRY(tn_monitor_start(&options));
  unsetenv("TENON_METRICS_PORT");
  if (number("TENON_TOTAL_STEPS", &total))
    tn_monitor_report(&(tn_monitor_progress){.step = -1, .total = (int64_t)total});
  return NULL;
}

void tn_monitor_stop(void) {
  if (server.listener < 0) return;
  while (write(server.wake[1], "", 1) < 0 && errno == EINTR) continue;
  pthread_join(server.thread, NULL);
  in_child();
}

int tn_monitor_port(void) { return server.port; }
