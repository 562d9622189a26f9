/* Fetching from other tasks. */
#include "cluster/pull.h"

#include <string.h>

#include "base/thread.h"
#include "cluster/methods.h"
#include "cluster/sent.h"
#include "compile/subgraph.h"
#include "runtime/dynamic.h"

/* What is remembered of a tensor, so that it need not come again while it is the same. Those that change are asked
 * about ever more rarely, since the sender must not overwrite what it is asked about. */
typedef struct memory {
  int64_t number; /* the sender's, of VALUE; 0: none */
  tn_tensor value;
  unsigned pause, changes; /* steps before it is asked about again; how often it was another one in a row */
} memory;
enum { MOST_CHANGES = 10 };

/* One request of each step. */
typedef struct batch {
  const tn_spec_task *task; /* what follows are copies */
  const char *name, *address;
  int64_t depth;
  tn_repeated keys; /* texts */
  memory *memories; /* of each key; guarded by the pulls' mutex */
} batch;

struct tn_pulls {
  atomic_int refs;
  pthread_mutex_t mutex;
  tn_arena *arena;
  tn_repeated batches;
};

/* --- what to ask for --- */

static batch *find_batch(tn_pulls *pulls, const tn_spec_task *task, int64_t depth) {
  for (size_t i = 0; i < pulls->batches.n; i++) {
    batch *b = &TN_AT(batch, pulls->batches, i);
    if (b->task == task && b->depth == depth) return b;
  }
  batch *added = tn_repeated_add(&pulls->batches, pulls->arena, sizeof *added);
  if (!added) return NULL;
  *added = (batch){.task = task,
                   .name = tn_arena_strdup(pulls->arena, task->name),
                   .address = tn_arena_strdup(pulls->arena, task->address),
                   .depth = depth};
  return added->name && added->address ? added : NULL;
}

static tn_error *add_key(tn_pulls *pulls, const tn_node *node, const tn_spec_task *task) {
  tn_string from = tn_node_get_string(node, "send_device"), to = tn_node_get_string(node, "recv_device"),
            name = tn_node_get_string(node, "tensor_name");
  tn_transfer transfer = {.send_device = from.data,
                          .send_device_size = from.size,
                          .recv_device = to.data,
                          .recv_device_size = to.size,
                          .name = name.data,
                          .name_size = name.size,
                          .incarnation = (uint64_t)tn_node_get_int(node, "send_device_incarnation")};
  const tn_attr *depth = tn_node_attr(node, TN_DEPTH_ATTR);
  /* Somebody else split the graph: any two may wait for each other, so each comes alone. */
  bool known = depth && depth->kind == TN_ATTR_INT && !depth->is_list;
  batch *b = find_batch(pulls, task, known ? depth->i : -1 - (int64_t)node->id);
  tn_str key = {0};
  tn_rendezvous_key(&transfer, 0, 0, &key);
  const char **added = b ? tn_repeated_add(&b->keys, pulls->arena, sizeof *added) : NULL;
  if (added) *added = key.failed ? NULL : tn_arena_strdup(pulls->arena, key.data);
  tn_str_clear(&key);
  return added && *added ? NULL : tn_out_of_memory();
}

static tn_error *scan(tn_pulls *pulls, const tn_graph *graph, const tn_spec *spec, const tn_spec_task *own) {
  for (size_t i = 0, n = tn_graph_n_nodes(graph); i < n; i++) {
    const tn_node *node = tn_graph_node(graph, i);
    if (strcmp(node->op->name, "_Recv") != 0 && strcmp(node->op->name, "_HostRecv") != 0) continue;
    if (tn_node_get_bool(node, "client_terminated")) continue;
    tn_string device = tn_node_get_string(node, "send_device");
    const tn_spec_task *task = tn_spec_of_device(spec, device.data, device.size);
    if (!task) {
      return tn_node_errorf(node, TN_INVALID_ARGUMENT, "'%.*s' is no device of this cluster", (int)device.size,
                            device.data);
    }
    if (task != own) TN_TRY(add_key(pulls, node, task));
  }
  return NULL;
}

