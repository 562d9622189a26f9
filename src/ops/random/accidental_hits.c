/* ComputeAccidentalHits: sampled classes that are true ones. */
#include <float.h>

#include "base/alloc.h"
#include "base/map.h"
#include "graph/shape.h"
#include "kernel/kernel.h"

static tn_error *prepare(tn_prepare *p) {
  const tn_shape *classes = &p->inputs[0].shape, *sampled = &p->inputs[1].shape;
  if (classes->rank != 2 || classes->dims[1] != tn_node_get_int(p->node, "num_true"))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "true_classes must be a batch_size * num_true matrix, got %s",
                             TN_SHAPE_STR(classes));
  if (sampled->rank != 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "sampled_candidates must be a vector, got shape %s",
                             TN_SHAPE_STR(sampled));
  for (int i = 0; i < 3; i++) tn_prepare_dynamic(p, i);
  return NULL;
}

/* The place of a class plus one, as the map's value. */
static void *place(int64_t i) { return (void *)(intptr_t)(i + 1); }

static tn_error *hits(tn_run *r, const tn_map *map) {
  const tn_tensor *classes = r->inputs[0];
  int64_t total = tn_elements(classes), width = classes->shape.dims[1], n = 0;
  for (int64_t i = 0; i < total; i++) n += tn_map_find_u64(map, (uint64_t)TN_DATA(int64_t, classes)[i]) != NULL;
  tn_shape shape = tn_shape_of(1, &n);
  for (int i = 0; i < 3; i++) TN_TRY(tn_run_allocate(r, i, &shape));
  for (int64_t i = n = 0; i < total; i++) {
    void *found = tn_map_find_u64(map, (uint64_t)TN_DATA(int64_t, classes)[i]);
    if (!found) continue;
    TN_DATA(int32_t, r->outputs[0])[n] = (int32_t)(i / width);
    TN_DATA(int64_t, r->outputs[1])[n] = (int64_t)(intptr_t)found - 1;
    TN_DATA(float, r->outputs[2])[n++] = -FLT_MAX;
  }
  return NULL;
}

static tn_error *run(tn_run *r) {
  tn_map *map;
  TN_TRY(tn_map_new(&map));
  tn_error *error = NULL;
  for (int64_t i = 0; i < tn_elements(r->inputs[1]) && !error; i++)
    error = tn_map_put_u64(map, (uint64_t)TN_DATA(int64_t, r->inputs[1])[i], place(i));
  if (!error) error = hits(r, map);
  tn_map_free(map);
  return error;
}

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape classes, sampled;
  int64_t width;
  TN_TRY(tn_shape_with_rank(c, 0, 2, &classes));
  if (classes.rank == 2) TN_TRY(tn_dim_merge(c, classes.dims[1], tn_node_get_int(c->node, "num_true"), &width));
  TN_TRY(tn_shape_with_rank(c, 1, 1, &sampled));
  for (int i = 0; i < 3; i++) c->out[i] = tn_shape_unknown_of_rank(1);
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(ComputeAccidentalHits, .inputs = "true_classes: int64, sampled_candidates: int64",
      .outputs = "indices: int32, ids: int64, weights: float", .attrs = "num_true: int; seed: int = 0; seed2: int = 0",
      .doc = "Rows and places of sampled classes that are true in those rows, with a weight of minus infinity nearly.",
      .flags = TN_OP_GRADIENT_UNREGISTERED | TN_OP_DYNAMIC_SHAPE, .shape = shape, .kernels = kernels);
