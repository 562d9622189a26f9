/* The table of a step's transfers. */
#include "kernel/rendezvous.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/thread.h"

/* A value that nobody asked for yet, or a receiver whose value isn't there. */
typedef struct entry {
  tn_rendezvous_done done; /* NULL: a value */
  void *argument;
  tn_tensor value;
  bool is_dead;
  struct entry *next; /* more receivers of the key; a list of those that an abort tells */
} entry;

struct tn_rendezvous {
  atomic_int refs;
  pthread_mutex_t mutex;
  tn_map *entries;
  tn_error *error;
  tn_rendezvous_remote remote;
};

tn_error *tn_rendezvous_new(const tn_rendezvous_remote *remote, tn_rendezvous **out) {
  tn_rendezvous *made = tn_calloc(1, sizeof *made);
  if (!made) return tn_out_of_memory();
  tn_error *error = tn_map_new(&made->entries);
  if (error) {
    tn_free(made);
    return error;
  }
  atomic_init(&made->refs, 1);
  pthread_mutex_init(&made->mutex, NULL);
  if (remote) made->remote = *remote;
  *out = made;
  return NULL;
}

tn_rendezvous *tn_rendezvous_ref(tn_rendezvous *rendezvous) {
  atomic_fetch_add_explicit(&rendezvous->refs, 1, memory_order_relaxed);
  return rendezvous;
}

/* Takes all entries out: those that wait are returned, the others freed. */
static entry *take_all(tn_rendezvous *rendezvous) {
  entry *waiting = NULL;
  size_t cursor = 0, size = 0;
  const void *key = NULL;
  void *value = NULL;
  while (tn_map_next(rendezvous->entries, &cursor, &key, &size, &value)) {
    entry *e = tn_map_remove(rendezvous->entries, key, size);
    cursor = 0;
    if (!e->done) {
      tn_tensor_clear(&e->value);
      tn_free(e);
      continue;
    }
    entry *last = e;
    while (last->next) last = last->next;
    last->next = waiting;
    waiting = e;
  }
  return waiting;
}

static void tell(entry *waiting, const tn_error *error) {
  while (waiting) {
    entry *next = waiting->next;
    tn_tensor nothing = {0};
    waiting->done(waiting->argument, tn_error_copy(error), &nothing, true);
    tn_free(waiting);
    waiting = next;
  }
}

void tn_rendezvous_unref(tn_rendezvous *rendezvous) {
  if (!rendezvous || atomic_fetch_sub_explicit(&rendezvous->refs, 1, memory_order_acq_rel) != 1) return;
  entry *waiting = take_all(rendezvous);
  if (waiting) {
    tn_error *error = tn_errorf(TN_CANCELLED, "the step has ended");
    tell(waiting, error);
    tn_error_free(error);
  }
  if (rendezvous->remote.release) rendezvous->remote.release(rendezvous->remote.argument);
  tn_map_free(rendezvous->entries);
  tn_error_free(rendezvous->error);
  pthread_mutex_destroy(&rendezvous->mutex);
  tn_free(rendezvous);
}

/* With the lock held: puts ADDED under KEY. */
static tn_error *put(tn_rendezvous *rendezvous, const char *key, entry *added) {
  return tn_map_set(rendezvous->entries, key, strlen(key), added, NULL);
}

tn_error *tn_rendezvous_send(tn_rendezvous *rendezvous, const char *key, const tn_tensor *value, bool is_dead) {
  entry *made = tn_calloc(1, sizeof *made);
  if (!made) return tn_out_of_memory();
  made->is_dead = is_dead;
  if (!is_dead) tn_tensor_set(&made->value, value);
  tn_lock(&rendezvous->mutex);
  tn_error *error = tn_error_copy(rendezvous->error);
  entry *found = error ? NULL : tn_map_get(rendezvous->entries, key, strlen(key));
  if (found && !found->done) {
    error = tn_errorf(TN_ABORTED, "Rendezvous: '%s' was sent twice", key);
    found = NULL;
  } else if (found && found->next) {
    error = put(rendezvous, key, found->next);
  } else if (found) {
    tn_map_remove(rendezvous->entries, key, strlen(key));
  } else if (!error) {
    error = put(rendezvous, key, made);
    if (!error) made = NULL;
  }
  tn_unlock(&rendezvous->mutex);
  if (made && found && !error) found->done(found->argument, NULL, &made->value, is_dead);
  if (found && !error) tn_free(found);
  if (made) {
    tn_tensor_clear(&made->value);
    tn_free(made);
  }
  return error;
}

