/* Messages out and in again: large tensors share their bytes and lie aligned, unknown fields are skipped, what is wrong
 * is refused. */
#include <stdlib.h>
#include <string.h>

#include "cluster/messages/messages.h"
#include "kernel/kernel.h"
#include "runtime/builder.h"

/* MESSAGE in one piece, as it would arrive. */
static tn_message *arrived(tn_message *message) {
  tn_buffer *buffer = NULL;
  ok(tn_buffer_new(TN_UINT8, tn_message_size(message) + 1, &buffer));
  const tn_message_part *parts = NULL;
  size_t at = 0;
  for (size_t i = 0, n = tn_message_parts(message, &parts); i < n; i++) {
    memcpy((char *)buffer->data + at, parts[i].data, parts[i].size);
    at += parts[i].size;
  }
  tn_message *out = NULL;
  ok(tn_message_new(&out));
  ok(tn_message_add_buffer(out, buffer, buffer->data, at));
  tn_buffer_unref(buffer);
  return out;
}

static void tensors_of_all_sizes(void **state) {
  (void)state;
  static const int sizes[] = {0, 1, 7, 1023, 1024, 1025, 40000, 123457};
  tn_arena *arena = NULL;
  ok(tn_arena_new(&arena));
  tn_run_step out = {.session = "abc", .partial = ""};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    tn_named_tensor *feed = tn_repeated_add(&out.feeds, arena, sizeof *feed);
    feed->name = "x:0";
    tn_shape shape = tn_shape_of(1, &(int64_t){sizes[i]});
    ok(tn_tensor_init(&feed->value, TN_FLOAT, &shape));
    for (int k = 0; k < sizes[i]; k++) TN_DATA(float, &feed->value)[k] = (float)(k + (int)i);
    *(const char **)tn_repeated_add(&out.fetches, arena, sizeof(char *)) = "y:0";
  }
  out.options.timeout_ms = 1234567;
  tn_message *message = NULL, *whole = NULL;
  ok(tn_encode(&tn_run_step_layout, &out, &message));
  whole = arrived(message);
  tn_run_step in = {0};
  ok(tn_decode(&tn_run_step_layout, whole, arena, &in));
  assert_string_equal(in.session, "abc");
  assert_int_equal(in.feeds.n, out.feeds.n);
  assert_int_equal(in.fetches.n, out.fetches.n);
  assert_int_equal(in.options.timeout_ms, 1234567);
  for (size_t i = 0; i < in.feeds.n; i++) {
    const tn_tensor *a = &TN_AT(tn_named_tensor, out.feeds, i).value, *b = &TN_AT(tn_named_tensor, in.feeds, i).value;
    assert_int_equal(b->shape.dims[0], sizes[i]);
    assert_memory_equal(a->data, b->data, tn_tensor_bytes(a));
    if (sizes[i] < 1024) continue;
    /* Neither copied when it was written nor when it was read. */
    assert_int_equal((uintptr_t)b->data % 64, 0);
    const tn_message_part *part = NULL;
    tn_message_parts(whole, &part);
    assert_ptr_equal(b->buffer, part->owner);
    assert_int_equal(a->buffer->refs, 2);
  }
  tn_fields_clear(&tn_run_step_layout, &in);
  tn_fields_clear(&tn_run_step_layout, &out);
  tn_message_unref(message);
  tn_message_unref(whole);
  tn_arena_free(arena);
}

static tn_error *read_text(const tn_layout *layout, const void *bytes, size_t size) {
  tn_message *message = NULL;
  tn_arena *arena = NULL;
  ok(tn_arena_new(&arena));
  ok(tn_message_new(&message));
  ok(tn_message_add_copy(message, bytes, size));
  void *value = calloc(1, layout->size);
  tn_error *error = tn_decode(layout, message, arena, value);
  tn_fields_clear(layout, value);
  free(value);
  tn_message_unref(message);
  tn_arena_free(arena);
  return error;
}

static void what_is_wrong_is_refused(void **state) {
  (void)state;
  ok(read_text(&tn_run_step_layout, "", 0));
  ok(read_text(&tn_run_step_layout, "\xf2\x3f\x01z", 4)); /* field 1022, unknown */
  fails(read_text(&tn_run_step_layout, "\x0a\x05z", 3), TN_INVALID_ARGUMENT, "tn_run_step");
  fails(read_text(&tn_run_step_layout, "\x08\x05", 2), TN_INVALID_ARGUMENT, "wrong wire type");
  fails(read_text(&tn_run_step_layout, "\x0a\x02z\0", 4), TN_INVALID_ARGUMENT, "NUL");
  fails(read_text(&tn_run_step_layout, "\x12\x04\x12\x02\x08\x63", 6), TN_INVALID_ARGUMENT, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(tensors_of_all_sizes),
                                     cmocka_unit_test(what_is_wrong_is_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
