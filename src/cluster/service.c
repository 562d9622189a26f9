/* Calls that come in: read, answered, written. What may wait is answered on a background thread. */
#include "cluster/service.h"

#include <string.h>

#include "base/thread.h"
#include "cluster/collect.h"
#include "cluster/methods.h"
#include "kernel/step.h"
#include "runtime/threads.h"

/* A call that is being answered. */
typedef struct serving serving;

typedef struct method {
  const char *name;
  tn_error *(*answer)(serving *s); /* fills REPLY; on a background thread, or at once */
  const tn_layout *request, *reply;
  bool at_once; /* never waits: answered on the transport's thread */
  bool later;   /* sees to the answer itself, unless it returns an error; the call may be gone then */
} method;

struct serving {
  atomic_int refs; /* who answers, and the hook for cancellation */
  tn_service *service;
  tn_incoming *incoming;
  const method *method;
  tn_arena *arena;
  tn_message *message;
  void *request, *reply; /* structs of the method's layouts */
  tn_cancellation cancellation;
  int64_t step; /* that ends when the caller goes away; 0: none */
};

static void serving_unref(void *argument) {
  serving *s = argument;
  if (atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) return;
  if (s->request) tn_fields_clear(s->method->request, s->request);
  if (s->reply) tn_fields_clear(s->method->reply, s->reply);
  tn_message_unref(s->message);
  tn_arena_free(s->arena);
  tn_service *service = s->service;
  tn_free(s);
  tn_lock(&service->mutex);
  service->running--;
  pthread_cond_broadcast(&service->changed);
  tn_unlock(&service->mutex);
}

static void cancelled(void *argument) {
  serving *s = argument;
  tn_cancellation_cancel(&s->cancellation);
  if (!s->step) return;
  tn_error *error = tn_errorf(TN_CANCELLED, "the master has cancelled the step");
  tn_worker_end_step(s->service->worker, s->step, error);
  tn_error_free(error);
}

/* --- MasterService --- */

static tn_master_call call_of(serving *s) {
  return (tn_master_call){.arena = s->arena, .cancellation = &s->cancellation};
}

static tn_error *create_session(serving *s) {
  tn_master_call call = call_of(s);
  return tn_master_create(s->service->master, s->request, &call, s->reply);
}

static tn_error *extend_session(serving *s) { return tn_master_extend(s->service->master, s->request, s->reply); }

/* Messages may quote bytes of a tensor; protobuf takes no string that is not UTF-8. */
static const char *message_of(serving *s, const tn_error *error) {
  char *made = tn_arena_strdup(s->arena, tn_error_message(error));
  if (made) tn_utf8_clean(made);
  return made ? made : "";
}

static tn_error *run_step(serving *s) {
  tn_master_call call = call_of(s);
  const tn_run_step *request = s->request;
  tn_run_step_reply *reply = s->reply;
  tn_error *error = tn_master_run(s->service->master, request, &call, reply);
  if (!error || !request->errors_in_body) return error;
  reply->code = tn_error_code(error);
  reply->message = message_of(s, error);
  tn_error_free(error);
  return NULL;
}

static tn_error *partial_setup(serving *s) {
  tn_master_call call = call_of(s);
  return tn_master_partial_setup(s->service->master, s->request, &call, s->reply);
}

static tn_error *close_session(serving *s) {
  return tn_master_close(s->service->master, ((const tn_handle_message *)s->request)->session);
}

static tn_error *list_devices(serving *s) {
  tn_master_call call = call_of(s);
  return tn_master_list_devices(s->service->master, ((const tn_handle_message *)s->request)->session, &call, s->reply);
}

static tn_error *reset(serving *s) {
  tn_master_call call = call_of(s);
  return tn_master_reset(s->service->master, s->request, &call);
}

static tn_error *make_callable(serving *s) {
  tn_master_call call = call_of(s);
  return tn_master_make_callable(s->service->master, s->request, &call, s->reply);
}

static tn_error *run_callable(serving *s) {
  tn_master_call call = call_of(s);
  return tn_master_run_callable(s->service->master, s->request, &call, s->reply);
}

static tn_error *release_callable(serving *s) { return tn_master_release_callable(s->service->master, s->request); }

/* --- WorkerService --- */

static tn_error *get_status(serving *s) {
  tn_status_reply *reply = s->reply;
  tn_device_attributes *device = tn_repeated_add(&reply->devices, s->arena, sizeof *device);
  if (!device) return tn_out_of_memory();
  *device = *tn_worker_device(s->service->worker);
  return NULL;
}

static tn_error *create_worker_session(serving *s) {
  const tn_create_worker_session *request = s->request;
  /* Tenon's masters say what they speak. */
  if (!request->protocol || strcmp(request->protocol, TN_TENON_PROTOCOL) != 0)
    return tn_worker_refuse_master(s->service->worker);
  return tn_worker_create_session(s->service->worker, request);
}

