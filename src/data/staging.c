/* Staging areas. */
#include "data/staging.h"

#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"

static void drop(tn_staging *s, size_t at) {
  tn_staged *t = &s->tuples[at];
  for (int i = 0; i < t->n; i++) tn_tensor_clear(&t->values[i]);
  tn_free(t->values);
  s->bytes -= t->bytes;
  memmove(t, t + 1, (--s->n - at) * sizeof *t);
}

static void destroy(tn_object *object) {
  tn_staging *s = (tn_staging *)object;
  while (s->n) drop(s, s->n - 1);
  tn_free(s->tuples);
  pthread_cond_destroy(&s->changed);
  pthread_mutex_destroy(&s->mutex);
  tn_free(s);
}

tn_error *tn_staging_new(int64_t capacity, int64_t memory_limit, tn_staging **out) {
  tn_staging *s = tn_calloc(1, sizeof *s);
  if (!s) return tn_out_of_memory();
  atomic_init(&s->object.refs, 1);
  s->object.type = TN_STAGING_TYPE;
  s->object.destroy = destroy;
  s->capacity = capacity;
  s->memory_limit = memory_limit;
  pthread_mutex_init(&s->mutex, NULL);
  pthread_cond_init(&s->changed, NULL);
  *out = s;
  return NULL;
}

static int64_t bytes_of(const tn_tensor *t) {
  int64_t n = tn_elements(t);
  if (t->dtype != TN_STRING) return n * (int64_t)tn_dtype_size(t->dtype);
  int64_t bytes = 0;
  for (int64_t i = 0; i < n; i++) bytes += (int64_t)TN_DATA(tn_string, t)[i].size;
  return bytes;
}

/* --- with the lock held --- */

/* Where KEY is, or would be. */
static size_t place_of(const tn_staging *s, int64_t key) {
  size_t at = s->n;
  while (at > 0 && s->tuples[at - 1].key >= key) at--;
  return at;
}

static bool is_at(const tn_staging *s, size_t at, int64_t key) { return at < s->n && s->tuples[at].key == key; }

static int64_t count(const tn_staging *s, bool complete) {
  int64_t n = 0;
  for (size_t i = 0; i < s->n; i++) n += s->tuples[i].complete == complete;
  return n;
}

static tn_error *insert(tn_staging *s, size_t at, int64_t key, int n) {
  if (s->n == s->room) {
    size_t room = s->room ? 2 * s->room : 16;
    tn_staged *tuples = tn_realloc(s->tuples, room * sizeof *tuples);
    if (!tuples) return tn_out_of_memory();
    s->tuples = tuples;
    s->room = room;
  }
  tn_tensor *values = tn_calloc((size_t)n + 1, sizeof *values);
  if (!values) return tn_out_of_memory();
  memmove(&s->tuples[at + 1], &s->tuples[at], (s->n++ - at) * sizeof *s->tuples);
  s->tuples[at] = (tn_staged){.key = key, .n = n, .values = values};
  return NULL;
}

static tn_error *check_indices(const tn_staging_part *part, int n) {
  for (int i = 0; i < part->n_values; i++) {
    int index = part->indices ? part->indices[i] : i;
    if (index < 0 || index >= n) {
      return tn_errorf(TN_INVALID_ARGUMENT, "Index '%d' is out of bounds of '%d' components", index, n);
    }
    if (i > 0 && part->indices && index <= part->indices[i - 1]) {
      return tn_errorf(TN_INVALID_ARGUMENT, "Indices are not strictly ordered");
    }
  }
  return NULL;
}

static tn_error *wait_for_room(tn_staging *s, const tn_step *step, int64_t bytes) {
  if (s->memory_limit > 0 && bytes > s->memory_limit) {
    return tn_errorf(TN_RESOURCE_EXHAUSTED,
                     "Attempted to insert tensors with combined size of '%lld' bytes into Staging Area with a memory "
                     "limit of '%lld'.",
                     (long long)bytes, (long long)s->memory_limit);
  }
  while ((s->capacity > 0 && count(s, true) >= s->capacity) ||
         (s->memory_limit > 0 && s->bytes + bytes > s->memory_limit)) {
    TN_TRY(tn_step_wait(step, &s->changed, &s->mutex));
  }
  return NULL;
}

