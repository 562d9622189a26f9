/* Counting down what comes. */
#include "cluster/collect.h"

#include <pthread.h>

#include "base/thread.h"

typedef struct collection collection;

/* Where one value goes. */
typedef struct slot {
  collection *owner;
  size_t i;
} slot;

struct collection {
  pthread_mutex_t mutex; /* of ERROR and LEFT */
  size_t left;
  tn_collected collected;
  tn_collect_done *done;
  void *argument;
  slot *slots;
};

static void free_collection(collection *c) {
  pthread_mutex_destroy(&c->mutex);
  tn_free(c->collected.values);
  tn_free(c->collected.dead);
  tn_free(c->slots);
  tn_free(c);
}

/* One less to come. */
static void count_down(collection *c, tn_error *error) {
  tn_lock(&c->mutex);
  if (c->collected.error) {
    tn_error_free(error);
  } else {
    c->collected.error = error;
  }
  bool last = --c->left == 0;
  tn_unlock(&c->mutex);
  if (!last) return;
  c->done(c->argument, &c->collected);
  free_collection(c);
}

static void came(void *argument, tn_error *error, tn_tensor *value, bool is_dead) {
  const slot *s = argument;
  collection *c = s->owner;
  if (!error && !is_dead) tn_tensor_set(&c->collected.values[s->i], value);
  c->collected.dead[s->i] = is_dead;
  tn_tensor_clear(value);
  count_down(c, error);
}

tn_error *tn_collect(const tn_repeated *keys, tn_collect_ask *ask, void *from, tn_collect_done *done, void *argument) {
  collection *c = tn_calloc(1, sizeof *c);
  if (!c) return tn_out_of_memory();
  pthread_mutex_init(&c->mutex, NULL);
  c->left = keys->n + 1; /* one for this function */
  c->done = done;
  c->argument = argument;
  c->collected.n = keys->n;
  c->collected.values = tn_calloc(keys->n + 1, sizeof(tn_tensor));
  c->collected.dead = tn_calloc(keys->n + 1, sizeof(bool));
  c->slots = tn_calloc(keys->n + 1, sizeof *c->slots);
  if (!c->collected.values || !c->collected.dead || !c->slots) {
    free_collection(c);
    return tn_out_of_memory();
  }
  for (size_t i = 0; i < keys->n; i++) {
    c->slots[i] = (slot){c, i};
    ask(from, TN_AT(const char *, *keys, i), came, &c->slots[i]);
  }
  count_down(c, NULL);
  return NULL;
}
