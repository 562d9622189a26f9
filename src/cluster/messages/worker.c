/* The messages of tensorflow.WorkerService. */
#include "cluster/messages/messages.h"

#define LAYOUT(NAME, TYPE, ...)                                                                                        \
  const tn_layout NAME = {#TYPE, sizeof(TYPE), (const tn_field[]){__VA_ARGS__, TN_NO_FIELD}}

LAYOUT(tn_status_reply_layout, tn_status_reply,
       TN_FIELD(1, MESSAGES, tn_status_reply, devices, &tn_device_attributes_layout));

LAYOUT(tn_create_worker_session_layout, tn_create_worker_session,
       TN_FIELD(1, TEXT, tn_create_worker_session, session, NULL),
       TN_FIELD(2, BYTES, tn_create_worker_session, server_def, NULL),
       TN_FIELD(3, INT, tn_create_worker_session, isolate, NULL),
       TN_FIELD(4, MESSAGES, tn_create_worker_session, devices, &tn_device_attributes_layout),
       TN_FIELD(5, TEXT, tn_create_worker_session, master, NULL),
       TN_FIELD(6, INT, tn_create_worker_session, master_incarnation, NULL),
       TN_FIELD(1000, TEXT, tn_create_worker_session, protocol, NULL));

LAYOUT(tn_register_graph_layout, tn_register_graph, TN_FIELD(1, TEXT, tn_register_graph, session, NULL),
       TN_FIELD(2, BYTES, tn_register_graph, graph, NULL), TN_FIELD(6, INT, tn_register_graph, has_session, NULL),
       TN_FIELD(8, BYTES, tn_register_graph, config, NULL));

LAYOUT(tn_register_graph_reply_layout, tn_graph_handle, TN_FIELD(1, TEXT, tn_graph_handle, graph, NULL));

LAYOUT(tn_deregister_graph_layout, tn_graph_handle, TN_FIELD(1, TEXT, tn_graph_handle, graph, NULL),
       TN_FIELD(2, TEXT, tn_graph_handle, session, NULL), TN_FIELD(3, INT, tn_graph_handle, has_session, NULL));

static const tn_layout executor_options = {"ExecutorOpts", sizeof(((tn_run_graph *)0)->options),
                                           (const tn_field[]){{3, TN_FIELD_INT, 0, NULL}, TN_NO_FIELD}};

LAYOUT(tn_run_graph_layout, tn_run_graph, TN_FIELD(1, TEXT, tn_run_graph, graph, NULL),
       TN_FIELD(2, INT, tn_run_graph, step, NULL), TN_FIELD(3, MESSAGES, tn_run_graph, feeds, &tn_named_tensor_layout),
       TN_FIELD(4, TEXTS, tn_run_graph, fetches, NULL), TN_FIELD(5, MESSAGE, tn_run_graph, options, &executor_options),
       TN_FIELD(6, INT, tn_run_graph, is_partial, NULL), TN_FIELD(7, INT, tn_run_graph, is_last_partial, NULL),
       TN_FIELD(8, TEXT, tn_run_graph, session, NULL), TN_FIELD(9, INT, tn_run_graph, errors_in_body, NULL),
       TN_FIELD(10, INT, tn_run_graph, has_session, NULL), TN_FIELD(11, INT, tn_run_graph, request_id, NULL),
       TN_FIELD(1000, INTS, tn_run_graph, finished, NULL));

LAYOUT(tn_run_graph_reply_layout, tn_run_graph_reply,
       TN_FIELD(1, MESSAGES, tn_run_graph_reply, tensors, &tn_named_tensor_layout),
       TN_FIELD(2, BYTES, tn_run_graph_reply, step_stats, NULL), TN_FIELD(5, INT, tn_run_graph_reply, code, NULL),
       TN_FIELD(6, TEXT, tn_run_graph_reply, message, NULL));

LAYOUT(tn_step_id_layout, tn_step_id, TN_FIELD(1, INT, tn_step_id, step, NULL));

LAYOUT(tn_recv_tensor_layout, tn_recv_tensor, TN_FIELD(1, INT, tn_recv_tensor, step, NULL),
       TN_FIELD(2, TEXT, tn_recv_tensor, key, NULL), TN_FIELD(7, INT, tn_recv_tensor, request_id, NULL));

LAYOUT(tn_recv_tensor_reply_layout, tn_recv_tensor_reply, TN_FIELD(1, TENSOR, tn_recv_tensor_reply, value, NULL),
       TN_FIELD(2, INT, tn_recv_tensor_reply, is_dead, NULL), TN_FIELD(1000, INT, tn_recv_tensor_reply, same, NULL),
       TN_FIELD(1001, INT, tn_recv_tensor_reply, number, NULL),
       TN_FIELD(1002, INT, tn_recv_tensor_reply, narrowed, NULL));

LAYOUT(tn_recv_tensors_layout, tn_recv_tensors, TN_FIELD(1, INT, tn_recv_tensors, step, NULL),
       TN_FIELD(2, TEXTS, tn_recv_tensors, keys, NULL), TN_FIELD(3, INTS, tn_recv_tensors, known, NULL));

LAYOUT(tn_recv_tensors_reply_layout, tn_recv_tensors_reply,
       TN_FIELD(1, MESSAGES, tn_recv_tensors_reply, values, &tn_recv_tensor_reply_layout));