static tn_error *delete_worker_session(serving *s) {
  tn_sent_clear(s->service->sent); /* other sessions' values are sent once more */
  return tn_worker_delete_session(s->service->worker, ((const tn_handle_message *)s->request)->session);
}

static tn_error *register_graph(serving *s) {
  return tn_worker_register(s->service->worker, s->request, s->arena, &((tn_graph_handle *)s->reply)->graph);
}

static tn_error *deregister_graph(serving *s) { return tn_worker_deregister(s->service->worker, s->request); }

static tn_error *run_graph(serving *s) {
  const tn_run_graph *request = s->request;
  tn_run_graph_reply *reply = s->reply;
  tn_error *error = tn_worker_run(s->service->worker, request, &s->cancellation, s->arena, reply);
  if (!error || !request->errors_in_body) return error;
  reply->code = tn_error_code(error);
  reply->message = message_of(s, error);
  tn_error_free(error);
  return NULL;
}

static tn_error *cleanup_graph(serving *s) {
  tn_worker_end_step(s->service->worker, ((const tn_step_id *)s->request)->step, NULL);
  return NULL;
}

static tn_error *cleanup_all(serving *s) {
  tn_worker_clear(s->service->worker, &((const tn_reset *)s->request)->containers);
  return NULL;
}

static tn_error *nothing(serving *s) {
  (void)s;
  return NULL;
}

/* --- tensors for other workers --- */

typedef struct source {
  tn_worker *worker;
  int64_t step;
} source;

static void ask(void *from, const char *key, tn_rendezvous_done done, void *argument) {
  const source *s = from;
  tn_worker_recv(s->worker, s->step, key, done, argument);
}

static void finish(serving *s, tn_error *error) {
  tn_message *reply = NULL;
  tn_transport *transport = s->service->transport;
  if (!error) error = tn_encode(s->method->reply, s->reply, &reply);
  tn_transport_hold(transport);
  tn_incoming_finish(s->incoming, error, reply);
  tn_transport_flush(transport);
  serving_unref(s);
}

static void collected_one(void *argument, tn_collected *collected) {
  serving *s = argument;
  tn_recv_tensor_reply *reply = s->reply;
  if (!collected->error) {
    reply->is_dead = collected->dead[0];
    if (!reply->is_dead) tn_tensor_set(&reply->value, &collected->values[0]);
  }
  tn_tensor_clear(&collected->values[0]);
  finish(s, collected->error);
}

static tn_error *recv_tensor(serving *s) {
  const tn_recv_tensor *request = s->request;
  source from = {s->service->worker, request->step};
  const char *key = request->key ? request->key : "";
  tn_repeated keys = {.n = 1, .at = &key};
  return tn_collect(&keys, ask, &from, collected_one, s);
}

static void collected_many(void *argument, tn_collected *collected) {
  serving *s = argument;
  tn_error *error = collected->error;
  tn_recv_tensors_reply *reply = s->reply;
  const tn_repeated *known = &((const tn_recv_tensors *)s->request)->known;
  for (size_t i = 0; i < collected->n; i++) {
    tn_recv_tensor_reply *value = error ? NULL : tn_repeated_add(&reply->values, s->arena, sizeof *value);
    if (!value && !error) error = tn_out_of_memory();
    if (value) {
      value->is_dead = collected->dead[i];
      if (!value->is_dead) tn_tensor_set(&value->value, &collected->values[i]);
      tn_sent_exchange(s->service->sent, i < known->n ? TN_AT(int64_t, *known, i) : TN_SENT_NOTHING, value);
      if (s->service->narrow) error = tn_narrow_answer(value);
    }
    tn_tensor_clear(&collected->values[i]);
  }
  finish(s, error);
}

static tn_error *recv_tensors(serving *s) {
  const tn_recv_tensors *request = s->request;
  source from = {s->service->worker, request->step};
  return tn_collect(&request->keys, ask, &from, collected_many, s);
}

/* --- the methods --- */

static const tn_layout empty = {"Empty", 1, (const tn_field[]){TN_NO_FIELD}};

