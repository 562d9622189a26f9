/* What clients ask of a session: steps, partial runs, callables; and of the cluster: devices, a reset. */
#include <stdio.h>
#include <string.h>

#include "base/thread.h"
#include "cluster/master_impl.h"
#include "cluster/methods.h"
#include "kernel/step.h"

/* Room for a step's values. */
static tn_error *new_step(tn_master_plan *plan, tn_arena *arena, tn_master_step *out) {
  tn_tensor *feeds = tn_arena_alloc(arena, (plan->signature.n_feeds + 1) * sizeof *feeds);
  tn_tensor *values = tn_arena_alloc(arena, (plan->signature.n_fetches + 1) * sizeof *values);
  bool *wanted = tn_arena_alloc(arena, (plan->signature.n_fetches + 1) * sizeof *wanted);
  if (!feeds || !values || !wanted) return tn_out_of_memory();
  *out = (tn_master_step){.plan = plan, .feeds = feeds, .values = values, .wanted = wanted};
  return NULL;
}

static void clear_values(tn_master_step *step) {
  for (size_t i = 0; i < step->plan->signature.n_fetches; i++) tn_tensor_clear(&step->values[i]);
}

/* The feeds of REQUEST, shared without references: they are the request's. */
static tn_error *take_feeds(const tn_master_session *s, const tn_run_step *request, tn_master_step *step) {
  tn_tensor *feeds = (tn_tensor *)step->feeds;
  for (size_t i = 0; i < request->feeds.n; i++) {
    const tn_named_tensor *feed = &TN_AT(tn_named_tensor, request->feeds, i);
    size_t at = 0;
    TN_TRY(tn_master_place_of(s, step->plan, true, feed->name ? feed->name : "", &at));
    tn_output o = step->plan->signature.feeds[at];
    tn_dtype expected = tn_dtype_base(o.node->output_types[o.index]);
    if (feed->value.dtype != expected) {
      return tn_errorf(TN_INVALID_ARGUMENT, "the value fed for '%s' is %s; expected %s", feed->name,
                       tn_dtype_name(feed->value.dtype), tn_dtype_name(expected));
    }
    feeds[at] = feed->value;
  }
  return NULL;
}

static tn_error *give_values(const tn_master_session *s, const tn_run_step *request, const tn_master_step *step,
                             tn_arena *arena, tn_run_step_reply *reply) {
  for (size_t i = 0; i < request->fetches.n; i++) {
    const char *name = TN_AT(const char *, request->fetches, i);
    size_t at = 0;
    TN_TRY(tn_master_place_of(s, step->plan, false, name, &at));
    if (step->plan->signature.fetches[at].index < 0) continue;
    if (step->values[at].dtype == TN_INVALID) {
      return tn_errorf(TN_INTERNAL, "no value came for the fetch '%s'", name);
    }
    tn_named_tensor *added = tn_repeated_add(&reply->tensors, arena, sizeof *added);
    if (!added) return tn_out_of_memory();
    added->name = name;
    tn_tensor_set(&added->value, &step->values[at]);
  }
  return NULL;
}

static tn_error *run_plan(tn_master_session *s, const tn_run_step *request, tn_master_step *step,
                          const tn_master_call *call, tn_run_step_reply *reply) {
  tn_str stats = {0};
  if (step->options.trace) step->stats = &stats;
  TN_TRY(take_feeds(s, request, step));
  tn_error *error = tn_master_step_run(s, step, call);
  if (!error) error = give_values(s, request, step, call->arena, reply);
  if (!error && stats.size) {
    char *copy = tn_arena_strndup(call->arena, stats.data, stats.size);
    reply->metadata.step_stats = (tn_string){copy, copy ? stats.size : 0};
  }
  tn_str_clear(&stats);
  return error;
}

/* --- partial runs --- */

static tn_error *add_partial(tn_master_session *s, tn_master_plan *plan, const char *handle) {
  tn_master_partial *made = tn_calloc(1, sizeof *made);
  if (!made) return tn_out_of_memory();
  made->plan = plan;
  made->step = tn_master_new_step(s);
  made->left = plan->signature.n_feeds + plan->signature.n_fetches;
  made->fed = tn_calloc(plan->signature.n_feeds + 1, sizeof(bool));
  made->fetched = tn_calloc(plan->signature.n_fetches + 1, sizeof(bool));
  tn_error *error = made->fed && made->fetched ? tn_map_put(s->partials, handle, made) : tn_out_of_memory();
  if (error) {
    tn_free(made->fed);
    tn_free(made->fetched);
    tn_free(made);
  }
  return error;
}

