/* The ops that hand out lookup tables. */
#include <string.h>

#include "data/lookup.h"
#include "graph/shape.h"
#include "kernel/handle.h"

static tn_error *create(void *argument, const char *name, tn_object **out) {
  tn_lookup *table = NULL;
  TN_TRY(tn_lookup_new(name, argument, &table));
  *out = &table->object;
  return NULL;
}

static tn_error *prepare(tn_prepare *p, tn_lookup_spec *spec) {
  spec->key_type = tn_node_get_type(p->node, "key_dtype");
  spec->value_type = tn_node_get_type(p->node, "value_dtype");
  tn_dtype types[2] = {spec->key_type, spec->value_type};
  for (int i = 0; i < 2; i++) {
    if (types[i] == TN_STRING || tn_dtype_is_plain(types[i])) continue;
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "a table can't hold %s", tn_dtype_name(types[i]));
  }
  if (!tn_shape_known(&spec->value)) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "the shape of the values must be known, but it is %s",
                             TN_SHAPE_STR(&spec->value));
  }
  tn_object *object = NULL;
  tn_handle_request request = {TN_LOOKUP_TYPE, create, spec};
  TN_TRY(tn_handle_prepare(p, &request, &object));
  return tn_error_context(tn_lookup_check((const tn_lookup *)object, spec), "%s '%s'", p->node->op->name,
                          p->node->name);
}

static tn_error *prepare_fixed(tn_prepare *p) {
  tn_lookup_spec spec = {.kind = TN_LOOKUP_FIXED, .key = tn_shape_scalar(), .value = tn_shape_scalar()};
  return prepare(p, &spec);
}

static tn_error *prepare_mutable(tn_prepare *p) {
  tn_lookup_spec spec = {.kind = TN_LOOKUP_MUTABLE, .key = tn_shape_scalar(), .value = tn_shape_scalar()};
  return prepare(p, &spec);
}

static tn_error *prepare_tensors(tn_prepare *p) {
  tn_lookup_spec spec = {
      .kind = TN_LOOKUP_TENSORS, .key = tn_shape_scalar(), .value = *tn_node_get_shape(p->node, "value_shape")};
  if (spec.value.rank > 1) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Default value must be a vector, got shape %s",
                             TN_SHAPE_STR(&spec.value));
  }
  return prepare(p, &spec);
}

static bool same_key(const tn_tensor *a, const tn_tensor *b) {
  int64_t n = tn_elements(a);
  if (a->dtype != TN_STRING) return memcmp(a->data, b->data, (size_t)n * tn_dtype_size(a->dtype)) == 0;
  for (int64_t i = 0; i < n; i++) {
    const tn_string *x = TN_DATA(const tn_string, a) + i, *y = TN_DATA(const tn_string, b) + i;
    if (x->size != y->size || (x->size && memcmp(x->data, y->data, x->size) != 0)) return false;
  }
  return true;
}

static tn_error *prepare_dense(tn_prepare *p) {
  tn_lookup_spec spec = {.kind = TN_LOOKUP_DENSE,
                         .key = p->inputs[0].shape,
                         .value = *tn_node_get_shape(p->node, "value_shape"),
                         .empty_key = &p->inputs[0],
                         .deleted_key = p->n_inputs > 1 ? &p->inputs[1] : NULL};
  float load = tn_node_get_float(p->node, "max_load_factor");
  int64_t buckets = tn_node_get_int(p->node, "initial_num_buckets");
  if (load <= 0 || load >= 1) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "max_load_factor must be between 0 and 1, got: %g", (double)load);
  }
  if (buckets < 4 || (buckets & (buckets - 1)) != 0) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Number of buckets must be at least 4 and a power of 2, got: %lld",
                             (long long)buckets);
  }
  if (spec.key.rank > 1 || (spec.deleted_key && !tn_shape_equal(&spec.key, &spec.deleted_key->shape))) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Empty and deleted keys must be scalars or vectors of one shape");
  }
  if (spec.deleted_key && same_key(spec.empty_key, spec.deleted_key)) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Empty and deleted keys cannot be equal");
  }
  return prepare(p, &spec);
}

