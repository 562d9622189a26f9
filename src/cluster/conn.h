/* One HTTP/2 connection: the socket, TLS, frames, the messages of its streams. What streams mean is its role's: client
 * or server. All on the loop's thread. */
#ifndef TN_CLUSTER_CONN_H
#define TN_CLUSTER_CONN_H

#include <nghttp2/nghttp2.h>

#include "cluster/grpc.h"
#include "cluster/loop.h"
#include "cluster/share.h"
#include "cluster/tls.h"
#include "cluster/transport.h"

typedef struct tn_conn tn_conn;
typedef struct tn_stream tn_stream;

/* One call on a connection. */
struct tn_stream {
  tn_conn *conn;
  tn_stream *next, **link; /* in the connection's list */
  int32_t id;
  void *user; /* the role's */
  /* The message that comes. */
  uint8_t prefix[TN_GRPC_PREFIX];
  size_t prefix_size, in_size, in_got;
  char *in_data;
  tn_message *in;        /* once the prefix is there */
  tn_message *shared_in; /* what a header said of shared memory */
  bool deaf;             /* what comes is ignored */
  bool heard_all;        /* the peer has ended its side */
  tn_error *error;       /* why it is */
  /* The message that goes. */
  tn_message *out;
  size_t out_total, out_sent, part, offset; /* with the prefix; the next byte of a part */
  bool headers_sent, shares_out;            /* it lies in a segment, of this number */
  uint32_t segment;
};

/* What a role does when something happens; none may free the connection. */
typedef struct tn_conn_role {
  bool server;
  /* The peer is there, and TLS holds. */
  void (*opened)(tn_conn *conn);
  /* The peer begins a stream; sets its user. Servers only. */
  void (*begun)(tn_stream *stream);
  /* A header of it, or a trailer; both end in NUL. */
  void (*header)(tn_stream *stream, const char *name, const char *value, size_t size);
  void (*headers_end)(tn_stream *stream);
  /* The message cannot be taken: STREAM->error says why; it is deaf now. */
  void (*failed)(tn_stream *stream);
  /* The peer has said all; STREAM->in is the message if it was complete. */
  void (*ended)(tn_stream *stream);
  /* The stream is over and will be freed: with HTTP/2's code, or because the connection was lost. */
  void (*closed)(tn_stream *stream, uint32_t code, const tn_error *lost);
  /* The last bytes of a message to send were handed to the connection. Servers only. */
  void (*sent)(tn_stream *stream);
  /* The peer takes no more streams. */
  void (*going_away)(tn_conn *conn);
  /* It will be freed; all streams are closed. LOST is NULL where it ended in order. */
  void (*gone)(tn_conn *conn, const tn_error *lost);
} tn_conn_role;

/* Bytes by transport; see tn_traffic. */
typedef struct tn_conn_traffic {
  atomic_uint_fast64_t network_in, network_out, local_in, local_out, shared_in, shared_out;
} tn_conn_traffic;

typedef struct tn_conn_settings {
  tn_loop *loop;
  tn_loop *const *copiers; /* for messages through shared memory; NULL: none go that way */
  tn_conn_traffic *traffic;
  tn_pool *pool; /* for messages that come */
  const tn_conn_role *role;
  void *user;
  const char *peer; /* for messages; copied */
  int64_t silence_ns;
  size_t max_message;
  char *input; /* a buffer that all connections of the loop share */
  size_t input_size;
} tn_conn_settings;

/* Takes FD over, on success, and begins; TLS (taken over too) may be NULL. CONNECTING: FD is not connected yet. */
tn_error *tn_conn_new(const tn_conn_settings *settings, int fd, tn_tls *tls, bool connecting,
                      tn_conn **out) TN_MUST_USE;
void *tn_conn_user(const tn_conn *conn);
const char *tn_conn_peer(const tn_conn *conn);
size_t tn_conn_streams(const tn_conn *conn);
bool tn_conn_same_house(const tn_conn *conn); /* whether the peer said that it is Tenon too */

