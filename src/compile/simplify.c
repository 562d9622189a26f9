/* simplify: nodes that do nothing go, and what is costly becomes what is cheap. Every rule gives the same bits: where x
 * + 0 could turn -0 into 0, it stays. */
#include <string.h>

#include "base/alloc.h"
#include "compile/passes.h"
#include "graph/build.h"
#include "graph/shape.h"

#define MAX_ROUNDS 4

/* What a rule says about output 0 of a node. */
typedef struct rewrite {
  tn_ir *ir;
  tn_ir_node *node;
  tn_ir_value result; /* node NULL: no rule fits */
  bool changed;       /* the node itself was changed */
} rewrite;

static bool is_one_of(const tn_ir_node *node, const char *const *ops) {
  for (int i = 0; ops[i]; i++) {
    if (tn_ir_is(node, ops[i])) return true;
  }
  return false;
}

static bool same_shape(tn_ir_value a, tn_ir_value b) {
  return tn_shape_equal(&tn_ir_out(a)->shape, &tn_ir_out(b)->shape);
}

/* VALUE, if it has the shape and type of the node's output. */
static void become(rewrite *r, tn_ir_value value) {
  tn_ir_value own = {r->node, 0};
  if (same_shape(own, value) && tn_ir_out(own)->dtype == tn_ir_out(value)->dtype) r->result = value;
}

/* The node's output is VALUE in another shape. */
static tn_error *become_reshaped(rewrite *r, tn_ir_value value) {
  tn_ir_value own = {r->node, 0}, shape;
  become(r, value);
  if (r->result.node) return NULL;
  const tn_shape *want = &tn_ir_out(own)->shape;
  tn_tensor *dims = NULL;
  int64_t rank = want->rank;
  TN_TRY(tn_tensor_copy_of(TN_INT64, 1, &rank, want->dims, &dims));
  tn_error *error = tn_ir_add_const(r->ir, r->node->node->name, dims, &shape);
  tn_tensor_free(dims);
  if (error) return error;
  tn_dtype dtype = tn_ir_out(own)->dtype;
  tn_named_attr attrs[] = {TN_A_TYPE("T", dtype), TN_A_TYPE("Tshape", TN_INT64), {NULL, {0}}};
  tn_ir_new spec = {.op = "Reshape",
                    .name = r->node->node->name,
                    .n_inputs = 2,
                    .inputs = (tn_ir_value[]){value, shape},
                    .attrs = attrs,
                    .n_outputs = 1,
                    .dtypes = &dtype};
  tn_ir_node *made = NULL;
  TN_TRY(tn_ir_add(r->ir, &spec, &made));
  r->result = (tn_ir_value){made, 0};
  return NULL;
}

/* --- nodes that hand their input on --- */

static tn_error *identities(rewrite *r) {
  static const char *const always[] = {"Identity", "StopGradient",           "PreventGradient",
                                       "Snapshot", "PlaceholderWithDefault", NULL};
  static const char *const same[] = {"Tile", "BroadcastTo", "Pad",     "PadV2",      "MirrorPad", "Slice",
                                     "Cast", "Reshape",     "Squeeze", "ExpandDims", NULL};
  static const char *const singles[] = {"ConcatV2", "Concat", "AddN", NULL};
  tn_ir_node *node = r->node;
  if (is_one_of(node, always) || is_one_of(node, same)) {
    become(r, node->inputs[0]);
  } else if (is_one_of(node, singles) && node->n_inputs <= 2) {
    if (tn_ir_is(node, "AddN") ? node->n_inputs == 1 : true) become(r, node->inputs[tn_ir_is(node, "Concat") ? 1 : 0]);
  } else if (tn_ir_is(node, "Pack") && node->n_inputs == 1) {
    return become_reshaped(r, node->inputs[0]);
  }
  return NULL;
}

/* A reduction over dimensions of size 1 is a reshape. */
static tn_error *reductions(rewrite *r) {
  static const char *const ops[] = {"Sum", "Mean", "Max", "Min", "Prod", NULL};
  if (!is_one_of(r->node, ops)) return NULL;
  const tn_shape *in = &tn_ir_out(r->node->inputs[0])->shape, *out = &r->node->outputs[0].shape;
  int64_t n = tn_shape_elements(in);
  return n > 0 && n == tn_shape_elements(out) ? become_reshaped(r, r->node->inputs[0]) : NULL;
}

/* A reshape of a reshape is one. */
static void reshapes(rewrite *r) {
  static const char *const ops[] = {"Reshape", "Squeeze", "ExpandDims", NULL};
  tn_ir_node *node = r->node;
  if (!tn_ir_is(node, "Reshape")) return;
  tn_ir_node *inner = node->inputs[0].node;
  if (!is_one_of(inner, ops) || inner->effect != TN_IR_PURE) return;
  node->inputs[0] = inner->inputs[0];
  r->changed = true;
}

