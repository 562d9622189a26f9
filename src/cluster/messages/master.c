/* The messages of tensorflow.MasterService. */
#include "cluster/messages/messages.h"

#define LAYOUT(NAME, TYPE, ...)                                                                                        \
  const tn_layout NAME = {#TYPE, sizeof(TYPE), (const tn_field[]){__VA_ARGS__, TN_NO_FIELD}}

LAYOUT(tn_named_tensor_layout, tn_named_tensor, TN_FIELD(1, TEXT, tn_named_tensor, name, NULL),
       TN_FIELD(2, TENSOR, tn_named_tensor, value, NULL));

LAYOUT(tn_device_attributes_layout, tn_device_attributes, TN_FIELD(1, TEXT, tn_device_attributes, name, NULL),
       TN_FIELD(2, TEXT, tn_device_attributes, type, NULL), TN_FIELD(4, INT, tn_device_attributes, memory_limit, NULL),
       TN_FIELD(6, FIXED, tn_device_attributes, incarnation, NULL),
       TN_FIELD(7, TEXT, tn_device_attributes, description, NULL));

LAYOUT(tn_handle_message_layout, tn_handle_message, TN_FIELD(1, TEXT, tn_handle_message, session, NULL));

LAYOUT(tn_metadata_message_layout, tn_metadata_message, TN_FIELD(1, BYTES, tn_metadata_message, step_stats, NULL));

LAYOUT(tn_create_session_layout, tn_create_session, TN_FIELD(1, BYTES, tn_create_session, graph, NULL),
       TN_FIELD(2, BYTES, tn_create_session, config, NULL), TN_FIELD(3, TEXT, tn_create_session, target, NULL));

LAYOUT(tn_create_session_reply_layout, tn_create_session_reply,
       TN_FIELD(1, TEXT, tn_create_session_reply, session, NULL),
       TN_FIELD(2, INT, tn_create_session_reply, version, NULL));

LAYOUT(tn_extend_session_layout, tn_extend_session, TN_FIELD(1, TEXT, tn_extend_session, session, NULL),
       TN_FIELD(2, BYTES, tn_extend_session, graph, NULL), TN_FIELD(3, INT, tn_extend_session, version, NULL));

LAYOUT(tn_extend_session_reply_layout, tn_extend_session_reply,
       TN_FIELD(4, INT, tn_extend_session_reply, version, NULL));

static const tn_layout step_options = {"RunOptions", sizeof(tn_step_options),
                                       (const tn_field[]){TN_FIELD(1, INT, tn_step_options, trace, NULL),
                                                          TN_FIELD(2, INT, tn_step_options, timeout_ms, NULL),
                                                          TN_FIELD(5, INT, tn_step_options, partition_graphs, NULL),
                                                          TN_NO_FIELD}};

LAYOUT(tn_run_step_layout, tn_run_step, TN_FIELD(1, TEXT, tn_run_step, session, NULL),
       TN_FIELD(2, MESSAGES, tn_run_step, feeds, &tn_named_tensor_layout),
       TN_FIELD(3, TEXTS, tn_run_step, fetches, NULL), TN_FIELD(4, TEXTS, tn_run_step, targets, NULL),
       TN_FIELD(5, MESSAGE, tn_run_step, options, &step_options), TN_FIELD(6, TEXT, tn_run_step, partial, NULL),
       TN_FIELD(7, INT, tn_run_step, errors_in_body, NULL), TN_FIELD(8, INT, tn_run_step, request_id, NULL));

LAYOUT(tn_run_step_reply_layout, tn_run_step_reply,
       TN_FIELD(1, MESSAGES, tn_run_step_reply, tensors, &tn_named_tensor_layout),
       TN_FIELD(2, MESSAGE, tn_run_step_reply, metadata, &tn_metadata_message_layout),
       TN_FIELD(3, INT, tn_run_step_reply, code, NULL), TN_FIELD(4, TEXT, tn_run_step_reply, message, NULL));

LAYOUT(tn_partial_setup_layout, tn_partial_setup, TN_FIELD(1, TEXT, tn_partial_setup, session, NULL),
       TN_FIELD(2, TEXTS, tn_partial_setup, feeds, NULL), TN_FIELD(3, TEXTS, tn_partial_setup, fetches, NULL),
       TN_FIELD(4, TEXTS, tn_partial_setup, targets, NULL));

LAYOUT(tn_partial_setup_reply_layout, tn_partial_setup_reply, TN_FIELD(1, TEXT, tn_partial_setup_reply, handle, NULL));

LAYOUT(tn_reset_layout, tn_reset, TN_FIELD(1, TEXTS, tn_reset, containers, NULL),
       TN_FIELD(2, TEXTS, tn_reset, filters, NULL));

LAYOUT(tn_list_devices_reply_layout, tn_list_devices_reply,
       TN_FIELD(1, MESSAGES, tn_list_devices_reply, local, &tn_device_attributes_layout),
       TN_FIELD(2, MESSAGES, tn_list_devices_reply, remote, &tn_device_attributes_layout));

static const tn_layout opaque = {"TensorConnection", sizeof(tn_string), (const tn_field[]){TN_NO_FIELD}};

/* The fields of CallableOptions lie in the request's struct. */
#define CALLABLE(MEMBER) (offsetof(tn_make_callable, callable.MEMBER) - offsetof(tn_make_callable, callable))
static const tn_layout callable_options = {"CallableOptions", sizeof(((tn_make_callable *)0)->callable),
                                           (const tn_field[]){{1, TN_FIELD_TEXTS, CALLABLE(feeds), NULL},
                                                              {2, TN_FIELD_TEXTS, CALLABLE(fetches), NULL},
                                                              {3, TN_FIELD_TEXTS, CALLABLE(targets), NULL},
                                                              {4, TN_FIELD_MESSAGE, CALLABLE(options), &step_options},
                                                              {5, TN_FIELD_MESSAGES, CALLABLE(connections), &opaque},
                                                              TN_NO_FIELD}};

LAYOUT(tn_make_callable_layout, tn_make_callable, TN_FIELD(1, TEXT, tn_make_callable, session, NULL),
       TN_FIELD(2, MESSAGE, tn_make_callable, callable, &callable_options));

LAYOUT(tn_make_callable_reply_layout, tn_callable_handle, TN_FIELD(1, INT, tn_callable_handle, handle, NULL));

LAYOUT(tn_release_callable_layout, tn_callable_handle, TN_FIELD(1, TEXT, tn_callable_handle, session, NULL),
       TN_FIELD(2, INT, tn_callable_handle, handle, NULL));

LAYOUT(tn_run_callable_layout, tn_run_callable, TN_FIELD(1, TEXT, tn_run_callable, session, NULL),
       TN_FIELD(2, INT, tn_run_callable, handle, NULL), TN_FIELD(3, TENSORS, tn_run_callable, feeds, NULL));

LAYOUT(tn_run_callable_reply_layout, tn_run_callable_reply, TN_FIELD(1, TENSORS, tn_run_callable_reply, fetches, NULL),
       TN_FIELD(2, MESSAGE, tn_run_callable_reply, metadata, &tn_metadata_message_layout));