void tn_rendezvous_recv_local(tn_rendezvous *rendezvous, const char *key, tn_rendezvous_done done, void *argument) {
  entry *made = tn_calloc(1, sizeof *made);
  tn_error *error = made ? NULL : tn_out_of_memory();
  if (made) *made = (entry){.done = done, .argument = argument};
  entry *found = NULL;
  if (made) {
    tn_lock(&rendezvous->mutex);
    error = tn_error_copy(rendezvous->error);
    found = error ? NULL : tn_map_get(rendezvous->entries, key, strlen(key));
    if (found && !found->done) {
      tn_map_remove(rendezvous->entries, key, strlen(key));
    } else if (!error) {
      made->next = found;
      error = put(rendezvous, key, made);
      found = NULL;
      if (!error) made = NULL;
    }
    tn_unlock(&rendezvous->mutex);
  }
  tn_tensor nothing = {0};
  if (error) {
    done(argument, error, &nothing, true);
  } else if (found) {
    done(argument, NULL, &found->value, found->is_dead);
    tn_tensor_clear(&found->value);
    tn_free(found);
  }
  tn_free(made);
}

void tn_rendezvous_recv(tn_rendezvous *rendezvous, const char *key, tn_rendezvous_done done, void *argument) {
  const tn_rendezvous_remote *remote = &rendezvous->remote;
  if (remote->recv && remote->recv(remote->argument, key, done, argument)) return;
  tn_rendezvous_recv_local(rendezvous, key, done, argument);
}

void tn_rendezvous_abort(tn_rendezvous *rendezvous, const tn_error *error) {
  tn_lock(&rendezvous->mutex);
  entry *waiting = NULL;
  if (!rendezvous->error) {
    rendezvous->error = tn_error_copy(error);
    waiting = take_all(rendezvous);
  }
  tn_unlock(&rendezvous->mutex);
  tell(waiting, error);
  if (rendezvous->remote.abort) rendezvous->remote.abort(rendezvous->remote.argument, error);
}

void tn_rendezvous_key(const tn_transfer *t, uint64_t frame, int64_t iteration, tn_str *key) {
  tn_str_add_bytes(key, t->send_device, t->send_device_size);
  tn_str_addf(key, ";%016llx;", (unsigned long long)t->incarnation);
  tn_str_add_bytes(key, t->recv_device, t->recv_device_size);
  tn_str_add_bytes(key, ";", 1);
  tn_str_add_bytes(key, t->name, t->name_size);
  tn_str_addf(key, ";%llu:%lld", (unsigned long long)frame, (long long)iteration);
}

tn_error *tn_rendezvous_parse(const char *key, tn_transfer *out) {
  const char *at[5] = {key};
  size_t n = 1;
  for (const char *c = key; *c && n < 5; c++) {
    if (*c == ';') at[n++] = c + 1;
  }
  char *end = NULL;
  if (n == 5) out->incarnation = strtoull(at[1], &end, 16);
  if (n != 5 || end != at[2] - 1 || end == at[1]) {
    return tn_errorf(TN_INVALID_ARGUMENT, "'%.300s' is not the key of a rendezvous", key);
  }
  out->send_device = at[0];
  out->send_device_size = (size_t)(at[1] - at[0]) - 1;
  out->recv_device = at[2];
  out->recv_device_size = (size_t)(at[3] - at[2]) - 1;
  out->name = at[3];
  out->name_size = (size_t)(at[4] - at[3]) - 1;
  return NULL;
}
