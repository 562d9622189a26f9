/* Addresses of tasks: parsed, looked up, listened at. */
#include "cluster/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"

static const char unix_prefix[] = "unix:";

bool tn_address_is_unix(const char *address) { return !strncmp(address, unix_prefix, sizeof unix_prefix - 1); }

/* The path of "unix:PATH" or "unix://PATH". */
static const char *unix_path(const char *address) {
  const char *path = address + sizeof unix_prefix - 1;
  return strncmp(path, "//", 2) ? path : path + 2;
}

/* Splits "host:port" or "[host]:port"; PORT points into ADDRESS. */
static tn_error *split(const char *address, char **host, const char **port) {
  const char *colon = strrchr(address, ':'), *begin = address, *end = colon;
  bool good = colon && colon != address;
  if (good && *address == '[') {
    begin++;
    end--;
    good = end > begin && *end == ']';
  } else if (good) {
    good = !memchr(address, ':', (size_t)(colon - address));
  }
  char *rest = NULL;
  long number = good && colon[1] >= '0' && colon[1] <= '9' ? strtol(colon + 1, &rest, 10) : -1;
  if (!good || number < 0 || number > 65535 || *rest)
    return tn_errorf(TN_INVALID_ARGUMENT, "'%s' is no address: expected host:port, [IPv6]:port or unix:PATH", address);
  *host = tn_strndup(begin, (size_t)(end - begin));
  *port = colon + 1;
  return *host ? NULL : tn_out_of_memory();
}

tn_error *tn_address_host(const char *address, char **host) {
  const char *port;
  if (!tn_address_is_unix(address)) return split(address, host, &port);
  *host = tn_strdup("localhost");
  return *host ? NULL : tn_out_of_memory();
}

static tn_error *resolve_unix(const char *address, tn_addresses *out) {
  const char *path = unix_path(address);
  struct sockaddr_un un = {.sun_family = AF_UNIX};
  if (!*path || strlen(path) >= sizeof un.sun_path)
    return tn_errorf(TN_INVALID_ARGUMENT, "'%s': a socket's path has 1 to %zu bytes, this one %zu", address,
                     sizeof un.sun_path - 1, strlen(path));
  memcpy(un.sun_path, path, strlen(path) + 1);
  out->n = 1;
  memcpy(&out->at[0].storage, &un, sizeof un);
  out->at[0].size = sizeof un;
  return NULL;
}

tn_error *tn_address_resolve(const char *address, bool numeric, tn_addresses *out) {
  char *host;
  const char *port;
  out->n = 0;
  if (tn_address_is_unix(address)) return resolve_unix(address, out);
  TN_TRY(split(address, &host, &port));
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found;
  if (numeric) hints.ai_flags |= AI_NUMERICHOST;
  int status = getaddrinfo(host, port, &hints, &found);
  tn_free(host);
  if (status == EAI_NONAME && numeric) return NULL;
  if (status)
    return tn_errorf(TN_UNAVAILABLE, "%s: the host is not found: %s", address,
                     status == EAI_SYSTEM ? strerror(errno) : gai_strerror(status));
  for (struct addrinfo *a = found; a && out->n < TN_ADDRESSES; a = a->ai_next) {
    if (a->ai_addrlen > sizeof out->at[0].storage) continue;
    memcpy(&out->at[out->n].storage, a->ai_addr, a->ai_addrlen);
    out->at[out->n++].size = a->ai_addrlen;
  }
  freeaddrinfo(found);
  return NULL;
}

/* --- looking names up beside the loop --- */

typedef struct lookup {
  tn_task task;
  tn_loop *loop;
  char *address;
  tn_resolved_fn *done;
  void *argument;
  tn_error *error;
  tn_addresses addresses;
} lookup;

static void free_lookup(lookup *l) {
  tn_loop_unref(l->loop);
  tn_free(l->address);
  tn_free(l);
}

static void looked_up(tn_task *task) {
  lookup *l = (lookup *)task;
  l->done(l->argument, l->error, &l->addresses);
  free_lookup(l);
}

static void *run_lookup(void *argument) {
  lookup *l = argument;
  l->error = tn_address_resolve(l->address, false, &l->addresses);
  l->task.run = looked_up;
  if (!tn_loop_post(l->loop, &l->task)) {
    tn_error_free(l->error);
    free_lookup(l);
  }
  return NULL;
}

tn_error *tn_address_lookup(tn_loop *loop, const char *address, tn_resolved_fn *done, void *argument) {
  lookup *l = tn_calloc(1, sizeof *l);
  char *copy = tn_strdup(address);
  if (!l || !copy) {
    tn_free(l);
    tn_free(copy);
    return tn_out_of_memory();
  }
  *l = (lookup){.loop = tn_loop_ref(loop), .address = copy, .done = done, .argument = argument};
  pthread_t thread;
  int status = pthread_create(&thread, NULL, run_lookup, l);
  if (!status) {
    pthread_detach(thread);
    return NULL;
  }
  free_lookup(l);
  return tn_errorf(TN_UNAVAILABLE, "%s: no thread to look the host up: %s", address, strerror(status));
}

