/* Messages by tables of fields. */
#include "cluster/codec.h"

#include <string.h>

#include "graph/proto.h"

/* Tensors of fewer bytes are copied into the text around them. */
#define LEAST_SHARED 4096
/* An unknown field of TensorProto, that shifts the content to where its elements are aligned. */
#define PADDING_FIELD 1000
#define ALIGNMENT     64
#define DEEPEST       16

void *tn_repeated_add(tn_repeated *list, tn_arena *arena, size_t size) {
  if (list->n == list->capacity) {
    size_t capacity = list->capacity ? 2 * list->capacity : 8;
    char *more = tn_arena_alloc(arena, capacity * size);
    if (!more) return NULL;
    if (list->n) memcpy(more, list->at, list->n * size);
    list->at = more;
    list->capacity = capacity;
  }
  return (char *)list->at + list->n++ * size;
}

/* --- sizes --- */

static size_t varint_size(uint64_t value) {
  size_t n = 1;
  while (value >>= 7) n++;
  return n;
}

static size_t key_size(uint32_t number) { return varint_size((uint64_t)number << 3); }

static size_t framed(uint32_t number, size_t size) { return key_size(number) + varint_size(size) + size; }

static bool shares(const tn_tensor *t) { return tn_dtype_is_plain(t->dtype) && tn_tensor_bytes(t) >= LEAST_SHARED; }

/* The fields of a TensorProto before its content. */
static void put_head(tn_str *text, const tn_tensor *t) {
  tn_wire_put_int(text, 1, t->dtype);
  tn_proto_put_shape(text, 2, &t->shape);
}

/* --- writing --- */

typedef struct writer {
  tn_message *message;
  tn_str text; /* what is not in the message yet */
  tn_error *error;
} writer;

static void fail(writer *w, tn_error *error) {
  if (w->error) {
    tn_error_free(error);
  } else {
    w->error = error;
  }
}

/* The size of T as a TensorProto whose content is shared. Padding before and after adds up to the same, so that the
 * sizes of the messages around it don't depend on where it comes to lie. */
static size_t shared_size(const tn_tensor *t, size_t *before) {
  tn_str head = {0};
  put_head(&head, t);
  *before = head.size + key_size(PADDING_FIELD) + 1;
  tn_str_clear(&head);
  return *before + framed(4, tn_tensor_bytes(t)) + ALIGNMENT - 1 + key_size(PADDING_FIELD) + 1;
}

/* Writes T, with its frame, so that its bytes lie aligned in the message, and shares them. */
static void put_shared(writer *w, uint32_t number, const tn_tensor *t) {
  static const char zeros[ALIGNMENT];
  size_t bytes = tn_tensor_bytes(t), before = 0, size = shared_size(t, &before);
  tn_wire_put_key(&w->text, number, TN_WIRE_BYTES);
  tn_wire_put_varint(&w->text, size);
  size_t content = tn_message_size(w->message) + w->text.size + before + key_size(4) + varint_size(bytes);
  size_t pad = (ALIGNMENT - content % ALIGNMENT) % ALIGNMENT;
  put_head(&w->text, t);
  tn_wire_put_bytes(&w->text, PADDING_FIELD, zeros, pad);
  tn_wire_put_key(&w->text, 4, TN_WIRE_BYTES);
  tn_wire_put_varint(&w->text, bytes);
  tn_error *error = tn_message_add_str(w->message, &w->text);
  if (!error) {
    error = t->buffer ? tn_message_add_buffer(w->message, t->buffer, t->data, bytes)
                      : tn_message_add_copy(w->message, t->data, bytes);
  }
  if (error) fail(w, error);
  tn_wire_put_bytes(&w->text, PADDING_FIELD, zeros, ALIGNMENT - 1 - pad);
}

static void put_tensor(writer *w, uint32_t number, const tn_tensor *t) {
  if (t->dtype == TN_INVALID) return;
  if (shares(t)) {
    put_shared(w, number, t);
    return;
  }
  tn_error *error = tn_proto_put_tensor(&w->text, number, t);
  if (error) fail(w, error);
}

static void put_fields(writer *w, const tn_layout *layout, const void *value);

