/* Workers: sessions, graphs, steps. */
#include "cluster/worker.h"

#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "base/thread.h"
#include "base/wire.h"
#include "cluster/worker_impl.h"
#include "kernel/call.h"

/* --- graphs and sessions --- */

tn_worker_graph *tn_worker_graph_ref(tn_worker_graph *g) {
  atomic_fetch_add_explicit(&g->refs, 1, memory_order_relaxed);
  return g;
}

void tn_worker_graph_unref(tn_worker_graph *g) {
  if (!g || atomic_fetch_sub_explicit(&g->refs, 1, memory_order_acq_rel) != 1) return;
  tn_fragment_unref(g->fragment);
  tn_pulls_free(g->pulls);
  tn_account_unref(g->account);
  tn_free(g);
}

/* A session whose graphs are gone, or kept: its state goes with the worker where one is kept. */
static void free_session(tn_worker_session *s) {
  if (!s) return;
  size_t cursor = 0;
  void *value = NULL;
  while (s->graphs && tn_map_next(s->graphs, &cursor, NULL, NULL, &value)) tn_worker_graph_unref(value);
  tn_map_free(s->graphs);
  tn_session_state_free(s->state);
  tn_spec_clear(&s->spec);
  tn_free(s->master);
  tn_account_unref(s->account);
  tn_free(s);
}

static void free_sessions(tn_worker_session *s) {
  while (s) {
    tn_worker_session *next = s->next;
    free_session(s);
    s = next;
  }
}

/* The cluster of a ServerDef. A task that has moved is known to the master alone. */
static tn_error *read_cluster(const tn_worker *worker, tn_string def, tn_worker_session *s) {
  tn_wire_in in = tn_wire_bytes(def.data, def.size);
  const char *own = worker->options.task->name;
  for (;;) {
    tn_wire_field field;
    bool more = false;
    TN_TRY(tn_wire_next(&in, &field, &more));
    if (!more) return NULL;
    if (field.number != 1 || field.type != TN_WIRE_BYTES || s->spec.n) continue;
    /* A thousand masters need not each have a copy of what this task knows itself. */
    if (field.size == worker->cluster.size && memcmp(field.data, worker->cluster.data, field.size) == 0) continue;
    TN_TRY(tn_spec_read(field.data, field.size, &s->spec));
    s->task = tn_spec_of_device(&s->spec, own, strlen(own));
    if (!s->task) return tn_errorf(TN_INVALID_ARGUMENT, "the master's cluster has no task %s", own);
  }
}

static tn_error *furnish(const tn_worker *worker, const tn_create_worker_session *request, tn_worker_session *s) {
  TN_TRY(tn_error_context(read_cluster(worker, request->server_def, s), "ServerDef"));
  if (!request->master || !request->master[0]) return NULL;
  s->master = tn_strdup(request->master);
  s->master_incarnation = request->master_incarnation;
  return s->master ? NULL : tn_out_of_memory();
}

static tn_error *open_account(const tn_worker *worker, const char *name, tn_account **out) {
  char text[96];
  if (worker->options.limits.memory == SIZE_MAX) return NULL;
  snprintf(text, sizeof text, "session %.40s (TENON_SESSION_MEMORY)", name);
  return tn_account_new(text, worker->options.limits.memory, out);
}

static tn_error *new_session(tn_worker *worker, const char *name, bool isolated, tn_worker_session **out) {
  tn_worker_session *made = tn_calloc(1, sizeof *made);
  if (!made) return tn_out_of_memory();
  tn_error *error = tn_map_new(&made->graphs);
  if (!error) error = open_account(worker, name, &made->account);
  if (!error) {
    error = isolated ? tn_session_state_new(&made->state) : tn_session_state_new_child(worker->state, &made->state);
  }
  if (error) {
    free_session(made);
    return error;
  }
  *out = made;
  return NULL;
}

tn_error *tn_worker_refuse_master(const tn_worker *worker) {
  return tn_errorf(TN_UNIMPLEMENTED,
                   "%s is a task of Tenon's, the master of this session is not: a cluster can't mix its tasks with "
                   "others'",
                   worker->options.task->name);
}

