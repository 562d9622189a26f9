/* Hash maps from byte strings or 64-bit keys to pointers. Open addressing; keys are copied. Not thread-safe. */
#ifndef TN_BASE_MAP_H
#define TN_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tenon/error.h>

typedef struct tn_map tn_map;
tn_error *tn_map_new(tn_map **out) TN_MUST_USE;
void tn_map_free(tn_map *map); /* the values are the caller's */
size_t tn_map_size(const tn_map *map);
void *tn_map_get(const tn_map *map, const void *key, size_t size); /* NULL: absent */
/* Sets it, replacing what was there; *OLD (may be NULL) receives that. VALUE must not be NULL. */
tn_error *tn_map_set(tn_map *map, const void *key, size_t size, void *value, void **old) TN_MUST_USE;
void *tn_map_remove(tn_map *map, const void *key, size_t size); /* the value that was there */
/* Iterates in no particular order: *CURSOR starts at 0; false at the end. */
bool tn_map_next(const tn_map *map, size_t *cursor, const void **key, size_t *size, void **value);

/* Keys that are C strings. */
void *tn_map_find(const tn_map *map, const char *key);
tn_error *tn_map_put(tn_map *map, const char *key, void *value) TN_MUST_USE;
/* Keys that are integers. */
void *tn_map_find_u64(const tn_map *map, uint64_t key);
tn_error *tn_map_put_u64(tn_map *map, uint64_t key, void *value) TN_MUST_USE;

/* The 64-bit hash that the map uses. */
uint64_t tn_hash(const void *data, size_t size, uint64_t seed);

#endif