static tn_error *put(tn_staging *s, const tn_step *step, const tn_staging_part *part) {
  int64_t bytes = 0;
  for (int i = 0; i < part->n_values; i++) bytes += bytes_of(&part->values[i]);
  TN_TRY(check_indices(part, part->n));
  TN_TRY(wait_for_room(s, step, bytes));
  int64_t key = part->key ? *part->key : s->next_key++;
  size_t at = place_of(s, key);
  if (is_at(s, at, key) && s->tuples[at].complete) {
    return tn_errorf(TN_INVALID_ARGUMENT, "there is a whole tuple under key '%lld' already", (long long)key);
  }
  if (!is_at(s, at, key)) TN_TRY(insert(s, at, key, part->n));
  tn_staged *t = &s->tuples[at];
  for (int i = 0; i < part->n_values; i++) {
    int index = part->indices ? part->indices[i] : i;
    if (index < t->n && t->values[index].dtype == TN_INVALID) continue;
    return tn_errorf(TN_INVALID_ARGUMENT, "The tensor for index '%d' for key '%lld' was already initialized", index,
                     (long long)key);
  }
  for (int i = 0; i < part->n_values; i++) {
    tn_tensor_set(&t->values[part->indices ? part->indices[i] : i], &part->values[i]);
  }
  t->n_there += part->n_values;
  t->complete = t->n_there == t->n;
  t->bytes += bytes;
  s->bytes += bytes;
  pthread_cond_broadcast(&s->changed);
  return NULL;
}

/* Hands out what PART asks for of the tuple at AT. */
static tn_error *hand_out(tn_staging *s, size_t at, const tn_staging_part *part, bool peek) {
  tn_staged *t = &s->tuples[at];
  TN_TRY(check_indices(part, t->n));
  for (int i = 0; i < part->n_values; i++) {
    int index = part->indices ? part->indices[i] : i;
    if (t->values[index].dtype != TN_INVALID) continue;
    return tn_errorf(TN_INVALID_ARGUMENT, "Tensor at index '%d' for key '%lld' has already been removed.", index,
                     (long long)t->key);
  }
  for (int i = 0; i < part->n_values; i++) {
    tn_tensor *value = &t->values[part->indices ? part->indices[i] : i];
    tn_tensor_set(&part->values[i], value);
    if (peek) continue;
    int64_t bytes = bytes_of(value);
    t->bytes -= bytes;
    s->bytes -= bytes;
    tn_tensor_clear(value);
    t->n_there--;
  }
  if (!peek && t->n_there == 0) drop(s, at);
  if (!peek) pthread_cond_broadcast(&s->changed);
  return NULL;
}

/* The whole tuple number INDEX, or the one under KEY (not NULL); false: it is not there yet. */
static bool find(const tn_staging *s, const int64_t *key, int64_t index, size_t *at) {
  for (size_t i = 0; i < s->n; i++) {
    const tn_staged *t = &s->tuples[i];
    if (!t->complete || (key ? t->key != *key : index-- > 0)) continue;
    *at = i;
    return true;
  }
  return false;
}

/* --- without it --- */

tn_error *tn_staging_put(tn_staging *s, const tn_step *step, const tn_staging_part *part) {
  tn_lock(&s->mutex);
  tn_error *error = put(s, step, part);
  tn_unlock(&s->mutex);
  return error;
}

static tn_error *take(tn_staging *s, const tn_step *step, const tn_staging_part *part, bool peek, int64_t index,
                      int64_t *key) {
  size_t at = 0;
  while (!find(s, part->key, index, &at)) TN_TRY(tn_step_wait(step, &s->changed, &s->mutex));
  *key = s->tuples[at].key;
  return hand_out(s, at, part, peek);
}

tn_error *tn_staging_take(tn_staging *s, const tn_step *step, const tn_staging_part *part, bool peek, int64_t *key) {
  tn_lock(&s->mutex);
  tn_error *error = take(s, step, part, peek, 0, key);
  tn_unlock(&s->mutex);
  return error;
}

tn_error *tn_staging_peek_at(tn_staging *s, const tn_step *step, int64_t index, const tn_staging_part *part) {
  int64_t key;
  tn_lock(&s->mutex);
  tn_error *error = take(s, step, part, true, index, &key);
  tn_unlock(&s->mutex);
  return error;
}

int64_t tn_staging_size(tn_staging *s, bool complete) {
  tn_lock(&s->mutex);
  int64_t n = count(s, complete);
  tn_unlock(&s->mutex);
  return n;
}

void tn_staging_clear(tn_staging *s) {
  tn_lock(&s->mutex);
  while (s->n) drop(s, s->n - 1);
  pthread_cond_broadcast(&s->changed);
  tn_unlock(&s->mutex);
}