/* With the lock held. ABORTED as TensorFlow has it: the session was closed, or this task restarted. */
static tn_error *find_session(tn_worker *worker, const char *name, tn_worker_session **out) {
  if (!name || !name[0]) return tn_worker_refuse_master(worker); /* Tenon's masters name their sessions */
  tn_worker_session *found = tn_map_find(worker->sessions, name);
  if (found) {
    *out = found;
    return NULL;
  }
  return tn_errorf(TN_ABORTED,
                   "Session handle is not found: %s. Possibly the session was closed, or this task ('%s') "
                   "was restarted.",
                   name, worker->options.task->name);
}

/* With the lock held: takes the sessions of the master NAME out that another process than INCARNATION made. */
static tn_worker_session *take_replaced(tn_worker *worker, const char *name, uint64_t incarnation) {
  tn_worker_session *taken = NULL;
  for (bool again = true; again;) {
    size_t cursor = 0, size = 0;
    const void *key = NULL;
    void *value = NULL;
    again = false;
    while (!again && tn_map_next(worker->sessions, &cursor, &key, &size, &value)) {
      tn_worker_session *s = value;
      again = s->master && s->master_incarnation != incarnation && strcmp(s->master, name) == 0;
    }
    if (!again) break;
    tn_worker_session *s = tn_map_remove(worker->sessions, key, size);
    s->next = taken;
    taken = s;
  }
  return taken;
}

/* With the lock held. *GONE: sessions that nobody needs any more. */
static tn_error *admit(tn_worker *worker, const tn_create_worker_session *request, tn_worker_session **gone) {
  const char *name = request->session ? request->session : "";
  bool replaces = false;
  if (request->master && request->master[0]) {
    TN_TRY(tn_masters_admit(worker->masters, request->master, request->master_incarnation, &replaces));
  }
  if (replaces) *gone = take_replaced(worker, request->master, request->master_incarnation);
  if (tn_map_find(worker->sessions, name)) return NULL; /* a master that gave up waiting for the first answer */
  tn_worker_session *made = NULL;
  TN_TRY(new_session(worker, name, request->isolate != 0, &made));
  tn_error *error = furnish(worker, request, made);
  if (!error) error = tn_map_put(worker->sessions, name, made);
  if (error) free_session(made);
  return error;
}

tn_error *tn_worker_create_session(tn_worker *worker, const tn_create_worker_session *request) {
  for (size_t i = 0; i < request->devices.n; i++) {
    const tn_device_attributes *device = &TN_AT(tn_device_attributes, request->devices, i);
    if (device->description && strncmp(device->description, TN_TENON_DEVICE, sizeof TN_TENON_DEVICE - 1) == 0) continue;
    return tn_errorf(TN_UNIMPLEMENTED, "'%s' is not of a task of Tenon's: a cluster can't mix its tasks with others'",
                     device->name ? device->name : "");
  }
  tn_lock(&worker->mutex);
  tn_worker_session *gone = NULL;
  tn_error *error = admit(worker, request, &gone);
  tn_unlock(&worker->mutex);
  free_sessions(gone);
  return error;
}

bool tn_worker_has_sessions(tn_worker *worker) {
  size_t cursor = 0;
  void *value = NULL;
  bool any = false;
  tn_lock(&worker->mutex);
  while (!any && tn_map_next(worker->sessions, &cursor, NULL, NULL, &value)) {
    any = ((tn_worker_session *)value)->master != NULL;
  }
  tn_unlock(&worker->mutex);
  return any;
}

tn_error *tn_worker_delete_session(tn_worker *worker, const char *name) {
  name = name ? name : "";
  tn_lock(&worker->mutex);
  tn_worker_session *found = tn_map_remove(worker->sessions, name, strlen(name));
  tn_unlock(&worker->mutex);
  free_session(found);
  return NULL;
}

