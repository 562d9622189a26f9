/* SaveV2: tensors, or slices of tensors, into a checkpoint. */
#include <inttypes.h>

#include "base/alloc.h"
#include "graph/shape.h"
#include "io/bundle.h"
#include "ops/io/text.h"

/* PREFIX must be a scalar, names and slices vectors with one element for each of N tensors. */
static tn_error *check(tn_prepare *p, int n) {
  const tn_shape *prefix = &p->inputs[0].shape, *names = &p->inputs[1].shape, *slices = &p->inputs[2].shape;
  if (tn_shape_elements(prefix) != 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "prefix should have one element, but is %s", TN_SHAPE_STR(prefix));
  if (names->rank != 1 || slices->rank != 1 || names->dims[0] != n || slices->dims[0] != n)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%d tensors need as many names and slices, not %s and %s", n,
                             TN_SHAPE_STR(names), TN_SHAPE_STR(slices));
  return NULL;
}

static tn_error *prepare(tn_prepare *p) { return check(p, p->n_inputs - 3); }

static tn_error *save_tensor(tn_run *r, tn_bundle_writer *w, int i, const char *name, const char *spec) {
  bool sliced;
  tn_shape full;
  tn_slice slice;
  TN_TRY(tn_parse_shape_and_slice(spec, &sliced, &full, &slice));
  const tn_tensor *value = r->inputs[3 + i];
  return sliced ? tn_bundle_add_slice(w, name, &full, &slice, value) : tn_bundle_add(w, name, value);
}

static tn_error *run(tn_run *r) {
  char *prefix;
  TN_TRY(tn_text_at(r, r->inputs[0], 0, &prefix));
  tn_bundle_writer *w = NULL;
  tn_error *error = tn_bundle_create(prefix, &w);
  for (int i = 0; !error && i < r->n_inputs - 3; i++) {
    char *name = NULL, *spec = NULL;
    error = tn_run_check(r);
    if (!error) error = tn_text_at(r, r->inputs[1], i, &name);
    if (!error) error = tn_text_at(r, r->inputs[2], i, &spec);
    if (!error) error = save_tensor(r, w, i, name, spec);
    tn_free(name);
    tn_free(spec);
  }
  if (error) {
    tn_bundle_abandon(w);
  } else {
    error = tn_bundle_finish(w);
  }
  tn_free(prefix);
  return error;
}

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape s, names, merged;
  TN_TRY(tn_shape_with_rank(c, 0, 0, &s));
  TN_TRY(tn_shape_with_rank(c, 1, 1, &names));
  TN_TRY(tn_shape_with_rank(c, 2, 1, &s));
  int64_t n = c->n_inputs - 3;
  TN_TRY(tn_shape_merge(c, &names, &(tn_shape){.rank = 1, .dims = {n}}, &merged));
  return tn_shape_merge(c, &s, &merged, &merged);
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(SaveV2, .inputs = "prefix: string, tensor_names: string, shape_and_slices: string, tensors: dtypes",
      .outputs = "", .attrs = "dtypes: list(type) >= 1",
      .doc = "Saves tensors, or slices of them, in a checkpoint of the second format.",
      .flags = TN_OP_CHECKPOINT | TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = shape, .kernels = kernels);
