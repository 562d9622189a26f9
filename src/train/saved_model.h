/* What saved_model.pb says: SavedModel and MetaGraphDef messages, as far as loading and looking need them. */
#ifndef TN_TRAIN_SAVED_MODEL_H
#define TN_TRAIN_SAVED_MODEL_H

#include <tenon/saved_model.h>

#include "base/alloc.h"

/* A file that the graph is told the path of. */
typedef struct tn_model_asset {
  const char *tensor, *filename;
} tn_model_asset;

/* A growing array in an arena. */
typedef struct tn_model_list {
  void *items;
  size_t n, capacity;
} tn_model_list;

/* One MetaGraphDef. Texts are "" where the message has none. */
typedef struct tn_meta_graph {
  const char *tags;
  const char *graph_def; /* in the bytes that were read */
  size_t graph_def_size;
  const char *filename_tensor, *restore_op;
  const char *init_op;      /* the operation that initialises tables; a tensor's name may stand for it */
  tn_model_list signatures; /* of tn_signature, by key */
  tn_model_list assets;     /* of tn_model_asset */
} tn_meta_graph;

/* Reads SIZE BYTES, which are a SavedModel, into GRAPHS (of tn_meta_graph). All lives in ARENA, but the graphs' bytes.
 * INVALID_ARGUMENT. */
tn_error *tn_saved_model_read(const char *bytes, size_t size, tn_arena *arena, tn_model_list *graphs) TN_MUST_USE;

#endif
