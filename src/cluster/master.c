/* Masters: sessions and their life. */
#include "cluster/master.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/thread.h"
#include "base/wire.h"
#include "cluster/master_impl.h"
#include "cluster/methods.h"
#include "cluster/random.h"
#include "kernel/step.h"

tn_error *tn_master_new(const tn_master_options *options, tn_master **out) {
  tn_master *made = tn_calloc(1, sizeof *made);
  if (!made) return tn_out_of_memory();
  pthread_mutex_init(&made->mutex, NULL);
  made->options = *options;
  tn_error *error = tn_map_new(&made->sessions);
  if (error) {
    tn_master_free(made);
    return error;
  }
  *out = made;
  return NULL;
}

bool tn_master_has_sessions(tn_master *master) {
  size_t cursor = 0;
  void *value = NULL;
  tn_lock(&master->mutex);
  bool any = tn_map_next(master->sessions, &cursor, NULL, NULL, &value);
  tn_unlock(&master->mutex);
  return any;
}

void tn_master_stop(tn_master *master) {
  tn_lock(&master->mutex);
  size_t cursor = 0;
  void *value = NULL;
  while (tn_map_next(master->sessions, &cursor, NULL, NULL, &value)) {
    tn_cancellation_cancel(&((tn_master_session *)value)->cancellation);
  }
  tn_unlock(&master->mutex);
}

void tn_master_free(tn_master *master) {
  if (!master) return;
  size_t cursor = 0;
  void *value = NULL;
  while (master->sessions && tn_map_next(master->sessions, &cursor, NULL, NULL, &value)) {
    tn_master_session_unref(value);
  }
  tn_map_free(master->sessions);
  pthread_mutex_destroy(&master->mutex);
  tn_free(master);
}

/* --- a session's memory --- */

static void free_partial(tn_master_partial *partial) {
  tn_free(partial->fed);
  tn_free(partial->fetched);
  tn_free(partial);
}

void tn_master_session_unref(tn_master_session *s) {
  if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) return;
  size_t cursor = 0;
  void *value = NULL;
  while (s->plans && tn_map_next(s->plans, &cursor, NULL, NULL, &value)) tn_master_plan_free(value);
  cursor = 0;
  while (s->partials && tn_map_next(s->partials, &cursor, NULL, NULL, &value)) free_partial(value);
  for (size_t i = 0; i < s->n_tasks; i++) tn_free(s->tasks[i].finished);
  tn_map_free(s->plans);
  tn_map_free(s->callables);
  tn_map_free(s->partials);
  tn_graph_free(s->graph);
  tn_arena_free(s->arena);
  tn_free(s->places);
  tn_free(s->handle);
  pthread_mutex_destroy(&s->mutex);
  tn_free(s);
}

tn_error *tn_master_find_session(tn_master *master, const char *handle, tn_master_session **out) {
  tn_lock(&master->mutex);
  tn_master_session *found = tn_map_find(master->sessions, handle ? handle : "");
  if (found) {
    atomic_fetch_add_explicit(&found->refs, 1, memory_order_relaxed);
    *out = found;
  }
  tn_unlock(&master->mutex);
  if (found) return NULL;
  return tn_errorf(TN_ABORTED, "Session %s is not found. Possibly, this master has restarted.", handle ? handle : "");
}

/* --- the configuration --- */

static tn_error *read_config(tn_master_session *s, tn_string config) {
  tn_wire_in in = tn_wire_bytes(config.data, config.size);
  s->soft = false;
  for (;;) {
    tn_wire_field field;
    bool more = false;
    TN_TRY(tn_wire_next(&in, &field, &more));
    if (!more) return NULL;
    if (field.number == 4 && field.type == TN_WIRE_BYTES) {
      const char **filter = tn_repeated_add(&s->filters, s->arena, sizeof *filter);
      if (filter) *filter = tn_arena_strndup(s->arena, field.data, field.size);
      if (!filter || !*filter) return tn_out_of_memory();
    }
    if (field.type != TN_WIRE_VARINT) continue;
    if (field.number == 7) s->soft = field.value != 0;
    if (field.number == 11) s->timeout_ms = (int64_t)field.value;
    if (field.number == 15) s->isolate = field.value != 0;
  }
}

