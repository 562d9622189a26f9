/* Assignment to a strided slice of a variable: v[a:b:c, ...] = value. */
#include "graph/shape.h"
#include "ops/array/strided.h"
#include "ops/state/update.h"

static tn_error *prepare(tn_prepare *p) { return p->n_outputs ? tn_state_prepare_ref(p) : NULL; }

/* Strides of VALUE that repeat it over the slice of shape FINAL (NumPy's rules), one for each dimension of the
 * variable; dimensions that the slice dropped get 0. */
static bool value_strides(const tn_strided *s, const tn_shape *value, int64_t *strides) {
  int64_t dense[TN_MAX_RANK];
  tn_copy_strides(value->rank, value->dims, dense);
  int skip = s->out.rank - value->rank;
  if (skip < 0) return false;
  for (int i = 0; i < value->rank; i++) {
    int64_t want = s->out.dims[i + skip];
    if (value->dims[i] != want && value->dims[i] != 1) return false;
    if (value->dims[i] == 1) dense[i] = 0;
  }
  /* The dimensions of the variable that are longer than one match those of the slice that are, in order. */
  int at = 0;
  for (int i = 0; i < s->rank; i++) {
    strides[i] = 0;
    if (s->size[i] == 1) continue;
    while (s->out.dims[at] == 1) at++;
    strides[i] = at >= skip ? dense[at - skip] : 0;
    at++;
  }
  return true;
}

static tn_error *assign(const tn_run *r, tn_tensor *whole) {
  tn_strided s;
  tn_strided_values v = {r->inputs[1], r->inputs[2], r->inputs[3]};
  const tn_tensor *value = r->inputs[4];
  TN_TRY(tn_strided_resolve(r->node, &whole->shape, &v, &s));
  if (tn_shape_elements(&s.out) == 0) return NULL;
  int64_t to[TN_MAX_RANK], from[TN_MAX_RANK], offset = 0;
  if (!value_strides(&s, &value->shape, from)) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "a value of shape %s does not fit a slice of shape %s",
                         TN_SHAPE_STR(&value->shape), TN_SHAPE_STR(&s.out));
  }
  tn_copy_strides(s.rank, whole->shape.dims, to);
  for (int i = 0; i < s.rank; i++) {
    offset += s.begin[i] * to[i];
    to[i] *= s.stride[i];
  }
  tn_copy copy;
  tn_copy_init(&copy, whole->dtype, s.rank, s.size, to, from);
  return tn_copy_run(&copy, tn_at(whole, offset), value->data);
}

static tn_error *run(tn_run *r) {
  tn_variable *v;
  tn_tensor whole = {0};
  TN_TRY(tn_run_variable(r, 0, &v));
  TN_TRY(tn_state_check_dtype(r, v, r->inputs[4]->dtype));
  TN_TRY(tn_state_begin(r, v, &whole));
  tn_error *error = assign(r, &whole);
  tn_variable_end(v);
  return error;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

static tn_error *shape_assign(tn_shape_ctx *c) {
  tn_shape variable, vector;
  TN_TRY(tn_state_variable_shape(c, 0, "T", &variable));
  for (int i = 1; i < 4; i++) TN_TRY(tn_shape_with_rank(c, i, 1, &vector));
  if (c->n_outputs) c->out[0] = variable;
  return NULL;
}

TN_OP(StridedSliceAssign, .inputs = "ref: Ref(T), begin: Index, end: Index, strides: Index, value: T",
      .outputs = "output_ref: Ref(T)",
      .attrs = "T: type; Index: indextype; begin_mask: int = 0; end_mask: int = 0; ellipsis_mask: int = 0; "
               "new_axis_mask: int = 0; shrink_axis_mask: int = 0",
      .doc = "Assigns to a strided slice of the variable and passes the reference on.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape_assign, .kernels = kernels);

TN_OP(ResourceStridedSliceAssign, .inputs = "ref: resource, begin: Index, end: Index, strides: Index, value: T",
      .outputs = "",
      .attrs = "T: type; Index: indextype; begin_mask: int = 0; end_mask: int = 0; ellipsis_mask: int = 0; "
               "new_axis_mask: int = 0; shrink_axis_mask: int = 0",
      .doc = "Assigns to a strided slice of the resource variable.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = shape_assign, .kernels = kernels);
