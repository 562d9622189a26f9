/* Measures the transport between two processes: round trips of empty calls, and large messages.
 *
 * usage: bench-rpc [--megabytes N] [--large N] [--at-once N] [--calls N] [ADDRESS...]
 *
 * Prints one line of JSON for each ADDRESS (127.0.0.1:0 by default) with the network alone, and one with what tasks of
 * one host may use besides: Unix sockets and shared memory. Microseconds of a round trip (median, best tenth, slowest
 * hundredth); GB/s (10^9 bytes) of messages of N megabytes that the server sends, one call after the other (median,
 * best), with the processor seconds that each side spends on one of them; with several calls at once; and the bytes
 * that came by each transport. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/thread.h"
#include "cluster/http2.h"

static void check(tn_error *error) {
  if (!error) return;
  fprintf(stderr, "bench-rpc: %s\n", tn_error_message(error));
  exit(1);
}

typedef struct plan {
  int calls, large, at_once;
  tn_http2_options options;
  size_t size;
} plan;

/* --- the server: a process of its own --- */

static tn_buffer *bulk;

/* An empty call is answered with nothing, "B" with the bulk. */
static void handle(void *argument, tn_incoming *incoming) {
  (void)argument;
  tn_message *reply = NULL;
  if (strrchr(tn_incoming_method(incoming), 'B')) {
    check(tn_message_new(&reply));
    check(tn_message_add_buffer(reply, bulk, bulk->data, bulk->size));
  }
  tn_incoming_finish(incoming, NULL, reply);
}

static void serve(const char *address, const plan *p, int out) {
  tn_transport *transport;
  tn_listener *listener;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  check(tn_buffer_new(TN_UINT8, p->size, &bulk));
  memset(bulk->data, 7, p->size);
  check(tn_http2_new(&p->options, &transport));
  check(tn_transport_listen(transport, address, handle, NULL, &listener));
  dprintf(out, "%s\n", tn_listener_address(listener));
  close(out);
  for (;;) pause();
}

/* Starts the server and writes its address into TEXT. */
static pid_t start_server(const char *address, const plan *p, char text[256]) {
  int ends[2];
  if (pipe(ends)) exit(1);
  pid_t child = fork();
  if (!child) serve(address, p, ends[1]);
  close(ends[1]);
  ssize_t n = read(ends[0], text, 255);
  close(ends[0]);
  if (n <= 0) exit(1);
  text[n - 1] = '\0';
  return child;
}

/* --- the client --- */

typedef struct waiter {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  int done;
  size_t bytes;
} waiter;

static void ended(void *argument, tn_error *error, tn_message *reply) {
  waiter *w = argument;
  check(error);
  pthread_mutex_lock(&w->mutex);
  w->done++;
  w->bytes += tn_message_size(reply);
  pthread_cond_signal(&w->changed);
  pthread_mutex_unlock(&w->mutex);
  tn_message_unref(reply);
}

/* Makes N calls at once and waits for all; seconds. */
static double call(tn_transport *transport, const char *address, const char *method, int n) {
  waiter w = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};
  tn_request r = {.address = address, .method = method, .done = ended, .argument = &w};
  int64_t begin = tn_now_ns();
  for (int i = 0; i < n; i++) check(tn_transport_call(transport, &r, NULL));
  pthread_mutex_lock(&w.mutex);
  while (w.done < n) pthread_cond_wait(&w.changed, &w.mutex);
  pthread_mutex_unlock(&w.mutex);
  return (double)(tn_now_ns() - begin) * 1e-9;
}

/* Processor seconds that a process has used. */
static double processor_seconds(pid_t process) {
  clockid_t clock;
  struct timespec t = {0};
  if (!clock_getcpuclockid(process, &clock)) clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void measure(const char *address, const plan *p) {
  char real[256];
  tn_transport *transport;
  pid_t child = start_server(address, p, real);
  check(tn_http2_new(&p->options, &transport));
  double *t = malloc((size_t)(p->calls + p->large) * sizeof *t);
  for (int i = 0; i < 200; i++) call(transport, real, "/bench/A", 1);
  for (int i = 0; i < p->calls; i++) t[i] = call(transport, real, "/bench/A", 1) * 1e6;
  qsort(t, (size_t)p->calls, sizeof *t, compare);
  printf("{\"address\": \"%s\", \"network_only\": %s, \"round_trip_us\": {\"median\": %.1f, \"p10\": %.1f, \"p99\": "
         "%.1f}, ",
         real, p->options.network_only ? "true" : "false", t[p->calls / 2], t[p->calls / 10], t[p->calls * 99 / 100]);
  for (int i = 0; i < 2; i++) call(transport, real, "/bench/B", 1);
  double client = processor_seconds(0), server = processor_seconds(child);
  for (int i = 0; i < p->large; i++) t[i] = (double)p->size * 1e-9 / call(transport, real, "/bench/B", 1);
  double gigabytes = (double)p->size * 1e-9 * p->large;
  client = (processor_seconds(0) - client) / gigabytes;
  server = (processor_seconds(child) - server) / gigabytes;
  qsort(t, (size_t)p->large, sizeof *t, compare);
  printf("\"message_bytes\": %zu, \"gb_per_s\": {\"median\": %.2f, \"best\": %.2f}, \"processor_s_per_gb\": "
         "{\"client\": %.2f, \"server\": %.2f}, ",
         p->size, t[p->large / 2], t[p->large - 1], client, server);
  call(transport, real, "/bench/B", p->at_once); /* memory for so many is new */
  double seconds = call(transport, real, "/bench/B", p->at_once);
  tn_traffic traffic = tn_transport_traffic(transport);
  printf("\"at_once\": %d, \"gb_per_s_at_once\": %.2f, \"received\": {\"network\": %llu, \"local\": %llu, \"shared\": "
         "%llu}}\n",
         p->at_once, (double)p->size * 1e-9 * p->at_once / seconds, (unsigned long long)traffic.network_in,
         (unsigned long long)traffic.local_in, (unsigned long long)traffic.shared_in);
  fflush(stdout);
  free(t);
  tn_transport_free(transport);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
}

int main(int argc, char **argv) {
  plan p = {.calls = 5000, .large = 10, .at_once = 4, .size = 100000000};
  int i = 1;
  for (; i + 1 < argc && !strncmp(argv[i], "--", 2); i += 2) {
    if (!strcmp(argv[i], "--megabytes")) p.size = (size_t)(atof(argv[i + 1]) * 1e6);
    if (!strcmp(argv[i], "--calls")) p.calls = atoi(argv[i + 1]);
    if (!strcmp(argv[i], "--large")) p.large = atoi(argv[i + 1]);
    if (!strcmp(argv[i], "--at-once")) p.at_once = atoi(argv[i + 1]);
  }
  char *by_default[] = {"127.0.0.1:0"};
  char **addresses = i < argc ? argv + i : by_default;
  for (int k = 0; k < (i < argc ? argc - i : 1); k++) {
    for (int only = 1; only >= 0; only--) {
      p.options.network_only = only;
      measure(addresses[k], &p);
    }
  }
  return 0;
}
