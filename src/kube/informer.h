/* A copy of all objects of one kind, kept up to date by a list and a watch that is resumed where it broke off. */
#ifndef TN_KUBE_INFORMER_H
#define TN_KUBE_INFORMER_H

#include "kube/api.h"

typedef struct tn_informer tn_informer;

typedef struct tn_informer_options {
  const char *path;     /* of the collection: "/api/v1/pods" */
  const char *selector; /* of labels, encoded for an address; NULL: all */
  /* Writes the key by which tn_informer_find finds OBJECT into KEY; false if it has none. NULL: no index. */
  bool (*index)(const json_t *object, char key[512]);
  /* Takes out of OBJECT what nobody needs, before it is kept. NULL: nothing but the managed fields. */
  void (*trim)(json_t *object);
  /* Called when an object came, changed or went (then NOW is NULL). Both are borrowed. */
  void (*changed)(void *argument, json_t *before, json_t *now);
  void *argument;
} tn_informer_options;

/* OPTIONS' texts are borrowed. Nothing is asked for before the first tn_informer_step. */
tn_error *tn_informer_new(tn_api *api, const tn_informer_options *options, tn_informer **out) TN_MUST_USE;
void tn_informer_free(tn_informer *informer);
/* Lists or watches if it is time to; returns the time in nanoseconds (of tn_now_ns) at which to call it again,
 * INT64_MAX while it waits for an answer. */
int64_t tn_informer_step(tn_informer *informer, int64_t now_ns);
/* True once the first list has come. */
bool tn_informer_synced(const tn_informer *informer);
/* Why the last list or watch failed, "" if it did not; the code of that. */
const char *tn_informer_trouble(const tn_informer *informer, tn_code *code);

/* Borrowed until the next tn_api_poll; NULL: there is none. */
json_t *tn_informer_get(const tn_informer *informer, const char *ns, const char *name);
/* The objects of an index key: *N of them. */
json_t *const *tn_informer_find(const tn_informer *informer, const char *key, size_t *n);
/* All of them: *CURSOR starts at 0; NULL at the end. */
json_t *tn_informer_next(const tn_informer *informer, size_t *cursor);
size_t tn_informer_size(const tn_informer *informer);
/* Takes in what a write of ours was answered with, unless a newer one is there: what we wrote is seen at once. */
void tn_informer_saw(tn_informer *informer, json_t *object);
/* The same for an object that is gone. */
void tn_informer_gone(tn_informer *informer, json_t *object);

#endif
