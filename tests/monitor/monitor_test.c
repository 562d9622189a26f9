/* The monitor as its readers see it: pages over a socket, a training that hangs, the stacks of threads. */
#include <arpa/inet.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "monitor/impl.h"

static int connect_to(void) {
  struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((uint16_t)tn_monitor_port())};
  inet_pton(AF_INET, "127.0.0.1", &where.sin_addr);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&where, sizeof where), 0);
  return fd;
}

/* What REQUEST is answered with, to the end of the connection. */
static const char *ask(const char *request) {
  static char answer[32768];
  size_t n = 0;
  int fd = connect_to();
  assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
  for (ssize_t got; (got = recv(fd, answer + n, sizeof answer - 1 - n, 0)) > 0;) n += (size_t)got;
  answer[n] = 0;
  close(fd);
  return answer;
}

static const char *page(const char *path) {
  char request[256];
  snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: here\r\n\r\n", path);
  return ask(request);
}

static void assert_says(const char *text, const char *words) {
  if (!strstr(text, words)) fail_msg("'%s' is not in:\n%s", words, text);
}

static void count_calls(void *argument) { tn_monitor_set("calls", NULL, ++*(int *)argument); }

static int start(void **state) {
  static int calls;
  char folder[] = "/tmp/monitor-XXXXXX", *path = malloc(64);
  snprintf(path, 64, "%s/word", mkdtemp(folder));
  *state = path;
  tn_error *error = tn_monitor_start(
      &(tn_monitor_options){.hang_s = 3600, .last_word = path, .collect = count_calls, .argument = &calls});
  return error != NULL;
}

static int stop(void **state) {
  char *path = *state;
  tn_monitor_stop();
  unlink(path);
  *strrchr(path, '/') = 0;
  rmdir(path);
  free(path);
  return tn_monitor_port();
}

static void test_health(void **state) {
  (void)state;
  assert_says(page("/healthz"), "HTTP/1.1 200 OK\r\n");
  assert_says(page("/healthz"), "\r\n\r\nok\n");
  assert_says(page("/readyz"), "HTTP/1.1 503 ");
  tn_monitor_ready(true);
  assert_says(page("/readyz?verbose"), "HTTP/1.1 200 ");
  assert_says(page("/elsewhere"), "HTTP/1.1 404 ");
  assert_says(ask("POST /healthz HTTP/1.1\r\n\r\n"), "HTTP/1.1 405 ");
  assert_says(ask("nonsense\r\n\r\n"), "HTTP/1.1 405 ");
  assert_null(strstr(ask("HEAD /healthz HTTP/1.1\r\n\r\n"), "ok\n"));
}

static void test_bad_requests(void **state) {
  (void)state;
  char large[5000];
  memset(large, 'x', sizeof large);
  large[sizeof large - 1] = 0;
  int fd = connect_to();
  assert_int_equal(send(fd, large, sizeof large - 1, MSG_NOSIGNAL), (ssize_t)sizeof large - 1);
  char byte;
  assert_true(recv(fd, &byte, 1, 0) <= 0); /* it was dropped */
  close(fd);
  int slow[16]; /* as many as there may be, which say nothing */
  for (int i = 0; i < 15; i++) slow[i] = connect_to();
  assert_says(page("/healthz"), "HTTP/1.1 200 ");
  for (int i = 0; i < 15; i++) close(slow[i]);
}

static void test_metrics(void **state) {
  const char *path = *state;
  assert_says(page("/metrics"), "\ntenon_task_local_steps_total 0\n");
  assert_null(strstr(page("/metrics"), "tenon_task_loss "));
  assert_says(page("/progress"), "{\"training\":false}");
  tn_monitor_begin();
  tn_monitor_step(3, 300);
  tn_monitor_report(&(tn_monitor_progress){.step = 40, .total = 160, .loss = 0.5, .loss_known = true});
  tn_monitor_report(&(tn_monitor_progress){.step = 41, .total = -1});
  tn_monitor_set("queue_depth", "queue=\"a\"", 7);
  tn_monitor_set("bytes_sent_total", "transport=\"network\"", 1e10);
  tn_monitor_set("queue_depth", "queue=\"b\"", 8);
  const char *text = page("/metrics");
  assert_says(text, "Content-Type: text/plain; version=0.0.4");
  assert_says(text, "\ntenon_task_local_steps_total 3\n");
  assert_says(text, "\ntenon_task_global_step 41\n");
  assert_says(text, "\ntenon_task_total_steps 160\n");
  assert_says(text, "\ntenon_task_loss 0.5\n");
  assert_says(text, "# TYPE tenon_task_queue_depth gauge\ntenon_task_queue_depth{queue=\"a\"} 7\n"
                    "tenon_task_queue_depth{queue=\"b\"} 8\n");
  assert_says(text, "# TYPE tenon_task_bytes_sent_total counter\n");
  assert_says(text, "tenon_task_bytes_sent_total{transport=\"network\"} 10000000000\n");
  assert_says(text, "\ntenon_task_calls ");
  assert_says(text, "\nprocess_resident_memory_bytes ");
  assert_says(text, "\ntenon_task_seconds_since_step ");
  assert_says(page("/progress"), "{\"training\":true,\"step\":41,\"total\":160,\"loss\":\"0.5\"");
  tn_monitor_report(&(tn_monitor_progress){.step = 160, .total = -1, .loss = -NAN, .loss_known = true});
  assert_says(page("/metrics"), "\ntenon_task_loss NaN\n");
  tn_monitor_end();
  char word[512] = "";
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  assert_true(fread(word, 1, sizeof word - 1, file) > 0);
  fclose(file);
  assert_says(word, "{\"tenonProgress\":{\"training\":false,\"step\":160,\"total\":160");
}

