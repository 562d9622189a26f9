/* A server of short pages on one thread: a request is one packet or a few, its answer is written and the connection
 * closed. Connections that are slow hold up nobody, and are ended after some seconds. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "monitor/impl.h"

enum { MOST_CONNECTIONS = 16, MOST_REQUEST = 4096, TURN_MS = 500 };
static const int64_t patience_ns = 5000000000;

typedef struct connection {
  int fd; /* 0: free */
  int64_t began;
  size_t n; /* bytes of the request */
  char request[MOST_REQUEST];
  char *answer; /* NULL while it reads */
  size_t size, sent;
} connection;

static int bind_to(const struct sockaddr *where, socklen_t size) {
  int on = 1, off = 0, fd = socket(where->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (where->sa_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (!bind(fd, where, size) && !listen(fd, MOST_CONNECTIONS)) return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

tn_error *tn_monitor_listen(const char *address, int port, int *out, int *port_out) {
  struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
  bool all = address && !strcmp(address, "*");
  if (!address) address = "127.0.0.1";
  int fd = -1;
  if (all) {
    fd = bind_to((struct sockaddr *)&six, sizeof six);
    if (fd < 0 && errno != EADDRINUSE) fd = bind_to((struct sockaddr *)&four, sizeof four);
  } else if (inet_pton(AF_INET, address, &four.sin_addr) == 1) {
    fd = bind_to((struct sockaddr *)&four, sizeof four);
  } else if (inet_pton(AF_INET6, address, &six.sin6_addr) == 1) {
    fd = bind_to((struct sockaddr *)&six, sizeof six);
  } else {
    return tn_errorf(TN_INVALID_ARGUMENT, "'%s' is no IP address to serve metrics on", address);
  }
  if (fd < 0)
    return tn_errorf(errno == EADDRINUSE ? TN_ALREADY_EXISTS : TN_UNAVAILABLE, "metrics can't be served at %s:%d: %s",
                     address, port, strerror(errno));
  struct sockaddr_in6 real;
  socklen_t size = sizeof real;
  getsockname(fd, (struct sockaddr *)&real, &size);
  *port_out = ntohs(real.sin6_port); /* it lies where IPv4 has it */
  *out = fd;
  return NULL;
}

static void drop(connection *c) {
  close(c->fd);
  tn_free(c->answer);
  *c = (connection){0};
}

static const char *reason(int status) {
  return status == 200 ? "OK" : status == 404 ? "Not Found" : status == 405 ? "Method Not Allowed" : "Unavailable";
}

/* Makes the answer to the request, which is there as a whole. */
static void make_answer(connection *c) {
  char method[8] = "", path[256] = "";
  const char *type = "text/plain; version=0.0.4; charset=utf-8";
  tn_str text = {0}, whole = {0};
  int status = 405;
  if (sscanf(c->request, "%7s %255s", method, path) == 2 && (!strcmp(method, "GET") || !strcmp(method, "HEAD"))) {
    path[strcspn(path, "?")] = 0;
    status = tn_monitor_page(path, &text, &type);
  } else {
    tn_str_add(&text, "only GET is served\n");
  }
  tn_str_addf(&whole, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", status,
              reason(status), type, text.size);
  if (text.data && strcmp(method, "HEAD") != 0) tn_str_add_bytes(&whole, text.data, text.size);
  tn_str_clear(&text);
  tn_error *error = tn_str_take(&whole, &c->answer, &c->size);
  if (error) drop(c);
  tn_error_free(error);
}

static void receive(connection *c) {
  ssize_t n = recv(c->fd, c->request + c->n, sizeof c->request - 1 - c->n, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    drop(c);
    return;
  }
  c->n += (size_t)n;
  c->request[c->n] = 0;
  if (strstr(c->request, "\r\n\r\n"))
    make_answer(c);
  else if (c->n == sizeof c->request - 1)
    drop(c);
}

static void transmit(connection *c) {
  ssize_t n = send(c->fd, c->answer + c->sent, c->size - c->sent, MSG_NOSIGNAL);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n > 0) c->sent += (size_t)n;
  if (n > 0 && c->sent < c->size) return;
  shutdown(c->fd, SHUT_WR);
  drop(c);
}

static void welcome(int listener, connection *all) {
  int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return;
  for (int i = 0; i < MOST_CONNECTIONS; i++)
    if (!all[i].fd) {
      all[i].fd = fd;
      all[i].began = tn_now_ns();
      return;
    }
  close(fd);
}

void tn_monitor_serve(int listener, int wake) {
  connection *all = tn_calloc(MOST_CONNECTIONS, sizeof *all);
  for (bool goes_on = all != NULL; goes_on;) {
    struct pollfd fds[MOST_CONNECTIONS + 2] = {{listener, POLLIN, 0}, {wake, POLLIN, 0}};
    for (int i = 0; i < MOST_CONNECTIONS; i++)
      fds[i + 2] = (struct pollfd){all[i].fd ? all[i].fd : -1, all[i].answer ? POLLOUT : POLLIN, 0};
    int n = poll(fds, MOST_CONNECTIONS + 2, TURN_MS);
    goes_on = !(n > 0 && fds[1].revents);
    for (int i = 0; i < MOST_CONNECTIONS; i++) {
      if (!all[i].fd) continue;
      bool late = tn_now_ns() - all[i].began > patience_ns, moves = n > 0 && fds[i + 2].revents;
      if (late || !goes_on)
        drop(&all[i]);
      else if (moves && all[i].answer)
        transmit(&all[i]);
      else if (moves)
        receive(&all[i]);
    }
    if (n > 0 && fds[0].revents) welcome(listener, all);
    if (goes_on) tn_monitor_watch();
  }
  tn_free(all);
}
