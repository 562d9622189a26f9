/* Save and SaveSlices: tensors, or slices of them, into a checkpoint of the first format. */
#include "base/alloc.h"
#include "graph/shape.h"
#include "io/bundle.h"
#include "ops/io/text.h"

static tn_error *check_names(tn_prepare *p, int first) {
  if (tn_shape_elements(&p->inputs[0].shape) != 1) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "filename should have one element, but is %s",
                             TN_SHAPE_STR(&p->inputs[0].shape));
  }
  for (int i = 1; i < first; i++) {
    const tn_shape *names = &p->inputs[i].shape;
    if (tn_shape_elements(names) == p->n_inputs - first) continue;
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%d tensors need as many names and slices, not %s",
                             p->n_inputs - first, TN_SHAPE_STR(names));
  }
  return NULL;
}

static tn_error *prepare_save(tn_prepare *p) { return check_names(p, 2); }
static tn_error *prepare_slices(tn_prepare *p) { return check_names(p, 3); }

static tn_error *add(tn_v1_writer *w, const char *name, const char *spec, const tn_tensor *value) {
  bool sliced = false;
  tn_shape full = value->shape;
  tn_slice slice = {.rank = full.rank};
  for (int i = 0; i < full.rank; i++) slice.length[i] = -1;
  if (spec) TN_TRY(tn_parse_shape_and_slice(spec, &sliced, &full, &slice));
  if (!sliced) {
    full = value->shape;
    slice.rank = full.rank;
    for (int i = 0; i < full.rank; i++) slice.length[i] = -1;
  }
  return tn_v1_add(w, name, &full, &slice, value);
}

static tn_error *save_all(tn_run *r, tn_v1_writer *w, int first) {
  for (int i = first; i < r->n_inputs; i++) {
    char *name = NULL, *spec = NULL;
    tn_error *error = tn_run_check(r);
    if (!error) error = tn_text_at(r, r->inputs[1], i - first, &name);
    if (!error && first == 3) error = tn_text_at(r, r->inputs[2], i - first, &spec);
    if (!error) error = add(w, name, spec, r->inputs[i]);
    tn_free(name);
    tn_free(spec);
    if (error) return error;
  }
  return NULL;
}

static tn_error *run(tn_run *r, int first) {
  char *path;
  TN_TRY(tn_text_at(r, r->inputs[0], 0, &path));
  tn_v1_writer *w = NULL;
  tn_error *error = tn_v1_create(&w);
  if (!error) error = save_all(r, w, first);
  if (!error) error = tn_v1_finish(w, path);
  tn_v1_free(w);
  tn_free(path);
  return error;
}

static tn_error *run_save(tn_run *r) { return run(r, 2); }
static tn_error *run_slices(tn_run *r) { return run(r, 3); }

static tn_error *shape(tn_shape_ctx *c, int first) {
  tn_shape s;
  TN_TRY(tn_shape_with_rank(c, 0, 0, &s));
  tn_shape want = {.rank = 1, .dims = {c->n_inputs - first}};
  for (int i = 1; i < first; i++) {
    TN_TRY(tn_shape_with_rank(c, i, 1, &s));
    TN_TRY(tn_shape_merge(c, &s, &want, &s));
  }
  return NULL;
}

static tn_error *shape_save(tn_shape_ctx *c) { return shape(c, 2); }
static tn_error *shape_slices(tn_shape_ctx *c) { return shape(c, 3); }

static const tn_kernel_def save_kernels[] = {{.name = "reference", .prepare = prepare_save, .run = run_save}, {0}};
static const tn_kernel_def slices_kernels[] = {{.name = "reference", .prepare = prepare_slices, .run = run_slices},
                                               {0}};

TN_OP(Save, .inputs = "filename: string, tensor_names: string, data: T", .outputs = "", .attrs = "T: list(type) >= 1",
      .doc = "Saves tensors in a checkpoint of the first format.",
      .flags = TN_OP_CHECKPOINT | TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = shape_save,
      .kernels = save_kernels);

TN_OP(SaveSlices, .inputs = "filename: string, tensor_names: string, shapes_and_slices: string, data: T", .outputs = "",
      .attrs = "T: list(type) >= 1", .doc = "Saves tensors, or slices of them, in a checkpoint of the first format.",
      .flags = TN_OP_CHECKPOINT | TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = shape_slices,
      .kernels = slices_kernels);