static void test_taken(void **state) {
  (void)state;
  int listener, port;
  tn_error *error = tn_monitor_listen(NULL, tn_monitor_port(), &listener, &port);
  assert_int_equal(tn_error_code(error), TN_ALREADY_EXISTS);
  tn_error_free(error);
  error = tn_monitor_listen("nowhere", 0, &listener, &port);
  assert_int_equal(tn_error_code(error), TN_INVALID_ARGUMENT);
  tn_error_free(error);
  error = tn_monitor_start(&(tn_monitor_options){0});
  assert_int_equal(tn_error_code(error), TN_ALREADY_EXISTS);
  tn_error_free(error);
  assert_null(tn_monitor_listen("*", 0, &listener, &port));
  assert_true(port > 0);
  close(listener);
}

static int gate[2];

__attribute__((noinline)) static void *wait_at_the_gate(void *unused) {
  char byte;
  while (read(gate[0], &byte, 1) < 0) continue;
  return unused;
}

static void test_stacks(void **state) {
  (void)state;
  pthread_t thread;
  assert_int_equal(pipe(gate), 0);
  assert_int_equal(pthread_create(&thread, NULL, wait_at_the_gate, NULL), 0);
  tn_str s = {0};
  for (int i = 0; i < 200; i++) { /* until it is there */
    tn_str_clear(&s);
    tn_stacks_add(&s);
    if (s.data && strstr(s.data, "wait_at_the_gate")) break;
    usleep(10000);
  }
  assert_says(s.data, "wait_at_the_gate+0x"); /* static: only the file's own table knows it */
  tn_str_clear(&s);
  assert_int_equal(write(gate[1], "", 1), 1);
  pthread_join(thread, NULL);
  close(gate[0]);
  close(gate[1]);
}

/* A process of its own, by the environment; what it says on stderr comes through a pipe. */
static void test_hanging(void **state) {
  (void)state;
  int out[2], go_on[2];
  assert_int_equal(pipe(out), 0);
  assert_int_equal(pipe(go_on), 0);
  pid_t child = fork();
  if (child == 0) {
    dup2(out[1], 2);
    close(out[1]);
    close(go_on[1]);
    alarm(120);
    char why[160] = "";
    setenv("TENON_METRICS_PORT", "0", 1);
    setenv("TENON_HANG_SECONDS", "0.2", 1);
    setenv("TENON_TOTAL_STEPS", "77", 1);
    tn_error *error = tn_monitor_from_environment((tn_monitor_options){0});
    if (error || getenv("TENON_METRICS_PORT") || !tn_monitor_port()) _exit(1);
    usleep(600000); /* nobody trains: nothing hangs */
    tn_monitor_trouble(why);
    if (*why) _exit(2);
    tn_monitor_begin();
    for (int i = 0; i < 600 && !*why; i++) {
      usleep(100000);
      tn_monitor_trouble(why);
    }
    const char *answer = page("/healthz");
    if (!strstr(answer, "503 ") || !strstr(answer, "no step for") || !strstr(page("/progress"), "77")) _exit(3);
    if (read(go_on[0], why, 1) != 1) _exit(5); /* the thread looks by itself, and prints once */
    tn_monitor_step(1, 0);
    tn_monitor_end();
    if (!strstr(page("/healthz"), "200 ")) _exit(4);
    tn_monitor_stop();
    _exit(0);
  }
  close(out[1]);
  char said[65536] = "";
  size_t n = 0;
  bool told = false;
  for (ssize_t got; (got = read(out[0], said + n, sizeof said - 1 - n)) > 0;) {
    n += (size_t)got;
    said[n] = 0;
    if (!told && strstr(said, "test_hanging+0x")) told = write(go_on[1], "", 1) == 1;
  }
  close(out[0]);
  close(go_on[0]);
  close(go_on[1]);
  int status;
  waitpid(child, &status, 0);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  assert_says(said, "tenon: the training hangs: no step for ");
  assert_says(said, "thread ");
  assert_says(said, "test_hanging+0x");
}

static void test_bad_environment(void **state) {
  (void)state;
  setenv("TENON_METRICS_PORT", "many", 1);
  tn_error *error = tn_monitor_from_environment((tn_monitor_options){0});
  assert_int_equal(tn_error_code(error), TN_INVALID_ARGUMENT);
  tn_error_free(error);
  unsetenv("TENON_METRICS_PORT");
  assert_null(tn_monitor_from_environment((tn_monitor_options){0}));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_health),         cmocka_unit_test(test_bad_requests),
                                     cmocka_unit_test(test_metrics),        cmocka_unit_test(test_taken),
                                     cmocka_unit_test(test_stacks),         cmocka_unit_test(test_hanging),
                                     cmocka_unit_test(test_bad_environment)};
  return cmocka_run_group_tests_name("monitor", tests, start, stop);
}
