/* Finding, setting, removing, exporting what lookup tables hold. */
#include <string.h>

#include "data/ops/lookup_ops.h"
#include "kernel/copy.h"

/* --- shapes --- */

/* HEAD followed by TAIL. */
static tn_error *joined(const tn_run *r, const tn_shape *head, const tn_shape *tail, tn_shape *out) {
  if (head->rank + tail->rank > TN_MAX_RANK) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "the result has too many dimensions");
  }
  *out = *head;
  for (int i = 0; i < tail->rank; i++) out->dims[out->rank++] = tail->dims[i];
  return NULL;
}

/* What is before the shape of one key in that of KEYS. */
static tn_error *leading(const tn_run *r, const tn_lookup *table, const tn_tensor *keys, tn_shape *out) {
  const tn_shape *all = &keys->shape, *one = &table->spec.key;
  int rank = all->rank - one->rank;
  bool fits = rank >= 0;
  for (int i = 0; fits && i < one->rank; i++) fits = all->dims[rank + i] == one->dims[i];
  if (!fits) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Input key shape %s must end with the table's key shape %s",
                         TN_SHAPE_STR(all), TN_SHAPE_STR(one));
  }
  *out = tn_shape_of(rank, all->dims);
  return NULL;
}

/* --- finding --- */

static tn_error *prepare_find(tn_prepare *p) {
  tn_prepare_dynamic(p, 0);
  return NULL;
}

/* Whether there is a value for each missing key; else there is one for all of them. */
static tn_error *check_missing(const tn_run *r, const tn_lookup *table, const tn_shape *whole, bool *each) {
  const tn_shape *missing = &r->inputs[2]->shape;
  *each = !tn_shape_equal(missing, &table->spec.value);
  bool fits = !*each || tn_shape_equal(missing, whole);
  if (table->spec.kind == TN_LOOKUP_FIXED) *each = false; /* TensorFlow's takes the first one */
  if (fits) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Expected shape %s or %s for default value, got %s",
                       TN_SHAPE_STR(&table->spec.value), TN_SHAPE_STR(whole), TN_SHAPE_STR(missing));
}

static tn_error *find(tn_run *r, const tn_lookup *table) {
  if (table->spec.kind == TN_LOOKUP_FIXED && !table->initialized) {
    return tn_run_errorf(r, TN_FAILED_PRECONDITION, "Table not initialized.");
  }
  tn_shape head, shape;
  bool each = false;
  TN_TRY(leading(r, table, r->inputs[1], &head));
  TN_TRY(joined(r, &head, &table->spec.value, &shape));
  TN_TRY(check_missing(r, table, &shape, &each));
  TN_TRY(tn_run_allocate(r, 0, &shape));
  int64_t n = tn_shape_elements(&head);
  TN_TRY(tn_lookup_check_keys(table, r->inputs[1]->data, n));
  return tn_lookup_find(table, r->inputs[1]->data, n, r->inputs[2]->data, each, r->outputs[0]->data);
}

static tn_error *run_find(tn_run *r) {
  tn_lookup *table = NULL;
  TN_TRY(tn_lookup_of(r, &table));
  TN_TRY(tn_lookup_check_types(r, table, r->inputs[1]->dtype, r->inputs[2]->dtype));
  pthread_rwlock_rdlock(&table->lock);
  tn_error *error = find(r, table);
  pthread_rwlock_unlock(&table->lock);
  return tn_error_context(error, "%s '%s'", r->node->op->name, r->node->name);
}

/* --- setting --- */

/* *N: how many keys there are; there are as many values. */
static tn_error *check_pairs(const tn_run *r, const tn_lookup *table, int64_t *n) {
  TN_TRY(tn_lookup_check_types(r, table, r->inputs[1]->dtype, r->inputs[2]->dtype));
  tn_shape head, shape;
  TN_TRY(leading(r, table, r->inputs[1], &head));
  TN_TRY(joined(r, &head, &table->spec.value, &shape));
  *n = tn_shape_elements(&head);
  if (tn_shape_equal(&shape, &r->inputs[2]->shape)) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Expected shape %s for value, got %s", TN_SHAPE_STR(&shape),
                       TN_SHAPE_STR(&r->inputs[2]->shape));
}