tn_error *tn_master_partial_setup(tn_master *master, const tn_partial_setup *request, const tn_master_call *call,
                                  tn_partial_setup_reply *reply) {
  tn_master_session *s = NULL;
  TN_TRY(tn_master_find_session(master, request->session, &s));
  tn_master_names names = {request->feeds, request->fetches, request->targets};
  tn_master_plan *plan = NULL;
  tn_error *error = tn_master_plan_of(s, &names, call, &plan);
  if (!error) {
    char handle[32];
    tn_lock(&s->mutex);
    snprintf(handle, sizeof handle, "partial_%lld", (long long)++s->n_partials);
    error = add_partial(s, plan, handle);
    tn_unlock(&s->mutex);
    reply->handle = tn_arena_strdup(call->arena, handle);
  }
  tn_master_session_unref(s);
  return error;
}

/* With the lock held: marks the values of REQUEST as come. */
static tn_error *mark(tn_master_session *s, tn_master_partial *partial, const tn_run_step *request,
                      tn_master_step *step) {
  for (size_t i = 0; i < request->feeds.n + request->fetches.n; i++) {
    bool feed = i < request->feeds.n;
    const char *name = feed ? TN_AT(tn_named_tensor, request->feeds, i).name
                            : TN_AT(const char *, request->fetches, i - request->feeds.n);
    size_t at = 0;
    tn_error *error = tn_master_place_of(s, partial->plan, feed, name ? name : "", &at);
    if (error) {
      tn_error_free(error);
      return tn_errorf(TN_INVALID_ARGUMENT, "'%s' was not specified in partial_run_setup", name ? name : "");
    }
    bool *used = feed ? &partial->fed[at] : &partial->fetched[at];
    if (*used) return tn_errorf(TN_INVALID_ARGUMENT, "'%s' was fed or fetched before in this partial run", name);
    *used = true;
    partial->left--;
    if (!feed) ((bool *)step->wanted)[at] = true;
  }
  return NULL;
}

static tn_error *run_part(tn_master_session *s, const tn_run_step *request, const tn_master_call *call,
                          tn_run_step_reply *reply) {
  tn_lock(&s->mutex);
  tn_master_partial *partial = tn_map_find(s->partials, request->partial);
  tn_error *error =
      partial ? NULL
              : tn_errorf(TN_INVALID_ARGUMENT, "there is no partial run '%s', or it has ended", request->partial);
  tn_master_step step = {0};
  if (!error) error = new_step(partial->plan, call->arena, &step);
  if (!error) error = mark(s, partial, request, &step);
  if (!error) {
    step.id = partial->step;
    step.partial = true;
    step.last = partial->left == 0;
    step.options = request->options;
  }
  if (!error && step.last) {
    tn_map_remove(s->partials, request->partial, strlen(request->partial));
    tn_free(partial->fed);
    tn_free(partial->fetched);
    tn_free(partial);
  }
  tn_unlock(&s->mutex);
  if (!error) error = run_plan(s, request, &step, call, reply);
  if (step.plan) clear_values(&step);
  return error;
}

/* --- steps --- */

static tn_error *run_names(tn_master_session *s, const tn_run_step *request, const tn_master_call *call,
                           tn_run_step_reply *reply) {
  if (request->partial && request->partial[0]) return run_part(s, request, call, reply);
  tn_master_names names = {.fetches = request->fetches, .targets = request->targets};
  for (size_t i = 0; i < request->feeds.n; i++) {
    const char *name = TN_AT(tn_named_tensor, request->feeds, i).name;
    const char **added = tn_repeated_add(&names.feeds, call->arena, sizeof *added);
    if (!added) return tn_out_of_memory();
    *added = name ? name : "";
  }
  tn_master_plan *plan = NULL;
  TN_TRY(tn_master_plan_of(s, &names, call, &plan));
  tn_master_step step;
  TN_TRY(new_step(plan, call->arena, &step));
  step.id = tn_master_new_step(s);
  step.options = request->options;
  for (size_t i = 0; i < plan->signature.n_fetches; i++) ((bool *)step.wanted)[i] = true;
  tn_error *error = run_plan(s, request, &step, call, reply);
  clear_values(&step);
  return error;
}

