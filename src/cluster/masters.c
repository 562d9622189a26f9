/* Masters and those that replaced them. */
#include "cluster/masters.h"

#include "base/alloc.h"
#include "base/map.h"

/* How many replaced processes are remembered; of older ones nobody believes that they come back. */
enum { REMEMBERED = 1024 };

typedef struct master {
  uint64_t incarnation;
} master;

struct tn_masters {
  tn_map *current; /* name -> master */
  size_t n_replaced;
  uint64_t replaced[REMEMBERED];
};

tn_error *tn_masters_new(tn_masters **out) {
  tn_masters *made = tn_calloc(1, sizeof *made);
  if (!made) return tn_out_of_memory();
  tn_error *error = tn_map_new(&made->current);
  if (error) {
    tn_free(made);
    return error;
  }
  *out = made;
  return NULL;
}

void tn_masters_free(tn_masters *masters) {
  if (!masters) return;
  size_t cursor = 0;
  void *value = NULL;
  while (tn_map_next(masters->current, &cursor, NULL, NULL, &value)) tn_free(value);
  tn_map_free(masters->current);
  tn_free(masters);
}

static tn_error *add(tn_masters *masters, const char *name, uint64_t incarnation) {
  master *made = tn_malloc(sizeof *made);
  if (!made) return tn_out_of_memory();
  made->incarnation = incarnation;
  tn_error *error = tn_map_put(masters->current, name, made);
  if (error) tn_free(made);
  return error;
}

tn_error *tn_masters_admit(tn_masters *masters, const char *name, uint64_t incarnation, bool *replaces) {
  size_t n = masters->n_replaced < REMEMBERED ? masters->n_replaced : REMEMBERED;
  for (size_t i = 0; i < n; i++) {
    if (masters->replaced[i] != incarnation) continue;
    return tn_errorf(TN_FAILED_PRECONDITION,
                     "this process was %s until another process took its place, while it did not answer; its "
                     "successor goes on",
                     name);
  }
  master *known = tn_map_find(masters->current, name);
  if (!known) TN_TRY(add(masters, name, incarnation));
  bool other = known && known->incarnation != incarnation;
  if (other) {
    masters->replaced[masters->n_replaced++ % REMEMBERED] = known->incarnation;
    known->incarnation = incarnation;
  }
  *replaces = other;
  return NULL;
}
