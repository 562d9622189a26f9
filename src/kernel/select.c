/* Choosing kernels: by types, and by name where a test asks for one. */
#include "kernel/select.h"

#include <ctype.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/testing.h>

#include "base/alloc.h"
#include "base/map.h"

#define MAX_FORCED 64
#define NAME_SIZE  64

/* One wish: "*" stands for every op that has such a kernel. */
static struct { char op[NAME_SIZE], kernel[NAME_SIZE]; } forced[MAX_FORCED];
static int n_forced;
static atomic_bool any_forced;
static tn_map *prepared_counts; /* "op/kernel" -> uint64_t */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The type attribute whose value DEF's mask speaks of; NULL: none. */
static const char *type_attr_of(const tn_kernel_def *def, const tn_node *node) {
  if (def->type_attr) return def->type_attr;
  const char *first = NULL;
  for (int i = 0; i < node->schema->n_attrs; i++) {
    const tn_attr_def *attr = &node->schema->attrs[i];
    if (attr->kind != TN_ATTR_TYPE || attr->is_list) continue;
    if (strcmp(attr->name, "T") == 0) return attr->name;
    if (!first) first = attr->name;
  }
  return first;
}

bool tn_kernel_takes(const tn_kernel_def *def, const tn_node *node) {
  if (!def->types) return true;
  const char *name = type_attr_of(def, node);
  const tn_attr *attr = name ? tn_node_attr(node, name) : NULL;
  if (!attr || attr->kind != TN_ATTR_TYPE || attr->is_list) return true;
  tn_dtype dtype = tn_dtype_base(attr->type);
  return dtype > TN_INVALID && dtype < TN_N_DTYPES && (def->types & TN_BIT(dtype)) != 0;
}

/* Kernel NAME of OP, a name or a number; NULL if there is none. */
static const tn_kernel_def *kernel_of(const tn_op_def *op, const char *name) {
  bool number = isdigit((unsigned char)name[0]) != 0;
  long wanted = number ? strtol(name, NULL, 10) : -1;
  for (int i = 0; op->kernels && op->kernels[i].name; i++) {
    if (number ? i == wanted : strcmp(op->kernels[i].name, name) == 0) return &op->kernels[i];
  }
  return NULL;
}

/* With the lock held: notes the wish, or takes it back where KERNEL is NULL. */
static tn_error *force(const char *op, const char *kernel) {
  if (strlen(op) >= NAME_SIZE || (kernel && strlen(kernel) >= NAME_SIZE)) {
    return tn_errorf(TN_INVALID_ARGUMENT, "the name of op %s or its kernel is too long", op);
  }
  int i = 0;
  while (i < n_forced && strcmp(forced[i].op, op) != 0) i++;
  if (!kernel) {
    if (i < n_forced) forced[i] = forced[--n_forced];
  } else {
    if (i == MAX_FORCED) return tn_errorf(TN_RESOURCE_EXHAUSTED, "more than %d kernels are forced", MAX_FORCED);
    strcpy(forced[i].op, op);
    strcpy(forced[i].kernel, kernel);
    if (i == n_forced) n_forced++;
  }
  atomic_store(&any_forced, n_forced > 0);
  return NULL;
}

/* TENON_KERNEL: "op=kernel,op=kernel". What does not parse is passed over: it is a lever for tests. */
static void read_environment(void) {
  const char *text = getenv("TENON_KERNEL");
  char *copy = text ? tn_strdup(text) : NULL;
  char *rest = NULL;
  for (char *word = copy ? strtok_r(copy, ",", &rest) : NULL; word; word = strtok_r(NULL, ",", &rest)) {
    char *equals = strchr(word, '=');
    if (!equals) continue;
    *equals = 0;
    tn_error_free(force(word, equals + 1));
  }
  tn_free(copy);
}

const tn_kernel_def *tn_kernel_forced(const tn_op_def *op, bool *only) {
  pthread_once(&once, read_environment);
  *only = false;
  if (!atomic_load_explicit(&any_forced, memory_order_relaxed)) return NULL;
  const tn_kernel_def *found = NULL;
  pthread_mutex_lock(&mutex);
  for (int i = 0; i < n_forced && !*only; i++) {
    bool named = strcmp(forced[i].op, op->name) == 0;
    if (!named && strcmp(forced[i].op, "*") != 0) continue;
    const tn_kernel_def *kernel = kernel_of(op, forced[i].kernel);
    if (kernel) found = kernel;
    if (kernel && named) *only = true;
  }
  pthread_mutex_unlock(&mutex);
  return found;
}

tn_error *tn_kernel_force(const char *op, const char *kernel) {
  pthread_once(&once, read_environment);
  if (op) {
    const tn_op_def *def = tn_op_find(op);
    if (!def) return tn_errorf(TN_NOT_FOUND, "there is no op '%s'", op);
    if (kernel && !kernel_of(def, kernel)) return tn_errorf(TN_NOT_FOUND, "%s has no kernel '%s'", op, kernel);
  }
  pthread_mutex_lock(&mutex);
  tn_error *error = force(op ? op : "*", kernel);
  pthread_mutex_unlock(&mutex);
  return error;
}

int tn_kernel_count(const char *op) {
  const tn_op_def *def = tn_op_find(op);
  int n = 0;
  while (def && def->kernels && def->kernels[n].name) n++;
  return n;
}

const char *tn_kernel_name(const char *op, int i) {
  return i >= 0 && i < tn_kernel_count(op) ? tn_op_find(op)->kernels[i].name : NULL;
}

/* With the lock held: the counter of OP's KERNEL; NULL when memory is out. */
static uint64_t *counter(const char *op, const char *kernel, bool make) {
  char key[2 * NAME_SIZE + 2];
  if ((size_t)snprintf(key, sizeof key, "%s/%s", op, kernel) >= sizeof key) return NULL;
  tn_error *error = prepared_counts ? NULL : tn_map_new(&prepared_counts);
  uint64_t *found = error ? NULL : tn_map_find(prepared_counts, key);
  if (!found && make && !error) {
    found = tn_calloc(1, sizeof *found);
    if (found) error = tn_map_put(prepared_counts, key, found);
    if (error) {
      tn_free(found);
      found = NULL;
    }
  }
  tn_error_free(error);
  return found;
}

void tn_kernel_count_prepared(const tn_op_def *op, const tn_kernel_def *def) {
  pthread_mutex_lock(&mutex);
  uint64_t *count = counter(op->name, def->name, true);
  if (count) ++*count;
  pthread_mutex_unlock(&mutex);
}

uint64_t tn_kernel_prepared(const char *op, const char *kernel) {
  pthread_mutex_lock(&mutex);
  uint64_t *count = counter(op, kernel, false);
  uint64_t n = count ? *count : 0;
  pthread_mutex_unlock(&mutex);
  return n;
}
