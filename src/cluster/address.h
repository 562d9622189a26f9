/* Addresses of tasks, and the sockets that they mean. */
#ifndef TN_CLUSTER_ADDRESS_H
#define TN_CLUSTER_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <tenon/error.h>

#include "cluster/loop.h"

typedef struct tn_socket_address {
  struct sockaddr_storage storage;
  socklen_t size;
} tn_socket_address;

enum { TN_ADDRESSES = 8 }; /* of one host, at most */
typedef struct tn_addresses {
  int n;
  tn_socket_address at[TN_ADDRESSES];
} tn_addresses;

/* Whether ADDRESS is "unix:PATH". */
bool tn_address_is_unix(const char *address);
/* The host of "host:port" without brackets, to be freed; "localhost" of a Unix socket. INVALID_ARGUMENT if it is no
 * address. */
tn_error *tn_address_host(const char *address, char **host) TN_MUST_USE;
/* Sockets to try for ADDRESS. Looks a name up, and blocks for that, unless NUMERIC: then *OUT has none for a name. An
 * address that is none is INVALID_ARGUMENT, a name that is not found UNAVAILABLE. */
tn_error *tn_address_resolve(const char *address, bool numeric, tn_addresses *out) TN_MUST_USE;
/* Has names looked up on a thread of its own; DONE is called on the loop with what tn_address_resolve gave. */
typedef void tn_resolved_fn(void *argument, tn_error *error, const tn_addresses *addresses);
tn_error *tn_address_lookup(tn_loop *loop, const char *address, tn_resolved_fn *done, void *argument) TN_MUST_USE;
/* "127.0.0.1:80", "[::1]:80", "unix:PATH" or "unix:" of a peer without one. */
tn_error *tn_address_text(const tn_socket_address *address, char **out) TN_MUST_USE;

/* The Unix socket, without a file, at which a server of this user that listens at ADDRESS is reached from this host
 * too; ANY: one that listens at all addresses. False: ADDRESS is not of this host. */
bool tn_address_near(const tn_socket_address *address, bool any, tn_socket_address *out);
/* Whether it is a Unix socket. */
bool tn_socket_is_unix(int fd);
/* Whether the other end of a connected Unix socket runs as the same user. */
bool tn_socket_same_user(int fd);
/* A socket that listens where tn_address_near of the listening socket FD says, or -1: others connect to FD then. */
int tn_socket_listen_near(int fd);
/* A socket that listens at ADDRESS, not blocking; *REAL is the address with the port it got. An address that other
 * machines reach is PERMISSION_DENIED unless OPEN, one in use ALREADY_EXISTS, one not of this machine INVALID_ARGUMENT.
 * OPEN and a name that isn't known, or is not of this machine: it listens at all addresses of this machine. */
tn_error *tn_socket_listen(const char *address, bool open, int *fd, char **real) TN_MUST_USE;
/* Removes the file of a Unix socket that this process listened at. */
void tn_socket_remove(const char *address);
/* A socket that is being connected, or -1 with errno. */
int tn_socket_connect(const tn_socket_address *address);
/* Whether a TCP socket has connected to itself, as one may that asks for a port of its own host at which nobody listens
 * when the system gives it this very port. */
bool tn_socket_is_own(int fd);
/* Small messages are sent at once; the system notices a cut connection within SILENCE_NS where it can. */
void tn_socket_tune(int fd, int64_t silence_ns);

#endif
