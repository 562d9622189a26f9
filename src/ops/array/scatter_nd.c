/* ScatterNd: updates summed into zeros (strings: joined). */
#include "base/str.h"
#include "ops/array/scatter.h"

tn_error *tn_scatter_prepare(tn_prepare *p, int indices, const tn_shape *shape, tn_combine kind) {
  tn_scatter_state *s;
  tn_shape rows = p->inputs[indices].shape;
  if (rows.rank == 1) rows.dims[rows.rank++] = 1; /* a vector holds single indices */
  TN_TRY(tn_prepare_state(p, sizeof *s, &s));
  TN_TRY(tn_nd_index_init(p->node, &rows, shape, &s->index));
  TN_TRY(tn_nd_check_shapes(p->node, &s->index, &rows, &p->inputs[indices + 1].shape));
  s->dtype = p->inputs[indices + 1].dtype;
  s->combine = tn_combine_of(kind, s->dtype);
  s->joins = s->dtype == TN_STRING && kind == TN_COMBINE_ADD;
  if (!s->combine && s->dtype != TN_STRING)
    return tn_prepare_errorf(p, TN_UNIMPLEMENTED, "%s elements cannot be combined", tn_dtype_name(s->dtype));
  if (tn_shape_elements(shape) == 0 && s->index.count > 0 && tn_elements(&p->inputs[indices + 1]) > 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Indices and updates specified for empty output tensor");
  return tn_prepare_output(p, 0, shape);
}

/* Puts each of N strings behind what is there. */
static tn_error *join_strings(tn_string *to, const tn_string *from, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    tn_str text = {0};
    tn_str_add_bytes(&text, to[i].data, to[i].size);
    tn_str_add_bytes(&text, from[i].data, from[i].size);
    char *data;
    size_t size;
    TN_TRY(tn_str_take(&text, &data, &size));
    tn_error *error = tn_string_set(&to[i], data, size);
    tn_free(data);
    if (error) return error;
  }
  return NULL;
}

tn_error *tn_scatter_apply(tn_run *r, int indices, int updates) {
  const tn_scatter_state *s = r->state;
  int64_t size = s->index.size;
  for (int64_t i = 0; i < s->index.count; i++) {
    int64_t slice;
    TN_TRY(tn_nd_index_at(r, &s->index, r->inputs[indices], i, &slice));
    if (slice < 0) continue;
    void *to = tn_at(r->outputs[0], slice * size);
    const void *from = tn_at(r->inputs[updates], i * size);
    if (s->combine)
      s->combine(to, from, size);
    else if (s->joins)
      TN_TRY(join_strings(to, from, size));
    else
      TN_TRY(tn_copy_elements(s->dtype, to, from, size));
  }
  return NULL;
}

static tn_error *scatter_nd_shape(tn_shape_ctx *c) {
  tn_shape indices, updates, shape;
  TN_TRY(tn_shape_at_least_rank(c, 0, 1, &indices));
  TN_TRY(tn_shape_at_least_rank(c, 1, 1, &updates));
  TN_TRY(tn_shape_from_value(c, 2, &shape));
  TN_TRY(tn_nd_check_updates(c, &shape, &indices, &updates));
  c->out[0] = shape;
  return NULL;
}

static tn_error *scatter_nd_prepare(tn_prepare *p) {
  tn_shape shape;
  if (p->inputs[2].shape.rank != 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Shape must be a vector, got shape %s",
                             TN_SHAPE_STR(&p->inputs[2].shape));
  TN_TRY(tn_prepare_shape(p, 2, &shape));
  return tn_scatter_prepare(p, 0, &shape, TN_COMBINE_ADD);
}

static tn_error *scatter_nd_run(tn_run *r) {
  TN_TRY(tn_copy_zero(r->outputs[0]->dtype, r->outputs[0]->data, tn_elements(r->outputs[0])));
  return tn_scatter_apply(r, 0, 1);
}

static tn_error *scatter_nd_gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 1, tn_build2(c->scope, "GatherNd", tn_grad_dense(c, 0), tn_grad_x(c, 0)));
  return NULL;
}

static bool wide_indices(const tn_prepare *p) { return p->inputs[0].dtype != TN_INT16; }

static const tn_kernel_def kernels[] = {{.name = "reference",
                                         .types = TN_BASIC_STRING,
                                         .type_attr = "T",
                                         .supports = wide_indices,
                                         .prepare = scatter_nd_prepare,
                                         .run = scatter_nd_run},
                                        {0}};

TN_OP(ScatterNd, .inputs = "indices: Tindices, updates: T, shape: Tindices", .outputs = "output: T",
      .attrs = "T: type; Tindices: {int16, int32, int64}; bad_indices_policy: string = ''",
      .doc = "Zeros of shape SHAPE with UPDATES added at the places that INDICES names.", .value_inputs = 1 << 2,
      .shape = scatter_nd_shape, .gradient = scatter_nd_gradient, .kernels = kernels);
