/* The transport over HTTP/2: the cases of all transports over TCP and a Unix socket; shared memory. */
#include "cluster/http2.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cluster/rpc_cases.h"
#include "cluster/rpc_service.h"

enum { SIZE = 300000 };
static char unix_address[64];
static char bytes[SIZE];

static tn_error *make(tn_transport **out) { return tn_http2_new(NULL, out); }

static tn_error *make_network(tn_transport **out) {
  return tn_http2_new(&(tn_http2_options){.network_only = true}, out);
}

typedef struct sides {
  tn_transport *client, *server;
  tn_listener *listener;
  rpc_service service;
} sides;

static void open_sides(sides *s, const tn_http2_options *options) {
  *s = (sides){0};
  for (size_t i = 0; i < SIZE; i++) bytes[i] = (char)(i * 7 + (i >> 8));
  assert_null(tn_http2_new(options, &s->server));
  assert_null(tn_http2_new(NULL, &s->client));
  s->service.clock = tn_transport_clock(s->server);
  assert_null(tn_transport_listen(s->server, unix_address, rpc_service_handle, &s->service, &s->listener));
}

static void close_sides(sides *s) {
  tn_listener_close(s->listener, 0);
  tn_transport_free(s->client);
  tn_transport_free(s->server);
}

static void echo(sides *s, size_t size, rpc_wait *w) {
  tn_request r = {.address = unix_address, .method = "/test.Test/Echo"};
  rpc_call(s->client, &r, bytes, size, w);
  tn_wire_in in;
  if (w->error) fail_msg("%s", tn_error_message(w->error));
  assert_null(tn_message_read(w->reply, &in, NULL));
  assert_int_equal(in.end - in.at, size);
  assert_memory_equal(in.at, bytes, size);
}

/* Large messages go through shared memory, both ways, once the peers have met; small ones never. */
static void test_shared(void **state) {
  (void)state;
  sides s;
  rpc_wait w;
  open_sides(&s, NULL);
  for (int i = 0; i < 10; i++) {
    echo(&s, i % 3 ? SIZE : 1000, &w);
    rpc_wait_free(&w);
  }
  tn_traffic client = tn_transport_traffic(s.client), server = tn_transport_traffic(s.server);
  assert_int_equal(client.shared_out, 6 * SIZE);
  assert_int_equal(client.shared_in, 6 * SIZE);
  assert_int_equal(server.shared_out, 6 * SIZE);
  assert_int_equal(server.shared_in, 6 * SIZE);
  assert_int_equal(client.network_in + client.network_out, 0);
  assert_in_range(client.local_out, 4000, 40000);
  close_sides(&s);
}

/* A receiver may keep what it got for as long as it likes, even when both sides have gone. */
static void test_shared_and_kept(void **state) {
  (void)state;
  enum { N = 12 };
  sides s;
  rpc_wait w[N];
  open_sides(&s, NULL);
  for (int i = 0; i < N; i++) echo(&s, SIZE, &w[i]);
  for (int i = 0; i < N; i += 2) {
    rpc_wait_free(&w[i]);
    echo(&s, SIZE - 1, &w[i]);
  }
  close_sides(&s);
  for (int i = 0; i < N; i++) {
    tn_wire_in in;
    assert_null(tn_message_read(w[i].reply, &in, NULL));
    assert_int_equal(in.end - in.at, SIZE - !(i % 2));
    assert_memory_equal(in.at, bytes, (size_t)(in.end - in.at));
    rpc_wait_free(&w[i]);
  }
}

/* Very large ones are copied by two threads, over the borders of their parts; several at once. */
static void test_shared_by_two(void **state) {
  (void)state;
  enum { N = 3, LARGE = 9000001 };
  sides s;
  rpc_wait w[N];
  open_sides(&s, NULL);
  echo(&s, 10, &w[0]);
  rpc_wait_free(&w[0]);
  for (int i = 0; i < N; i++) {
    tn_request r = {.address = unix_address, .method = "/test.Test/Give", .done = rpc_wait_done, .argument = &w[i]};
    rpc_wait_init(&w[i]);
    assert_null(tn_message_new(&r.message));
    assert_null(tn_message_add_copy(r.message, "9000001", 7));
    assert_null(tn_transport_call(s.client, &r, NULL));
    tn_message_unref(r.message);
  }
  for (int i = 0; i < N; i++) {
    tn_wire_in in;
    rpc_wait_for(&w[i]);
    assert_null(w[i].error);
    assert_null(tn_message_read(w[i].reply, &in, NULL));
    assert_int_equal(in.end - in.at, LARGE);
    size_t wrong = 0;
    for (size_t k = 0; k < LARGE; k++) wrong += (uint8_t)in.at[k] != (uint8_t)(k * 7 + (k >> 8));
    assert_int_equal(wrong, 0);
    rpc_wait_free(&w[i]);
  }
  assert_int_equal(tn_transport_traffic(s.client).shared_in, (uint64_t)N * LARGE);
  close_sides(&s);
}

