/* Values that two tasks share, by number; floats in half their bytes. */
#include "cluster/sent.h"

#include "base/thread.h"

enum { ROOM = 1024, LEAST_BYTES = 4096 };

typedef struct entry {
  int64_t number; /* 0: nothing here */
  tn_tensor value;
} entry;

struct tn_sent {
  pthread_mutex_t mutex; /* guards what follows */
  int64_t next;
  entry entries[ROOM]; /* by number, modulo ROOM: the oldest makes way */
};

tn_error *tn_sent_new(tn_sent **out) {
  tn_sent *made = tn_calloc(1, sizeof *made);
  if (!made) return tn_out_of_memory();
  pthread_mutex_init(&made->mutex, NULL);
  made->next = TN_SENT_FIRST;
  *out = made;
  return NULL;
}

void tn_sent_clear(tn_sent *k) {
  for (size_t i = 0; i < ROOM; i++) {
    tn_lock(&k->mutex);
    entry old = k->entries[i];
    k->entries[i] = (entry){0};
    tn_unlock(&k->mutex);
    tn_tensor_clear(&old.value);
  }
}

void tn_sent_free(tn_sent *k) {
  if (!k) return;
  tn_sent_clear(k);
  pthread_mutex_destroy(&k->mutex);
  tn_free(k);
}

/* Whether T is worth it, and nobody changes it while it is held. */
static bool can_keep(const tn_tensor *t) {
  return t->dtype != TN_INVALID && tn_dtype_is_plain(t->dtype) && tn_tensor_bytes(t) >= LEAST_BYTES && t->buffer &&
         (!t->buffer->release || t->buffer->fixed);
}

static bool is_same(const tn_tensor *a, const tn_tensor *b) {
  return a->buffer == b->buffer && a->data == b->data && a->dtype == b->dtype && tn_shape_equal(&a->shape, &b->shape);
}

void tn_sent_exchange(tn_sent *k, int64_t known, tn_recv_tensor_reply *answer) {
  if (known < TN_SENT_WANTED || answer->is_dead || (known == TN_SENT_WANTED && !can_keep(&answer->value))) return;
  tn_tensor gone = {0};
  tn_lock(&k->mutex);
  int64_t number = known == TN_SENT_WANTED ? k->next++ : known;
  entry *e = &k->entries[number % ROOM];
  if (known == TN_SENT_WANTED) {
    gone = e->value;
    *e = (entry){.number = number};
    tn_tensor_set(&e->value, &answer->value);
    answer->number = number;
  } else if (e->number == number && is_same(&e->value, &answer->value)) {
    answer->same = 1;
    gone = answer->value;
    answer->value = (tn_tensor){0};
  } else if (e->number == number) {
    gone = e->value;
    *e = (entry){0};
  }
  tn_unlock(&k->mutex);
  tn_tensor_clear(&gone);
}

tn_error *tn_narrow_answer(tn_recv_tensor_reply *answer) {
  const tn_tensor *wide = &answer->value;
  if (wide->dtype != TN_FLOAT || tn_tensor_bytes(wide) < LEAST_BYTES) return NULL;
  tn_tensor narrow = {0};
  TN_TRY(tn_tensor_init(&narrow, TN_BFLOAT16, &wide->shape));
  const float *from = wide->data;
  uint16_t *to = narrow.data;
  for (size_t i = 0, n = tn_tensor_bytes(wide) / sizeof *from; i < n; i++) to[i] = tn_float_to_bfloat16(from[i]);
  tn_tensor_clear(&answer->value);
  answer->value = narrow;
  answer->narrowed = 1;
  return NULL;
}

tn_error *tn_widen_answer(tn_recv_tensor_reply *answer) {
  const tn_tensor *narrow = &answer->value;
  if (!answer->narrowed) return NULL;
  if (narrow->dtype != TN_BFLOAT16) {
    return tn_errorf(TN_INTERNAL, "a %s came where floats were to come as bfloat16",
                     narrow->dtype == TN_INVALID ? "value without a type" : tn_dtype_name(narrow->dtype));
  }
  tn_tensor wide = {0};
  TN_TRY(tn_tensor_init(&wide, TN_FLOAT, &narrow->shape));
  const uint16_t *from = narrow->data;
  float *to = wide.data;
  for (size_t i = 0, n = tn_tensor_bytes(narrow) / sizeof *from; i < n; i++) to[i] = tn_bfloat16_to_float(from[i]);
  tn_tensor_clear(&answer->value);
  answer->value = wide;
  return NULL;
}