/* With the lock held: keeps G until the worker goes. */
static tn_error *keep(tn_worker *worker, tn_worker_graph *g) {
  tn_worker_graph **more = tn_realloc(worker->kept, (worker->n_kept + 1) * sizeof(tn_worker_graph *));
  if (!more) return tn_out_of_memory();
  worker->kept = more;
  worker->kept[worker->n_kept++] = tn_worker_graph_ref(g);
  return NULL;
}

static tn_error *new_graph(const tn_worker *worker, const tn_register_graph *request, tn_worker_session *session,
                           tn_worker_graph **out) {
  const tn_spec *spec = session->spec.n ? &session->spec : worker->options.spec;
  const tn_spec_task *own = session->spec.n ? session->task : worker->options.task;
  TN_TRY(tn_limits_add_graph(&worker->options.limits, request->graph.size, &session->graph_bytes));
  tn_worker_graph *made = tn_calloc(1, sizeof *made);
  if (!made) return tn_out_of_memory();
  atomic_init(&made->refs, 1);
  made->account = tn_account_ref(session->account);
  tn_error *error = tn_fragment_new(request->graph.data, request->graph.size, &worker->options.session, session->state,
                                    &made->fragment);
  if (!error && !request->own) {
    error = tn_limits_check_ops(&worker->options.limits, tn_fragment_graph(made->fragment));
  }
  if (!error) error = tn_pulls_new(tn_fragment_graph(made->fragment), spec, own, &made->pulls);
  if (error) {
    tn_worker_graph_unref(made);
    return error;
  }
  *out = made;
  return NULL;
}

tn_error *tn_worker_register(tn_worker *worker, const tn_register_graph *request, tn_arena *arena,
                             const char **handle) {
  tn_worker_graph *made = NULL;
  tn_str name = {0};
  tn_lock(&worker->mutex);
  tn_worker_session *s = NULL;
  tn_error *error = find_session(worker, request->session, &s);
  if (!error) {
    tn_account *before = tn_account_enter(s->account);
    error = new_graph(worker, request, s, &made);
    tn_account_enter(before);
  }
  bool keeps = made && tn_graph_n_functions(tn_fragment_graph(made->fragment)) > 0;
  if (!error && keeps) error = keep(worker, made);
  tn_str_addf(&name, "%016llx", (unsigned long long)++worker->n_graphs);
  char *copy = name.failed ? NULL : tn_arena_strdup(arena, name.data);
  if (!error && !copy) error = tn_out_of_memory();
  if (!error) error = tn_map_put(s->graphs, copy, made);
  tn_unlock(&worker->mutex);
  tn_str_clear(&name);
  if (error) {
    tn_worker_graph_unref(made);
    return error;
  }
  *handle = copy;
  return NULL;
}

tn_error *tn_worker_deregister(tn_worker *worker, const tn_graph_handle *request) {
  const char *name = request->graph ? request->graph : "";
  tn_lock(&worker->mutex);
  tn_worker_session *s = NULL;
  tn_error *error = find_session(worker, request->session, &s);
  tn_worker_graph *found = error ? NULL : tn_map_remove(s->graphs, name, strlen(name));
  tn_unlock(&worker->mutex);
  tn_worker_graph_unref(found);
  return error;
}

tn_error *tn_worker_find_graph(tn_worker *worker, const tn_run_graph *request, tn_worker_graph **out) {
  const char *name = request->graph ? request->graph : "";
  tn_lock(&worker->mutex);
  tn_worker_session *s = NULL;
  tn_error *error = find_session(worker, request->session, &s);
  tn_worker_graph *found = error ? NULL : tn_map_find(s->graphs, name);
  if (found) *out = tn_worker_graph_ref(found);
  tn_unlock(&worker->mutex);
  if (error || found) return error;
  return tn_errorf(TN_ABORTED, "Graph handle is not found: %s on %s", name, worker->options.task->name);
}

/* --- steps --- */

void tn_worker_step_unref(tn_worker_step *s) {
  if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) return;
  tn_rendezvous_unref(s->rendezvous);
  tn_worker_graph_unref(s->graph);
  tn_error_free(s->error);
  pthread_cond_destroy(&s->changed);
  pthread_mutex_destroy(&s->mutex);
  tn_free(s);
}

