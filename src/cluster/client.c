/* Sessions whose steps a master runs: in this process, called directly, or over gRPC. */
#include <string.h>

#include "base/thread.h"
#include "cluster/ask.h"
#include "cluster/http2.h"
#include "cluster/methods.h"
#include "cluster/server.h"
#include "graph/function.h"
#include "graph/graph_internal.h"
#include "graph/proto.h"
#include "kernel/step.h"
#include "runtime/session.h"

typedef struct client {
  tn_remote remote;
  tn_server *server;       /* of this process; NULL: */
  tn_transport *transport; /* to one elsewhere */
  char *address, *config;
  size_t config_size;
  tn_graph *graph;
  atomic_bool closed;
  pthread_mutex_t mutex; /* guards what follows */
  char *handle;          /* of the session; NULL before the first step */
  size_t n_sent;         /* nodes of the graph that the master has */
  size_t n_functions;
  int64_t version;
  tn_arena *arena; /* of the devices */
  tn_list_devices_reply devices;
  bool listed;
} client;

/* --- exchanges with the master --- */

/* A method: how it is called here, and how elsewhere. */
typedef struct method {
  const char *name;
  const tn_layout *request, *reply;
  tn_error *(*direct)(tn_master *master, const void *request, const tn_master_call *call, void *reply);
} method;

static tn_error *create(tn_master *master, const void *request, const tn_master_call *call, void *reply) {
  return tn_master_create(master, request, call, reply);
}
static tn_error *extend(tn_master *master, const void *request, const tn_master_call *call, void *reply) {
  (void)call;
  return tn_master_extend(master, request, reply);
}
static tn_error *run_step(tn_master *master, const void *request, const tn_master_call *call, void *reply) {
  return tn_master_run(master, request, call, reply);
}
static tn_error *partial_setup(tn_master *master, const void *request, const tn_master_call *call, void *reply) {
  return tn_master_partial_setup(master, request, call, reply);
}
static tn_error *close_session(tn_master *master, const void *request, const tn_master_call *call, void *reply) {
  (void)call;
  (void)reply;
  return tn_master_close(master, ((const tn_handle_message *)request)->session);
}
static tn_error *list_devices(tn_master *master, const void *request, const tn_master_call *call, void *reply) {
  return tn_master_list_devices(master, ((const tn_handle_message *)request)->session, call, reply);
}
static tn_error *reset(tn_master *master, const void *request, const tn_master_call *call, void *reply) {
  (void)reply;
  return tn_master_reset(master, request, call);
}

static const tn_layout empty = {"Empty", 1, (const tn_field[]){TN_NO_FIELD}};
static const method create_method = {TN_MASTER_SERVICE "CreateSession", &tn_create_session_layout,
                                     &tn_create_session_reply_layout, create},
                    extend_method = {TN_MASTER_SERVICE "ExtendSession", &tn_extend_session_layout,
                                     &tn_extend_session_reply_layout, extend},
                    run_method = {TN_MASTER_SERVICE "RunStep", &tn_run_step_layout, &tn_run_step_reply_layout,
                                  run_step},
                    partial_method = {TN_MASTER_SERVICE "PartialRunSetup", &tn_partial_setup_layout,
                                      &tn_partial_setup_reply_layout, partial_setup},
                    close_method = {TN_MASTER_SERVICE "CloseSession", &tn_handle_message_layout, &empty, close_session},
                    devices_method = {TN_MASTER_SERVICE "ListDevices", &tn_handle_message_layout,
                                      &tn_list_devices_reply_layout, list_devices},
                    reset_method = {TN_MASTER_SERVICE "Reset", &tn_reset_layout, &empty, reset};

static tn_error *exchange(client *c, const method *m, const void *request, const tn_master_call *call, void *reply) {
  if (c->server) return m->direct(tn_server_master(c->server), request, call, reply);
  /* A master of TensorFlow's leaves a step's limit to its caller. Tenon's ends the step by itself, a little earlier. */
  int64_t limit_ms = m == &run_method ? ((const tn_run_step *)request)->options.timeout_ms : 0;
  if (m == &close_method) limit_ms = 5000;
  tn_question question = {.address = c->address,
                          .method = m->name,
                          .layout = m->request,
                          .request = request,
                          .cancellation = call->cancellation,
                          .closed = m == &close_method ? NULL : &c->closed,
                          .timeout_ns = limit_ms ? (limit_ms + 20) * 1000000 : 0};
  tn_message *message = NULL;
  TN_TRY(tn_ask(c->transport, &question, &message));
  tn_error *error = tn_decode(m->reply, message, call->arena, reply);
  tn_message_unref(message);
  return error;
}

/* --- the graph --- */

