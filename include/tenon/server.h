/* Clusters: servers that run parts of graphs for each other, and sessions whose steps run there. */
#ifndef TENON_SERVER_H
#define TENON_SERVER_H

#include <tenon/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Servers and sessions that connect to them take what keeps strangers out from the environment: TENON_TOKEN is a secret
 * that every call carries; TENON_CERTIFICATE and TENON_KEY (PEM files, as `tenon certs` makes them) turn TLS on, and
 * TENON_AUTHORITY makes both sides demand a certificate that it signed. TENON_SILENCE is after how many seconds a peer
 * that does not answer is lost (5). */

/* One task of a cluster: a listening socket, a worker that runs parts of graphs and holds variables, and a master that
 * clients connect to. */
typedef struct tn_server tn_server;

/* What a server is; zero-initialise. Texts are copied. */
typedef struct tn_server_options {
  const char *cluster;     /* "ps=host:port,host:port;worker=host:port": every task of every job, in order */
  const char *cluster_def; /* the same as a serialised ClusterDef of CLUSTER_DEF_SIZE bytes, where CLUSTER is NULL */
  size_t cluster_def_size;
  const char *job; /* which task this is */
  int task;
  bool open;                         /* may listen where other machines reach it; else at loopback addresses only */
  const tn_session_options *session; /* threads and passes of what runs here; NULL: the defaults */
  /* Of what other processes send, in bytes; over them a call is RESOURCE_EXHAUSTED. 0: as the environment says
   * (TENON_MESSAGE_LIMIT, TENON_GRAPH_LIMIT, TENON_SESSION_MEMORY: "512M"), else 2 GiB, 2 GiB, and no limit but the
   * process's. */
  size_t message_limit;
  size_t graph_limit;    /* of a session's graph */
  size_t session_memory; /* that a session's steps hold on this task: tensors, variables, plans */
  /* What clients of other processes may have the task do beside computing, with commas between: "checkpoints" (Save,
   * Restore), "files" (ReadFile, readers, datasets of files), "code" (PyFunc), "none". NULL: as TENON_ALLOW says, else
   * "checkpoints". Other ops are PERMISSION_DENIED. */
  const char *allow;
} tn_server_options;

/* Starts a server; its address is that of its task, where port 0 is any free one. INVALID_ARGUMENT: a bad cluster, no
 * such task. ALREADY_EXISTS: the address is in use. */
TN_API tn_error *tn_server_new(const tn_server_options *options, tn_server **out) TN_MUST_USE;
/* "grpc://host:port": what sessions connect to; valid as long as SERVER. */
TN_API const char *tn_server_target(const tn_server *server);
/* Waits until tn_server_stop, or TIMEOUT_MS (negative: for ever) have passed. True: it has stopped. */
TN_API bool tn_server_join(tn_server *server, int64_t timeout_ms);
/* Takes no more calls and ends what runs: sessions get CANCELLED, joins return. From any thread. */
TN_API void tn_server_stop(tn_server *server);
/* Whether nobody needs it now: no session of another process uses it, or nobody is connected. */
TN_API bool tn_server_idle(tn_server *server);
/* Stops and frees; NULL is allowed. Nobody may be in tn_server_join. */
TN_API void tn_server_free(tn_server *server);

/* What a server has exchanged with others since it began, in bytes: over the network, over sockets inside this machine,
 * through shared memory. */
typedef struct tn_server_bytes {
  uint64_t network_in, network_out, local_in, local_out, shared_in, shared_out;
} tn_server_bytes;
TN_API tn_server_bytes tn_server_traffic(tn_server *server);

/* Where a session's steps run. */
typedef struct tn_connect_options {
  const char *target; /* "grpc://host:port" */
  const char *config; /* a serialised ConfigProto of CONFIG_SIZE bytes; NULL: the defaults */
  size_t config_size;
} tn_connect_options;
/* A session on GRAPH whose steps the master at the target runs. The first step makes it there, and waits until all
 * tasks (those that the configuration's device filters name, if there are any) are up; what is added to the graph later
 * is sent with the step that needs it. A step is UNAVAILABLE if nobody answers at the target. INVALID_ARGUMENT: not a
 * target. */
TN_API tn_error *tn_session_connect(tn_graph *graph, const tn_connect_options *options, tn_session **out) TN_MUST_USE;

/* Closes all sessions of the master at TARGET and drops the variables, queues and tables of the N named CONTAINERS (0:
 * of the default one) on all its tasks. */
TN_API tn_error *tn_cluster_reset(const char *target, size_t n, const char *const *containers) TN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