/* --- transposes --- */

static bool permutation_of(const tn_ir_node *node, int64_t *perm, int *n) {
  if (!tn_ir_is(node, "Transpose")) return false;
  const tn_tensor *t = tn_ir_out(node->inputs[1])->constant;
  if (!t || t->shape.rank != 1 || t->shape.dims[0] > TN_MAX_RANK) return false;
  *n = (int)t->shape.dims[0];
  for (int i = 0; i < *n; i++) {
    perm[i] = t->dtype == TN_INT32 ? TN_DATA(int32_t, t)[i] : t->dtype == TN_INT64 ? TN_DATA(int64_t, t)[i] : -1;
    if (perm[i] < 0) perm[i] += *n;
    if (perm[i] < 0 || perm[i] >= *n) return false;
  }
  return true;
}

/* True if the dimensions that are larger than 1 keep their order: the bytes stay where they are. */
static bool moves_nothing(const tn_shape *in, const int64_t *perm, int n) {
  int64_t last = -1;
  for (int i = 0; i < n; i++) {
    if (in->dims[perm[i]] == 1) continue;
    if (perm[i] < last) return false;
    last = perm[i];
  }
  return true;
}

static tn_error *transposes(rewrite *r) {
  int64_t outer[TN_MAX_RANK], inner[TN_MAX_RANK], both[TN_MAX_RANK];
  int n = 0, m = 0;
  tn_ir_node *node = r->node;
  if (!permutation_of(node, outer, &n)) return NULL;
  if (moves_nothing(&tn_ir_out(node->inputs[0])->shape, outer, n)) return become_reshaped(r, node->inputs[0]);
  tn_ir_node *before = node->inputs[0].node;
  if (!permutation_of(before, inner, &m) || m != n) return NULL;
  for (int i = 0; i < n; i++) both[i] = inner[outer[i]];
  if (moves_nothing(&tn_ir_out(before->inputs[0])->shape, both, n)) return become_reshaped(r, before->inputs[0]);
  const tn_tensor *old = tn_ir_out(node->inputs[1])->constant;
  tn_tensor *perm = NULL;
  TN_TRY(tn_tensor_new(old->dtype, 1, old->shape.dims, &perm));
  for (int i = 0; i < n; i++) {
    if (old->dtype == TN_INT32) {
      TN_DATA(int32_t, perm)[i] = (int32_t)both[i];
    } else {
      TN_DATA(int64_t, perm)[i] = both[i];
    }
  }
  tn_ir_value constant;
  tn_error *error = tn_ir_add_const(r->ir, node->node->name, perm, &constant);
  tn_tensor_free(perm);
  if (error) return error;
  node->inputs[0] = before->inputs[0];
  node->inputs[1] = constant;
  r->changed = true;
  return NULL;
}

/* --- arithmetic --- */

/* True if VALUE is constant and every element is X, with the sign of zero looked at. */
static bool is_exactly(tn_ir_value value, double x) {
  if (!tn_ir_is_filled_with(value, x)) return false;
  const tn_tensor *t = tn_ir_out(value)->constant;
  bool negative = __builtin_signbit(x) != 0;
  int64_t n = x == 0 ? tn_elements(t) : 0;
  for (int64_t i = 0; i < n; i++) {
    bool sign = t->dtype == TN_FLOAT    ? __builtin_signbit(TN_DATA(float, t)[i]) != 0
                : t->dtype == TN_DOUBLE ? __builtin_signbit(TN_DATA(double, t)[i]) != 0
                : tn_dtype_size(t->dtype) == 2 && tn_dtype_is_floating(t->dtype)
                    ? (TN_DATA(uint16_t, t)[i] & 0x8000) != 0
                    : negative;
    if (sign != negative) return false;
  }
  return true;
}

static void neutral_elements(rewrite *r) {
  tn_ir_node *node = r->node;
  if (node->n_inputs != 2) return;
  tn_ir_value x = node->inputs[0], y = node->inputs[1];
  bool integer = tn_dtype_is_integer(tn_ir_out(x)->dtype);
  if (tn_ir_is(node, "Mul")) {
    if (is_exactly(y, 1)) become(r, x);
    if (!r->result.node && is_exactly(x, 1)) become(r, y);
  } else if (tn_ir_is(node, "RealDiv") || tn_ir_is(node, "Div")) {
    if (is_exactly(y, 1)) become(r, x);
  } else if (tn_ir_is(node, "Add") || tn_ir_is(node, "AddV2")) {
    /* 0 + -0 is 0: only the negative zero is neutral for floating numbers. */
    double zero = integer ? 0.0 : -0.0;
    if (tn_ir_out(x)->dtype == TN_STRING) return;
    if (is_exactly(y, zero)) become(r, x);
    if (!r->result.node && is_exactly(x, zero)) become(r, y);
  } else if (tn_ir_is(node, "Sub")) {
    if (is_exactly(y, 0.0)) become(r, x);
  } else if (tn_ir_is(node, "Pow")) {
    if (is_exactly(y, 1)) become(r, x);
  }
}