static tn_error *run_insert(tn_run *r) {
  tn_lookup *table = NULL;
  int64_t n = 0;
  TN_TRY(tn_lookup_of(r, &table));
  if (table->spec.kind == TN_LOOKUP_FIXED) {
    return tn_run_errorf(r, TN_UNIMPLEMENTED, "Insert not supported by InitializableLookupTable implementations");
  }
  TN_TRY(check_pairs(r, table, &n));
  pthread_rwlock_wrlock(&table->lock);
  tn_error *error = tn_lookup_check_keys(table, r->inputs[1]->data, n);
  if (!error) error = tn_lookup_put(table, r->inputs[1]->data, r->inputs[2]->data, n, false);
  pthread_rwlock_unlock(&table->lock);
  return tn_error_context(error, "%s '%s'", r->node->op->name, r->node->name);
}

static tn_error *run_remove(tn_run *r) {
  tn_lookup *table = NULL;
  tn_shape head;
  TN_TRY(tn_lookup_of(r, &table));
  if (table->spec.kind == TN_LOOKUP_FIXED) {
    return tn_run_errorf(r, TN_UNIMPLEMENTED, "Remove not supported by InitializableLookupTable implementations");
  }
  TN_TRY(tn_lookup_check_types(r, table, r->inputs[1]->dtype, TN_INVALID));
  TN_TRY(leading(r, table, r->inputs[1], &head));
  int64_t n = tn_shape_elements(&head);
  pthread_rwlock_wrlock(&table->lock);
  tn_error *error = tn_lookup_check_keys(table, r->inputs[1]->data, n);
  if (!error) error = tn_lookup_remove(table, r->inputs[1]->data, n);
  pthread_rwlock_unlock(&table->lock);
  return tn_error_context(error, "%s '%s'", r->node->op->name, r->node->name);
}

/* With the lock held: the content is what is given. Keys that may not be used are left out. */
static tn_error *replace(const tn_run *r, tn_lookup *table, int64_t n) {
  const tn_tensor *keys = r->inputs[1], *values = r->inputs[2];
  tn_lookup_clear(table);
  size_t key = (size_t)table->key_elements * tn_dtype_size(keys->dtype);
  size_t value = (size_t)table->value_elements * tn_dtype_size(values->dtype);
  for (int64_t i = 0; i < n; i++) {
    const char *at = (const char *)keys->data + (size_t)i * key;
    tn_error *reserved = tn_lookup_check_keys(table, at, 1);
    if (reserved) {
      tn_error_free(reserved);
      continue;
    }
    TN_TRY(tn_lookup_put(table, at, (const char *)values->data + (size_t)i * value, 1, false));
  }
  return NULL;
}

tn_error *tn_lookup_fill(const tn_run *r, tn_lookup *table, const void *keys, const void *values, int64_t n) {
  if (table->spec.kind != TN_LOOKUP_FIXED) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "the table %s can't be initialized: it changes", table->name);
  }
  pthread_rwlock_wrlock(&table->lock);
  bool again = table->initialized;
  tn_error *error = NULL;
  if (!again) {
    error = tn_lookup_put(table, keys, values, n, true);
  } else if (n != table->n) {
    error = tn_errorf(TN_FAILED_PRECONDITION, "Table was already initialized with different data.");
  }
  if (!error) table->initialized = true;
  if (error && !again) tn_lookup_clear(table);
  pthread_rwlock_unlock(&table->lock);
  return tn_error_context(error, "%s '%s'", r->node->op->name, r->node->name);
}

static tn_error *run_import(tn_run *r) {
  tn_lookup *table = NULL;
  int64_t n = 0;
  TN_TRY(tn_lookup_of(r, &table));
  TN_TRY(check_pairs(r, table, &n));
  if (table->spec.kind == TN_LOOKUP_FIXED) return tn_lookup_fill(r, table, r->inputs[1]->data, r->inputs[2]->data, n);
  pthread_rwlock_wrlock(&table->lock);
  tn_error *error = replace(r, table, n);
  pthread_rwlock_unlock(&table->lock);
  return tn_error_context(error, "%s '%s'", r->node->op->name, r->node->name);
}

