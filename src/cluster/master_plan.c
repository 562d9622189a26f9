/* From names to parts: what a step needs is found, placed, split and registered once. */
#include <string.h>

#include "base/thread.h"
#include "cluster/master_impl.h"
#include "cluster/methods.h"
#include "runtime/session.h"

/* --- names --- */

static tn_error *find_all(const tn_graph *graph, const tn_repeated *names, const char *what, tn_output *out,
                          size_t *n) {
  for (size_t i = 0; i < names->n; i++) {
    const char *name = TN_AT(const char *, *names, i);
    tn_output found;
    TN_TRY(tn_error_context(tn_graph_find_output(graph, name, &found), "%s", what));
    bool again = false;
    for (size_t k = 0; k < *n; k++) again = again || (out[k].node == found.node && out[k].index == found.index);
    if (!again) out[(*n)++] = found;
  }
  return NULL;
}

/* The signature of NAMES; fetches come once each, also those without a value. */
static tn_error *resolve(const tn_graph *graph, const tn_master_names *names, tn_arena *arena, tn_step_signature *out) {
  tn_output *feeds = tn_arena_alloc(arena, (names->feeds.n + 1) * sizeof *feeds);
  tn_output *fetches = tn_arena_alloc(arena, (names->fetches.n + 1) * sizeof *fetches);
  tn_node **targets = tn_arena_alloc(arena, (names->targets.n + names->fetches.n + 1) * sizeof *targets);
  if (!feeds || !fetches || !targets) return tn_out_of_memory();
  *out = (tn_step_signature){.feeds = feeds, .fetches = fetches, .targets = targets};
  TN_TRY(find_all(graph, &names->feeds, "feed", feeds, &out->n_feeds));
  if (out->n_feeds != names->feeds.n) return tn_errorf(TN_INVALID_ARGUMENT, "a tensor is fed more than once");
  TN_TRY(find_all(graph, &names->fetches, "fetch", fetches, &out->n_fetches));
  for (size_t i = 0; i < names->targets.n; i++) {
    const char *name = TN_AT(const char *, names->targets, i);
    tn_output found = {tn_graph_find(graph, name), -1};
    if (!found.node) TN_TRY(tn_error_context(tn_graph_find_output(graph, name, &found), "target"));
    targets[out->n_targets++] = found.node;
  }
  return NULL;
}

tn_error *tn_master_place_of(const tn_master_session *session, const tn_master_plan *plan, bool feed, const char *name,
                             size_t *out) {
  tn_output wanted;
  TN_TRY(tn_graph_find_output(session->graph, name, &wanted));
  const tn_step_signature *s = &plan->signature;
  size_t n = feed ? s->n_feeds : s->n_fetches;
  for (size_t i = 0; i < n; i++) {
    const tn_output *one = feed ? &s->feeds[i] : &s->fetches[i];
    if (one->node != wanted.node || one->index != wanted.index) continue;
    *out = i;
    return NULL;
  }
  return tn_errorf(TN_NOT_FOUND, "'%s' is not among the %s of this step", name, feed ? "feeds" : "fetches");
}

/* --- places --- */

static tn_error *place(tn_master_session *s) {
  int n = (int)tn_graph_n_nodes(s->graph);
  if (n == s->n_placed) return NULL;
  int *places = tn_malloc(((size_t)n + 1) * sizeof *places), *kept = tn_malloc(((size_t)n + 1) * sizeof *kept);
  tn_error *error = places && kept ? NULL : tn_out_of_memory();
  for (int i = 0; i < n && !error; i++) {
    bool stays = i < s->n_placed && (tn_graph_node(s->graph, (size_t)i)->op->flags & TN_OP_STATEFUL);
    kept[i] = stays ? s->places[i] : -1;
  }
  tn_device_set set = {.n = (int)s->n_tasks, .devices = s->specs, .preferred = s->preferred};
  tn_place_request request = {.graph = s->graph, .n_nodes = n, .devices = &set, .soft = s->soft, .kept = kept};
  if (!error) error = tn_place(&request, places);
  tn_free(kept);
  if (error) {
    tn_free(places);
    return error;
  }
  tn_free(s->places);
  s->places = places;
  s->n_placed = n;
  return NULL;
}

static int part_of(void *argument, const tn_node *node) {
  const tn_master_session *s = argument;
  return s->places[node->id];
}

/* --- registering --- */

void tn_master_plan_free(tn_master_plan *plan) {
  if (!plan) return;
  for (size_t i = 0; i < plan->n_parts; i++) {
    tn_master_part *part = &plan->parts[i];
    for (size_t k = 0; k < part->n_feeds; k++) tn_free(part->feeds[k].key);
    for (size_t k = 0; k < part->n_fetches; k++) tn_free(part->fetches[k].key);
    tn_free(part->feeds);
    tn_free(part->fetches);
    tn_free(part->graph);
  }
  tn_free(plan->parts);
  tn_signature_clear(&plan->signature);
  tn_free(plan);
}

