/* Fuzzes both ends of a connection of the HTTP/2 transport. The input's first byte says who reads the rest: a server
 * (bit 0 clear), which wants a token if bit 1 is set, or a client that has made a call; bit 2 puts a client's or a
 * server's usual beginning before it. Covers: src/cluster/conn_session.c src/cluster/http2_incoming.c
 * src/cluster/grpc.c */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/thread.h"
#include "cluster/http2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
static const char settings[] = "\0\0\0\4\0\0\0\0\0\0\0\0\4\1\0\0\0\0";
enum { PREFACE = sizeof preface - 1, SETTINGS = sizeof settings - 1 };

static tn_transport *plain, *guarded;
static tn_listener *plain_listener, *guarded_listener;
static char plain_address[64], guarded_address[64], own_address[64];

static void answer(void *argument, tn_incoming *incoming) {
  (void)argument;
  tn_message *request = tn_message_ref(tn_incoming_message(incoming));
  bool fails = strstr(tn_incoming_method(incoming), "Fail");
  tn_incoming_finish(incoming, fails ? tn_errorf(TN_ABORTED, "n\xc3\xb6: %s", tn_incoming_method(incoming)) : NULL,
                     request);
}

static struct sockaddr_un socket_of(const char *address) {
  struct sockaddr_un un = {.sun_family = AF_UNIX};
  memcpy(un.sun_path, address + 5, strlen(address) - 4);
  return un;
}

static void remove_sockets(void) {
  unlink(plain_address + 5);
  unlink(guarded_address + 5);
  unlink(own_address + 5);
}

static void set_up(void) {
  int id = (int)getpid();
  snprintf(plain_address, sizeof plain_address, "unix:/tmp/tenon-fuzz-%d-a", id);
  snprintf(guarded_address, sizeof guarded_address, "unix:/tmp/tenon-fuzz-%d-b", id);
  snprintf(own_address, sizeof own_address, "unix:/tmp/tenon-fuzz-%d-c", id);
  tn_set_memory_limit(64 << 20);
  tn_http2_options o = {.max_message = 1 << 20};
  if (tn_http2_new(&o, &plain) || tn_transport_listen(plain, plain_address, answer, NULL, &plain_listener)) abort();
  o.token = "secret";
  if (tn_http2_new(&o, &guarded) || tn_transport_listen(guarded, guarded_address, answer, NULL, &guarded_listener))
    abort();
  atexit(remove_sockets);
}

static void send_all(int fd, const void *data, size_t size) {
  for (ssize_t n; size; size -= (size_t)n, data = (const char *)data + n) {
    n = send(fd, data, size, MSG_NOSIGNAL);
    if (n <= 0) return; /* the other end has had enough */
  }
}

/* Sends all, and reads until the other end closes. */
static void play(int fd, const char *begin, size_t begin_size, const uint8_t *data, size_t size) {
  char bytes[4096];
  send_all(fd, begin, begin_size);
  send_all(fd, data, size);
  shutdown(fd, SHUT_WR);
  while (recv(fd, bytes, sizeof bytes, 0) > 0) {
  }
  close(fd);
}

static void play_client(const uint8_t *data, size_t size, int flags) {
  struct sockaddr_un un = socket_of(flags & 2 ? guarded_address : plain_address);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connect(fd, (struct sockaddr *)&un, sizeof un)) abort();
  play(fd, preface, flags & 4 ? PREFACE : 0, data, size);
}

/* A socket that the client is to call. */
static int own_socket(void) {
  struct sockaddr_un un = socket_of(own_address);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  unlink(un.sun_path);
  if (bind(fd, (struct sockaddr *)&un, sizeof un) || listen(fd, 8)) abort();
  return fd;
}

static void ended(void *argument, tn_error *error, tn_message *reply) {
  if (!error == !reply) abort();
  tn_error_free(error);
  tn_message_unref(reply);
  __atomic_store_n((int *)argument, 1, __ATOMIC_RELEASE);
}

static void play_server(const uint8_t *data, size_t size, int flags) {
  tn_transport *client;
  int done = 0, own = own_socket();
  tn_message *message;
  tn_error *error = tn_http2_new(&(tn_http2_options){.max_message = 1 << 20, .token = "x"}, &client);
  if (error) {
    fprintf(stderr, "no client for this input: %s\n", tn_error_message(error));
    tn_error_free(error);
    close(own);
    return;
  }
  if (tn_message_new(&message) || tn_message_add_copy(message, "hello", 5)) abort();
  tn_request r = {.address = own_address, .method = "/a/b", .message = message, .done = ended, .argument = &done};
  r.deadline_ns = tn_now_ns() + (int64_t)10 * 1000000000;
  if (tn_transport_call(client, &r, NULL)) abort();
  tn_message_unref(message);
  int fd = accept(own, NULL, NULL);
  if (fd < 0) abort();
  close(own); /* a second attempt finds nobody */
  /* The call is on its way before the answer comes, so that there is a stream to answer. */
  char bytes[512];
  for (ssize_t n = 0, got; n < 120 && (got = recv(fd, bytes, sizeof bytes, 0)) > 0;) n += got;
  play(fd, settings, flags & 4 ? SETTINGS : 0, data, size);
  while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) usleep(50);
  tn_transport_free(client);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!plain) set_up();
  if (!size) return 0;
  if (data[0] & 1)
    play_server(data + 1, size - 1, data[0]);
  else
    play_client(data + 1, size - 1, data[0]);
  return 0;
}