tn_error *tn_pulls_new(const tn_graph *graph, const tn_spec *spec, const tn_spec_task *own, tn_pulls **out) {
  tn_pulls *made = tn_calloc(1, sizeof *made);
  if (!made) return tn_out_of_memory();
  atomic_init(&made->refs, 1);
  pthread_mutex_init(&made->mutex, NULL);
  tn_error *error = tn_arena_new(&made->arena);
  if (!error) error = scan(made, graph, spec, own);
  for (size_t i = 0; i < made->batches.n && !error; i++) {
    batch *b = &TN_AT(batch, made->batches, i);
    b->memories = tn_arena_alloc(made->arena, (b->keys.n + 1) * sizeof *b->memories);
    if (!b->memories) error = tn_out_of_memory();
  }
  if (error) {
    tn_pulls_free(made);
    return error;
  }
  *out = made;
  return NULL;
}

void tn_pulls_free(tn_pulls *pulls) {
  if (!pulls || atomic_fetch_sub_explicit(&pulls->refs, 1, memory_order_acq_rel) != 1) return;
  for (size_t i = 0; i < pulls->batches.n; i++) {
    const batch *b = &TN_AT(batch, pulls->batches, i);
    for (size_t k = 0; b->memories && k < b->keys.n; k++) tn_tensor_clear(&b->memories[k].value);
  }
  pthread_mutex_destroy(&pulls->mutex);
  tn_arena_free(pulls->arena);
  tn_free(pulls);
}

/* --- asking --- */

struct tn_pulling {
  tn_transport *transport;
  pthread_mutex_t mutex;
  size_t n;
  tn_call **calls;
  bool aborted;
};

/* Which step wants it, and where it goes. */
typedef struct asked {
  int64_t step;
  tn_rendezvous *rendezvous;
} asked;

/* A call on its way; holds what it is about, and the rendezvous. */
typedef struct pull {
  tn_pulls *pulls;
  const batch *batch;
  tn_rendezvous *rendezvous;
  memory known[]; /* of each key, when it was asked for: a number and a value */
} pull;

tn_error *tn_pulling_new(tn_transport *transport, tn_pulling **out) {
  tn_pulling *made = tn_calloc(1, sizeof *made);
  if (!made) return tn_out_of_memory();
  pthread_mutex_init(&made->mutex, NULL);
  made->transport = transport;
  *out = made;
  return NULL;
}

static void release(void *argument) {
  tn_pulling *pulling = argument;
  for (size_t i = 0; i < pulling->n; i++) tn_call_unref(pulling->calls[i]);
  tn_free(pulling->calls);
  pthread_mutex_destroy(&pulling->mutex);
  tn_free(pulling);
}

static void cancel_all(void *argument, const tn_error *error) {
  (void)error;
  tn_pulling *pulling = argument;
  tn_lock(&pulling->mutex);
  pulling->aborted = true;
  for (size_t i = 0; i < pulling->n; i++) tn_call_cancel(pulling->calls[i]);
  tn_unlock(&pulling->mutex);
}

void tn_pulling_remote(tn_pulling *pulling, tn_rendezvous_remote *remote) {
  *remote = (tn_rendezvous_remote){.abort = cancel_all, .release = release, .argument = pulling};
}

static void drop(pull *p) {
  tn_rendezvous_unref(p->rendezvous);
  for (size_t i = 0; i < p->batch->keys.n; i++) tn_tensor_clear(&p->known[i].value);
  tn_pulls_free(p->pulls);
  tn_free(p);
}

/* Copies what is remembered of P's keys, and says it in REQUEST, whose list of integers is KNOWN. */
static void recall(pull *p, int64_t *known, tn_recv_tensors *request) {
  tn_lock(&p->pulls->mutex);
  for (size_t i = 0; i < p->batch->keys.n; i++) {
    memory *m = &p->batch->memories[i];
    p->known[i] = (memory){.number = m->number};
    if (m->number) tn_tensor_set(&p->known[i].value, &m->value);
    known[i] = m->number ? m->number : m->pause ? TN_SENT_NOTHING : TN_SENT_WANTED;
    if (!m->number && m->pause) m->pause--;
  }
  tn_unlock(&p->pulls->mutex);
  request->known = (tn_repeated){.n = p->batch->keys.n, .at = known};
}

