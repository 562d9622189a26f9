/* Test cases that every transport passes. */
#include "cluster/rpc_cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/thread.h"
#include "cluster/rpc_service.h"

static tn_error *(*make_transport)(tn_transport **out);
static const char *listen_address;

void rpc_wait_init(rpc_wait *w) {
  *w = (rpc_wait){0};
  pthread_mutex_init(&w->mutex, NULL);
  pthread_cond_init(&w->changed, NULL);
}

void rpc_wait_done(void *argument, tn_error *error, tn_message *reply) {
  rpc_wait *w = argument;
  pthread_mutex_lock(&w->mutex);
  w->error = error;
  w->reply = reply;
  w->done++;
  pthread_cond_broadcast(&w->changed);
  pthread_mutex_unlock(&w->mutex);
}

void rpc_wait_for(rpc_wait *w) {
  pthread_mutex_lock(&w->mutex);
  while (!w->done) pthread_cond_wait(&w->changed, &w->mutex);
  pthread_mutex_unlock(&w->mutex);
}

void rpc_wait_free(rpc_wait *w) {
  assert_int_equal(w->done, 1);
  tn_error_free(w->error);
  tn_message_unref(w->reply);
  pthread_mutex_destroy(&w->mutex);
  pthread_cond_destroy(&w->changed);
}

void rpc_call(tn_transport *transport, const tn_request *request, const void *data, size_t size, rpc_wait *w) {
  tn_request r = *request;
  rpc_wait_init(w);
  r.done = rpc_wait_done;
  r.argument = w;
  assert_null(tn_message_new(&r.message));
  assert_null(tn_message_add_copy(r.message, data, size));
  assert_null(tn_transport_call(transport, &r, NULL));
  tn_message_unref(r.message);
  rpc_wait_for(w);
}

/* A client and a server on transports of their own. */
typedef struct pair {
  tn_transport *client, *server;
  tn_listener *listener;
  rpc_service service;
} pair;

static int set_up(void **state) {
  pair *p = calloc(1, sizeof *p);
  assert_null(make_transport(&p->server));
  p->client = p->server;
  p->service.clock = tn_transport_clock(p->server);
  assert_null(tn_transport_listen(p->server, listen_address, rpc_service_handle, &p->service, &p->listener));
  *state = p;
  return 0;
}

static int tear_down(void **state) {
  pair *p = *state;
  tn_listener_close(p->listener, 0);
  tn_transport_free(p->server);
  free(p);
  return 0;
}

static tn_request request_to(pair *p, const char *method) {
  return (tn_request){.address = tn_listener_address(p->listener), .method = method};
}

static void assert_reply(rpc_wait *w, const char *text) {
  tn_wire_in in;
  if (w->error) fail_msg("%s: %s", tn_code_name(tn_error_code(w->error)), tn_error_message(w->error));
  assert_null(tn_message_read(w->reply, &in, NULL));
  assert_int_equal(in.end - in.at, strlen(text));
  assert_memory_equal(in.at, text, strlen(text));
  rpc_wait_free(w);
}

static void assert_error(rpc_wait *w, tn_code code, const char *part) {
  assert_int_equal(tn_error_code(w->error), code);
  if (!strstr(tn_error_message(w->error), part)) fail_msg("'%s' lacks '%s'", tn_error_message(w->error), part);
  rpc_wait_free(w);
}

static void test_sizes(void **state) {
  pair *p = *state;
  static const size_t sizes[] = {0, 1, 2, 4095, 16384, 65531, 65537, 5000000};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    size_t size = sizes[i];
    char *data = malloc(size + 1);
    for (size_t k = 0; k < size; k++) data[k] = (char)(k * 31 + k / 251);
    tn_request r = request_to(p, "/test.Test/Echo");
    rpc_wait w;
    rpc_call(p->client, &r, data, size, &w);
    assert_null(w.error);
    tn_wire_in in;
    tn_buffer *owner;
    assert_null(tn_message_read(w.reply, &in, &owner));
    assert_int_equal(in.end - in.at, size);
    assert_memory_equal(in.at, data, size);
    rpc_wait_free(&w);
    free(data);
  }
}