/* A node of the unary OP on X takes this one's place. */
static tn_error *become_unary(rewrite *r, const char *op, tn_ir_value x) {
  tn_dtype dtype = tn_ir_out(x)->dtype;
  tn_named_attr attrs[] = {TN_A_TYPE("T", dtype), {NULL, {0}}};
  tn_ir_new spec = {.op = op,
                    .name = r->node->node->name,
                    .n_inputs = 1,
                    .inputs = &x,
                    .attrs = attrs,
                    .n_outputs = 1,
                    .dtypes = &dtype};
  tn_ir_node *made = NULL;
  TN_TRY(tn_ir_add(r->ir, &spec, &made));
  become(r, (tn_ir_value){made, 0});
  return NULL;
}

/* The square of a number is exact in one multiplication; a division by a power of two is a multiplication. */
static tn_error *strength(rewrite *r) {
  tn_ir_node *node = r->node;
  if (node->n_inputs != 2 || !tn_op_find("Square")) return NULL;
  tn_ir_value x = node->inputs[0], y = node->inputs[1];
  tn_dtype dtype = tn_ir_out(x)->dtype;
  if (dtype != TN_FLOAT && dtype != TN_DOUBLE) return NULL;
  if (tn_ir_is(node, "Pow") && is_exactly(y, 2) && same_shape(x, (tn_ir_value){node, 0})) {
    return become_unary(r, "Square", x);
  }
  if (tn_ir_is(node, "Mul") && x.node == y.node && x.index == y.index) return become_unary(r, "Square", x);
  return NULL;
}

/* A constant, a Fill or a broadcast that the op would broadcast itself need not be spread out first. */
static tn_error *broadcasts(rewrite *r) {
  tn_ir_node *node = r->node;
  const tn_op_def *op = node->node->op;
  if (!(op->flags & TN_OP_ELEMENTWISE) || op->shape != tn_shape_broadcast_binary || node->n_inputs != 2) return NULL;
  for (int k = 0; k < 2; k++) {
    tn_ir_value value = node->inputs[k], other = node->inputs[1 - k];
    if (!same_shape(other, (tn_ir_value){node, 0}) || tn_ir_out(value)->shape.rank == 0) continue;
    if (tn_ir_is(value.node, "Fill")) {
      node->inputs[k] = value.node->inputs[1];
      r->changed = true;
    } else if (tn_ir_is(value.node, "BroadcastTo")) {
      node->inputs[k] = value.node->inputs[0];
      r->changed = true;
    }
  }
  return NULL;
}

static tn_error *try_rules(rewrite *r) {
  TN_TRY(identities(r));
  if (!r->result.node) TN_TRY(reductions(r));
  if (!r->result.node) reshapes(r);
  if (!r->result.node) TN_TRY(transposes(r));
  if (!r->result.node) neutral_elements(r);
  if (!r->result.node) TN_TRY(strength(r));
  if (!r->result.node) TN_TRY(broadcasts(r));
  return NULL;
}

static tn_error *round_of(tn_ir *ir, int *changes) {
  int n = ir->n_nodes;
  for (int i = 0; i < n; i++) {
    tn_ir_node *node = ir->nodes[i];
    if (node->dead || node->kind != TN_IR_KERNEL || node->effect != TN_IR_PURE) continue;
    if (node->n_outputs != 1 || node->n_inputs == 0) continue;
    for (int k = 0; k < node->n_inputs; k++) node->inputs[k] = tn_ir_resolve(node->inputs[k]);
    rewrite r = {.ir = ir, .node = node};
    TN_TRY(try_rules(&r));
    if (!r.result.node && !r.changed) continue;
    ++*changes;
    if (!r.result.node) continue;
    tn_ir_forward((tn_ir_value){node, 0}, tn_ir_resolve(r.result));
    node->dead = true;
  }
  tn_ir_settle(ir);
  return NULL;
}

tn_error *tn_pass_simplify(tn_ir *ir, int *changes) {
  for (int i = 0; i < MAX_ROUNDS; i++) {
    int before = *changes;
    TN_TRY(round_of(ir, changes));
    if (*changes == before) break;
  }
  return NULL;
}