/* The nodes from FROM on, and the functions if there are new ones, as a GraphDef. */
static tn_error *write_graph(const tn_graph *graph, size_t from, size_t n, bool functions, tn_str *out) {
  for (size_t i = from; i < n; i++) {
    size_t mark = tn_proto_begin(out, 1);
    TN_TRY(tn_proto_node(out, tn_graph_node(graph, i)));
    tn_proto_end(out, mark);
  }
  if (functions) {
    size_t mark = tn_proto_begin(out, 2);
    tn_library_write(graph->library, out);
    tn_proto_end(out, mark);
  }
  size_t mark = tn_proto_begin(out, 4);
  tn_wire_put_int(out, 1, graph->producer ? graph->producer : TN_GRAPH_DEF_VERSION);
  tn_proto_end(out, mark);
  return out->failed ? tn_out_of_memory() : NULL;
}

/* With the lock held: makes the session, or sends what the graph has got since. */
static tn_error *send_graph(client *c, const tn_master_call *call, size_t n, size_t n_functions, tn_string graph) {
  if (!c->handle) {
    tn_create_session request = {.graph = graph, .config = {c->config, c->config_size}, .target = "", .own = true};
    tn_create_session_reply reply = {0};
    TN_TRY(exchange(c, &create_method, &request, call, &reply));
    c->handle = tn_strdup(reply.session ? reply.session : "");
    if (!c->handle) return tn_out_of_memory();
    c->version = reply.version;
  } else {
    tn_extend_session request = {.session = c->handle, .graph = graph, .version = c->version};
    tn_extend_session_reply reply = {0};
    TN_TRY(exchange(c, &extend_method, &request, call, &reply));
    c->version = reply.version;
  }
  c->n_sent = n;
  c->n_functions = n_functions;
  return NULL;
}

static tn_error *update(client *c, const tn_master_call *call) {
  tn_lock(&c->mutex);
  tn_graph_lock(c->graph);
  size_t n = tn_graph_n_nodes(c->graph), n_functions = tn_graph_n_functions(c->graph);
  bool more = !c->handle || n > c->n_sent || n_functions > c->n_functions;
  tn_str text = {0};
  tn_error *error = more ? write_graph(c->graph, c->n_sent, n, n_functions > c->n_functions, &text) : NULL;
  tn_graph_unlock(c->graph);
  if (!error && more) error = send_graph(c, call, n, n_functions, (tn_string){text.data, text.size});
  tn_str_clear(&text);
  tn_unlock(&c->mutex);
  return error;
}

/* --- steps --- */

static tn_error *name_of(tn_output output, bool target, tn_arena *arena, const char **out) {
  tn_str text = {0};
  if (!output.node) return tn_errorf(TN_INVALID_ARGUMENT, "a feed or fetch is no tensor of a graph");
  tn_str_addf(&text, target ? "%s" : "%s:%d", output.node->name, output.index);
  *out = text.failed ? NULL : tn_arena_strdup(arena, text.data);
  tn_str_clear(&text);
  return *out ? NULL : tn_out_of_memory();
}

static tn_error *add_name(tn_repeated *to, tn_output output, bool target, tn_arena *arena) {
  const char **added = tn_repeated_add(to, arena, sizeof *added);
  return added ? name_of(output, target, arena, added) : tn_out_of_memory();
}

static tn_error *make_request(const tn_step_signature *s, tn_tensor *const *values, tn_arena *arena, tn_run_step *out) {
  for (size_t i = 0; i < s->n_feeds; i++) {
    TN_TRY(tn_check_feed(s->feeds[i], values[i]));
    tn_named_tensor *feed = tn_repeated_add(&out->feeds, arena, sizeof *feed);
    if (!feed) return tn_out_of_memory();
    TN_TRY(name_of(s->feeds[i], false, arena, &feed->name));
    feed->value = *values[i];
  }
  for (size_t i = 0; i < s->n_fetches; i++) {
    bool target = s->fetches[i].index < 0;
    TN_TRY(add_name(target ? &out->targets : &out->fetches, s->fetches[i], target, arena));
  }
  for (size_t i = 0; i < s->n_targets; i++) {
    TN_TRY(add_name(&out->targets, (tn_output){s->targets[i], -1}, true, arena));
  }
  return NULL;
}

/* Finds what came for fetch NAME. */
static tn_error *find_value(const tn_run_step_reply *reply, const char *name, tn_tensor **out) {
  for (size_t i = 0; i < reply->tensors.n; i++) {
    const tn_named_tensor *t = &TN_AT(tn_named_tensor, reply->tensors, i);
    if (t->name && strcmp(t->name, name) == 0) return tn_tensor_box(&t->value, out);
  }
  return tn_errorf(TN_INTERNAL, "the master sent no value for '%s'", name);
}