/* True if the session may use TASK: a filter names it, or there are none. The own task always takes part. */
static bool wanted(const tn_master_session *s, const tn_spec_task *task) {
  if (!s->filters.n || task == s->master->options.task) return true;
  tn_device_spec whole = {.replica = 0, .task = task->index, .index = -1};
  snprintf(whole.job, sizeof whole.job, "%s", task->job);
  for (size_t i = 0; i < s->filters.n; i++) {
    tn_device_spec filter;
    tn_error *error = tn_device_parse(TN_AT(const char *, s->filters, i), &filter);
    tn_error_free(error);
    if (error) continue;
    filter.type[0] = 0;
    filter.index = -1;
    if (tn_device_matches(&filter, &whole)) return true;
  }
  return false;
}

/* --- the tasks --- */

tn_error *tn_master_ask_task(tn_master *master, const tn_master_ask *ask, const tn_cancellation *cancellation,
                             tn_message **reply) {
  tn_question question = {.address = ask->task->address,
                          .method = ask->method,
                          .layout = ask->layout,
                          .request = ask->request,
                          .timeout_ns = ask->timeout_ns,
                          .cancellation = cancellation};
  return tn_error_context(tn_ask(master->options.transport, &question, reply), "From %s", ask->task->name);
}

static bool is_tenon(const tn_device_attributes *device) {
  return device->description && strncmp(device->description, TN_TENON_DEVICE, sizeof TN_TENON_DEVICE - 1) == 0;
}

static void nap(void) { nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL); }

/* Asks until TASK answers. */
static tn_error *get_status(tn_master_session *s, const tn_spec_task *task, const tn_master_call *call,
                            tn_status_reply *reply) {
  int64_t start = tn_now_ns(), told = start;
  for (;;) {
    tn_handle_message nothing = {0};
    tn_master_ask ask = {.task = task,
                         .method = TN_WORKER_SERVICE "GetStatus",
                         .layout = &tn_handle_message_layout,
                         .request = &nothing,
                         .timeout_ns = (int64_t)10 * 1000000000};
    tn_message *message = NULL;
    tn_error *error = tn_master_ask_task(s->master, &ask, call->cancellation, &message);
    if (!error) {
      error = tn_decode(&tn_status_reply_layout, message, call->arena, reply);
      tn_message_unref(message);
      return error;
    }
    tn_code code = tn_error_code(error);
    if (code != TN_UNAVAILABLE && code != TN_DEADLINE_EXCEEDED) return error;
    tn_error_free(error);
    if (tn_now_ns() - told > (int64_t)10 * 1000000000) {
      told = tn_now_ns();
      fprintf(stderr, "CreateSession still waiting for response from worker: %s at %s\n", task->name, task->address);
    }
    TN_TRY(tn_cancellation_check(call->cancellation));
    TN_TRY(tn_cancellation_check(&s->cancellation));
    if (call->deadline_ns && tn_now_ns() > call->deadline_ns) {
      return tn_errorf(TN_DEADLINE_EXCEEDED, "%s at %s does not answer", task->name, task->address);
    }
    nap();
  }
}

/* Tells TASK, which is not the own one, of the session. */
static tn_error *announce(tn_master_session *s, const tn_master_task *task, const tn_master_call *call) {
  const tn_master_options *o = &s->master->options;
  tn_str cluster = {0}, def = {0};
  tn_spec_write(o->spec, &cluster);
  tn_wire_put_bytes(&def, 1, cluster.data, cluster.size); /* ServerDef: the cluster, this job, this task */
  tn_wire_put_bytes(&def, 2, o->task->job, strlen(o->task->job));
  tn_wire_put_int(&def, 3, o->task->index);
  tn_create_worker_session request = {.session = s->handle,
                                      .server_def = {def.data, def.size},
                                      .isolate = s->isolate,
                                      .master = o->task->name,
                                      .master_incarnation = tn_worker_device(o->worker)->incarnation,
                                      .protocol = TN_TENON_PROTOCOL};
  tn_master_ask ask = {.task = task->task,
                       .method = TN_WORKER_SERVICE "CreateWorkerSession",
                       .layout = &tn_create_worker_session_layout,
                       .request = &request};
  tn_message *reply = NULL;
  tn_error *error = cluster.failed || def.failed ? tn_out_of_memory()
                                                 : tn_master_ask_task(s->master, &ask, call->cancellation, &reply);
  tn_message_unref(reply);
  tn_str_clear(&cluster);
  tn_str_clear(&def);
  return error;
}

