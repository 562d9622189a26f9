/* Restore and RestoreSlice: one tensor, or a slice of it, out of a checkpoint of either format. */
#include "base/alloc.h"
#include "graph/shape.h"
#include "io/bundle.h"
#include "ops/io/text.h"

static tn_error *prepare(tn_prepare *p) {
  static const char *const names[] = {"file_pattern", "tensor_name", "shape_and_slice"};
  for (int i = 0; i < p->n_inputs; i++) {
    if (tn_shape_elements(&p->inputs[i].shape) == 1) continue;
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%s should have one element, but is %s", names[i],
                             TN_SHAPE_STR(&p->inputs[i].shape));
  }
  tn_prepare_dynamic(p, 0);
  return NULL;
}

static tn_error *restore(tn_run *r, const char *path, const char *name, const char *spec) {
  bool sliced = false;
  tn_shape full;
  tn_slice slice;
  if (spec) TN_TRY(tn_parse_shape_and_slice(spec, &sliced, &full, &slice));
  tn_bundle *bundle = NULL;
  TN_TRY(tn_bundle_open(path, &bundle));
  const tn_bundle_entry *entry = tn_bundle_find(bundle, name);
  tn_dtype wanted = r->outputs[0]->dtype;
  tn_tensor value = {0};
  tn_error *error = NULL;
  if (entry && entry->dtype != wanted) {
    error = tn_run_errorf(r, TN_INVALID_ARGUMENT, "'%s' is %s in the checkpoint, but %s is asked for", name,
                          tn_dtype_name(entry->dtype), tn_dtype_name(wanted));
  } else if (entry && sliced && !tn_shape_equal(&entry->shape, &full)) {
    error =
        tn_run_errorf(r, TN_INVALID_ARGUMENT, "'%s' has the shape %s in the checkpoint, but a slice of %s is asked for",
                      name, TN_SHAPE_STR(&entry->shape), TN_SHAPE_STR(&full));
  } else {
    error = sliced ? tn_bundle_read_slice(bundle, name, &slice, &value) : tn_bundle_read(bundle, name, &value);
  }
  tn_bundle_close(bundle);
  if (!error) tn_run_set(r, 0, &value);
  tn_tensor_clear(&value);
  return error;
}

static tn_error *run(tn_run *r) {
  char *path = NULL, *name = NULL, *spec = NULL;
  tn_error *error = tn_text_at(r, r->inputs[0], 0, &path);
  if (!error) error = tn_text_at(r, r->inputs[1], 0, &name);
  if (!error && r->n_inputs > 2) error = tn_text_at(r, r->inputs[2], 0, &spec);
  if (!error) error = restore(r, path, name, spec);
  tn_free(path);
  tn_free(name);
  tn_free(spec);
  return error;
}

static tn_error *shape_restore(tn_shape_ctx *c) {
  tn_shape s;
  for (int i = 0; i < c->n_inputs; i++) TN_TRY(tn_shape_with_rank(c, i, 0, &s));
  c->out[0] = tn_shape_unknown();
  return NULL;
}

/* A slice that is constant tells the shape. */
static tn_error *shape_slice(tn_shape_ctx *c) {
  TN_TRY(shape_restore(c));
  const tn_tensor *spec = c->value(c, 2);
  if (!spec) return NULL;
  const tn_string *text = TN_DATA(tn_string, spec);
  char *copy = tn_strndup(text->data ? text->data : "", text->size);
  if (!copy) return tn_out_of_memory();
  bool sliced = false;
  tn_shape full;
  tn_slice slice;
  tn_error *error = tn_parse_shape_and_slice(copy, &sliced, &full, &slice);
  if (!error && sliced) error = tn_slice_shape(&slice, &full, &c->out[0]);
  tn_free(copy);
  return error;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

#define FLAGS (TN_OP_STATEFUL | TN_OP_DYNAMIC_SHAPE | TN_OP_GRADIENT_UNREGISTERED)

TN_OP(Restore, .inputs = "file_pattern: string, tensor_name: string", .outputs = "tensor: dt",
      .attrs = "dt: type; preferred_shard: int = -1", .doc = "Restores a tensor from a checkpoint.",
      .flags = TN_OP_CHECKPOINT | FLAGS, .shape = shape_restore, .kernels = kernels);

TN_OP(RestoreSlice, .inputs = "file_pattern: string, tensor_name: string, shape_and_slice: string",
      .outputs = "tensor: dt", .attrs = "dt: type; preferred_shard: int = -1",
      .doc = "Restores a tensor, or a slice of it, from a checkpoint.", .flags = TN_OP_CHECKPOINT | FLAGS,
      .shape = shape_slice, .kernels = kernels);