static void put_field(writer *w, const tn_field *f, const void *at);

/* Whether VALUE has a tensor whose content is shared; then *SIZE is that of the message. */
static bool has_shared(const tn_layout *layout, const void *value, size_t *size) {
  bool found = false;
  for (const tn_field *f = layout->fields; f->kind != TN_FIELD_END && !found; f++) {
    const tn_tensor *t = (const void *)((const char *)value + f->offset);
    found = f->kind == TN_FIELD_TENSOR && t->dtype != TN_INVALID && shares(t);
  }
  if (!found) return false;
  writer rest = {0};
  *size = 0;
  for (const tn_field *f = layout->fields; f->kind != TN_FIELD_END; f++) {
    const tn_tensor *t = (const void *)((const char *)value + f->offset);
    size_t before = 0;
    if (f->kind == TN_FIELD_TENSOR && t->dtype != TN_INVALID && shares(t)) {
      *size += framed(f->number, shared_size(t, &before));
    } else {
      put_field(&rest, f, t);
    }
  }
  *size += rest.text.size;
  tn_str_clear(&rest.text);
  tn_error_free(rest.error); /* comes again when the field is written */
  return true;
}

static void put_message(writer *w, uint32_t number, const tn_layout *layout, const void *value, bool always) {
  size_t size = 0;
  if (has_shared(layout, value, &size)) {
    tn_wire_put_key(&w->text, number, TN_WIRE_BYTES);
    tn_wire_put_varint(&w->text, size);
    put_fields(w, layout, value);
    return;
  }
  size_t mark = tn_proto_begin(&w->text, number);
  put_fields(w, layout, value);
  if (w->text.size == mark && !always) {
    w->text.size = mark - key_size(number); /* nothing in it: leave it out */
  } else {
    tn_proto_end(&w->text, mark);
  }
}

static void put_field(writer *w, const tn_field *f, const void *at) {
  const tn_repeated *list = at;
  switch (f->kind) {
  case TN_FIELD_INT:
    if (*(const int64_t *)at) tn_wire_put_int(&w->text, f->number, *(const int64_t *)at);
    break;
  case TN_FIELD_FIXED:
    if (!*(const uint64_t *)at) break;
    tn_wire_put_key(&w->text, f->number, TN_WIRE_FIXED64);
    tn_put_u64(&w->text, *(const uint64_t *)at);
    break;
  case TN_FIELD_TEXT: {
    const char *text = *(const char *const *)at;
    if (text && text[0]) tn_wire_put_bytes(&w->text, f->number, text, strlen(text));
    break;
  }
  case TN_FIELD_BYTES: {
    const tn_string *bytes = at;
    if (bytes->size) tn_wire_put_bytes(&w->text, f->number, bytes->data, bytes->size);
    break;
  }
  case TN_FIELD_TENSOR: put_tensor(w, f->number, at); break;
  case TN_FIELD_MESSAGE: put_message(w, f->number, f->of, at, false); break;
  case TN_FIELD_TEXTS:
    for (size_t i = 0; i < list->n; i++) {
      const char *text = TN_AT(const char *, *list, i);
      tn_wire_put_bytes(&w->text, f->number, text, strlen(text));
    }
    break;
  case TN_FIELD_TENSORS:
    for (size_t i = 0; i < list->n; i++) put_tensor(w, f->number, &TN_AT(tn_tensor, *list, i));
    break;
  case TN_FIELD_INTS:
    for (size_t i = 0; i < list->n; i++) tn_wire_put_int(&w->text, f->number, TN_AT(int64_t, *list, i));
    break;
  case TN_FIELD_MESSAGES:
    for (size_t i = 0; i < list->n; i++) {
      put_message(w, f->number, f->of, (const char *)list->at + i * f->of->size, true);
    }
    break;
  case TN_FIELD_END: break;
  }
}

static void put_fields(writer *w, const tn_layout *layout, const void *value) {
  for (const tn_field *f = layout->fields; f->kind != TN_FIELD_END && !w->error; f++) {
    put_field(w, f, (const char *)value + f->offset);
  }
}