static tn_error *run_initialize(tn_run *r) {
  tn_lookup *table = NULL;
  int64_t n = 0;
  TN_TRY(tn_lookup_of(r, &table));
  if (r->inputs[1]->shape.rank != 1) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Keys must be a vector, but received shape %s",
                         TN_SHAPE_STR(&r->inputs[1]->shape));
  }
  TN_TRY(check_pairs(r, table, &n));
  return tn_lookup_fill(r, table, r->inputs[1]->data, r->inputs[2]->data, n);
}

/* --- all of it --- */

static tn_error *prepare_export(tn_prepare *p) {
  tn_prepare_dynamic(p, 0);
  tn_prepare_dynamic(p, 1);
  return NULL;
}

/* With the lock held. */
static tn_error *export(tn_run *r, const tn_lookup *table) {
  tn_shape rows = tn_shape_of(1, &table->n), keys, values;
  TN_TRY(joined(r, &rows, &table->spec.key, &keys));
  TN_TRY(joined(r, &rows, &table->spec.value, &values));
  TN_TRY(tn_run_allocate(r, 0, &keys));
  TN_TRY(tn_run_allocate(r, 1, &values));
  if (table->n == 0) return NULL;
  TN_TRY(tn_copy_dense(table->spec.key_type, r->outputs[0]->data, table->keys, table->n * table->key_elements));
  return tn_copy_dense(table->spec.value_type, r->outputs[1]->data, table->values, table->n * table->value_elements);
}

static tn_error *run_export(tn_run *r) {
  tn_lookup *table = NULL;
  TN_TRY(tn_lookup_of(r, &table));
  TN_TRY(tn_lookup_check_types(r, table, r->outputs[0]->dtype, r->outputs[1]->dtype));
  pthread_rwlock_rdlock(&table->lock);
  tn_error *error = export(r, table);
  pthread_rwlock_unlock(&table->lock);
  return error;
}

static tn_error *prepare_size(tn_prepare *p) {
  tn_shape scalar = tn_shape_scalar();
  return tn_prepare_output(p, 0, &scalar);
}

static tn_error *run_size(tn_run *r) {
  tn_lookup *table = NULL;
  TN_TRY(tn_lookup_of(r, &table));
  pthread_rwlock_rdlock(&table->lock);
  *TN_DATA(int64_t, r->outputs[0]) = table->n;
  pthread_rwlock_unlock(&table->lock);
  return NULL;
}

/* --- the ops --- */

static const tn_kernel_def finds[] = {{.name = "reference", .prepare = prepare_find, .run = run_find}, {0}};
static const tn_kernel_def inserts[] = {{.name = "reference", .prepare = tn_prepare_nothing, .run = run_insert}, {0}};
static const tn_kernel_def removes[] = {{.name = "reference", .prepare = tn_prepare_nothing, .run = run_remove}, {0}};
static const tn_kernel_def imports[] = {{.name = "reference", .prepare = tn_prepare_nothing, .run = run_import}, {0}};
static const tn_kernel_def fills[] = {{.name = "reference", .prepare = tn_prepare_nothing, .run = run_initialize}, {0}};
static const tn_kernel_def exports[] = {{.name = "reference", .prepare = prepare_export, .run = run_export}, {0}};
static const tn_kernel_def sizes[] = {{.name = "reference", .prepare = prepare_size, .run = run_size}, {0}};

static tn_error *shape_find(tn_shape_ctx *c) {
  if (!c->in_handles || c->in_handles[0].dtype == TN_INVALID) return NULL;
  const tn_shape *one = &c->in_handles[0].shape;
  if (c->in[1].rank < 0 || one->rank < 0 || c->in[1].rank + one->rank > TN_MAX_RANK) return NULL;
  c->out[0] = c->in[1];
  for (int i = 0; i < one->rank; i++) c->out[0].dims[c->out[0].rank++] = one->dims[i];
  return NULL;
}

static tn_error *shape_fill(tn_shape_ctx *c) {
  tn_shape keys, both;
  TN_TRY(tn_shape_with_rank(c, 1, 1, &keys));
  return tn_shape_merge(c, &keys, &c->in[2], &both);
}

#define NEW  TN_OP_STATEFUL | TN_OP_NO_GRADIENT
#define FREE TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED

