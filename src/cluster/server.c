/* Servers: a transport, a worker and a master under one address. */
#include "cluster/server.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/parallel.h"
#include "base/thread.h"
#include "cluster/ask.h"
#include "cluster/http2.h"
#include "cluster/random.h"
#include "cluster/service.h"

struct tn_server {
  atomic_int refs; /* the owner's, and one for each client in this process */
  tn_spec spec;
  tn_transport *transport;
  tn_worker *worker;
  tn_master *master;
  tn_service service;
  bool serves;
  char *disabled_passes, *target;
  pthread_mutex_t mutex; /* guards what follows */
  pthread_cond_t changed;
  tn_listener *listener; /* NULL once it has stopped */
  bool stopped;
  struct tn_server *next; /* of the process; guarded by SERVERS_MUTEX */
};

static pthread_mutex_t servers_mutex = PTHREAD_MUTEX_INITIALIZER;
static tn_server *servers;

static void enlist(tn_server *server) {
  pthread_mutex_lock(&servers_mutex);
  server->next = servers;
  servers = server;
  pthread_mutex_unlock(&servers_mutex);
}

static void delist(const tn_server *server) {
  pthread_mutex_lock(&servers_mutex);
  for (tn_server **link = &servers; *link; link = &(*link)->next) {
    if (*link != server) continue;
    *link = server->next;
    break;
  }
  pthread_mutex_unlock(&servers_mutex);
}

tn_server *tn_server_find(const char *target) {
  pthread_mutex_lock(&servers_mutex);
  tn_server *found = servers;
  while (found && strcmp(found->target, target) != 0) found = found->next;
  if (found) atomic_fetch_add_explicit(&found->refs, 1, memory_order_relaxed);
  pthread_mutex_unlock(&servers_mutex);
  return found;
}

tn_master *tn_server_master(tn_server *server) { return server->master; }

void tn_server_unref(tn_server *server) {
  if (!server || atomic_fetch_sub_explicit(&server->refs, 1, memory_order_acq_rel) != 1) return;
  /* The transport goes first: it calls what is still waited for, and then nobody calls any more. */
  if (server->worker) tn_worker_stop(server->worker);
  if (server->serves) tn_service_drain(&server->service);
  tn_transport_free(server->transport);
  if (server->serves) tn_service_clear(&server->service);
  tn_master_free(server->master);
  tn_worker_free(server->worker);
  tn_spec_clear(&server->spec);
  tn_free(server->disabled_passes);
  tn_free(server->target);
  pthread_cond_destroy(&server->changed);
  pthread_mutex_destroy(&server->mutex);
  tn_free(server);
}

static tn_error *make_target(tn_server *server) {
  tn_str target = {0};
  size_t size = 0;
  tn_str_addf(&target, "grpc://%s", tn_listener_address(server->listener));
  return tn_str_take(&target, &server->target, &size);
}

/* The part of an address before its port. */
static size_t host_size(const char *address) {
  const char *port = strrchr(address, ':');
  return port ? (size_t)(port - address) : strlen(address);
}

/* The threads of TASK where nobody says: tasks of one host that compute beside each other share its cores, since each
 * would only take them from the others. Parameter servers, which mostly wait, count for none. */
static int share_of_cores(const tn_spec *spec, const tn_spec_task *task) {
  size_t size = host_size(task->address);
  int n = 0;
  for (size_t i = 0; i < spec->n; i++) {
    const tn_spec_task *other = &spec->tasks[i];
    bool near = host_size(other->address) == size && strncmp(other->address, task->address, size) == 0;
    n += near && strcmp(other->job, "ps") != 0;
  }
  int share = tn_cpus() / (n ? n : 1);
  return share ? share : 1;
}

/* How large floats go to other tasks: TENON_WIRE is "float32", the default, or "bfloat16". */
static tn_error *read_wire(bool *narrow) {
  const char *wire = getenv("TENON_WIRE");
  *narrow = wire && strcmp(wire, "bfloat16") == 0;
  if (*narrow || !wire || !wire[0] || strcmp(wire, "float32") == 0) return NULL;
  return tn_errorf(TN_INVALID_ARGUMENT, "TENON_WIRE is '%.40s'; expected float32 or bfloat16", wire);
}