#define M(NAME) TN_MASTER_SERVICE NAME
#define W(NAME) TN_WORKER_SERVICE NAME
static const method methods[] = {
    {W("RunGraph"), run_graph, &tn_run_graph_layout, &tn_run_graph_reply_layout, false, false},
    {TN_RECV_TENSORS, recv_tensors, &tn_recv_tensors_layout, &tn_recv_tensors_reply_layout, true, true},
    {W("RecvTensor"), recv_tensor, &tn_recv_tensor_layout, &tn_recv_tensor_reply_layout, true, true},
    {M("RunStep"), run_step, &tn_run_step_layout, &tn_run_step_reply_layout, false, false},
    {M("CreateSession"), create_session, &tn_create_session_layout, &tn_create_session_reply_layout, false, false},
    {M("ExtendSession"), extend_session, &tn_extend_session_layout, &tn_extend_session_reply_layout, false, false},
    {M("PartialRunSetup"), partial_setup, &tn_partial_setup_layout, &tn_partial_setup_reply_layout, false, false},
    {M("CloseSession"), close_session, &tn_handle_message_layout, &empty, false, false},
    {M("ListDevices"), list_devices, &tn_handle_message_layout, &tn_list_devices_reply_layout, false, false},
    {M("Reset"), reset, &tn_reset_layout, &empty, false, false},
    {M("MakeCallable"), make_callable, &tn_make_callable_layout, &tn_make_callable_reply_layout, false, false},
    {M("RunCallable"), run_callable, &tn_run_callable_layout, &tn_run_callable_reply_layout, false, false},
    {M("ReleaseCallable"), release_callable, &tn_release_callable_layout, &empty, false, false},
    {W("GetStatus"), get_status, &empty, &tn_status_reply_layout, true, false},
    {W("CreateWorkerSession"), create_worker_session, &tn_create_worker_session_layout, &empty, true, false},
    {W("DeleteWorkerSession"), delete_worker_session, &tn_handle_message_layout, &empty, false, false},
    {W("RegisterGraph"), register_graph, &tn_register_graph_layout, &tn_register_graph_reply_layout, false, false},
    {W("DeregisterGraph"), deregister_graph, &tn_deregister_graph_layout, &empty, false, false},
    {W("CleanupGraph"), cleanup_graph, &tn_step_id_layout, &empty, true, false},
    {W("CleanupAll"), cleanup_all, &tn_reset_layout, &empty, false, false},
    {W("MarkRecvFinished"), nothing, &empty, &empty, true, false},
    {W("Logging"), nothing, &empty, &empty, true, false},
    {W("Tracing"), nothing, &empty, &empty, true, false},
};

static const method *find_method(const char *name) {
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
    if (strcmp(methods[i].name, name) == 0) return &methods[i];
  }
  return NULL;
}

/* --- answering --- */

static tn_error *read_request(serving *s) {
  TN_TRY(tn_arena_new(&s->arena));
  s->request = tn_arena_alloc(s->arena, s->method->request->size);
  s->reply = tn_arena_alloc(s->arena, s->method->reply->size);
  if (!s->request || !s->reply) return tn_out_of_memory();
  return tn_decode(s->method->request, s->message, s->arena, s->request);
}

static void answer(void *argument) {
  serving *s = argument;
  bool later = s->method->later;
  tn_error *error = s->method->answer(s);
  if (error || !later) finish(s, error);
}

/* Has the step or the call end when its caller goes away. */
static void watch(serving *s) {
  if (s->method->answer == run_graph) s->step = ((const tn_run_graph *)s->request)->step;
  atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
  if (tn_incoming_on_cancel(s->incoming, cancelled, serving_unref, s)) return;
  cancelled(s);
  serving_unref(s);
}

void tn_service_handle(void *argument, tn_incoming *incoming) {
  tn_service *service = argument;
  if (strncmp(tn_incoming_method(incoming), TN_COLLECTIVE_SERVICE, strlen(TN_COLLECTIVE_SERVICE)) == 0) {
    tn_collective_handle(tn_worker_collective(service->worker), incoming);
    return;
  }
  const method *m = find_method(tn_incoming_method(incoming));
  serving *s = m ? tn_calloc(1, sizeof *s) : NULL;
  if (!s) {
    tn_incoming_finish(incoming,
                       m ? tn_out_of_memory()
                         : tn_errorf(TN_UNIMPLEMENTED, "there is no method '%.200s'", tn_incoming_method(incoming)),
                       NULL);
    return;
  }
  atomic_init(&s->refs, 1);
  s->service = service;
  s->incoming = incoming;
  s->method = m;
  s->message = tn_message_ref(tn_incoming_message(incoming));
  tn_lock(&service->mutex);
  service->running++;
  tn_unlock(&service->mutex);
  tn_error *error = read_request(s);
  if (error) {
    finish(s, error);
    return;
  }
  if (m->at_once) {
    answer(s);
    return;
  }
  watch(s);
  error = tn_background(answer, s);
  if (error) finish(s, error);
}

tn_error *tn_service_init(tn_service *service, tn_transport *transport, tn_master *master, tn_worker *worker) {
  *service = (tn_service){.transport = transport, .master = master, .worker = worker};
  pthread_mutex_init(&service->mutex, NULL);
  pthread_cond_init(&service->changed, NULL);
  return tn_sent_new(&service->sent);
}

void tn_service_clear(tn_service *service) {
  tn_sent_free(service->sent);
  pthread_cond_destroy(&service->changed);
  pthread_mutex_destroy(&service->mutex);
}

void tn_service_drain(tn_service *service) {
  tn_lock(&service->mutex);
  while (service->running) pthread_cond_wait(&service->changed, &service->mutex);
  tn_unlock(&service->mutex);
}
