/* RestoreV2: tensors, or slices of tensors, out of a checkpoint. */
#include "base/alloc.h"
#include "graph/shape.h"
#include "io/bundle.h"
#include "ops/io/text.h"

static tn_error *prepare(tn_prepare *p) {
  const tn_shape *prefix = &p->inputs[0].shape, *names = &p->inputs[1].shape, *slices = &p->inputs[2].shape;
  if (tn_shape_elements(prefix) != 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "prefix should have one element, but is %s", TN_SHAPE_STR(prefix));
  if (names->rank != 1 || slices->rank != 1 || names->dims[0] != p->n_outputs || slices->dims[0] != p->n_outputs)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%d dtypes need as many names and slices, not %s and %s",
                             p->n_outputs, TN_SHAPE_STR(names), TN_SHAPE_STR(slices));
  return tn_prepare_all_dynamic(p);
}

static tn_error *restore(tn_run *r, tn_bundle *bundle, int i, const char *name, const char *spec) {
  bool sliced;
  tn_shape full;
  tn_slice slice;
  TN_TRY(tn_parse_shape_and_slice(spec, &sliced, &full, &slice));
  const tn_bundle_entry *entry = tn_bundle_find(bundle, name);
  tn_dtype wanted = r->outputs[i]->dtype;
  if (entry && entry->dtype != wanted)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "'%s' is %s in the checkpoint, but %s is asked for", name,
                         tn_dtype_name(entry->dtype), tn_dtype_name(wanted));
  if (entry && sliced && !tn_shape_equal(&entry->shape, &full))
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "'%s' has the shape %s in the checkpoint, but a slice of %s is asked for", name,
                         TN_SHAPE_STR(&entry->shape), TN_SHAPE_STR(&full));
  tn_tensor value = {0};
  TN_TRY(sliced ? tn_bundle_read_slice(bundle, name, &slice, &value) : tn_bundle_read(bundle, name, &value));
  tn_run_set(r, i, &value);
  tn_tensor_clear(&value);
  return NULL;
}

static tn_error *run(tn_run *r) {
  char *prefix;
  TN_TRY(tn_text_at(r, r->inputs[0], 0, &prefix));
  tn_bundle *bundle = NULL;
  tn_error *error = tn_bundle_open(prefix, &bundle);
  for (int i = 0; !error && i < r->n_outputs; i++) {
    char *name = NULL, *spec = NULL;
    error = tn_run_check(r);
    if (!error) error = tn_text_at(r, r->inputs[1], i, &name);
    if (!error) error = tn_text_at(r, r->inputs[2], i, &spec);
    if (!error) error = restore(r, bundle, i, name, spec);
    tn_free(name);
    tn_free(spec);
  }
  tn_bundle_close(bundle);
  tn_free(prefix);
  return error;
}

/* A slice that is constant tells the shape of its tensor. */
static tn_error *shape(tn_shape_ctx *c) {
  tn_shape s, names, merged;
  TN_TRY(tn_shape_with_rank(c, 0, 0, &s));
  TN_TRY(tn_shape_with_rank(c, 1, 1, &names));
  TN_TRY(tn_shape_with_rank(c, 2, 1, &s));
  TN_TRY(tn_shape_merge(c, &names, &s, &merged));
  const tn_tensor *specs = c->value(c, 2);
  if (!specs) return NULL;
  for (int i = 0; i < c->n_outputs && i < specs->shape.dims[0]; i++) {
    const tn_string *text = TN_DATA(tn_string, specs) + i;
    char *copy = tn_strndup(text->data ? text->data : "", text->size);
    if (!copy) return tn_out_of_memory();
    bool sliced = false;
    tn_shape full;
    tn_slice slice;
    tn_error *error = tn_parse_shape_and_slice(copy, &sliced, &full, &slice);
    if (!error && sliced) error = tn_slice_shape(&slice, &full, &c->out[i]);
    tn_free(copy);
    TN_TRY(error);
  }
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(RestoreV2, .inputs = "prefix: string, tensor_names: string, shape_and_slices: string",
      .outputs = "tensors: dtypes", .attrs = "dtypes: list(type) >= 1",
      .doc = "Restores tensors, or slices of them, from a checkpoint of the second format.",
      .flags = TN_OP_CHECKPOINT | TN_OP_STATEFUL | TN_OP_DYNAMIC_SHAPE | TN_OP_GRADIENT_UNREGISTERED, .shape = shape,
      .kernels = kernels);
