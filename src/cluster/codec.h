/* Protocol buffers' messages as C structs: a table of fields describes each, and one reader and one writer serve all.
 * Large tensors are written from where they lie and read where they came to lie. Fields that a table doesn't have are
 * skipped. */
#ifndef TN_CLUSTER_CODEC_H
#define TN_CLUSTER_CODEC_H

#include "base/alloc.h"
#include "cluster/rpc.h"

typedef enum tn_field_kind {
  TN_FIELD_END,
  TN_FIELD_INT,      /* int64_t: any varint */
  TN_FIELD_FIXED,    /* uint64_t: fixed64 */
  TN_FIELD_TEXT,     /* const char *, ended by a NUL; NULL reads and writes as "" */
  TN_FIELD_BYTES,    /* tn_string: bytes where they lie, a message that somebody else reads, say */
  TN_FIELD_TENSOR,   /* tn_tensor: dtype TN_INVALID where there is none */
  TN_FIELD_MESSAGE,  /* a struct that is embedded */
  TN_FIELD_TEXTS,    /* tn_repeated of const char * */
  TN_FIELD_TENSORS,  /* tn_repeated of tn_tensor */
  TN_FIELD_INTS,     /* tn_repeated of int64_t, packed or not */
  TN_FIELD_MESSAGES, /* tn_repeated of structs */
} tn_field_kind;

/* A repeated field. */
typedef struct tn_repeated {
  size_t n, capacity;
  void *at;
} tn_repeated;
#define TN_AT(type, list, i) (((type *)(list).at)[i])

typedef struct tn_field {
  uint32_t number;
  tn_field_kind kind;
  size_t offset;
  const struct tn_layout *of; /* of messages */
} tn_field;

/* A message's struct. All zero is the message without fields. */
typedef struct tn_layout {
  const char *name;
  size_t size;
  const tn_field *fields; /* in the order of their numbers; ends with kind TN_FIELD_END */
} tn_layout;

#define TN_FIELD(NUMBER, KIND, TYPE, MEMBER, OF)                                                                       \
  { NUMBER, TN_FIELD_##KIND, offsetof(TYPE, MEMBER), OF }
#define TN_NO_FIELD                                                                                                    \
  { 0, TN_FIELD_END, 0, NULL }

/* Writes VALUE as a message; its tensors' buffers are shared, not copied, where they are large. */
tn_error *tn_encode(const tn_layout *layout, const void *value, tn_message **out) TN_MUST_USE;
/* Reads MESSAGE into VALUE, which is all zero. What it points to lies in ARENA or in the message, which the caller
 * keeps; tensors hold what they need themselves, and are given back by tn_fields_clear, also after an error.
 * INVALID_ARGUMENT names the message. */
tn_error *tn_decode(const tn_layout *layout, tn_message *message, tn_arena *arena, void *value) TN_MUST_USE;
/* Gives back the tensors of VALUE. */
void tn_fields_clear(const tn_layout *layout, void *value);
/* Adds an element of SIZE bytes, all zero, to LIST; NULL: memory is out. */
void *tn_repeated_add(tn_repeated *list, tn_arena *arena, size_t size);

#endif
