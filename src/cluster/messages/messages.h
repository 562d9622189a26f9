/* The messages of TensorFlow's master and worker services. Fields that Tenon adds have numbers from 1000 on. */
#ifndef TN_CLUSTER_MESSAGES_MESSAGES_H
#define TN_CLUSTER_MESSAGES_MESSAGES_H

#include "cluster/codec.h"

/* --- shared --- */

typedef struct tn_named_tensor {
  const char *name;
  tn_tensor value;
} tn_named_tensor;
extern const tn_layout tn_named_tensor_layout;

typedef struct tn_device_attributes {
  const char *name, *type, *description;
  int64_t memory_limit;
  uint64_t incarnation;
} tn_device_attributes;
extern const tn_layout tn_device_attributes_layout;

/* A message with the handle of a session, or nothing but that. */
typedef struct tn_handle_message {
  const char *session;
} tn_handle_message;
extern const tn_layout tn_handle_message_layout;

/* RunMetadata and RunGraphResponse: what tracing found, as messages that others read. */
typedef struct tn_metadata_message {
  tn_string step_stats;
} tn_metadata_message;
extern const tn_layout tn_metadata_message_layout;

/* --- MasterService --- */

typedef struct tn_create_session {
  tn_string graph, config;
  const char *target;
  bool own; /* of a client in this process; not in the message */
} tn_create_session;
extern const tn_layout tn_create_session_layout;

typedef struct tn_create_session_reply {
  const char *session;
  int64_t version;
} tn_create_session_reply;
extern const tn_layout tn_create_session_reply_layout;

typedef struct tn_extend_session {
  const char *session;
  tn_string graph;
  int64_t version;
} tn_extend_session;
extern const tn_layout tn_extend_session_layout;

typedef struct tn_extend_session_reply {
  int64_t version;
} tn_extend_session_reply;
extern const tn_layout tn_extend_session_reply_layout;

typedef struct tn_step_options {
  int64_t trace, timeout_ms, partition_graphs;
} tn_step_options;

typedef struct tn_run_step {
  const char *session, *partial;
  tn_repeated feeds;            /* tn_named_tensor */
  tn_repeated fetches, targets; /* texts */
  tn_step_options options;
  int64_t errors_in_body, request_id;
} tn_run_step;
extern const tn_layout tn_run_step_layout;

typedef struct tn_run_step_reply {
  tn_repeated tensors; /* tn_named_tensor */
  tn_metadata_message metadata;
  int64_t code;
  const char *message;
} tn_run_step_reply;
extern const tn_layout tn_run_step_reply_layout;

typedef struct tn_partial_setup {
  const char *session;
  tn_repeated feeds, fetches, targets; /* texts */
} tn_partial_setup;
extern const tn_layout tn_partial_setup_layout;

typedef struct tn_partial_setup_reply {
  const char *handle;
} tn_partial_setup_reply;
extern const tn_layout tn_partial_setup_reply_layout;

/* ResetRequest (with device filters) and CleanupAllRequest. */
typedef struct tn_reset {
  tn_repeated containers, filters; /* texts */
} tn_reset;
extern const tn_layout tn_reset_layout;

typedef struct tn_list_devices_reply {
  tn_repeated local, remote; /* tn_device_attributes */
} tn_list_devices_reply;
extern const tn_layout tn_list_devices_reply_layout;

typedef struct tn_make_callable {
  const char *session;
  struct {
    tn_repeated feeds, fetches, targets; /* texts */
    tn_step_options options;
    tn_repeated connections; /* bytes that are not looked into */
  } callable;
} tn_make_callable;
extern const tn_layout tn_make_callable_layout;

typedef struct tn_callable_handle {
  const char *session;
  int64_t handle;
} tn_callable_handle;
extern const tn_layout tn_make_callable_reply_layout; /* tn_callable_handle with the handle alone */
extern const tn_layout tn_release_callable_layout;

typedef struct tn_run_callable {
  const char *session;
  int64_t handle;
  tn_repeated feeds; /* tn_tensor */
} tn_run_callable;
extern const tn_layout tn_run_callable_layout;

typedef struct tn_run_callable_reply {
  tn_repeated fetches; /* tn_tensor */
  tn_metadata_message metadata;
} tn_run_callable_reply;
extern const tn_layout tn_run_callable_reply_layout;

/* --- WorkerService --- */

typedef struct tn_status_reply {
  tn_repeated devices; /* tn_device_attributes */
} tn_status_reply;
extern const tn_layout tn_status_reply_layout;

typedef struct tn_create_worker_session {
  const char *session;
  tn_string server_def;
  int64_t isolate;
  tn_repeated devices; /* tn_device_attributes of the whole cluster */
  const char *master;
  uint64_t master_incarnation;
  const char *protocol; /* TN_TENON_PROTOCOL; NULL: the master is not Tenon's */
} tn_create_worker_session;
extern const tn_layout tn_create_worker_session_layout;

typedef struct tn_register_graph {
  const char *session;
  int64_t has_session;
  tn_string graph, config;
  bool own; /* of a client in this process; not in the message */
} tn_register_graph;
extern const tn_layout tn_register_graph_layout;

typedef struct tn_graph_handle {
  const char *session, *graph;
  int64_t has_session;
} tn_graph_handle;
extern const tn_layout tn_register_graph_reply_layout; /* tn_graph_handle with the graph alone */
extern const tn_layout tn_deregister_graph_layout;

typedef struct tn_run_graph {
  const char *session, *graph;
  int64_t has_session, step, is_partial, is_last_partial, errors_in_body, request_id;
  struct {
    int64_t timeline;
  } options;
  tn_repeated feeds;           /* tn_named_tensor, by key */
  tn_repeated fetches;         /* keys */
  tn_repeated finished;        /* Tenon: earlier steps of the session that are over */
  const _Atomic(bool) *closed; /* not sent: ends a call within the process when it becomes true; NULL: none */
  int64_t deadline_ns;         /* not sent: when a call within the process has to end, on tn_now_ns's clock; 0: never */
} tn_run_graph;
extern const tn_layout tn_run_graph_layout;

typedef struct tn_run_graph_reply {
  tn_repeated tensors; /* tn_named_tensor */
  tn_string step_stats;
  int64_t code;
  const char *message;
} tn_run_graph_reply;
extern const tn_layout tn_run_graph_reply_layout;

typedef struct tn_step_id {
  int64_t step;
} tn_step_id;
extern const tn_layout tn_step_id_layout; /* CleanupGraphRequest */

typedef struct tn_recv_tensor {
  int64_t step, request_id;
  const char *key;
} tn_recv_tensor;
extern const tn_layout tn_recv_tensor_layout;

typedef struct tn_recv_tensor_reply {
  tn_tensor value;
  int64_t is_dead;
  /* Tenon's: the value is the one that the receiver knows; the number under which it is kept now; it came as bfloat16.
   */
  int64_t same, number, narrowed;
} tn_recv_tensor_reply;
extern const tn_layout tn_recv_tensor_reply_layout;

/* Tenon's: several tensors at once, in the order of the keys. */
typedef struct tn_recv_tensors {
  int64_t step;
  tn_repeated keys;  /* texts */
  tn_repeated known; /* int64_t: what the receiver knows of each (cluster/sent.h); none: nothing of any */
} tn_recv_tensors;
extern const tn_layout tn_recv_tensors_layout;

typedef struct tn_recv_tensors_reply {
  tn_repeated values; /* tn_recv_tensor_reply */
} tn_recv_tensors_reply;
extern const tn_layout tn_recv_tensors_reply_layout;

#endif