static tn_error *register_part(tn_master_session *s, const tn_part *part, tn_master_task *task,
                               const tn_master_call *call, char **handle) {
  tn_register_graph request = {.session = s->handle, .has_session = 1, .graph = {part->def, part->size}, .own = s->own};
  const char *given = NULL;
  if (task->own) {
    TN_TRY(tn_worker_register(s->master->options.worker, &request, call->arena, &given));
  } else {
    tn_master_ask ask = {.task = task->task,
                         .method = TN_WORKER_SERVICE "RegisterGraph",
                         .layout = &tn_register_graph_layout,
                         .request = &request};
    tn_message *message = NULL;
    TN_TRY(tn_master_ask_task(s->master, &ask, call->cancellation, &message));
    tn_graph_handle reply = {0};
    tn_error *error = tn_decode(&tn_register_graph_reply_layout, message, call->arena, &reply);
    tn_message_unref(message);
    if (error) return error;
    given = reply.graph;
  }
  *handle = tn_strdup(given ? given : "");
  return *handle ? NULL : tn_out_of_memory();
}

/* Moves what PLAN needs out of PARTITION, registering its parts. */
static tn_error *register_all(tn_master_session *s, tn_partition *partition, const tn_master_call *call,
                              tn_master_plan *plan) {
  plan->parts = tn_calloc((size_t)partition->n + 1, sizeof *plan->parts);
  if (!plan->parts) return tn_out_of_memory();
  for (int i = 0; i < partition->n; i++) {
    tn_part *from = &partition->parts[i];
    if (!from->size) continue;
    tn_master_part *part = &plan->parts[plan->n_parts++];
    *part = (tn_master_part){.task = &s->tasks[i],
                             .n_feeds = from->n_feeds,
                             .n_fetches = from->n_fetches,
                             .feeds = from->feeds,
                             .fetches = from->fetches};
    from->n_feeds = from->n_fetches = 0;
    from->feeds = from->fetches = NULL;
    TN_TRY(register_part(s, from, part->task, call, &part->graph));
  }
  return NULL;
}

/* Waits for the tasks that SIGNATURE needs. */
static tn_error *reach(tn_master_session *s, const tn_step_signature *signature, const tn_master_call *call) {
  tn_subgraph *subgraph = NULL;
  TN_TRY(tn_subgraph_new(signature, &subgraph));
  tn_error *error = NULL;
  for (int i = subgraph->n_feeds; i < subgraph->n_items && !error; i++) {
    error = tn_master_reach(s, &s->tasks[part_of(s, subgraph->items[i].node)], call);
  }
  for (size_t i = 0; i < signature->n_fetches && !error; i++) {
    error = tn_master_reach(s, &s->tasks[part_of(s, signature->fetches[i].node)], call);
  }
  tn_subgraph_free(subgraph);
  return error;
}

static tn_error *build(tn_master_session *s, const tn_step_signature *signature, const tn_master_call *call,
                       tn_master_plan *plan) {
  TN_TRY(tn_signature_copy(signature, &plan->signature));
  TN_TRY(place(s));
  TN_TRY(reach(s, signature, call));
  tn_part_device *devices = tn_arena_alloc(call->arena, s->n_tasks * sizeof *devices);
  if (!devices) return tn_out_of_memory();
  for (size_t i = 0; i < s->n_tasks; i++) devices[i] = (tn_part_device){s->tasks[i].device, s->tasks[i].incarnation};
  tn_partition_request request = {
      .signature = signature, .n_parts = (int)s->n_tasks, .devices = devices, .part_of = part_of, .argument = s};
  tn_partition *partition = NULL;
  TN_TRY(tn_partition_new(&request, &partition));
  tn_error *error = register_all(s, partition, call, plan);
  tn_partition_free(partition);
  return error;
}

static void put_names(tn_str *key, const tn_repeated *names) {
  tn_str_addf(key, "%zu\n", names->n);
  for (size_t i = 0; i < names->n; i++) tn_str_addf(key, "%s\n", TN_AT(const char *, *names, i));
}

/* With the lock held. */
static tn_error *add_plan(tn_master_session *s, const char *key, const tn_master_names *names,
                          const tn_master_call *call, tn_master_plan **out) {
  tn_step_signature signature = {0};
  TN_TRY(resolve(s->graph, names, call->arena, &signature));
  tn_master_plan *made = tn_calloc(1, sizeof *made);
  if (!made) return tn_out_of_memory();
  tn_error *error = build(s, &signature, call, made);
  if (!error) error = tn_map_put(s->plans, key, made);
  if (error) {
    tn_master_plan_free(made);
    return error;
  }
  *out = made;
  return NULL;
}

tn_error *tn_master_plan_of(tn_master_session *session, const tn_master_names *names, const tn_master_call *call,
                            tn_master_plan **out) {
  tn_str key = {0};
  put_names(&key, &names->feeds);
  put_names(&key, &names->fetches);
  put_names(&key, &names->targets);
  if (key.failed) {
    tn_str_clear(&key);
    return tn_out_of_memory();
  }
  tn_lock(&session->mutex);
  tn_master_plan *found = tn_map_find(session->plans, key.data);
  tn_error *error = found ? NULL : add_plan(session, key.data, names, call, &found);
  tn_unlock(&session->mutex);
  tn_str_clear(&key);
  if (!error) *out = found;
  return error;
}