static tn_error *new_step(const tn_worker *worker, tn_worker_step **out) {
  tn_worker_step *made = tn_calloc(1, sizeof *made);
  if (!made) return tn_out_of_memory();
  atomic_init(&made->refs, 1);
  pthread_mutex_init(&made->mutex, NULL);
  pthread_cond_init(&made->changed, NULL);
  tn_rendezvous_remote remote = {0};
  tn_error *error = tn_pulling_new(worker->options.transport, &made->pulling);
  if (!error) {
    tn_pulling_remote(made->pulling, &remote);
    error = tn_rendezvous_new(&remote, &made->rendezvous);
    if (error) remote.release(remote.argument);
  }
  if (error) {
    tn_worker_step_unref(made);
    return error;
  }
  *out = made;
  return NULL;
}

static bool has_ended(const tn_worker *worker, int64_t id) {
  size_t n = worker->n_ended < REMEMBERED ? worker->n_ended : REMEMBERED;
  for (size_t i = 0; i < n; i++) {
    if (worker->ended[i] == id) return true;
  }
  return false;
}

/* The step ID, made when it is first heard of: who receives may come before the master's call. */
tn_error *tn_worker_get_step(tn_worker *worker, int64_t id, tn_worker_step **out) {
  tn_lock(&worker->mutex);
  tn_error *error = NULL;
  tn_worker_step *found = tn_map_find_u64(worker->steps, (uint64_t)id);
  if (!found && worker->stopped) {
    error = tn_errorf(TN_UNAVAILABLE, "%s has stopped", worker->options.task->name);
  } else if (!found && has_ended(worker, id)) {
    error = tn_errorf(TN_CANCELLED, "step %lld has ended on %s", (long long)id, worker->options.task->name);
  } else if (!found) {
    error = new_step(worker, &found);
    if (!error) error = tn_map_put_u64(worker->steps, (uint64_t)id, found);
    if (error) tn_worker_step_unref(found);
  }
  if (!error) {
    atomic_fetch_add_explicit(&found->refs, 1, memory_order_relaxed);
    *out = found;
  }
  tn_unlock(&worker->mutex);
  return error;
}

void tn_worker_end_step(tn_worker *worker, int64_t id, const tn_error *error) {
  uint64_t key = (uint64_t)id;
  tn_lock(&worker->mutex);
  tn_worker_step *found = tn_map_remove(worker->steps, &key, sizeof key);
  if (!has_ended(worker, id)) worker->ended[worker->n_ended++ % REMEMBERED] = id;
  tn_unlock(&worker->mutex);
  if (!found) return;
  tn_error *ended = error ? NULL : tn_errorf(TN_CANCELLED, "step %lld has ended", (long long)id);
  tn_rendezvous_abort(found->rendezvous, error ? error : ended);
  tn_error_free(ended);
  tn_worker_step_unref(found);
}

/* --- the worker --- */

void tn_worker_stop(tn_worker *worker) {
  tn_collective_stop(worker->collective);
  tn_error *error = tn_errorf(TN_UNAVAILABLE, "%s has stopped", worker->options.task->name);
  for (;;) {
    tn_lock(&worker->mutex);
    worker->stopped = true;
    size_t cursor = 0, size = 0;
    const void *key = NULL;
    void *found = NULL;
    if (tn_map_next(worker->steps, &cursor, &key, &size, &found)) found = tn_map_remove(worker->steps, key, size);
    tn_unlock(&worker->mutex);
    if (!found) break;
    tn_rendezvous_abort(((tn_worker_step *)found)->rendezvous, error);
    tn_worker_step_unref(found);
  }
  tn_error_free(error);
}

/* Collective training finds the object among the worker's resources. */
static tn_error *give_collective(void *worker, tn_object **out) {
  *out = tn_object_ref(tn_collective_object(((tn_worker *)worker)->collective));
  return NULL;
}