/* Replies in parts arrive as one piece. */
static void test_parts(void **state) {
  pair *p = *state;
  tn_request r = request_to(p, "/test.Test/Give");
  rpc_wait w;
  rpc_call(p->client, &r, "1000003", 7, &w);
  assert_null(w.error);
  const tn_message_part *parts;
  assert_int_equal(tn_message_parts(w.reply, &parts), 1);
  assert_int_equal(parts->size, 1000003);
  for (size_t i = 0; i < parts->size; i++) assert_int_equal((uint8_t)parts->data[i], (uint8_t)(i * 7 + (i >> 8)));
  rpc_wait_free(&w);
}

static void test_statuses(void **state) {
  pair *p = *state;
  tn_request r = request_to(p, "/test.Test/Fail");
  for (int code = 1; code <= 16; code++) {
    char text[64];
    rpc_wait w;
    int n = snprintf(text, sizeof text, "%d 100%% wr\xc3\xb6ng:\n%d", code, code);
    rpc_call(p->client, &r, text, (size_t)n, &w);
    assert_error(&w, (tn_code)code, strchr(text, ' ') + 1);
  }
  r.method = "/test.Test/Nothing";
  rpc_wait w;
  rpc_call(p->client, &r, "", 0, &w);
  assert_error(&w, TN_UNIMPLEMENTED, "/test.Test/Nothing");
}

static void test_metadata(void **state) {
  pair *p = *state;
  tn_metadata metadata[] = {{"x-color", "light green"}, {"x-empty", ""}};
  tn_request r = request_to(p, "/test.Test/Metadata");
  r.metadata = metadata;
  r.n_metadata = 2;
  rpc_wait w;
  rpc_call(p->client, &r, "x-color", 7, &w);
  assert_reply(&w, "light green");
  rpc_call(p->client, &r, "x-none", 6, &w);
  assert_reply(&w, "");
}

/* The server learns the deadline; a call over it ends, and its handler hears of that. */
static void test_deadlines(void **state) {
  pair *p = *state;
  tn_request r = request_to(p, "/test.Test/Deadline");
  rpc_wait w;
  rpc_call(p->client, &r, "", 0, &w);
  assert_reply(&w, "-1");
  r.deadline_ns = tn_clock_now(tn_transport_clock(p->client)) + (int64_t)3600 * 1000000000;
  rpc_call(p->client, &r, "", 0, &w);
  assert_null(w.error);
  tn_wire_in in;
  assert_null(tn_message_read(w.reply, &in, NULL));
  char text[32];
  snprintf(text, sizeof text, "%.*s", (int)(in.end - in.at), in.at);
  int left = atoi(text);
  assert_in_range(left, 3500000, 3600000);
  rpc_wait_free(&w);
  r.method = "/test.Test/Hang";
  r.deadline_ns = tn_clock_now(tn_transport_clock(p->client)) + 50 * 1000000;
  rpc_call(p->client, &r, "", 0, &w);
  assert_error(&w, TN_DEADLINE_EXCEEDED, "");
  while (atomic_load(&p->service.cancelled) < 1) usleep(1000);
}

static void test_cancel(void **state) {
  pair *p = *state;
  tn_request r = request_to(p, "/test.Test/Hang");
  rpc_wait w;
  rpc_wait_init(&w);
  r.done = rpc_wait_done;
  r.argument = &w;
  tn_call *call;
  assert_null(tn_transport_call(p->client, &r, &call));
  while (atomic_load(&p->service.calls) < 1) usleep(1000);
  tn_call_cancel(call);
  rpc_wait_for(&w);
  assert_error(&w, TN_CANCELLED, "");
  tn_call_cancel(call); /* too late: nothing */
  tn_call_unref(call);
  while (atomic_load(&p->service.cancelled) < 1) usleep(1000);
}

static void test_nobody(void **state) {
  pair *p = *state;
  tn_request r = {.address = "127.0.0.1:1", .method = "/test.Test/Echo"};
  rpc_wait w;
  rpc_call(p->client, &r, "", 0, &w);
  assert_error(&w, TN_UNAVAILABLE, "127.0.0.1:1");
}