TN_OP(LookupTableFindV2, .inputs = "table_handle: resource, keys: Tin, default_value: Tout", .outputs = "values: Tout",
      .attrs = "Tin: type; Tout: type", .doc = "The values of keys, default_value where there are none.",
      .flags = NEW | TN_OP_DYNAMIC_SHAPE | TN_OP_READ_ONLY, .shape = shape_find, .kernels = finds);
TN_OP(LookupTableFind, .inputs = "table_handle: Ref(string), keys: Tin, default_value: Tout", .outputs = "values: Tout",
      .attrs = "Tin: type; Tout: type", .doc = "The old LookupTableFindV2.",
      .flags = TN_OP_NO_GRADIENT | TN_OP_DYNAMIC_SHAPE | TN_OP_READ_ONLY, .shape = tn_shape_unknown_out,
      .kernels = finds);
TN_OP(LookupTableInsertV2, .inputs = "table_handle: resource, keys: Tin, values: Tout", .outputs = "",
      .attrs = "Tin: type; Tout: type", .doc = "Sets the values of keys.", .flags = NEW, .shape = tn_shape_no_outputs,
      .kernels = inserts);
TN_OP(LookupTableInsert, .inputs = "table_handle: Ref(string), keys: Tin, values: Tout", .outputs = "",
      .attrs = "Tin: type; Tout: type", .doc = "The old LookupTableInsertV2.", .flags = TN_OP_NO_GRADIENT,
      .shape = tn_shape_no_outputs, .kernels = inserts);
TN_OP(LookupTableRemoveV2, .inputs = "table_handle: resource, keys: Tin", .outputs = "", .attrs = "Tin: type",
      .doc = "Removes keys and their values.", .flags = FREE, .shape = tn_shape_no_outputs, .kernels = removes);
TN_OP(LookupTableImportV2, .inputs = "table_handle: resource, keys: Tin, values: Tout", .outputs = "",
      .attrs = "Tin: type; Tout: type", .doc = "Replaces all that a table holds.", .flags = FREE,
      .shape = tn_shape_no_outputs, .kernels = imports);
TN_OP(LookupTableImport, .inputs = "table_handle: Ref(string), keys: Tin, values: Tout", .outputs = "",
      .attrs = "Tin: type; Tout: type", .doc = "The old LookupTableImportV2.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = tn_shape_no_outputs, .kernels = imports);
TN_OP(LookupTableExportV2, .inputs = "table_handle: resource", .outputs = "keys: Tkeys, values: Tvalues",
      .attrs = "Tkeys: type; Tvalues: type", .doc = "All keys and values of a table.",
      .flags = FREE | TN_OP_DYNAMIC_SHAPE | TN_OP_READ_ONLY, .shape = tn_shape_unknown_out, .kernels = exports);
TN_OP(LookupTableExport, .inputs = "table_handle: Ref(string)", .outputs = "keys: Tkeys, values: Tvalues",
      .attrs = "Tkeys: type; Tvalues: type", .doc = "The old LookupTableExportV2.",
      .flags = TN_OP_GRADIENT_UNREGISTERED | TN_OP_DYNAMIC_SHAPE | TN_OP_READ_ONLY, .shape = tn_shape_unknown_out,
      .kernels = exports);
TN_OP(LookupTableSizeV2, .inputs = "table_handle: resource", .outputs = "size: int64", .attrs = "",
      .doc = "The number of keys in a table.", .flags = NEW | TN_OP_READ_ONLY, .shape = tn_shape_scalar_out,
      .kernels = sizes);
TN_OP(LookupTableSize, .inputs = "table_handle: Ref(string)", .outputs = "size: int64", .attrs = "",
      .doc = "The old LookupTableSizeV2.", .flags = TN_OP_NO_GRADIENT | TN_OP_READ_ONLY, .shape = tn_shape_scalar_out,
      .kernels = sizes);
TN_OP(InitializeTableV2, .inputs = "table_handle: resource, keys: Tkey, values: Tval", .outputs = "",
      .attrs = "Tkey: type; Tval: type", .doc = "Fills a table.", .flags = NEW, .shape = shape_fill, .kernels = fills);
TN_OP(InitializeTable, .inputs = "table_handle: Ref(string), keys: Tkey, values: Tval", .outputs = "",
      .attrs = "Tkey: type; Tval: type", .doc = "The old InitializeTableV2.", .flags = TN_OP_NO_GRADIENT,
      .shape = shape_fill, .kernels = fills);