static tn_error *add_collective(tn_worker *worker) {
  const tn_worker_options *o = &worker->options;
  tn_object *kept = NULL;
  TN_TRY(tn_collective_new(o->spec, o->task, o->transport, &worker->collective));
  TN_TRY(tn_resources_get(tn_session_state_resources(worker->state), TN_COLLECTIVE_CONTAINER, TN_COLLECTIVE_NAME,
                          TN_COLLECTIVE_TYPE, give_collective, worker, &kept));
  tn_object_unref(kept);
  return NULL;
}

tn_collective *tn_worker_collective(tn_worker *worker) { return worker->collective; }

tn_error *tn_worker_new(const tn_worker_options *options, tn_worker **out) {
  tn_worker *made = tn_calloc(1, sizeof *made);
  if (!made) return tn_out_of_memory();
  pthread_mutex_init(&made->mutex, NULL);
  made->options = *options;
  snprintf(made->device_name, sizeof made->device_name, "%s/device:CPU:0", options->task->name);
  made->device = (tn_device_attributes){.name = made->device_name,
                                        .type = "CPU",
                                        .description = TN_TENON_PROTOCOL,
                                        .memory_limit = 256 << 20,
                                        .incarnation = options->incarnation};
  tn_error *error = tn_session_state_new(&made->state);
  if (!error) error = tn_map_new(&made->sessions);
  if (!error) error = tn_map_new(&made->steps);
  if (!error) error = tn_masters_new(&made->masters);
  if (!error) error = add_collective(made);
  tn_spec_write(options->spec, &made->cluster);
  if (!error && made->cluster.failed) error = tn_out_of_memory();
  if (error) {
    tn_worker_free(made);
    return error;
  }
  *out = made;
  return NULL;
}

void tn_worker_free(tn_worker *worker) {
  if (!worker) return;
  size_t cursor = 0;
  void *value = NULL;
  while (worker->steps && tn_map_next(worker->steps, &cursor, NULL, NULL, &value)) tn_worker_step_unref(value);
  cursor = 0;
  /* Objects go before the graphs whose functions they call. */
  if (worker->state) tn_resources_clear_all(tn_session_state_resources(worker->state));
  if (worker->collective) tn_object_unref(tn_collective_object(worker->collective));
  while (worker->sessions && tn_map_next(worker->sessions, &cursor, NULL, NULL, &value)) free_session(value);
  for (size_t i = 0; i < worker->n_kept; i++) tn_worker_graph_unref(worker->kept[i]);
  tn_free(worker->kept);
  tn_str_clear(&worker->cluster);
  tn_map_free(worker->steps);
  tn_masters_free(worker->masters);
  tn_map_free(worker->sessions);
  tn_session_state_free(worker->state);
  pthread_mutex_destroy(&worker->mutex);
  tn_free(worker);
}

const tn_device_attributes *tn_worker_device(const tn_worker *worker) { return &worker->device; }

void tn_worker_clear(tn_worker *worker, const tn_repeated *containers) {
  tn_resources *resources = tn_session_state_resources(worker->state);
  if (!containers->n) tn_resources_clear(resources, "");
  for (size_t i = 0; i < containers->n; i++) {
    const char *name = TN_AT(const char *, *containers, i);
    tn_resources_clear(resources, strcmp(name, "localhost") == 0 ? "" : name);
  }
}

void tn_worker_recv(tn_worker *worker, int64_t id, const char *key, tn_rendezvous_done done, void *argument) {
  tn_transfer transfer = {0};
  tn_error *error = tn_rendezvous_parse(key, &transfer);
  if (!error && transfer.incarnation != worker->options.incarnation) {
    error = tn_errorf(TN_ABORTED, "%s was restarted: the step was meant for its incarnation %016llx; this is %016llx",
                      worker->options.task->name, (unsigned long long)transfer.incarnation,
                      (unsigned long long)worker->options.incarnation);
  }
  tn_worker_step *s = NULL;
  if (!error) error = tn_worker_get_step(worker, id, &s);
  if (error) {
    tn_tensor nothing = {0};
    done(argument, error, &nothing, true);
    return;
  }
  tn_rendezvous_recv_local(s->rendezvous, key, done, argument);
  tn_worker_step_unref(s);
}