static tn_error *take_values(const tn_step_signature *s, const tn_run_step *request, const tn_run_step_reply *reply,
                             tn_arena *arena, tn_tensor **out) {
  if (reply->code) return tn_errorf((tn_code)reply->code, "%s", reply->message ? reply->message : "");
  tn_tensor **values = tn_arena_alloc(arena, (s->n_fetches + 1) * sizeof *values);
  if (!values) return tn_out_of_memory();
  tn_error *error = NULL;
  for (size_t i = 0, k = 0; i < s->n_fetches && !error; i++) {
    if (s->fetches[i].index >= 0) error = find_value(reply, TN_AT(const char *, request->fetches, k++), &values[i]);
  }
  for (size_t i = 0; i < s->n_fetches; i++) {
    if (error) {
      tn_tensor_free(values[i]);
    } else {
      out[i] = values[i];
    }
  }
  return error;
}

static tn_error *take_metadata(const tn_run_step_reply *reply, tn_run_metadata *metadata) {
  const tn_string *stats = &reply->metadata.step_stats;
  if (!metadata || !stats->size) return NULL;
  tn_run_metadata_clear(metadata);
  metadata->step_stats = tn_malloc(stats->size);
  if (!metadata->step_stats) return tn_out_of_memory();
  memcpy(metadata->step_stats, stats->data, stats->size);
  metadata->step_stats_size = stats->size;
  return NULL;
}

/* A step with its memory. */
typedef struct run {
  tn_master_call call;
  tn_run_step request;
  tn_run_step_reply reply;
} run;

static tn_error *run_in(client *c, run *r, const tn_step_signature *signature, tn_tensor *const *values,
                        tn_tensor **out) {
  if (atomic_load(&c->closed)) return tn_errorf(TN_CANCELLED, "Session has been closed.");
  TN_TRY(update(c, &r->call));
  r->request.session = c->handle;
  r->request.errors_in_body = c->server == NULL;
  TN_TRY(make_request(signature, values, r->call.arena, &r->request));
  TN_TRY(exchange(c, &run_method, &r->request, &r->call, &r->reply));
  return take_values(signature, &r->request, &r->reply, r->call.arena, out);
}

static tn_error *client_run(tn_remote *remote, const tn_run_options *options, const tn_step_signature *signature,
                            tn_tensor *const *values, tn_tensor **out, tn_run_metadata *metadata) {
  run r;
  memset(&r, 0, sizeof r);
  TN_TRY(tn_arena_new(&r.call.arena));
  if (options) {
    r.call.cancellation = options->cancellation;
    r.request.options.timeout_ms = options->timeout_ms;
    if (options->trace && metadata) r.request.options.trace = 3;
  }
  tn_error *error = run_in((client *)remote, &r, signature, values, out);
  if (!error) error = take_metadata(&r.reply, metadata);
  tn_fields_clear(&tn_run_step_reply_layout, &r.reply);
  tn_arena_free(r.call.arena);
  return error;
}

static tn_error *partial_new(client *c, const tn_master_call *call, const tn_step_signature *signature, char **handle) {
  if (atomic_load(&c->closed)) return tn_errorf(TN_CANCELLED, "Session has been closed.");
  TN_TRY(update(c, call));
  tn_partial_setup request = {.session = c->handle};
  tn_partial_setup_reply reply = {0};
  for (size_t i = 0; i < signature->n_feeds; i++) {
    TN_TRY(add_name(&request.feeds, signature->feeds[i], false, call->arena));
  }
  for (size_t i = 0; i < signature->n_fetches; i++) {
    bool target = signature->fetches[i].index < 0;
    TN_TRY(add_name(target ? &request.targets : &request.fetches, signature->fetches[i], target, call->arena));
  }
  TN_TRY(exchange(c, &partial_method, &request, call, &reply));
  *handle = tn_strdup(reply.handle ? reply.handle : "");
  return *handle ? NULL : tn_out_of_memory();
}

static tn_error *client_partial_new(tn_remote *remote, const tn_step_signature *signature, char **handle) {
  tn_master_call call = {0};
  TN_TRY(tn_arena_new(&call.arena));
  tn_error *error = partial_new((client *)remote, &call, signature, handle);
  tn_arena_free(call.arena);
  return error;
}

static tn_error *client_partial_step(tn_remote *remote, const char *handle, const tn_step_signature *signature,
                                     tn_tensor *const *values, tn_tensor **out) {
  run r;
  memset(&r, 0, sizeof r);
  TN_TRY(tn_arena_new(&r.call.arena));
  r.request.partial = handle;
  tn_error *error = run_in((client *)remote, &r, signature, values, out);
  tn_fields_clear(&tn_run_step_reply_layout, &r.reply);
  tn_arena_free(r.call.arena);
  return error;
}