tn_error *tn_master_run(tn_master *master, const tn_run_step *request, const tn_master_call *call,
                        tn_run_step_reply *reply) {
  tn_master_session *s = NULL;
  TN_TRY(tn_master_find_session(master, request->session, &s));
  tn_master_call limited = *call;
  int64_t timeout_ms = request->options.timeout_ms ? request->options.timeout_ms : s->timeout_ms;
  if (timeout_ms > 0) limited.deadline_ns = tn_now_ns() + timeout_ms * 1000000;
  tn_error *error = run_names(s, request, &limited, reply);
  if (error) tn_fields_clear(&tn_run_step_reply_layout, reply);
  tn_master_session_unref(s);
  return error;
}

/* --- callables --- */

tn_error *tn_master_make_callable(tn_master *master, const tn_make_callable *request, const tn_master_call *call,
                                  tn_callable_handle *reply) {
  if (request->callable.connections.n) {
    return tn_errorf(TN_UNIMPLEMENTED, "callables with tensor connections are not supported by a remote session");
  }
  tn_master_session *s = NULL;
  TN_TRY(tn_master_find_session(master, request->session, &s));
  tn_master_names names = {request->callable.feeds, request->callable.fetches, request->callable.targets};
  tn_master_plan *plan = NULL;
  tn_error *error = tn_master_plan_of(s, &names, call, &plan);
  /* The names stay with the callable: they tell the order of its feeds and fetches. */
  if (!error) {
    tn_lock(&s->mutex);
    tn_make_callable *kept = tn_arena_alloc(s->arena, sizeof *kept);
    if (!kept) error = tn_out_of_memory();
    const tn_repeated *from[] = {&names.feeds, &names.fetches, &names.targets};
    tn_repeated *to[] = {&kept->callable.feeds, &kept->callable.fetches, &kept->callable.targets};
    for (int k = 0; k < 3 && !error; k++) {
      for (size_t i = 0; i < from[k]->n && !error; i++) {
        const char **added = tn_repeated_add(to[k], s->arena, sizeof *added);
        if (added) *added = tn_arena_strdup(s->arena, TN_AT(const char *, *from[k], i));
        if (!added || !*added) error = tn_out_of_memory();
      }
    }
    if (kept) kept->callable.options = request->callable.options;
    reply->handle = ++s->n_callables;
    if (!error) error = tn_map_put_u64(s->callables, (uint64_t)reply->handle, kept);
    tn_unlock(&s->mutex);
  }
  tn_master_session_unref(s);
  return error;
}

static tn_error *run_callable(tn_master_session *s, const tn_run_callable *request, const tn_master_call *call,
                              tn_run_callable_reply *reply) {
  tn_lock(&s->mutex);
  const tn_make_callable *callable = tn_map_find_u64(s->callables, (uint64_t)request->handle);
  tn_unlock(&s->mutex);
  if (!callable) return tn_errorf(TN_INVALID_ARGUMENT, "there is no callable %lld", (long long)request->handle);
  if (callable->callable.feeds.n != request->feeds.n) {
    return tn_errorf(TN_INVALID_ARGUMENT, "the callable takes %zu feeds; %zu came", callable->callable.feeds.n,
                     request->feeds.n);
  }
  tn_run_step step = {.fetches = callable->callable.fetches,
                      .targets = callable->callable.targets,
                      .options = callable->callable.options};
  for (size_t i = 0; i < request->feeds.n; i++) {
    tn_named_tensor *feed = tn_repeated_add(&step.feeds, call->arena, sizeof *feed);
    if (!feed) return tn_out_of_memory();
    *feed = (tn_named_tensor){TN_AT(const char *, callable->callable.feeds, i), TN_AT(tn_tensor, request->feeds, i)};
  }
  tn_run_step_reply values = {0};
  tn_error *error = run_names(s, &step, call, &values);
  for (size_t i = 0; i < values.tensors.n && !error; i++) {
    tn_tensor *added = tn_repeated_add(&reply->fetches, call->arena, sizeof *added);
    if (added) {
      tn_tensor_set(added, &TN_AT(tn_named_tensor, values.tensors, i).value);
    } else {
      error = tn_out_of_memory();
    }
  }
  reply->metadata = values.metadata;
  tn_fields_clear(&tn_run_step_reply_layout, &values);
  return error;
}

tn_error *tn_master_run_callable(tn_master *master, const tn_run_callable *request, const tn_master_call *call,
                                 tn_run_callable_reply *reply) {
  tn_master_session *s = NULL;
  TN_TRY(tn_master_find_session(master, request->session, &s));
  tn_error *error = run_callable(s, request, call, reply);
  if (error) tn_fields_clear(&tn_run_callable_reply_layout, reply);
  tn_master_session_unref(s);
  return error;
}

