/* Fuzzes the reading of the services' messages, and their writing again; the first byte chooses the message.
 * Covers: src/cluster/codec.c */
#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "cluster/messages/messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const tn_layout *const layouts[] = {&tn_create_session_layout,
                                           &tn_create_session_reply_layout,
                                           &tn_extend_session_layout,
                                           &tn_run_step_layout,
                                           &tn_run_step_reply_layout,
                                           &tn_partial_setup_layout,
                                           &tn_reset_layout,
                                           &tn_list_devices_reply_layout,
                                           &tn_make_callable_layout,
                                           &tn_run_callable_layout,
                                           &tn_run_callable_reply_layout,
                                           &tn_status_reply_layout,
                                           &tn_create_worker_session_layout,
                                           &tn_register_graph_layout,
                                           &tn_run_graph_layout,
                                           &tn_run_graph_reply_layout,
                                           &tn_recv_tensor_layout,
                                           &tn_recv_tensor_reply_layout,
                                           &tn_recv_tensors_layout,
                                           &tn_recv_tensors_reply_layout};

/* What can be read can be written, and read again. */
static void there_and_back(const tn_layout *layout, tn_message *message, tn_arena *arena) {
  void *value = tn_arena_alloc(arena, layout->size), *again = tn_arena_alloc(arena, layout->size);
  if (!value || !again) return;
  tn_message *written = NULL;
  tn_error *error = tn_decode(layout, message, arena, value);
  bool good = !error;
  if (!error) error = tn_encode(layout, value, &written);
  tn_error_free(error);
  if (written) {
    error = tn_decode(layout, written, arena, again);
    if (error && good && tn_error_code(error) != TN_RESOURCE_EXHAUSTED) abort();
    tn_error_free(error);
    tn_fields_clear(layout, again);
  }
  tn_fields_clear(layout, value);
  tn_message_unref(written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  tn_set_memory_limit(4 << 20);
  if (!size) return 0;
  tn_message *message = NULL;
  tn_arena *arena = NULL;
  tn_error *error = tn_message_new(&message);
  if (!error) error = tn_message_add_copy(message, data + 1, size - 1);
  if (!error) error = tn_arena_new(&arena);
  if (!error) there_and_back(layouts[data[0] % (sizeof layouts / sizeof *layouts)], message, arena);
  tn_arena_free(arena);
  tn_message_unref(message);
  tn_error_free(error);
  return 0;
}
