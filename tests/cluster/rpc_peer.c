/* A server and a client of the test service (rpc_service.c), for tests against another implementation of gRPC.
 *
 *   peer-rpc serve ADDRESS [OPTION=VALUE...]   prints the real address, serves until its input ends
 *   peer-rpc call [OPTION=VALUE...]            makes the calls that its input says, one a line, and prints their
 * results
 *
 * A line of input: COUNT ADDRESS METHOD KIND VALUE DEADLINE_MS CANCEL_MS [NAME:VALUE...]
 *   KIND is `text` or `bytes` (as many as VALUE says; byte i is i * 7 + (i >> 8)), 0 is no deadline and no
 * cancellation; texts are written with %XX for what is not printable. COUNT such calls run at once. A line of output
 * for each: CODE SIZE SUM TEXT: the sum of each byte times its position, from 1 on; the error's
 *   message, or the reply if it has at most 1000 bytes. Options:
 * silence_ms, max_message, token, certificate, key, authority, server_name, network_only, open. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cluster/grpc.h"
#include "cluster/http2.h"
#include "cluster/rpc_cases.h"
#include "cluster/rpc_service.h"

static void check(tn_error *error) {
  if (!error) return;
  printf("%s %s\n", tn_code_name(tn_error_code(error)), tn_error_message(error));
  exit(1);
}

static void parse_options(int n, char **texts, tn_http2_options *o) {
  for (int i = 0; i < n; i++) {
    char *value = strchr(texts[i], '=');
    if (!value) exit(2);
    *value++ = '\0';
    if (!strcmp(texts[i], "silence_ms")) o->silence_ns = atoll(value) * 1000000;
    if (!strcmp(texts[i], "max_message")) o->max_message = (size_t)atoll(value);
    if (!strcmp(texts[i], "token")) o->token = value;
    if (!strcmp(texts[i], "certificate")) o->certificate = value;
    if (!strcmp(texts[i], "key")) o->key = value;
    if (!strcmp(texts[i], "authority")) o->authority = value;
    if (!strcmp(texts[i], "server_name")) o->server_name = value;
    if (!strcmp(texts[i], "network_only")) o->network_only = *value == '1';
    if (!strcmp(texts[i], "open")) o->open = *value == '1';
  }
}

static void serve(tn_transport *transport, const char *address) {
  rpc_service service = {.clock = tn_transport_clock(transport)};
  tn_listener *listener;
  check(tn_transport_listen(transport, address, rpc_service_handle, &service, &listener));
  printf("%s\n", tn_listener_address(listener));
  fflush(stdout);
  while (getchar() != EOF) {
  }
  tn_listener_close(listener, 200 * 1000000);
  printf("calls %d cancelled %d\n", atomic_load(&service.calls), atomic_load(&service.cancelled));
}

/* Prints a call's result and frees it. */
static void print_result(rpc_wait *w) {
  tn_wire_in in = tn_wire_bytes("", 0);
  tn_str text = {0};
  if (!w->error) check(tn_message_read(w->reply, &in, NULL));
  size_t size = (size_t)(in.end - in.at);
  char *bytes = size <= 1000 ? strndup(in.at, size) : strdup("");
  tn_grpc_encode(&text, w->error ? tn_error_message(w->error) : bytes);
  uint64_t sum = 0;
  for (size_t i = 0; i < size; i++) sum += (i + 1) * (uint8_t)in.at[i];
  printf("%s %zu %llu %s\n", tn_code_name(tn_error_code(w->error)), size, (unsigned long long)sum,
         text.data ? text.data : "");
  free(bytes);
  tn_str_clear(&text);
  rpc_wait_free(w);
}

/* What KIND and VALUE say. */
static tn_message *make_message(const char *kind, char *value) {
  tn_message *message;
  tn_buffer *buffer;
  tn_grpc_decode(value);
  bool text = !strcmp(kind, "text");
  size_t size = text ? strlen(value) : (size_t)atoll(value);
  check(tn_message_new(&message));
  check(tn_buffer_new(TN_UINT8, size, &buffer));
  for (size_t i = 0; i < size; i++)
    ((uint8_t *)buffer->data)[i] = text ? (uint8_t)value[i] : (uint8_t)(i * 7 + (i >> 8));
  check(tn_message_add_buffer(message, buffer, buffer->data, size));
  tn_buffer_unref(buffer);
  return message;
}

enum { WORDS = 20 };

static void make_calls(tn_transport *transport, char **words, int n) {
  tn_metadata metadata[WORDS];
  int count = atoi(words[0]), deadline_ms = atoi(words[5]), cancel_ms = atoi(words[6]);
  tn_request r = {.address = words[1], .method = words[2], .metadata = metadata, .done = rpc_wait_done};
  for (int i = 7; i < n; i++) {
    char *colon = strchr(words[i], ':');
    *colon++ = '\0';
    tn_grpc_decode(colon);
    metadata[r.n_metadata++] = (tn_metadata){words[i], colon};
  }
  r.message = make_message(words[3], words[4]);
  if (deadline_ms) r.deadline_ns = tn_clock_now(tn_transport_clock(transport)) + (int64_t)deadline_ms * 1000000;
  rpc_wait *waits = calloc((size_t)count, sizeof *waits);
  tn_call **calls = calloc((size_t)count, sizeof(tn_call *));
  for (int i = 0; i < count; i++) {
    rpc_wait_init(&waits[i]);
    r.argument = &waits[i];
    check(tn_transport_call(transport, &r, &calls[i]));
  }
  tn_message_unref(r.message);
  if (cancel_ms) usleep((unsigned)cancel_ms * 1000);
  for (int i = 0; i < count; i++) {
    if (cancel_ms) tn_call_cancel(calls[i]);
    rpc_wait_for(&waits[i]);
    print_result(&waits[i]);
    tn_call_unref(calls[i]);
  }
  fflush(stdout);
  free(waits);
  free(calls);
}

static void call(tn_transport *transport) {
  static char line[65536];
  while (fgets(line, sizeof line, stdin)) {
    char *words[WORDS];
    int n = 0;
    for (char *word = strtok(line, " \n"); word && n < WORDS; word = strtok(NULL, " \n")) words[n++] = word;
    if (n < 7) exit(2);
    make_calls(transport, words, n);
  }
}

int main(int argc, char **argv) {
  tn_http2_options options = {0};
  tn_transport *transport;
  bool serves = argc > 2 && !strcmp(argv[1], "serve");
  if (!serves && (argc < 2 || strcmp(argv[1], "call"))) return 2;
  int first = serves ? 3 : 2;
  parse_options(argc - first, argv + first, &options);
  check(tn_http2_new(&options, &transport));
  if (serves)
    serve(transport, argv[2]);
  else
    call(transport);
  tn_transport_free(transport);
  return 0;
}
