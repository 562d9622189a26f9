/* Calls of all kinds while servers close and come back and clients end: each call ends exactly once, and nothing is
 * used after it was freed (the sanitizers see to that). Seeded; the order of threads is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cluster/http2.h"
#include "cluster/rpc_cases.h"
#include "cluster/rpc_service.h"

enum { SERVERS = 3, CALLS = 24, ROUNDS = 25, LARGEST = 5000000 };

typedef struct server {
  char address[64];
  tn_transport *transport;
  tn_listener *listener;
  rpc_service service;
} server;

static server servers[SERVERS];
static uint32_t seed = 7;
static char bytes[LARGEST];

static uint32_t draw(uint32_t n) {
  seed = seed * 1664525u + 1013904223u;
  return (seed >> 8) % n;
}

static void open_server(server *s) {
  tn_error *error = NULL;
  /* What was closed just now may still hold the port for a moment. */
  for (int i = 0; i < 200; i++) {
    tn_error_free(error);
    error = tn_transport_listen(s->transport, s->address, rpc_service_handle, &s->service, &s->listener);
    if (!error) return;
    usleep(10000);
  }
  fail_msg("%s", tn_error_message(error));
}

static void start(tn_transport *client, rpc_wait *w, tn_call **call) {
  static const char *const methods[] = {"Echo", "Size", "Give", "Fail", "Hang", "Later", "Deadline"};
  static const size_t sizes[] = {0, 3, 20000, 200000, LARGEST};
  char method[64];
  const uint32_t kind = draw(sizeof methods / sizeof *methods);
  size_t size = kind < 2 ? sizes[draw(sizeof sizes / sizeof *sizes)] : 0;
  snprintf(method, sizeof method, "/test.Test/%s", methods[kind]);
  tn_request r = {.address = servers[draw(SERVERS)].address, .method = method, .done = rpc_wait_done, .argument = w};
  if (draw(3) == 0) r.deadline_ns = tn_clock_now(tn_transport_clock(client)) + (int64_t)draw(30) * 1000000;
  rpc_wait_init(w);
  assert_null(tn_message_new(&r.message));
  if (kind < 2)
    assert_null(tn_message_add_copy(r.message, bytes, size));
  else
    assert_null(tn_message_add_copy(r.message, kind == 2 ? "200000" : "9 no", kind == 2 ? 6 : 4));
  assert_null(tn_transport_call(client, &r, call));
  tn_message_unref(r.message);
}

/* One round: calls are started, some cancelled, a server may go and come back, and then the client ends. */
static void storm(const tn_http2_options *options, int *answered) {
  rpc_wait waits[CALLS];
  tn_call *calls[CALLS];
  tn_transport *client;
  assert_null(tn_http2_new(options, &client));
  server *victim = draw(2) ? &servers[draw(SERVERS)] : NULL;
  for (int i = 0; i < CALLS; i++) {
    start(client, &waits[i], &calls[i]);
    if (draw(6) == 0) tn_call_cancel(calls[draw((uint32_t)i + 1)]);
    if (victim && i == CALLS / 2) tn_listener_close(victim->listener, (int64_t)draw(2) * 3000000);
    if (draw(8) == 0) usleep(draw(3000));
  }
  if (draw(2)) usleep(draw(20000));
  for (int i = 0; i < CALLS; i++) tn_call_unref(calls[i]);
  tn_transport_free(client);
  for (int i = 0; i < CALLS; i++) {
    *answered += !waits[i].error;
    rpc_wait_free(&waits[i]); /* asserts that it has ended once */
  }
  if (victim) open_server(victim);
}

static void test_storm(void **state) {
  (void)state;
  int answered = 0;
  for (int i = 0; i < SERVERS; i++) {
    server *s = &servers[i];
    assert_null(tn_http2_new(NULL, &s->transport));
    s->service.clock = tn_transport_clock(s->transport);
    snprintf(s->address, sizeof s->address, i ? "127.0.0.1:0" : "unix:/tmp/tenon-storm-%d", (int)getpid());
    open_server(s);
    snprintf(s->address, sizeof s->address, "%s", tn_listener_address(s->listener));
  }
  for (int i = 0; i < ROUNDS; i++) storm(&(tn_http2_options){.network_only = i % 3 == 0}, &answered);
  for (int i = 0; i < SERVERS; i++) {
    tn_listener_close(servers[i].listener, 0);
    tn_transport_free(servers[i].transport);
  }
  assert_true(answered > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_storm)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
