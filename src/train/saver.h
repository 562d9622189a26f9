/* Checkpoints from the inside: what models add to them, and the state file. */
#ifndef TN_TRAIN_SAVER_H
#define TN_TRAIN_SAVER_H

#include <tenon/train.h>

#include "io/bundle.h"

/* What begins keys that are not variables. */
#define TN_EXTRA_KEY "_tenon/"

/* A tensor that is saved beside the variables under a key that begins with TN_EXTRA_KEY. */
typedef struct tn_extra {
  const char *key;
  tn_tensor *value;
} tn_extra;

/* tn_saver_save with N extra tensors. */
tn_error *tn_saver_save_with(tn_saver *saver, const tn_net *net, tn_session *session, int64_t step, size_t n,
                             const tn_extra *extras) TN_MUST_USE;
/* The tensor KEY of BUNDLE, NULL if it has none. */
tn_error *tn_bundle_extra(tn_bundle *bundle, const char *key, tn_tensor **out) TN_MUST_USE;

/* --- the state file FOLDER/checkpoint: the names of the newest checkpoint and of all that are kept --- */
typedef struct tn_checkpoint_list {
  size_t n, capacity;
  char **names; /* the oldest first; as they stand in the file */
} tn_checkpoint_list;
tn_error *tn_checkpoint_list_add(tn_checkpoint_list *list, const char *name) TN_MUST_USE;
void tn_checkpoint_list_remove(tn_checkpoint_list *list, size_t i);
void tn_checkpoint_list_clear(tn_checkpoint_list *list);
tn_error *tn_state_file_write(const char *folder, const tn_checkpoint_list *list) TN_MUST_USE;
/* Appends what the file names to the empty LIST, the newest last. NOT_FOUND: there is no file. */
tn_error *tn_state_file_read(const char *folder, tn_checkpoint_list *list) TN_MUST_USE;
/* NAME in FOLDER; absolute names stay. To be freed. */
tn_error *tn_checkpoint_path(const char *folder, const char *name, char **out) TN_MUST_USE;

#endif