/* Has what waits written soon. */
void tn_conn_flush(tn_conn *conn);
/* Ends it at once, all its streams with ERROR (taken over; NULL: in order). Not from within a role's function. */
void tn_conn_close(tn_conn *conn, tn_error *error);
/* Ends it soon with ERROR; from anywhere. */
void tn_conn_break(tn_conn *conn, tn_error *error);
/* Takes no more streams, and ends once those that there are have. */
void tn_conn_drain(tn_conn *conn);

/* Whether a message goes to the peer through shared memory: then tn_share_start comes first, its header is among those
 * of the request or response, whose message is empty, and tn_stream_share binds them. */
bool tn_conn_shares(const tn_conn *conn, const tn_message *message);
tn_share *tn_conn_share(tn_conn *conn);
void tn_stream_share(tn_stream *stream, tn_share_job *job, size_t size);

/* Clients: begins a stream with headers and MESSAGE (a reference is taken; NULL: empty). */
tn_error *tn_conn_request(tn_conn *conn, const nghttp2_nv *headers, size_t n, tn_message *message, void *user,
                          tn_stream **out) TN_MUST_USE;
/* Servers: answers a stream. With MESSAGE: headers, the message, then TRAILERS; without: HEADERS alone, and no more. */
tn_error *tn_stream_respond(tn_stream *stream, const nghttp2_nv *headers, size_t n, tn_message *message) TN_MUST_USE;
/* Servers, in SENT: what stands after the message. */
void tn_stream_trailers(tn_stream *stream, const nghttp2_nv *trailers, size_t n);
/* Tells the peer that the stream is over, with an HTTP/2 code. */
void tn_stream_reset(tn_stream *stream, uint32_t code);

#define TN_NV(name, value, size)                                                                                       \
  ((nghttp2_nv){(uint8_t *)(name), (uint8_t *)(value), sizeof(name) - 1, (size), NGHTTP2_NV_FLAG_NONE})

/* --- for conn*.c alone --- */

enum { TN_CONN_QUEUE = 64, TN_CONN_PIECES = 24, TN_CONN_SMALL = 16384 };

/* Bytes to be written: small ones are copied, those of messages lie where they are. */
typedef struct tn_conn_queue {
  struct iovec at[TN_CONN_QUEUE];
  tn_message *held[TN_CONN_QUEUE]; /* references */
  int begin, end;
  size_t used; /* of SMALL */
  uint8_t small[TN_CONN_SMALL];
} tn_conn_queue;

struct tn_conn {
  tn_watch watch;
  tn_loop *loop;
  const tn_conn_role *role;
  void *user;
  char *peer;
  nghttp2_session *session;
  tn_tls *tls;
  tn_share *share; /* NULL: not with this peer */
  tn_conn_traffic *traffic;
  tn_pool *pool;
  tn_stream *streams;
  size_t n_streams, max_message, input_size;
  char *input;
  enum { TN_CONN_CONNECTING, TN_CONN_HANDSHAKE, TN_CONN_OPEN } state;
  uint32_t events; /* that are watched */
  tn_task flush_task;
  bool flush_posted, closing, inside, draining, greeted, same_house, local, peer_shares;
  tn_error *broken; /* to be closed for, as soon as nothing of it runs */
  /* The DATA frame that is being read: its stream, and how many of its bytes are to come. */
  tn_stream *data_stream;
  size_t data_left;
  tn_conn_queue queue;
  /* Whether the peer is alive. */
  int64_t silence_ns, heard_ns, asked_ns, ticked_ns;
  bool asked;
  tn_timer *tick;
};

/* conn_session.c: what nghttp2 asks for. */
tn_error *tn_conn_session_new(tn_conn *conn) TN_MUST_USE;
/* Where the next bytes of the DATA frame can go without a copy; *SIZE is 0 if nowhere. */
char *tn_conn_target(const tn_conn *conn, size_t *size);
tn_stream *tn_stream_new(tn_conn *conn, int32_t id, void *user); /* NULL: no memory */
void tn_stream_free(tn_stream *stream);

#endif