/* A hundred calls at once, of which every tenth is cancelled. */
static void test_many(void **state) {
  enum { N = 100 };
  pair *p = *state;
  rpc_wait waits[N];
  tn_call *calls[N];
  for (int i = 0; i < N; i++) {
    char text[16];
    rpc_wait_init(&waits[i]);
    tn_request r = request_to(p, i % 10 ? "/test.Test/Later" : "/test.Test/Hang");
    r.done = rpc_wait_done;
    r.argument = &waits[i];
    int n = snprintf(text, sizeof text, "%d", i % 7);
    assert_null(tn_message_new(&r.message));
    assert_null(tn_message_add_copy(r.message, text, (size_t)n));
    assert_null(tn_transport_call(p->client, &r, &calls[i]));
    tn_message_unref(r.message);
  }
  for (int i = 0; i < N; i += 10) tn_call_cancel(calls[i]);
  for (int i = 0; i < N; i++) {
    char text[16];
    rpc_wait_for(&waits[i]);
    snprintf(text, sizeof text, "%d", i % 7);
    if (i % 10)
      assert_reply(&waits[i], text);
    else
      assert_error(&waits[i], TN_CANCELLED, "");
    tn_call_unref(calls[i]);
  }
}

/* A closing server waits for what runs, within the grace, and cancels the rest. */
static void test_close(void **state) {
  pair *p = *state;
  rpc_wait slow, stuck;
  tn_request r = request_to(p, "/test.Test/Later");
  rpc_wait_init(&slow);
  rpc_wait_init(&stuck);
  r.done = rpc_wait_done;
  r.argument = &slow;
  assert_null(tn_message_new(&r.message));
  assert_null(tn_message_add_copy(r.message, "100", 3));
  assert_null(tn_transport_call(p->client, &r, NULL));
  tn_message_unref(r.message);
  r.method = "/test.Test/Hang";
  r.argument = &stuck;
  r.message = NULL;
  assert_null(tn_transport_call(p->client, &r, NULL));
  while (atomic_load(&p->service.calls) < 2) usleep(1000);
  tn_listener_close(p->listener, 600 * 1000000);
  p->listener = NULL;
  rpc_wait_for(&slow);
  assert_reply(&slow, "100");
  rpc_wait_for(&stuck);
  assert_int_not_equal(tn_error_code(stuck.error), TN_OK);
  rpc_wait_free(&stuck);
}

/* The transport ends while calls run: each is told. */
static void test_transport_free(void **state) {
  pair *p = *state;
  tn_transport *other;
  assert_null(make_transport(&other));
  rpc_wait w[5];
  for (int i = 0; i < 5; i++) {
    rpc_wait_init(&w[i]);
    tn_request r = request_to(p, "/test.Test/Hang");
    r.done = rpc_wait_done;
    r.argument = &w[i];
    assert_null(tn_transport_call(other, &r, NULL));
  }
  tn_transport_free(other);
  for (int i = 0; i < 5; i++) {
    assert_int_equal(w[i].done, 1);
    assert_non_null(w[i].error);
    rpc_wait_free(&w[i]);
  }
}

static void test_listen_errors(void **state) {
  pair *p = *state;
  tn_listener *second;
  tn_error *error =
      tn_transport_listen(p->server, tn_listener_address(p->listener), rpc_service_handle, &p->service, &second);
  assert_int_equal(tn_error_code(error), TN_ALREADY_EXISTS);
  assert_non_null(strstr(tn_error_message(error), tn_listener_address(p->listener)));
  tn_error_free(error);
  error = tn_transport_listen(p->server, "", rpc_service_handle, &p->service, &second);
  assert_int_equal(tn_error_code(error), TN_INVALID_ARGUMENT);
  tn_error_free(error);
}

static void bump(void *argument) { atomic_fetch_add((atomic_int *)argument, 1); }

static void test_clock(void **state) {
  pair *p = *state;
  tn_clock *clock = tn_transport_clock(p->client);
  atomic_int fired = 0;
  tn_timer *timers[20];
  int64_t now = tn_clock_now(clock);
  for (int i = 0; i < 20; i++) {
    int64_t at = now + (i % 2 ? (int64_t)3600 * 1000000000 : (int64_t)(20 - i) * 1000000);
    assert_null(tn_timer_start(clock, at, bump, &fired, &timers[i]));
  }
  while (atomic_load(&fired) < 10) usleep(1000);
  for (int i = 0; i < 20; i++) assert_int_equal(tn_timer_stop(clock, timers[i]), i % 2);
  assert_int_equal(atomic_load(&fired), 10);
  assert_false(tn_timer_stop(clock, NULL));
}

int rpc_cases_run(const char *name, tn_error *(*make)(tn_transport **out), const char *address) {
  make_transport = make;
  listen_address = address;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_sizes, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_parts, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_statuses, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_metadata, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_deadlines, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_cancel, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_nobody, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_many, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_close, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_transport_free, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_listen_errors, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_clock, set_up, tear_down),
  };
  return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