/* --- text --- */

tn_error *tn_address_text(const tn_socket_address *address, char **out) {
  tn_str text = {0};
  size_t size;
  char host[INET6_ADDRSTRLEN] = "?";
  if (address->storage.ss_family == AF_UNIX) {
    const struct sockaddr_un *un = (const void *)&address->storage;
    bool named = address->size > offsetof(struct sockaddr_un, sun_path);
    tn_str_addf(&text, "unix:%s", named ? un->sun_path : "");
  } else if (address->storage.ss_family == AF_INET6) {
    const struct sockaddr_in6 *in6 = (const void *)&address->storage;
    inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
    tn_str_addf(&text, "[%s]:%d", host, ntohs(in6->sin6_port));
  } else {
    const struct sockaddr_in *in = (const void *)&address->storage;
    inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
    tn_str_addf(&text, "%s:%d", host, ntohs(in->sin_port));
  }
  return tn_str_take(&text, out, &size);
}

/* --- sockets --- */

/* Removes a Unix socket that nobody listens at any more, left by a process that was killed. */
static void remove_stale(const tn_socket_address *address) {
  const struct sockaddr_un *un = (const void *)&address->storage;
  struct stat status;
  if (stat(un->sun_path, &status) || !S_ISSOCK(status.st_mode)) return;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return;
  if (connect(fd, (const struct sockaddr *)un, address->size) && errno == ECONNREFUSED) unlink(un->sun_path);
  close(fd);
}

static int listening_socket(const tn_socket_address *a) {
  int one = 1, family = a->storage.ss_family;
  int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  if (family == AF_UNIX) remove_stale(a);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (!bind(fd, (const struct sockaddr *)&a->storage, a->size) && !listen(fd, SOMAXCONN)) return fd;
  int why = errno;
  close(fd);
  errno = why;
  return -1;
}

/* The address with the real port, in the words of ADDRESS. */
static tn_error *real_address(const char *address, int fd, char **real) {
  tn_socket_address a = {.size = sizeof a.storage};
  tn_str text = {0};
  size_t size;
  if (tn_address_is_unix(address) || getsockname(fd, (struct sockaddr *)&a.storage, &a.size)) {
    tn_str_add(&text, address);
  } else {
    int port = a.storage.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a.storage)->sin6_port
                                               : ((struct sockaddr_in *)&a.storage)->sin_port;
    tn_str_addf(&text, "%.*s:%d", (int)(strrchr(address, ':') - address), address, ntohs((uint16_t)port));
  }
  return tn_str_take(&text, real, &size);
}

static bool is_local(const tn_socket_address *a) {
  const struct sockaddr_in *in = (const void *)&a->storage;
  const struct sockaddr_in6 *in6 = (const void *)&a->storage;
  if (a->storage.ss_family == AF_INET) return ntohl(in->sin_addr.s_addr) >> 24 == 127;
  return a->storage.ss_family == AF_UNIX || IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

/* Where the port of ADDRESS is at all addresses of this host. */
static tn_error *resolve_all(const char *address, tn_addresses *found) {
  char all[32];
  snprintf(all, sizeof all, "0.0.0.0%.8s", strrchr(address, ':'));
  return tn_address_resolve(all, true, found);
}

/* Where to listen for ADDRESS. On Kubernetes a task may start before its own name is known: if it may be reached by
 * others (OPEN), it listens at all addresses then. */
static tn_error *resolve_own(const char *address, bool open, tn_addresses *found) {
  tn_error *error = tn_address_resolve(address, false, found);
  if (tn_error_code(error) != TN_UNAVAILABLE || !open) return error;
  tn_error_free(error);
  return resolve_all(address, found);
}

static bool is_name(const char *address) {
  tn_addresses found;
  tn_error *error = tn_address_resolve(address, true, &found);
  bool name = !error && !found.n;
  tn_error_free(error);
  return name;
}

static int listen_at_first(const tn_addresses *found) {
  int fd = -1;
  errno = EADDRNOTAVAIL;
  for (int i = 0; i < found->n && fd < 0; i++) fd = listening_socket(&found->at[i]);
  return fd;
}

/* Of who was started again elsewhere the name may still tell the old place, and a name may be that of a balancer in
 * front of the task: then, too, it listens at all addresses. */
static int listen_at(const char *address, bool open, const tn_addresses *found) {
  int fd = listen_at_first(found);
  tn_addresses all;
  if (fd >= 0 || errno != EADDRNOTAVAIL || !open || !is_name(address)) return fd;
  tn_error *error = resolve_all(address, &all);
  if (!error) return listen_at_first(&all);
  tn_error_free(error);
  errno = EADDRNOTAVAIL;
  return -1;
}

tn_error *tn_socket_listen(const char *address, bool open, int *out, char **real) {
  tn_addresses found;
  TN_TRY(resolve_own(address, open, &found));
  for (int i = 0; i < found.n; i++)
    if (!open && !is_local(&found.at[i]))
      return tn_errorf(
          TN_PERMISSION_DENIED,
          "%s can be reached from other machines: to listen there, give the server a certificate, or tell it "
          "that it may do so without",
          address);
  int fd = listen_at(address, open, &found);
  if (fd < 0)
    return tn_errorf(errno == EADDRINUSE ? TN_ALREADY_EXISTS : TN_INVALID_ARGUMENT, "cannot listen at %s: %s", address,
                     errno == EADDRINUSE ? "the address is in use" : strerror(errno));
  tn_error *error = real_address(address, fd, real);
  if (error)
    close(fd);
  else
    *out = fd;
  return error;
}

/* --- near sockets --- */

static bool is_any(const tn_socket_address *a) {
  const struct sockaddr_in *in = (const void *)&a->storage;
  const struct sockaddr_in6 *in6 = (const void *)&a->storage;
  return a->storage.ss_family == AF_INET ? in->sin_addr.s_addr == htonl(INADDR_ANY)
                                         : IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr);
}