tn_error *tn_encode(const tn_layout *layout, const void *value, tn_message **out) {
  writer w = {0};
  TN_TRY(tn_message_new(&w.message));
  put_fields(&w, layout, value);
  if (!w.error && (w.text.size || w.text.failed)) w.error = tn_message_add_str(w.message, &w.text);
  tn_str_clear(&w.text);
  if (w.error) {
    tn_message_unref(w.message);
    return tn_error_context(w.error, "%s", layout->name);
  }
  *out = w.message;
  return NULL;
}

/* --- reading --- */

typedef struct reader {
  tn_arena *arena;
  tn_buffer *owner; /* of the bytes; NULL: they don't stay */
  int depth;
} reader;

/* The content of a TensorProto, if it has nothing but a type, a shape and content that lies well. */
static bool borrow_tensor(const reader *r, const tn_wire_field *bytes, tn_tensor *out) {
  tn_wire_in in = tn_wire_bytes(bytes->data, bytes->size);
  tn_wire_field field, content = {0};
  tn_shape shape = tn_shape_scalar();
  tn_dtype dtype = TN_INVALID;
  bool more = false, good = r->owner != NULL;
  for (;;) {
    tn_error *error = good ? tn_wire_next(&in, &field, &more) : NULL;
    if (!error && good && more && field.number == 2 && field.type == TN_WIRE_BYTES) {
      error = tn_proto_get_shape(field.data, field.size, &shape);
    }
    if (error) good = false;
    tn_error_free(error);
    if (!good || !more) break;
    if (field.number == 1) dtype = field.value < TN_N_DTYPES ? (tn_dtype)field.value : TN_INVALID;
    if (field.number == 4 && field.type == TN_WIRE_BYTES) content = field;
    good = field.number <= 4 || field.number == PADDING_FIELD;
  }
  if (!good || dtype == TN_INVALID || !tn_dtype_is_plain(dtype) || dtype == TN_BOOL || content.size < LEAST_SHARED) {
    return false;
  }
  size_t element = tn_dtype_size(dtype);
  if (!tn_shape_known(&shape) || (uint64_t)tn_shape_elements(&shape) > content.size / element ||
      (size_t)tn_shape_elements(&shape) * element != content.size || (uintptr_t)content.data % 16) {
    return false;
  }
  *out = (tn_tensor){.dtype = dtype, .shape = shape, .data = (void *)content.data, .buffer = tn_buffer_ref(r->owner)};
  return true;
}

static tn_error *get_tensor(const reader *r, const tn_wire_field *bytes, tn_tensor *out) {
  tn_tensor_clear(out);
  if (borrow_tensor(r, bytes, out)) return NULL;
  tn_tensor *boxed = NULL;
  TN_TRY(tn_proto_get_tensor(bytes->data, bytes->size, &boxed));
  tn_tensor_set(out, boxed);
  tn_tensor_free(boxed);
  return NULL;
}

static tn_error *get_text(const reader *r, const tn_wire_field *field, const char **out) {
  if (field->size && memchr(field->data, 0, field->size)) {
    return tn_errorf(TN_INVALID_ARGUMENT, "field %u: a text has a NUL in it", field->number);
  }
  *out = tn_arena_strndup(r->arena, field->size ? field->data : "", field->size);
  return *out ? NULL : tn_out_of_memory();
}

static tn_error *get_fields(reader *r, const tn_layout *layout, tn_wire_in in, void *value);

static tn_error *get_ints(const reader *r, const tn_wire_field *field, tn_repeated *list) {
  tn_wire_in in = tn_wire_bytes(field->data, field->size);
  bool packed = field->type == TN_WIRE_BYTES;
  do {
    if (packed && in.at == in.end) break;
    uint64_t value = field->value;
    if (packed) TN_TRY(tn_wire_varint(&in, &value));
    int64_t *added = tn_repeated_add(list, r->arena, sizeof *added);
    if (!added) return tn_out_of_memory();
    *added = (int64_t)value;
  } while (packed);
  return NULL;
}

