/* A session's programs by what they feed, fetch and run. */
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/str.h"
#include "runtime/program.h"

#define MAX_PROGRAMS 256

typedef struct entry {
  tn_program *program;
  char *key;
  size_t size;
  uint64_t used;
} entry;

struct tn_program_cache {
  tn_map *map; /* key -> entry */
  uint64_t clock;
};

tn_error *tn_program_cache_new(tn_program_cache **out) {
  tn_program_cache *cache = tn_calloc(1, sizeof *cache);
  if (!cache) return tn_out_of_memory();
  tn_error *error = tn_map_new(&cache->map);
  if (error) {
    tn_free(cache);
    return error;
  }
  *out = cache;
  return NULL;
}

static void free_entry(entry *e) {
  if (!e) return;
  tn_program_unref(e->program);
  tn_free(e->key);
  tn_free(e);
}

void tn_program_cache_free(tn_program_cache *cache) {
  if (!cache) return;
  size_t cursor = 0;
  void *value = NULL;
  while (tn_map_next(cache->map, &cursor, NULL, NULL, &value)) free_entry(value);
  tn_map_free(cache->map);
  tn_free(cache);
}

void tn_program_cache_trim(tn_program_cache *cache) {
  size_t cursor = 0;
  void *value = NULL;
  while (tn_map_next(cache->map, &cursor, NULL, NULL, &value)) tn_program_trim(((entry *)value)->program);
}

/* Structs have padding, whose bytes say nothing: their members go in one by one. */
static tn_error *key_of(const tn_step_signature *s, tn_str *key) {
  uint64_t counts[3] = {s->n_feeds, s->n_fetches, s->n_targets};
  tn_str_add_bytes(key, counts, sizeof counts);
  for (size_t i = 0; i < s->n_feeds + s->n_fetches; i++) {
    tn_output o = i < s->n_feeds ? s->feeds[i] : s->fetches[i - s->n_feeds];
    uint64_t words[2] = {(uintptr_t)o.node, (uint64_t)(int64_t)o.index};
    tn_str_add_bytes(key, words, sizeof words);
  }
  for (size_t i = 0; i < s->n_targets; i++) {
    uint64_t word = (uintptr_t)s->targets[i];
    tn_str_add_bytes(key, &word, sizeof word);
  }
  return key->failed ? tn_out_of_memory() : NULL;
}

static void drop_oldest(tn_program_cache *cache) {
  size_t cursor = 0;
  void *value = NULL;
  entry *oldest = NULL;
  while (tn_map_next(cache->map, &cursor, NULL, NULL, &value)) {
    entry *e = value;
    if (!oldest || e->used < oldest->used) oldest = e;
  }
  if (oldest) free_entry(tn_map_remove(cache->map, oldest->key, oldest->size));
}

/* Makes the program and puts it under KEY, which is used up. */
static tn_error *add(tn_program_cache *cache, tn_session *session, const tn_step_signature *signature, tn_str *key,
                     entry **out) {
  entry *made = tn_calloc(1, sizeof *made);
  if (!made) return tn_out_of_memory();
  tn_error *error = tn_program_new(session, signature, &made->program);
  if (!error) error = tn_str_take(key, &made->key, &made->size);
  if (!error && tn_map_size(cache->map) >= MAX_PROGRAMS) drop_oldest(cache);
  if (!error) error = tn_map_set(cache->map, made->key, made->size, made, NULL);
  if (error) {
    free_entry(made);
    return error;
  }
  *out = made;
  return NULL;
}

tn_error *tn_program_cache_get(tn_program_cache *cache, tn_session *session, const tn_step_signature *signature,
                               tn_program **out) {
  tn_str key = {0};
  tn_error *error = key_of(signature, &key);
  tn_counts.lookups++;
  entry *found = error ? NULL : tn_map_get(cache->map, key.data, key.size);
  if (found && !tn_program_current(found->program)) {
    tn_map_remove(cache->map, key.data, key.size);
    free_entry(found);
    found = NULL;
  }
  if (!error && !found) error = add(cache, session, signature, &key, &found);
  tn_str_clear(&key);
  if (error) return error;
  found->used = ++cache->clock;
  *out = tn_program_ref(found->program);
  return NULL;
}