/* Calls that end while their message is copied, sent or answered leave no segment behind: there is always one free. */
static void test_shared_and_cancelled(void **state) {
  (void)state;
  sides s;
  rpc_wait w;
  open_sides(&s, NULL);
  echo(&s, 10, &w);
  rpc_wait_free(&w);
  for (int i = 0; i < 300; i++) {
    tn_request r = {
        .address = unix_address, .method = i % 2 ? "/test.Test/Echo" : "/test.Test/Hang", .done = rpc_wait_done};
    tn_call *call;
    rpc_wait_init(&w);
    r.argument = &w;
    assert_null(tn_message_new(&r.message));
    assert_null(tn_message_add_copy(r.message, bytes, SIZE));
    assert_null(tn_transport_call(s.client, &r, &call));
    tn_message_unref(r.message);
    if (i % 3) usleep((unsigned)(i % 50) * 10);
    tn_call_cancel(call);
    tn_call_unref(call);
    rpc_wait_for(&w);
    rpc_wait_free(&w);
  }
  tn_traffic before = tn_transport_traffic(s.client);
  for (int i = 0; i < 5; i++) {
    echo(&s, SIZE, &w);
    rpc_wait_free(&w);
  }
  tn_traffic after = tn_transport_traffic(s.client);
  assert_int_equal(after.shared_out - before.shared_out, 5 * SIZE);
  assert_int_equal(after.shared_in - before.shared_in, 5 * SIZE);
  close_sides(&s);
}

/* One side that does not want it is enough; limits hold there too. */
static void test_shared_options(void **state) {
  (void)state;
  sides s;
  rpc_wait w;
  open_sides(&s, &(tn_http2_options){.network_only = true});
  for (int i = 0; i < 3; i++) {
    echo(&s, SIZE, &w);
    rpc_wait_free(&w);
  }
  assert_int_equal(tn_transport_traffic(s.client).shared_in + tn_transport_traffic(s.client).shared_out, 0);
  close_sides(&s);
  open_sides(&s, &(tn_http2_options){.max_message = SIZE - 1});
  echo(&s, 10, &w);
  rpc_wait_free(&w);
  tn_request r = {.address = unix_address, .method = "/test.Test/Echo"};
  rpc_call(s.client, &r, bytes, SIZE, &w);
  assert_int_equal(tn_error_code(w.error), TN_RESOURCE_EXHAUSTED);
  assert_string_equal(tn_error_message(w.error),
                      "a message of 300000 bytes came; the limit is 299999 (--message-limit or TENON_MESSAGE_LIMIT)");
  rpc_wait_free(&w);
  echo(&s, SIZE - 1, &w);
  rpc_wait_free(&w);
  close_sides(&s);
}

/* A listener whose process does not take connections, as one that is frozen: the system completes them alone. */
static void test_no_greeting(void **state) {
  (void)state;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof to;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&to, size), 0);
  assert_int_equal(listen(fd, 8), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&to, &size), 0);
  char address[64];
  snprintf(address, sizeof address, "127.0.0.1:%d", ntohs(to.sin_port));
  tn_transport *client = NULL;
  assert_null(tn_http2_new(&(tn_http2_options){.silence_ns = 400000000}, &client));
  rpc_wait w;
  rpc_call(client, &(tn_request){.address = address, .method = "/test.Test/Echo"}, bytes, 10, &w);
  assert_int_equal(tn_error_code(w.error), TN_UNAVAILABLE);
  if (!strstr(tn_error_message(w.error), "no greeting")) fail_msg("%s", tn_error_message(w.error));
  rpc_wait_free(&w);
  tn_transport_free(client);
  close(fd);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_shared),         cmocka_unit_test(test_shared_and_kept),
      cmocka_unit_test(test_shared_by_two),  cmocka_unit_test(test_shared_and_cancelled),
      cmocka_unit_test(test_shared_options), cmocka_unit_test(test_no_greeting),
  };
  snprintf(unix_address, sizeof unix_address, "unix:/tmp/tenon-test-%d", (int)getpid());
  return rpc_cases_run("tcp", make_network, "127.0.0.1:0") + rpc_cases_run("ipv6", make_network, "[::1]:0") +
         rpc_cases_run("near", make, "127.0.0.1:0") + rpc_cases_run("near ipv6", make, "[::1]:0") +
         rpc_cases_run("unix", make, unix_address) + cmocka_run_group_tests_name("shared memory", tests, NULL, NULL);
}