/* V has come for key I of P: puts in what is known, remembers what is new. */
static tn_error *remember(pull *p, size_t i, tn_recv_tensor_reply *v) {
  memory *m = &p->batch->memories[i];
  if (v->same && !p->known[i].number) {
    return tn_errorf(TN_INTERNAL, "a tensor is said to be as it was, but none was known");
  }
  if (v->same) tn_tensor_set(&v->value, &p->known[i].value);
  TN_TRY(tn_widen_answer(v));
  tn_tensor gone = {0};
  tn_lock(&p->pulls->mutex);
  bool changed = p->known[i].number && !v->same && m->number == p->known[i].number;
  if (v->same) m->changes = 0;
  if (changed || (v->number && v->number != m->number)) {
    gone = m->value;
    *m = (memory){.changes = m->changes, .pause = m->pause};
  }
  if (changed) {
    m->pause = 1u << m->changes;
    if (m->changes < MOST_CHANGES) m->changes++;
  }
  if (v->number && !v->is_dead) {
    m->number = v->number;
    tn_tensor_set(&m->value, &v->value);
  }
  tn_unlock(&p->pulls->mutex);
  tn_tensor_clear(&gone);
  return NULL;
}

static tn_error *take(pull *p, tn_message *reply, tn_arena *arena) {
  tn_recv_tensors_reply values = {0};
  tn_error *error = tn_decode(&tn_recv_tensors_reply_layout, reply, arena, &values);
  if (!error && values.values.n != p->batch->keys.n) {
    error = tn_errorf(TN_INTERNAL, "%zu tensors came; %zu were asked for", values.values.n, p->batch->keys.n);
  }
  for (size_t i = 0; i < values.values.n && !error; i++) {
    tn_recv_tensor_reply *v = &TN_AT(tn_recv_tensor_reply, values.values, i);
    error = remember(p, i, v);
    if (error) break;
    if (!v->is_dead && v->value.dtype == TN_INVALID) {
      error = tn_errorf(TN_INTERNAL, "no tensor came for '%s'", TN_AT(const char *, p->batch->keys, i));
    } else {
      error = tn_rendezvous_send(p->rendezvous, TN_AT(const char *, p->batch->keys, i), &v->value, v->is_dead);
    }
  }
  tn_fields_clear(&tn_recv_tensors_reply_layout, &values);
  return error;
}

static void pulled(void *argument, tn_error *error, tn_message *reply) {
  pull *p = argument;
  tn_arena *arena = NULL;
  if (!error) error = tn_arena_new(&arena);
  tn_dynamic_hold();
  if (!error) error = take(p, reply, arena);
  tn_dynamic_release();
  if (error) {
    error = tn_error_context(error, "From %s", p->batch->name);
    tn_rendezvous_abort(p->rendezvous, error);
    tn_error_free(error);
  }
  tn_arena_free(arena);
  tn_message_unref(reply);
  drop(p);
}

static tn_error *ask(tn_pulling *pulling, tn_pulls *pulls, const batch *b, const asked *what, tn_call **out) {
  size_t n = b->keys.n;
  pull *p = tn_calloc(1, sizeof *p + n * sizeof *p->known);
  int64_t *known = tn_malloc((n + 1) * sizeof *known);
  tn_message *message = NULL;
  tn_error *error = p && known ? NULL : tn_out_of_memory();
  if (!error) {
    atomic_fetch_add_explicit(&pulls->refs, 1, memory_order_relaxed);
    p->pulls = pulls;
    p->batch = b;
    p->rendezvous = tn_rendezvous_ref(what->rendezvous);
    tn_recv_tensors request = {.step = what->step, .keys = b->keys};
    recall(p, known, &request);
    error = tn_encode(&tn_recv_tensors_layout, &request, &message);
  }
  tn_request call = {
      .address = b->address, .method = TN_RECV_TENSORS, .message = message, .done = pulled, .argument = p};
  if (!error) error = tn_transport_call(pulling->transport, &call, out);
  tn_message_unref(message);
  tn_free(known);
  if (error && p && p->pulls) {
    drop(p);
  } else if (error) {
    tn_free(p);
  }
  return error;
}

tn_error *tn_pulling_start(tn_pulling *pulling, tn_pulls *pulls, int64_t step, tn_rendezvous *rendezvous) {
  size_t n = pulls->batches.n;
  if (!n) return NULL;
  asked what = {step, rendezvous};
  tn_error *error = NULL;
  tn_lock(&pulling->mutex);
  pulling->calls = tn_calloc(n, sizeof(tn_call *));
  if (!pulling->calls) error = tn_out_of_memory();
  for (size_t i = 0; i < n && !error && !pulling->aborted; i++) {
    error = ask(pulling, pulls, &TN_AT(batch, pulls->batches, i), &what, &pulling->calls[pulling->n]);
    if (!error) pulling->n++;
  }
  tn_unlock(&pulling->mutex);
  return error;
}