static tn_error *start(tn_server *server, const tn_server_options *options) {
  TN_TRY(options->cluster ? tn_spec_parse(options->cluster, &server->spec)
                          : tn_spec_read(options->cluster_def, options->cluster_def_size, &server->spec));
  const char *job = options->job ? options->job : "";
  const tn_spec_task *task = tn_spec_find(&server->spec, job, options->task);
  if (!task) {
    return tn_errorf(TN_INVALID_ARGUMENT, "the cluster has no task %d of a job '%.100s'", options->task, job);
  }
  tn_session_options session = options->session ? *options->session : (tn_session_options){0};
  if (!session.intra_op_threads) session.intra_op_threads = share_of_cores(&server->spec, task);
  if (session.disabled_passes) {
    server->disabled_passes = tn_strdup(session.disabled_passes);
    if (!server->disabled_passes) return tn_out_of_memory();
    session.disabled_passes = server->disabled_passes;
  }
  tn_http2_options transport;
  tn_fault("start");
  TN_TRY(tn_http2_from_environment(&transport));
  tn_limits limits;
  TN_TRY(tn_limits_read(options, &limits));
  transport.open = options->open;
  transport.max_message = limits.message;
  TN_TRY(tn_http2_new(&transport, &server->transport));
  tn_worker_options worker = {
      .spec = &server->spec, .task = task, .transport = server->transport, .session = session, .limits = limits};
  TN_TRY(tn_random_u64(&worker.incarnation));
  TN_TRY(tn_worker_new(&worker, &server->worker));
  tn_master_options master = {
      .spec = &server->spec, .task = task, .transport = server->transport, .worker = server->worker, .limits = limits};
  TN_TRY(tn_master_new(&master, &server->master));
  server->serves = true;
  TN_TRY(tn_service_init(&server->service, server->transport, server->master, server->worker));
  TN_TRY(read_wire(&server->service.narrow));
  const char *listen = getenv("TENON_LISTEN");
  if (!listen || !listen[0]) listen = task->address;
  TN_TRY(tn_error_context(
      tn_transport_listen(server->transport, listen, tn_service_handle, &server->service, &server->listener), "%s",
      task->name));
  return make_target(server);
}

tn_error *tn_server_new(const tn_server_options *options, tn_server **out) {
  tn_server *server = tn_calloc(1, sizeof *server);
  if (!server) return tn_out_of_memory();
  atomic_init(&server->refs, 1);
  pthread_mutex_init(&server->mutex, NULL);
  pthread_cond_init(&server->changed, NULL);
  tn_error *error = start(server, options);
  if (error) {
    tn_listener_close(server->listener, 0);
    tn_server_unref(server);
    return error;
  }
  enlist(server);
  *out = server;
  return NULL;
}

const char *tn_server_target(const tn_server *server) { return server->target; }

bool tn_server_join(tn_server *server, int64_t timeout_ms) {
  int64_t until_ns = tn_now_ns() + timeout_ms * 1000000;
  tn_lock(&server->mutex);
  while (!server->stopped && (timeout_ms < 0 || tn_now_ns() < until_ns)) {
    tn_wait_a_little(&server->changed, &server->mutex);
  }
  bool stopped = server->stopped;
  tn_unlock(&server->mutex);
  return stopped;
}

bool tn_server_idle(tn_server *server) {
  tn_lock(&server->mutex);
  bool connected = server->listener && tn_listener_connections(server->listener) > 0;
  tn_unlock(&server->mutex);
  return !connected || (!tn_master_has_sessions(server->master) && !tn_worker_has_sessions(server->worker));
}

void tn_server_stop(tn_server *server) {
  tn_lock(&server->mutex);
  tn_listener *listener = server->listener;
  server->listener = NULL;
  tn_unlock(&server->mutex);
  if (!listener) return;
  delist(server);
  tn_master_stop(server->master);
  tn_worker_stop(server->worker);
  tn_listener_close(listener, (int64_t)200 * 1000000);
  tn_lock(&server->mutex);
  server->stopped = true;
  pthread_cond_broadcast(&server->changed);
  tn_unlock(&server->mutex);
}

tn_server_bytes tn_server_traffic(tn_server *server) {
  tn_traffic t = tn_transport_traffic(server->transport);
  return (tn_server_bytes){t.network_in, t.network_out, t.local_in, t.local_out, t.shared_in, t.shared_out};
}

void tn_server_free(tn_server *server) {
  if (!server) return;
  tn_server_stop(server);
  tn_server_unref(server);
}