/* Whether the address is one of this host's: a socket can be bound to it. */
static bool is_here(const tn_socket_address *a) {
  if (is_local(a)) return true;
  tn_socket_address any_port = *a;
  if (a->storage.ss_family == AF_INET6)
    ((struct sockaddr_in6 *)&any_port.storage)->sin6_port = 0;
  else
    ((struct sockaddr_in *)&any_port.storage)->sin_port = 0;
  int fd = socket(a->storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  bool here = fd >= 0 && !bind(fd, (struct sockaddr *)&any_port.storage, any_port.size);
  if (fd >= 0) close(fd);
  return here;
}

bool tn_address_near(const tn_socket_address *address, bool any, tn_socket_address *out) {
  char *text;
  if (address->storage.ss_family == AF_UNIX || !is_here(address)) return false;
  tn_error *error = tn_address_text(address, &text);
  if (error) {
    tn_error_free(error);
    return false;
  }
  /* A name that begins with a zero byte is no file: it goes with the last process that listens. */
  struct sockaddr_un un = {.sun_family = AF_UNIX};
  int n = snprintf(un.sun_path + 1, sizeof un.sun_path - 1, "tenon/%u/%s", (unsigned)geteuid(),
                   any ? strrchr(text, ':') : text);
  tn_free(text);
  *out = (tn_socket_address){.size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)};
  memcpy(&out->storage, &un, sizeof un);
  return true;
}

bool tn_socket_is_unix(int fd) {
  int domain = 0;
  socklen_t size = sizeof domain;
  return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) && domain == AF_UNIX;
}

bool tn_socket_same_user(int fd) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) && peer.uid == geteuid();
}

int tn_socket_listen_near(int fd) {
  tn_socket_address a = {.size = sizeof a.storage}, near;
  if (getsockname(fd, (struct sockaddr *)&a.storage, &a.size) || !tn_address_near(&a, is_any(&a), &near)) return -1;
  int near_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (near_fd < 0) return -1;
  if (!bind(near_fd, (struct sockaddr *)&near.storage, near.size) && !listen(near_fd, SOMAXCONN)) return near_fd;
  close(near_fd);
  return -1;
}

void tn_socket_remove(const char *address) { unlink(unix_path(address)); }

int tn_socket_connect(const tn_socket_address *address) {
  int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;
  if (fd < 0) return -1;
  /* The system may give it the port at which a task that is still to start wants to listen: that task can all the same.
   */
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (!connect(fd, (const struct sockaddr *)&address->storage, address->size) || errno == EINPROGRESS) return fd;
  int why = errno;
  close(fd);
  errno = why;
  return -1;
}

bool tn_socket_is_own(int fd) {
  tn_socket_address own = {.size = sizeof own.storage}, peer = {.size = sizeof peer.storage};
  if (getsockname(fd, (struct sockaddr *)&own.storage, &own.size) ||
      getpeername(fd, (struct sockaddr *)&peer.storage, &peer.size)) {
    return false;
  }
  return own.storage.ss_family != AF_UNIX && own.size == peer.size &&
         memcmp(&own.storage, &peer.storage, own.size) == 0;
}

void tn_socket_tune(int fd, int64_t silence_ns) {
  int one = 1, milliseconds = (int)(silence_ns / 1000000), seconds = (int)(silence_ns / 4 / 1000000000), tries = 3;
  if (seconds < 1) seconds = 1;
  /* All of these are refused by Unix sockets, which need none. */
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof seconds);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &seconds, sizeof seconds);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof tries);
}
