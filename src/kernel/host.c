/* The registry of host functions. */
#include "kernel/host.h"

#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/thread.h"

typedef struct host_function {
  atomic_int refs;
  tn_host_fn fn;
  void *argument;
  void (*release)(void *argument);
} host_function;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static tn_map *functions;

static void unref(host_function *f) {
  if (!f || atomic_fetch_sub(&f->refs, 1) != 1) return;
  if (f->release) f->release(f->argument);
  tn_free(f);
}

/* With the lock held. */
static tn_error *add(const char *token, host_function *f) {
  if (!functions) TN_TRY(tn_map_new(&functions));
  if (tn_map_find(functions, token)) {
    return tn_errorf(TN_ALREADY_EXISTS, "there is a host function '%.200s' already", token);
  }
  return tn_map_put(functions, token, f);
}

tn_error *tn_host_function_register(const char *token, tn_host_fn fn, void *argument, void (*release)(void *argument)) {
  host_function *f = tn_malloc(sizeof *f);
  if (!f) return tn_out_of_memory();
  *f = (host_function){.refs = 1, .fn = fn, .argument = argument, .release = release};
  tn_lock(&mutex);
  tn_error *error = add(token, f);
  tn_unlock(&mutex);
  if (error) tn_free(f);
  return error;
}

void tn_host_function_unregister(const char *token) {
  tn_lock(&mutex);
  host_function *f = functions ? tn_map_remove(functions, token, strlen(token)) : NULL;
  tn_unlock(&mutex);
  unref(f);
}

tn_error *tn_host_call(tn_string token, size_t n_in, tn_tensor *const *in, size_t n_out, const tn_dtype *out_types,
                       tn_tensor **out) {
  tn_lock(&mutex);
  host_function *f = functions ? tn_map_get(functions, token.size ? token.data : "", token.size) : NULL;
  if (f) atomic_fetch_add(&f->refs, 1);
  tn_unlock(&mutex);
  if (!f) {
    return tn_errorf(TN_INVALID_ARGUMENT, "callback %.*s is not found", token.size < 200 ? (int)token.size : 200,
                     token.size ? token.data : "");
  }
  tn_error *error = f->fn(f->argument, n_in, in, n_out, out_types, out);
  unref(f);
  return error;
}