tn_error *tn_master_release_callable(tn_master *master, const tn_callable_handle *request) {
  tn_master_session *s = NULL;
  TN_TRY(tn_master_find_session(master, request->session, &s));
  uint64_t key = (uint64_t)request->handle;
  tn_lock(&s->mutex);
  bool found = tn_map_remove(s->callables, &key, sizeof key) != NULL;
  tn_unlock(&s->mutex);
  tn_master_session_unref(s);
  return found ? NULL : tn_errorf(TN_INVALID_ARGUMENT, "there is no callable %lld", (long long)request->handle);
}

/* --- the cluster --- */

static bool filtered_out(const tn_repeated *filters, const tn_spec_task *task) {
  tn_device_spec whole = {.replica = 0, .task = task->index, .index = -1};
  snprintf(whole.job, sizeof whole.job, "%s", task->job);
  for (size_t i = 0; i < filters->n; i++) {
    tn_device_spec filter;
    tn_error *error = tn_device_parse(TN_AT(const char *, *filters, i), &filter);
    bool good = !error && tn_device_matches(&filter, &whole);
    tn_error_free(error);
    if (good) return false;
  }
  return filters->n > 0;
}

tn_error *tn_master_reset(tn_master *master, const tn_reset *request, const tn_master_call *call) {
  /* All sessions end, as TensorFlow has it: what they run may use what is dropped. */
  for (;;) {
    tn_lock(&master->mutex);
    size_t cursor = 0;
    void *value = NULL;
    char *handle = NULL;
    if (tn_map_next(master->sessions, &cursor, NULL, NULL, &value)) {
      handle = tn_arena_strdup(call->arena, ((tn_master_session *)value)->handle);
      if (!handle) {
        tn_unlock(&master->mutex);
        return tn_out_of_memory();
      }
    }
    tn_unlock(&master->mutex);
    if (!handle) break;
    tn_error_free(tn_master_close(master, handle)); /* it may have been closed meanwhile */
  }
  const tn_spec *spec = master->options.spec;
  for (size_t i = 0; i < spec->n; i++) {
    const tn_spec_task *task = &spec->tasks[i];
    if (task != master->options.task && filtered_out(&request->filters, task)) continue;
    if (task == master->options.task) {
      tn_worker_clear(master->options.worker, &request->containers);
      continue;
    }
    tn_reset message = {.containers = request->containers};
    tn_master_ask ask = {.task = task,
                         .method = TN_WORKER_SERVICE "CleanupAll",
                         .layout = &tn_reset_layout,
                         .request = &message,
                         .timeout_ns = (int64_t)10 * 1000000000};
    tn_message *reply = NULL;
    TN_TRY(tn_master_ask_task(master, &ask, call->cancellation, &reply));
    tn_message_unref(reply);
  }
  return NULL;
}

static tn_error *add_device(tn_repeated *to, tn_arena *arena, const tn_device_attributes *device) {
  tn_device_attributes *added = tn_repeated_add(to, arena, sizeof *added);
  if (!added) return tn_out_of_memory();
  *added = *device;
  return NULL;
}

/* The device of TASK; they are all alike. */
static tn_error *list_task(tn_master *master, const tn_spec_task *task, uint64_t incarnation,
                           const tn_master_call *call, tn_list_devices_reply *reply) {
  tn_device_attributes device = *tn_worker_device(master->options.worker);
  bool own = task == master->options.task;
  char name[TN_DEVICE_TEXT];
  snprintf(name, sizeof name, "%s/device:CPU:0", task->name);
  if (!own) device.incarnation = incarnation;
  device.name = tn_arena_strdup(call->arena, name);
  return device.name ? add_device(own ? &reply->local : &reply->remote, call->arena, &device) : tn_out_of_memory();
}

static tn_error *list_of_session(tn_master *master, const char *handle, const tn_master_call *call,
                                 tn_list_devices_reply *reply) {
  tn_master_session *s = NULL;
  TN_TRY(tn_master_find_session(master, handle, &s));
  tn_error *error = NULL;
  for (size_t i = 0; i < s->n_tasks && !error; i++) {
    error = list_task(master, s->tasks[i].task, s->tasks[i].incarnation, call, reply);
  }
  tn_master_session_unref(s);
  return error;
}

tn_error *tn_master_list_devices(tn_master *master, const char *session, const tn_master_call *call,
                                 tn_list_devices_reply *reply) {
  if (session && session[0]) return list_of_session(master, session, call, reply);
  const tn_spec *spec = master->options.spec;
  for (size_t i = 0; i < spec->n; i++) TN_TRY(list_task(master, &spec->tasks[i], 0, call, reply));
  return NULL;
}
