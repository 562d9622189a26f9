/* A binary heap over times, and a map from keys to their places in it. */
#include "kube/queue.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"

typedef struct item {
  char *key;
  int64_t at;
  int place;
} item;

struct tn_work_queue {
  item **heap;
  int n, capacity;
  tn_map *items;
};

static void set(tn_work_queue *queue, int place, item *it) {
  queue->heap[place] = it;
  it->place = place;
}

static void rise(tn_work_queue *queue, int place) {
  item *it = queue->heap[place];
  for (; place > 0 && queue->heap[(place - 1) / 2]->at > it->at; place = (place - 1) / 2)
    set(queue, place, queue->heap[(place - 1) / 2]);
  set(queue, place, it);
}

static void sink(tn_work_queue *queue, int place) {
  item *it = queue->heap[place];
  for (int child; (child = 2 * place + 1) < queue->n; place = child) {
    if (child + 1 < queue->n && queue->heap[child + 1]->at < queue->heap[child]->at) child++;
    if (queue->heap[child]->at >= it->at) break;
    set(queue, place, queue->heap[child]);
  }
  set(queue, place, it);
}

tn_error *tn_work_queue_new(tn_work_queue **out) {
  tn_work_queue *queue = tn_calloc(1, sizeof *queue);
  if (!queue) return tn_out_of_memory();
  tn_error *error = tn_map_new(&queue->items);
  if (error) {
    tn_free(queue);
    return error;
  }
  *out = queue;
  return NULL;
}

static void free_item(item *it) {
  tn_free(it->key);
  tn_free(it);
}

void tn_work_queue_free(tn_work_queue *queue) {
  if (!queue) return;
  for (int i = 0; i < queue->n; i++) free_item(queue->heap[i]);
  tn_free(queue->heap);
  tn_map_free(queue->items);
  tn_free(queue);
}

static bool grow(tn_work_queue *queue) {
  if (queue->n < queue->capacity) return true;
  int more = queue->capacity ? 2 * queue->capacity : 64;
  item **heap = tn_realloc(queue->heap, (size_t)more * sizeof *heap);
  if (!heap) return false;
  queue->heap = heap;
  queue->capacity = more;
  return true;
}

tn_error *tn_work_queue_add(tn_work_queue *queue, const char *key, int64_t at_ns) {
  item *it = tn_map_find(queue->items, key);
  if (it) {
    if (at_ns >= it->at) return NULL;
    it->at = at_ns;
    rise(queue, it->place);
    return NULL;
  }
  it = grow(queue) ? tn_calloc(1, sizeof *it) : NULL;
  if (!it) return tn_out_of_memory();
  it->at = at_ns;
  it->key = tn_strdup(key);
  tn_error *error = it->key ? tn_map_put(queue->items, key, it) : tn_out_of_memory();
  if (error) {
    free_item(it);
    return error;
  }
  set(queue, queue->n++, it);
  rise(queue, it->place);
  return NULL;
}

bool tn_work_queue_take(tn_work_queue *queue, int64_t now_ns, char key[512]) {
  if (!queue->n || queue->heap[0]->at > now_ns) return false;
  item *it = queue->heap[0];
  item *last = queue->heap[--queue->n];
  if (queue->n) {
    set(queue, 0, last);
    sink(queue, 0);
  }
  snprintf(key, 512, "%s", it->key);
  tn_map_remove(queue->items, it->key, strlen(it->key));
  free_item(it);
  return true;
}

int64_t tn_work_queue_next(const tn_work_queue *queue) { return queue->n ? queue->heap[0]->at : INT64_MAX; }

int tn_work_queue_size(const tn_work_queue *queue) { return queue->n; }

int64_t tn_backoff_ns(int nth) {
  int64_t wait = 100000000LL << (nth < 1 ? 0 : nth > 10 ? 10 : nth - 1);
  return wait > 60000000000LL ? 60000000000LL : wait;
}