tn_error *tn_master_reach(tn_master_session *s, tn_master_task *task, const tn_master_call *call) {
  if (task->reached) return NULL;
  tn_status_reply status = {0};
  TN_TRY(get_status(s, task->task, call, &status));
  const char *name = task->task->name;
  if (!status.devices.n) return tn_errorf(TN_UNAVAILABLE, "%s has no devices", name);
  const tn_device_attributes *first = &TN_AT(tn_device_attributes, status.devices, 0);
  if (!is_tenon(first)) {
    return tn_errorf(TN_UNIMPLEMENTED, "%s at %s is not a task of Tenon's: a cluster can't mix its tasks with others'",
                     name, task->task->address);
  }
  if (strcmp(first->description, TN_TENON_PROTOCOL) != 0) {
    return tn_errorf(TN_FAILED_PRECONDITION,
                     "%s at %s is of another version: it is '%.40s', this task is '" TN_TENON_PROTOCOL
                     "'; all tasks of a cluster must be of one release",
                     name, task->task->address, first->description);
  }
  if (!first->name || strcmp(first->name, task->device) != 0) {
    return tn_errorf(TN_INVALID_ARGUMENT, "at %s is '%s'; the cluster has %s there", task->task->address,
                     first->name ? first->name : "", name);
  }
  task->incarnation = first->incarnation;
  TN_TRY(announce(s, task, call));
  task->reached = true;
  return NULL;
}

/* All tasks that the session may use; each has one CPU. */
static tn_error *list_tasks(tn_master_session *s) {
  const tn_master_options *o = &s->master->options;
  s->tasks = tn_arena_alloc(s->arena, o->spec->n * sizeof *s->tasks);
  s->specs = tn_arena_alloc(s->arena, o->spec->n * sizeof *s->specs);
  if (!s->tasks || !s->specs) return tn_out_of_memory();
  for (size_t i = 0; i < o->spec->n; i++) {
    const tn_spec_task *task = &o->spec->tasks[i];
    if (!wanted(s, task)) continue;
    tn_device_spec *spec = &s->specs[s->n_tasks];
    char text[TN_DEVICE_TEXT];
    *spec = (tn_device_spec){.type = "CPU", .replica = 0, .task = task->index, .index = 0};
    snprintf(spec->job, sizeof spec->job, "%s", task->job);
    tn_master_task *made = &s->tasks[s->n_tasks];
    *made = (tn_master_task){.task = task, .own = task == o->task};
    made->device = tn_arena_strdup(s->arena, tn_device_text(spec, text));
    if (!made->device) return tn_out_of_memory();
    if (made->own) s->preferred = (int)s->n_tasks;
    s->n_tasks++;
  }
  tn_master_task *own = &s->tasks[s->preferred];
  tn_create_worker_session request = {.session = s->handle, .isolate = s->isolate};
  TN_TRY(tn_worker_create_session(o->worker, &request));
  own->incarnation = tn_worker_device(o->worker)->incarnation;
  own->reached = true;
  return NULL;
}

/* --- making and closing --- */

static tn_error *furnish(tn_master_session *s, const tn_create_session *request) {
  uint64_t number = 0;
  TN_TRY(tn_random_u64(&number));
  tn_str handle = {0};
  size_t size = 0;
  tn_str_addf(&handle, "%016llx", (unsigned long long)number);
  TN_TRY(tn_str_take(&handle, &s->handle, &size));
  TN_TRY(tn_random_u64(&s->first_step));
  s->first_step &= ~((uint64_t)1 << 63);
  TN_TRY(tn_arena_new(&s->arena));
  TN_TRY(tn_map_new(&s->plans));
  TN_TRY(tn_map_new(&s->callables));
  TN_TRY(tn_map_new(&s->partials));
  TN_TRY(tn_graph_new(&s->graph));
  TN_TRY(tn_error_context(read_config(s, request->config), "ConfigProto"));
  s->own = request->own;
  TN_TRY(tn_limits_add_graph(&s->master->options.limits, request->graph.size, &s->graph_bytes));
  /* A node that no step uses may be wrong; the tasks that run a part read it again. */
  TN_TRY(
      tn_graph_import(s->graph, request->graph.data, request->graph.size, &(tn_import_options){.wrong_shapes = true}));
  return list_tasks(s);
}