static const tn_wire_type wire_types[] = {
    [TN_FIELD_INT] = TN_WIRE_VARINT,  [TN_FIELD_FIXED] = TN_WIRE_FIXED64, [TN_FIELD_TEXT] = TN_WIRE_BYTES,
    [TN_FIELD_BYTES] = TN_WIRE_BYTES, [TN_FIELD_TENSOR] = TN_WIRE_BYTES,  [TN_FIELD_MESSAGE] = TN_WIRE_BYTES,
    [TN_FIELD_TEXTS] = TN_WIRE_BYTES, [TN_FIELD_TENSORS] = TN_WIRE_BYTES, [TN_FIELD_MESSAGES] = TN_WIRE_BYTES};

static tn_error *get_field(reader *r, const tn_field *f, const tn_wire_field *field, void *at) {
  tn_wire_in inside = tn_wire_bytes(field->data, field->size);
  bool fits = f->kind == TN_FIELD_INTS ? field->type == TN_WIRE_VARINT || field->type == TN_WIRE_BYTES
                                       : field->type == wire_types[f->kind];
  if (!fits) return tn_errorf(TN_INVALID_ARGUMENT, "field %u has the wrong wire type %d", f->number, (int)field->type);
  void *added = NULL;
  switch (f->kind) {
  case TN_FIELD_INT: *(int64_t *)at = (int64_t)field->value; return NULL;
  case TN_FIELD_FIXED: *(uint64_t *)at = field->value; return NULL;
  case TN_FIELD_TEXT: return get_text(r, field, at);
  case TN_FIELD_BYTES: *(tn_string *)at = (tn_string){(char *)field->data, field->size}; return NULL;
  case TN_FIELD_TENSOR: return get_tensor(r, field, at);
  case TN_FIELD_MESSAGE: return get_fields(r, f->of, inside, at);
  case TN_FIELD_INTS: return get_ints(r, field, at);
  case TN_FIELD_TEXTS:
    added = tn_repeated_add(at, r->arena, sizeof(const char *));
    return added ? get_text(r, field, added) : tn_out_of_memory();
  case TN_FIELD_TENSORS:
    added = tn_repeated_add(at, r->arena, sizeof(tn_tensor));
    return added ? get_tensor(r, field, added) : tn_out_of_memory();
  case TN_FIELD_MESSAGES:
    added = tn_repeated_add(at, r->arena, f->of->size);
    return added ? get_fields(r, f->of, inside, added) : tn_out_of_memory();
  case TN_FIELD_END: break;
  }
  return NULL;
}

static tn_error *get_fields(reader *r, const tn_layout *layout, tn_wire_in in, void *value) {
  if (r->depth >= DEEPEST) return tn_errorf(TN_INVALID_ARGUMENT, "it is nested too deeply");
  r->depth++;
  for (;;) {
    tn_wire_field field;
    bool more = false;
    TN_TRY(tn_proto_next(&in, &field, &more));
    if (!more) break;
    for (const tn_field *f = layout->fields; f->kind != TN_FIELD_END; f++) {
      if (f->number == field.number) TN_TRY(get_field(r, f, &field, (char *)value + f->offset));
    }
  }
  r->depth--;
  return NULL;
}

tn_error *tn_decode(const tn_layout *layout, tn_message *message, tn_arena *arena, void *value) {
  reader r = {.arena = arena};
  tn_wire_in in;
  TN_TRY(tn_message_read(message, &in, &r.owner));
  return tn_error_context(get_fields(&r, layout, in, value), "%s", layout->name);
}

void tn_fields_clear(const tn_layout *layout, void *value) {
  for (const tn_field *f = layout->fields; f->kind != TN_FIELD_END; f++) {
    void *at = (char *)value + f->offset;
    const tn_repeated *list = at;
    if (f->kind == TN_FIELD_TENSOR) tn_tensor_clear(at);
    if (f->kind == TN_FIELD_MESSAGE) tn_fields_clear(f->of, at);
    for (size_t i = 0; f->kind == TN_FIELD_TENSORS && i < list->n; i++) tn_tensor_clear(&TN_AT(tn_tensor, *list, i));
    for (size_t i = 0; f->kind == TN_FIELD_MESSAGES && i < list->n; i++) {
      tn_fields_clear(f->of, (char *)list->at + i * f->of->size);
    }
  }
}