#define KERNELS(PREPARE)                                                                                               \
  {                                                                                                                    \
    {.name = "reference", .prepare = (PREPARE), .run = tn_handle_run, .destroy = tn_handle_destroy}, { 0 }             \
  }
static const tn_kernel_def fixed[] = KERNELS(prepare_fixed);
static const tn_kernel_def mutables[] = KERNELS(prepare_mutable);
static const tn_kernel_def tensors[] = KERNELS(prepare_tensors);
static const tn_kernel_def dense[] = KERNELS(prepare_dense);

static tn_error *shape_ref(tn_shape_ctx *c) {
  c->out[0] = tn_shape_of(1, &(int64_t){2});
  return NULL;
}

/* What is known of the handle is the shape of the values, where keys are scalars. */
static tn_error *shape_mutable(tn_shape_ctx *c) {
  c->out[0] = tn_shape_scalar();
  if (!c->out_handles || (c->n_inputs > 0 && c->in[0].rank != 0)) return NULL;
  c->out_handles[0].dtype = tn_node_get_type(c->node, "value_dtype");
  bool named = tn_node_attr(c->node, "value_shape") != NULL;
  c->out_handles[0].shape = named ? *tn_node_get_shape(c->node, "value_shape") : tn_shape_scalar();
  return NULL;
}

#define FLAGS TN_OP_STATEFUL | TN_OP_NO_GRADIENT
#define NAMES                                                                                                          \
  "container: string = ''; shared_name: string = ''; use_node_name_sharing: bool = false; key_dtype: type; "           \
  "value_dtype: type"
#define SHAPED NAMES "; value_shape: shape = []"
#define DENSE  SHAPED "; initial_num_buckets: int = 131072; max_load_factor: float = 0.800000012"

TN_OP(HashTableV2, .inputs = "", .outputs = "table_handle: resource", .attrs = NAMES, .flags = FLAGS,
      .doc = "A table that is filled once.", .shape = tn_shape_scalar_out, .kernels = fixed);
TN_OP(HashTable, .inputs = "", .outputs = "table_handle: Ref(string)", .attrs = NAMES, .flags = FLAGS,
      .doc = "The old HashTableV2.", .shape = shape_ref, .kernels = fixed);
TN_OP(MutableHashTableV2, .inputs = "", .outputs = "table_handle: resource", .attrs = NAMES, .flags = FLAGS,
      .doc = "A table that changes.", .shape = shape_mutable, .kernels = mutables);
TN_OP(MutableHashTable, .inputs = "", .outputs = "table_handle: Ref(string)", .attrs = NAMES, .flags = FLAGS,
      .doc = "The old MutableHashTableV2.", .shape = shape_ref, .kernels = mutables);
TN_OP(MutableHashTableOfTensorsV2, .inputs = "", .outputs = "table_handle: resource", .attrs = SHAPED, .flags = FLAGS,
      .doc = "A table that changes, whose values are vectors.", .shape = shape_mutable, .kernels = tensors);
TN_OP(MutableHashTableOfTensors, .inputs = "", .outputs = "table_handle: Ref(string)", .attrs = SHAPED, .flags = FLAGS,
      .doc = "The old MutableHashTableOfTensorsV2.", .shape = shape_ref, .kernels = tensors);
TN_OP(MutableDenseHashTableV2, .inputs = "empty_key: key_dtype, deleted_key: key_dtype",
      .outputs = "table_handle: resource", .attrs = DENSE, .flags = FLAGS, .value_inputs = 3,
      .doc = "A table that changes; two keys may not be used.", .shape = shape_mutable, .kernels = dense);
TN_OP(MutableDenseHashTable, .inputs = "empty_key: key_dtype", .outputs = "table_handle: Ref(string)", .attrs = DENSE,
      .flags = FLAGS, .value_inputs = 1, .doc = "The old MutableDenseHashTableV2.", .shape = shape_ref,
      .kernels = dense);
