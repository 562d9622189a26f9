/* cse: pure nodes that compute the same become one. */
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "compile/passes.h"

#define MAX_CONSTANT_BYTES 4096

static void add(tn_str *key, const void *data, size_t size) { tn_str_add_bytes(key, data, size); }

static void add_tensor(tn_str *key, const tn_tensor *t) {
  int64_t head[2] = {t->dtype, t->shape.rank};
  add(key, head, sizeof head);
  if (t->shape.rank > 0) add(key, t->shape.dims, (size_t)t->shape.rank * sizeof *t->shape.dims);
  int64_t n = tn_elements(t);
  for (int64_t i = 0; t->dtype == TN_STRING && i < n; i++) {
    const tn_string *s = &TN_DATA(tn_string, t)[i];
    add(key, &s->size, sizeof s->size);
    add(key, s->data, s->size);
  }
  if (tn_dtype_is_plain(t->dtype)) add(key, t->data, (size_t)n * tn_dtype_size(t->dtype));
}

static void add_list(tn_str *key, const tn_attr *a) {
  size_t sizes[] = {[TN_ATTR_INT] = sizeof(int64_t),
                    [TN_ATTR_FLOAT] = sizeof(float),
                    [TN_ATTR_BOOL] = sizeof(bool),
                    [TN_ATTR_TYPE] = sizeof(tn_dtype),
                    [TN_ATTR_FUNC] = 0};
  add(key, &a->n, sizeof a->n);
  for (size_t i = 0; i < a->n; i++) {
    switch (a->kind) {
    case TN_ATTR_STRING:
    case TN_ATTR_FUNC:
      add(key, &a->strings[i].size, sizeof a->strings[i].size);
      add(key, a->strings[i].data, a->strings[i].size);
      break;
    case TN_ATTR_SHAPE:
      add(key, &a->shapes[i].rank, sizeof a->shapes[i].rank);
      if (a->shapes[i].rank > 0) add(key, a->shapes[i].dims, (size_t)a->shapes[i].rank * sizeof(int64_t));
      break;
    case TN_ATTR_TENSOR: add_tensor(key, a->tensors[i]); break;
    case TN_ATTR_NONE: break;
    default: add(key, (const char *)a->ints + i * sizes[a->kind], sizes[a->kind]);
    }
  }
}

static void add_attr(tn_str *key, const tn_attr *a) {
  int head[2] = {a->kind, a->is_list};
  add(key, head, sizeof head);
  if (a->is_list) {
    add_list(key, a);
    return;
  }
  switch (a->kind) {
  case TN_ATTR_INT: add(key, &a->i, sizeof a->i); break;
  case TN_ATTR_FLOAT: add(key, &a->f, sizeof a->f); break;
  case TN_ATTR_BOOL: add(key, &a->b, sizeof a->b); break;
  case TN_ATTR_TYPE: add(key, &a->type, sizeof a->type); break;
  case TN_ATTR_STRING:
  case TN_ATTR_FUNC:
    add(key, &a->string.size, sizeof a->string.size);
    add(key, a->string.data, a->string.size);
    break;
  case TN_ATTR_SHAPE:
    add(key, &a->shape.rank, sizeof a->shape.rank);
    if (a->shape.rank > 0) add(key, a->shape.dims, (size_t)a->shape.rank * sizeof(int64_t));
    break;
  case TN_ATTR_TENSOR: add_tensor(key, a->tensor); break;
  case TN_ATTR_NONE: break;
  }
}

static void add_value(tn_str *key, tn_ir_value value) {
  int64_t words[2] = {value.node->id, value.index};
  add(key, words, sizeof words);
}

static void add_inputs(tn_str *key, const tn_ir_node *node) {
  if ((node->node->op->flags & TN_OP_COMMUTATIVE) && node->n_inputs == 2) {
    tn_ir_value a = node->inputs[0], b = node->inputs[1];
    bool swap = a.node->id > b.node->id || (a.node->id == b.node->id && a.index > b.index);
    add_value(key, swap ? b : a);
    add_value(key, swap ? a : b);
    return;
  }
  for (int i = 0; i < node->n_inputs; i++) add_value(key, node->inputs[i]);
}

/* What NODE computes, as bytes; false: it can't be merged. */
static bool key_of(const tn_ir_node *node, tn_str *key) {
  if (node->effect != TN_IR_PURE) return false;
  add(key, &node->kind, sizeof node->kind);
  if (node->kind == TN_IR_READ) {
    add(key, &node->variable, sizeof node->variable);
    return true;
  }
  if (node->kind == TN_IR_CONST) {
    const tn_tensor *t = node->outputs[0].constant;
    if (tn_elements(t) > MAX_CONSTANT_BYTES / 8) return false;
    add_tensor(key, t);
    return true;
  }
  if (node->kind != TN_IR_KERNEL || node->n_inputs == 0) return false;
  add(key, &node->node->op, sizeof node->node->op);
  for (int i = 0; i < node->node->n_attrs; i++) {
    if (node->node->attrs[i].name[0] == '_' && node->node->op->name[0] != '_') continue;
    add_attr(key, &node->node->attrs[i].value);
  }
  add_inputs(key, node);
  return true;
}

/* Merges NODE into an earlier one that computes the same; else notes it. */
static tn_error *merge(tn_map *seen, tn_ir_node *node, int *changes) {
  tn_str key = {0};
  for (int i = 0; i < node->n_inputs; i++) node->inputs[i] = tn_ir_resolve(node->inputs[i]);
  if (!key_of(node, &key) || key.failed) {
    bool failed = key.failed;
    tn_str_clear(&key);
    return failed ? tn_out_of_memory() : NULL;
  }
  tn_error *error = NULL;
  tn_ir_node *twin = tn_map_get(seen, key.data, key.size);
  if (!twin) {
    error = tn_map_set(seen, key.data, key.size, node, NULL);
  } else {
    for (int i = 0; i < node->n_outputs; i++) tn_ir_forward((tn_ir_value){node, i}, (tn_ir_value){twin, i});
    node->dead = true;
    ++*changes;
  }
  tn_str_clear(&key);
  return error;
}

tn_error *tn_pass_cse(tn_ir *ir, int *changes) {
  tn_ir_node **order = NULL;
  int n = 0;
  tn_map *seen = NULL;
  TN_TRY(tn_ir_sort(ir, &order, &n));
  tn_error *error = tn_map_new(&seen);
  for (int i = 0; i < n && !error; i++) error = merge(seen, order[i], changes);
  tn_ir_settle(ir);
  tn_map_free(seen);
  tn_free(order);
  return error;
}
