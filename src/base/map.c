/* Open addressing with linear probing; removal shifts the run back, so there are no tombstones. */
#include "base/map.h"

#include <string.h>

#include "base/alloc.h"

typedef struct entry {
  uint64_t hash;
  size_t size;
  char *key;
  void *value; /* NULL: free */
} entry;

struct tn_map {
  entry *entries;
  size_t capacity, count; /* capacity is a power of two */
};

uint64_t tn_hash(const void *data, size_t size, uint64_t seed) {
  const unsigned char *p = data;
  uint64_t h = seed ^ (size * 0x9e3779b97f4a7c15u);
  while (size) {
    uint64_t word = 0;
    size_t n = size < 8 ? size : 8;
    memcpy(&word, p, n);
    h = (h ^ word) * 0xff51afd7ed558ccdu;
    h ^= h >> 32;
    p += n;
    size -= n;
  }
  h *= 0xc4ceb9fe1a85ec53u;
  return h ^ (h >> 29);
}

tn_error *tn_map_new(tn_map **out) {
  tn_map *map = tn_calloc(1, sizeof *map);
  if (!map) return tn_out_of_memory();
  *out = map;
  return NULL;
}

void tn_map_free(tn_map *map) {
  if (!map) return;
  for (size_t i = 0; i < map->capacity; i++)
    if (map->entries[i].value) tn_free(map->entries[i].key);
  tn_free(map->entries);
  tn_free(map);
}

size_t tn_map_size(const tn_map *map) { return map->count; }

/* The entry that holds KEY or the free one where it would go; capacity > count. */
static entry *slot_of(const tn_map *map, const void *key, size_t size, uint64_t hash) {
  size_t mask = map->capacity - 1;
  for (size_t i = hash & mask;; i = (i + 1) & mask) {
    entry *e = &map->entries[i];
    if (!e->value || (e->hash == hash && e->size == size && !memcmp(e->key, key, size))) return e;
  }
}

void *tn_map_get(const tn_map *map, const void *key, size_t size) {
  tn_counts.lookups++;
  return map->count ? slot_of(map, key, size, tn_hash(key, size, 0))->value : NULL;
}

static tn_error *grow(tn_map *map) {
  size_t capacity = map->capacity ? map->capacity * 2 : 16;
  entry *old = map->entries, *entries = tn_calloc(capacity, sizeof *entries);
  if (!entries) return tn_out_of_memory();
  size_t n = map->capacity;
  map->entries = entries;
  map->capacity = capacity;
  for (size_t i = 0; i < n; i++)
    if (old[i].value) *slot_of(map, old[i].key, old[i].size, old[i].hash) = old[i];
  tn_free(old);
  return NULL;
}

tn_error *tn_map_set(tn_map *map, const void *key, size_t size, void *value, void **old) {
  if (map->count * 4 >= map->capacity * 3) TN_TRY(grow(map));
  uint64_t hash = tn_hash(key, size, 0);
  entry *e = slot_of(map, key, size, hash);
  void *before = e->value;
  if (!before) {
    char *copy = tn_strndup(key, size);
    if (!copy) return tn_out_of_memory();
    *e = (entry){.hash = hash, .size = size, .key = copy};
    map->count++;
  }
  e->value = value;
  if (old) *old = before;
  return NULL;
}

void *tn_map_remove(tn_map *map, const void *key, size_t size) {
  if (!map->count) return NULL;
  entry *e = slot_of(map, key, size, tn_hash(key, size, 0));
  void *value = e->value;
  if (!value) return NULL;
  tn_free(e->key);
  map->count--;
  size_t mask = map->capacity - 1, hole = (size_t)(e - map->entries);
  for (size_t i = (hole + 1) & mask; map->entries[i].value; i = (i + 1) & mask) {
    size_t home = map->entries[i].hash & mask;
    if (((i - home) & mask) < ((i - hole) & mask)) continue; /* its home lies behind the hole: it stays */
    map->entries[hole] = map->entries[i];
    hole = i;
  }
  map->entries[hole] = (entry){0};
  return value;
}

bool tn_map_next(const tn_map *map, size_t *cursor, const void **key, size_t *size, void **value) {
  while (*cursor < map->capacity) {
    const entry *e = &map->entries[(*cursor)++];
    if (!e->value) continue;
    if (key) *key = e->key;
    if (size) *size = e->size;
    if (value) *value = e->value;
    return true;
  }
  return false;
}

void *tn_map_find(const tn_map *map, const char *key) { return tn_map_get(map, key, strlen(key)); }
tn_error *tn_map_put(tn_map *map, const char *key, void *value) {
  return tn_map_set(map, key, strlen(key), value, NULL);
}
void *tn_map_find_u64(const tn_map *map, uint64_t key) { return tn_map_get(map, &key, sizeof key); }
tn_error *tn_map_put_u64(tn_map *map, uint64_t key, void *value) {
  return tn_map_set(map, &key, sizeof key, value, NULL);
}
