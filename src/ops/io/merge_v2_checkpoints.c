/* MergeV2Checkpoints: the parts that several devices saved become one checkpoint. */
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "graph/shape.h"
#include "io/bundle.h"
#include "io/file.h"
#include "ops/io/text.h"

static tn_error *prepare(tn_prepare *p) {
  if (p->inputs[0].shape.rank != 1 || tn_shape_elements(&p->inputs[1].shape) != 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "checkpoint_prefixes should be a vector and destination_prefix a scalar, not %s and %s",
                             TN_SHAPE_STR(&p->inputs[0].shape), TN_SHAPE_STR(&p->inputs[1].shape));
  return NULL;
}

/* Drops the prefixes whose index is missing; there may be such where the attribute allows it. */
static size_t existing(char **prefixes, size_t n) {
  size_t kept = 0;
  for (size_t i = 0; i < n; i++) {
    size_t size = strlen(prefixes[i]);
    char *index = tn_malloc(size + sizeof ".index");
    bool there = index && (memcpy(index, prefixes[i], size), memcpy(index + size, ".index", sizeof ".index"),
                           tn_file_exists(index));
    tn_free(index);
    if (there)
      prefixes[kept++] = prefixes[i];
    else
      tn_free(prefixes[i]);
  }
  return kept;
}

/* Removes the folders of the parts where they are empty now. */
static void remove_folders(char **prefixes, size_t n, const char *destination) {
  for (size_t i = 0; i < n; i++) {
    char *slash = strrchr(prefixes[i], '/');
    if (!slash || slash == prefixes[i] || !strncmp(destination, prefixes[i], (size_t)(slash - prefixes[i]) + 1))
      continue;
    *slash = 0;
    (void)rmdir(prefixes[i]);
  }
}

static tn_error *run(tn_run *r) {
  size_t n = (size_t)tn_elements(r->inputs[0]), filled = 0;
  char *destination, **prefixes = tn_calloc(n, sizeof *prefixes);
  if (!prefixes) return tn_out_of_memory();
  tn_error *error = tn_text_at(r, r->inputs[1], 0, &destination);
  if (error) {
    tn_free(prefixes);
    return error;
  }
  while (!error && filled < n) {
    error = tn_text_at(r, r->inputs[0], (int64_t)filled, &prefixes[filled]);
    if (!error) filled++;
  }
  if (!error && tn_node_get_bool(r->node, "allow_missing_files")) filled = existing(prefixes, filled);
  if (!error && !filled)
    error = tn_run_errorf(r, TN_INVALID_ARGUMENT, "there is no checkpoint to merge into '%s'", destination);
  if (!error) error = tn_bundle_merge(filled, (const char *const *)prefixes, destination);
  if (!error && tn_node_get_bool(r->node, "delete_old_dirs")) remove_folders(prefixes, filled, destination);
  for (size_t i = 0; i < filled; i++) tn_free(prefixes[i]);
  tn_free(prefixes);
  tn_free(destination);
  return error;
}

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape s;
  TN_TRY(tn_shape_with_rank(c, 0, 1, &s));
  return tn_shape_with_rank(c, 1, 0, &s);
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(MergeV2Checkpoints, .inputs = "checkpoint_prefixes: string, destination_prefix: string", .outputs = "",
      .attrs = "delete_old_dirs: bool = true; allow_missing_files: bool = false",
      .doc = "Joins the checkpoints that several devices saved into one.",
      .flags = TN_OP_CHECKPOINT | TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = shape, .kernels = kernels);