tn_error *tn_master_create(tn_master *master, const tn_create_session *request, const tn_master_call *call,
                           tn_create_session_reply *reply) {
  tn_master_session *s = tn_calloc(1, sizeof *s);
  if (!s) return tn_out_of_memory();
  atomic_init(&s->refs, 1);
  pthread_mutex_init(&s->mutex, NULL);
  s->master = master;
  tn_error *error = furnish(s, request);
  const char *handle = error ? NULL : tn_arena_strdup(call->arena, s->handle);
  if (!error && !handle) error = tn_out_of_memory();
  if (!error) {
    tn_lock(&master->mutex);
    error = tn_map_put(master->sessions, s->handle, s);
    tn_unlock(&master->mutex);
  }
  if (error) {
    tn_master_session_unref(s);
    return error;
  }
  *reply = (tn_create_session_reply){.session = handle, .version = 0};
  return NULL;
}

tn_error *tn_master_extend(tn_master *master, const tn_extend_session *request, tn_extend_session_reply *reply) {
  tn_master_session *s = NULL;
  TN_TRY(tn_master_find_session(master, request->session, &s));
  tn_lock(&s->mutex);
  tn_error *error = NULL;
  if (request->version != s->version) {
    error = tn_errorf(TN_ABORTED, "Concurrent extension: the graph has version %lld; %lld was to be extended",
                      (long long)s->version, (long long)request->version);
  }
  if (!error) error = tn_limits_add_graph(&master->options.limits, request->graph.size, &s->graph_bytes);
  if (!error) {
    error = tn_graph_import(s->graph, request->graph.data, request->graph.size,
                            &(tn_import_options){.extends = true, .wrong_shapes = true});
  }
  if (!error) reply->version = ++s->version;
  tn_unlock(&s->mutex);
  tn_master_session_unref(s);
  return error;
}

void tn_master_forget(void *argument, tn_error *error, tn_message *reply) {
  (void)argument;
  tn_error_free(error); /* a task that is gone has forgotten the session by itself */
  tn_message_unref(reply);
}

/* Tells TASK of the steps that are over; others may be ending at this moment. */
static void clean_up_rest(tn_master_session *s, tn_master_task *task) {
  tn_lock(&s->mutex);
  int64_t *steps = task->finished;
  size_t n = task->n_finished;
  task->finished = NULL;
  task->n_finished = task->finished_capacity = 0;
  tn_unlock(&s->mutex);
  for (size_t i = 0; i < n; i++) tn_master_clean_up(s, task, steps[i]);
  tn_free(steps);
}

/* Tells all tasks that the session is over, and does not wait. */
static void take_leave(tn_master_session *s) {
  for (size_t i = 0; i < s->n_tasks; i++) {
    if (s->tasks[i].own) {
      tn_error_free(tn_worker_delete_session(s->master->options.worker, s->handle));
      continue;
    }
    if (!s->tasks[i].reached) continue;
    clean_up_rest(s, &s->tasks[i]);
    tn_handle_message request = {s->handle};
    tn_message *message = NULL;
    tn_error *error = tn_encode(&tn_handle_message_layout, &request, &message);
    tn_request call = {.address = s->tasks[i].task->address,
                       .method = TN_WORKER_SERVICE "DeleteWorkerSession",
                       .message = message,
                       .done = tn_master_forget};
    if (!error) error = tn_transport_call(s->master->options.transport, &call, NULL);
    tn_error_free(error);
    tn_message_unref(message);
  }
}

tn_error *tn_master_close(tn_master *master, const char *session) {
  tn_master_session *s = NULL;
  TN_TRY(tn_master_find_session(master, session, &s));
  tn_lock(&master->mutex);
  bool first = tn_map_remove(master->sessions, s->handle, strlen(s->handle)) != NULL;
  tn_unlock(&master->mutex);
  if (first) {
    tn_cancellation_cancel(&s->cancellation);
    take_leave(s);
    tn_master_session_unref(s);
  }
  tn_master_session_unref(s);
  return NULL;
}