/* --- devices --- */

static void fetch_devices(client *c) {
  tn_lock(&c->mutex);
  if (!c->listed) {
    tn_master_call call = {.arena = c->arena};
    tn_handle_message request = {c->handle ? c->handle : ""};
    tn_error *error = exchange(c, &devices_method, &request, &call, &c->devices);
    c->listed = !error;
    tn_error_free(error); /* then there are none to be seen */
  }
  tn_unlock(&c->mutex);
}

static int client_n_devices(tn_remote *remote) {
  client *c = (client *)remote;
  fetch_devices(c);
  return (int)(c->devices.local.n + c->devices.remote.n);
}

static const char *client_device(tn_remote *remote, int i) {
  client *c = (client *)remote;
  if (i < 0 || i >= client_n_devices(remote)) return NULL;
  size_t k = (size_t)i, n = c->devices.local.n;
  return k < n ? TN_AT(tn_device_attributes, c->devices.local, k).name
               : TN_AT(tn_device_attributes, c->devices.remote, k - n).name;
}

/* --- life --- */

static void client_close(tn_remote *remote) {
  client *c = (client *)remote;
  tn_lock(&c->mutex);
  char *handle = c->handle;
  atomic_store(&c->closed, true);
  tn_unlock(&c->mutex);
  if (!handle) return;
  tn_master_call call = {0};
  tn_error *error = tn_arena_new(&call.arena);
  char nothing;
  tn_handle_message request = {handle};
  if (!error) error = exchange(c, &close_method, &request, &call, &nothing);
  tn_error_free(error); /* a master that is gone has closed it */
  tn_arena_free(call.arena);
}

static void client_free(tn_remote *remote) {
  client *c = (client *)remote;
  tn_transport_free(c->transport);
  tn_server_unref(c->server);
  tn_arena_free(c->arena);
  tn_graph_free(c->graph);
  tn_free(c->handle);
  tn_free(c->address);
  tn_free(c->config);
  pthread_mutex_destroy(&c->mutex);
  tn_free(c);
}

static tn_error *connect(client *c, const char *target) {
  static const char scheme[] = "grpc://";
  if (!target || strncmp(target, scheme, sizeof scheme - 1) != 0 || !target[sizeof scheme - 1]) {
    return tn_errorf(TN_INVALID_ARGUMENT, "the target '%s' is not \"grpc://host:port\"", target ? target : "");
  }
  c->address = tn_strdup(target + sizeof scheme - 1);
  if (!c->address) return tn_out_of_memory();
  TN_TRY(tn_arena_new(&c->arena));
  c->server = tn_server_find(target);
  if (c->server) return NULL;
  tn_http2_options transport;
  TN_TRY(tn_http2_from_environment(&transport));
  return tn_http2_new(&transport, &c->transport);
}

static tn_error *new_client(const char *target, client **out) {
  client *c = tn_calloc(1, sizeof *c);
  if (!c) return tn_out_of_memory();
  pthread_mutex_init(&c->mutex, NULL);
  c->remote = (tn_remote){.run = client_run,
                          .partial_new = client_partial_new,
                          .partial_step = client_partial_step,
                          .n_devices = client_n_devices,
                          .device = client_device,
                          .close = client_close,
                          .free = client_free};
  tn_error *error = connect(c, target);
  if (error) {
    client_free(&c->remote);
    return error;
  }
  *out = c;
  return NULL;
}

tn_error *tn_session_connect(tn_graph *graph, const tn_connect_options *options, tn_session **out) {
  if (!graph) return tn_errorf(TN_INVALID_ARGUMENT, "a session needs a graph");
  client *c = NULL;
  TN_TRY(new_client(options->target, &c));
  c->graph = tn_graph_ref(graph);
  c->config_size = options->config_size;
  c->config = tn_malloc(options->config_size + 1);
  if (c->config && options->config_size) memcpy(c->config, options->config, options->config_size);
  tn_error *error = c->config ? tn_session_new_remote(graph, &c->remote, out) : tn_out_of_memory();
  if (error) client_free(&c->remote);
  return error;
}

tn_error *tn_cluster_reset(const char *target, size_t n, const char *const *containers) {
  client *c = NULL;
  TN_TRY(new_client(target, &c));
  tn_master_call call = {.arena = c->arena};
  tn_reset request = {.containers = {.n = n, .at = (void *)containers}};
  char nothing;
  tn_error *error = exchange(c, &reset_method, &request, &call, &nothing);
  client_free(&c->remote);
  return error;
}
