/* SerializeIterator and DeserializeIterator: where an iterator is, as a variant that checkpoints hold. */
#include <string.h>

#include "data/iterator.h"
#include "tensor/blob.h"

#define STATE_NAME "tenon::IteratorPosition"

static tn_error *iterator_at(const tn_run *r, int i, tn_iterator **out) {
  tn_object *object = NULL;
  TN_TRY(tn_run_object(r, i, TN_ITERATOR_TYPE, &object));
  *out = (tn_iterator *)object;
  return NULL;
}

static tn_error *serialize(tn_run *r) {
  tn_iterator *it = NULL;
  tn_str text = {0};
  tn_object *blob = NULL;
  TN_TRY(iterator_at(r, 0, &it));
  tn_error *error = tn_iterator_save(it, r->step, &text);
  if (!error) error = tn_blob_new(STATE_NAME, sizeof STATE_NAME - 1, text.data, text.size, &blob);
  tn_str_clear(&text);
  if (error) return error;
  return tn_run_set_handle(r, 0, blob);
}

static tn_error *deserialize(tn_run *r) {
  tn_iterator *it = NULL;
  TN_TRY(iterator_at(r, 0, &it));
  const tn_tensor *state = r->inputs[1];
  const tn_blob *blob = state->shape.rank == 0 ? tn_blob_of(TN_DATA(tn_object *, state)[0]) : NULL;
  if (!blob || strcmp(blob->name, STATE_NAME) != 0)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "serialized must be a scalar that SerializeIterator made");
  return tn_error_context(tn_iterator_restore(it, r->step, (tn_string){blob->bytes, blob->size}),
                          "DeserializeIterator '%s'", r->node->name);
}

static const tn_kernel_def serialize_kernels[] = {
    {.name = "reference", .prepare = tn_prepare_all_dynamic, .run = serialize}, {0}};
static const tn_kernel_def deserialize_kernels[] = {
    {.name = "reference", .prepare = tn_prepare_all_dynamic, .run = deserialize}, {0}};

#define FLAGS (TN_OP_STATEFUL | TN_OP_DYNAMIC_SHAPE | TN_OP_CALLS | TN_OP_GRADIENT_UNREGISTERED)

TN_OP(SerializeIterator, .inputs = "resource_handle: resource", .outputs = "serialized: variant",
      .attrs = "external_state_policy: int = 0", .doc = "Where an iterator is in its dataset.", .flags = FLAGS,
      .shape = tn_shape_scalar_out, .kernels = serialize_kernels);

TN_OP(DeserializeIterator, .inputs = "resource_handle: resource, serialized: variant", .attrs = "",
      .doc = "Puts an iterator back to where it was.", .flags = FLAGS, .shape = tn_shape_no_outputs,
      .kernels = deserialize_kernels);
