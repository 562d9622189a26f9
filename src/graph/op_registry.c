/* The op registry: look-up by name in the generated table, and the parsed definitions, made on first use. */
#include <stdatomic.h>
#include <string.h>

#include "base/thread.h"
#include "graph/op_parse.h"

const tn_op_def *tn_op_find(const char *name) {
  size_t low = 0, high = tn_op_table_size;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    int order = strcmp(name, tn_op_table[middle]->name);
    if (order == 0) return tn_op_table[middle];
    if (order < 0) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return NULL;
}

size_t tn_n_ops(void) { return tn_op_table_size; }

const char *tn_op_name(size_t i) { return i < tn_op_table_size ? tn_op_table[i]->name : NULL; }

/* Parsed definitions hang in chains that only grow: readers take no lock. */
typedef struct entry {
  const tn_op_def *op;
  struct entry *next;
  tn_arena *arena; /* holds this entry too; never freed */
  tn_op_schema schema;
} entry;

#define BUCKETS 1024

static _Atomic(entry *) buckets[BUCKETS];
static pthread_mutex_t schema_mutex = PTHREAD_MUTEX_INITIALIZER;

static const tn_op_schema *find_schema(const tn_op_def *op, size_t bucket) {
  for (entry *e = atomic_load_explicit(&buckets[bucket], memory_order_acquire); e; e = e->next) {
    if (e->op == op) return &e->schema;
  }
  return NULL;
}

static tn_error *make_schema(const tn_op_def *op, size_t bucket, const tn_op_schema **out) {
  tn_arena *arena;
  TN_TRY(tn_arena_new(&arena));
  entry *e = tn_arena_alloc(arena, sizeof *e);
  tn_op_parser parser = {.op = op, .arena = arena};
  tn_error *error = e ? tn_op_parse(&parser, &e->schema) : tn_out_of_memory();
  if (error) {
    tn_arena_free(arena);
    return error;
  }
  e->op = op;
  e->arena = arena;
  e->next = atomic_load_explicit(&buckets[bucket], memory_order_relaxed);
  atomic_store_explicit(&buckets[bucket], e, memory_order_release);
  *out = &e->schema;
  return NULL;
}

tn_error *tn_op_schema_of(const tn_op_def *op, const tn_op_schema **out) {
  size_t bucket = (size_t)((uintptr_t)op / sizeof(void *)) % BUCKETS;
  const tn_op_schema *schema = find_schema(op, bucket);
  tn_error *error = NULL;
  if (!schema) {
    tn_lock(&schema_mutex);
    schema = find_schema(op, bucket);
    if (!schema) error = make_schema(op, bucket, &schema);
    tn_unlock(&schema_mutex);
  }
  if (error) return error;
  *out = schema;
  return NULL;
}
