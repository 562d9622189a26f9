/* SerializeSparse, SerializeManySparse, DeserializeSparse and DeserializeManySparse: sparse tensors as three strings.
 */
#include "graph/proto.h"
#include "ops/sparse/sparse.h"
#include "ops/string/string_array.h"

static tn_error *put(tn_string *target, const tn_tensor *t) {
  tn_str out = {0};
  tn_error *error = tn_proto_tensor(&out, t);
  if (!error) error = tn_string_take(target, &out);
  tn_str_clear(&out);
  return error;
}

static tn_error *no_variants(const tn_prepare *p, tn_dtype dtype) {
  if (dtype != TN_VARIANT) return NULL;
  return tn_prepare_errorf(p, TN_UNIMPLEMENTED, "sparse tensors are serialised as strings only");
}

static tn_error *one_prepare(tn_prepare *p) {
  TN_TRY(no_variants(p, tn_node_get_type(p->node, "out_type")));
  TN_TRY(tn_coo_prepare(p, 0));
  tn_shape three = tn_shape_of(1, &(int64_t){3});
  return tn_prepare_output(p, 0, &three);
}

static tn_error *one_run(tn_run *r) {
  for (int i = 0; i < 3; i++) TN_TRY(put(&tn_strings_of(r->outputs[0])[i], r->inputs[i]));
  return NULL;
}

static tn_error *many_prepare(tn_prepare *p) {
  TN_TRY(no_variants(p, tn_node_get_type(p->node, "out_type")));
  TN_TRY(tn_coo_prepare(p, 0));
  if (p->inputs[2].shape.dims[0] < 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Rank of input SparseTensor should be > 1, but saw rank: %lld",
                             (long long)p->inputs[2].shape.dims[0]);
  tn_prepare_dynamic(p, 0);
  return NULL;
}

/* Rows [BEGIN, END) of the elements, which belong to one row of the tensor, without their first coordinate. */
static tn_error *put_row(tn_run *r, const tn_coo *x, int64_t begin, int64_t end, tn_string *out) {
  tn_tensor parts[3] = {{0}};
  int64_t n = end - begin, rank = x->rank - 1;
  tn_shape shapes[3] = {tn_shape_of(2, (int64_t[]){n, rank}), tn_shape_of(1, &n), tn_shape_of(1, &rank)};
  tn_dtype dtypes[3] = {TN_INT64, x->values->dtype, TN_INT64};
  tn_error *error = NULL;
  for (int i = 0; i < 3 && !error; i++) error = tn_tensor_init(&parts[i], dtypes[i], &shapes[i]);
  for (int64_t i = begin; i < end && !error; i++) {
    memcpy(TN_DATA(int64_t, &parts[0]) + (i - begin) * rank, tn_coo_row(x, i) + 1, (size_t)rank * sizeof(int64_t));
    error = tn_sparse_copy(&parts[1], i - begin, x->values, i);
  }
  if (!error) memcpy(parts[2].data, x->dims + 1, (size_t)rank * sizeof(int64_t));
  for (int i = 0; i < 3 && !error; i++) error = put(&out[i], &parts[i]);
  for (int i = 0; i < 3; i++) tn_tensor_clear(&parts[i]);
  (void)r;
  return error;
}

static tn_error *many_run(tn_run *r) {
  tn_coo x = tn_coo_of(r, 0);
  int64_t rows = x.dims[0], i = 0;
  TN_TRY(tn_coo_check(r, &x));
  TN_TRY(tn_sparse_matrix(r, 0, rows, 3));
  for (int64_t row = 0; row < rows; row++) {
    int64_t begin = i;
    while (i < x.n && tn_coo_row(&x, i)[0] == row) i++;
    TN_TRY(put_row(r, &x, begin, i, tn_strings_of(r->outputs[0]) + 3 * row));
  }
  if (i < x.n) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "indices are out of order at element %lld", (long long)i);
  return NULL;
}

/* --- back --- */

typedef struct part {
  tn_tensor *indices, *values, *shape;
} part;

static void free_part(part *p) {
  tn_tensor_free(p->indices);
  tn_tensor_free(p->values);
  tn_tensor_free(p->shape);
}

static tn_error *read_tensor(const tn_run *r, tn_string s, tn_dtype dtype, int rank, tn_tensor **out) {
  TN_TRY(tn_error_context(tn_proto_get_tensor(s.size ? s.data : "", s.size, out), "%s '%s': a serialized sparse tensor",
                          r->node->op->name, r->node->name));
  if ((*out)->dtype == dtype && (*out)->shape.rank == rank) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                       "expected a part of a sparse tensor with dtype %s and rank %d, got %s of %s",
                       tn_dtype_name(dtype), rank, tn_dtype_name((*out)->dtype), TN_SHAPE_STR(&(*out)->shape));
}

static tn_error *read_part(const tn_run *r, const tn_string *s, part *out) {
  TN_TRY(read_tensor(r, s[0], TN_INT64, 2, &out->indices));
  TN_TRY(read_tensor(r, s[1], tn_node_get_type(r->node, "dtype"), 1, &out->values));
  TN_TRY(read_tensor(r, s[2], TN_INT64, 1, &out->shape));
  if (out->indices->shape.dims[0] == out->values->shape.dims[0] &&
      out->indices->shape.dims[1] == out->shape->shape.dims[0])
    return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                       "the parts of a serialized sparse tensor do not fit: indices %s, values %s",
                       TN_SHAPE_STR(&out->indices->shape), TN_SHAPE_STR(&out->values->shape));
}

/* Joins N parts along the new first dimensions of PREFIX; their shapes' maxima are the rest. */
static tn_error *join(tn_run *r, const part *parts, int64_t n, const tn_shape *prefix) {
  int64_t total = 0, rank = n ? parts[0].shape->shape.dims[0] : 0, at = 0;
  for (int64_t i = 0; i < n; i++) {
    total += parts[i].values->shape.dims[0];
    if (parts[i].shape->shape.dims[0] != rank)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Inconsistent rank across SparseTensors: %lld and %lld at item %lld",
                           (long long)rank, (long long)parts[i].shape->shape.dims[0], (long long)i);
  }
  int more = prefix->rank;
  TN_TRY(tn_sparse_matrix(r, 0, total, more + rank));
  TN_TRY(tn_sparse_vector(r, 1, total));
  TN_TRY(tn_sparse_vector(r, 2, more + rank));
  int64_t *out = TN_DATA(int64_t, r->outputs[0]), *dims = TN_DATA(int64_t, r->outputs[2]);
  memset(dims, 0, (size_t)(more + rank) * sizeof *dims);
  memcpy(dims, prefix->dims, (size_t)more * sizeof *dims);
  for (int64_t i = 0; i < n; i++) {
    for (int64_t d = 0; d < rank; d++) {
      int64_t size = TN_DATA(int64_t, parts[i].shape)[d];
      if (size > dims[more + d]) dims[more + d] = size;
    }
    for (int64_t k = 0; k < parts[i].values->shape.dims[0]; k++, at++) {
      int64_t rest = i;
      for (int d = more - 1; d >= 0; d--) {
        out[at * (more + rank) + d] = rest % prefix->dims[d];
        rest /= prefix->dims[d];
      }
      memcpy(out + at * (more + rank) + more, TN_DATA(int64_t, parts[i].indices) + k * rank,
             (size_t)rank * sizeof *out);
      TN_TRY(tn_sparse_copy(r->outputs[1], at, parts[i].values, k));
    }
  }
  return NULL;
}

static tn_error *back_run(tn_run *r) {
  const tn_tensor *in = r->inputs[0];
  tn_shape prefix = in->shape;
  prefix.rank--;
  int64_t n = tn_elements(in) / 3;
  part *parts = tn_calloc((size_t)n + 1, sizeof *parts);
  if (!parts) return tn_out_of_memory();
  tn_error *error = NULL;
  for (int64_t i = 0; i < n && !error; i++) error = read_part(r, tn_strings_of(in) + 3 * i, &parts[i]);
  if (!error) error = join(r, parts, n, &prefix);
  for (int64_t i = 0; i < n; i++) free_part(&parts[i]);
  tn_free(parts);
  return error;
}

static tn_error *back_prepare(tn_prepare *p) {
  const tn_shape *in = &p->inputs[0].shape;
  TN_TRY(no_variants(p, p->inputs[0].dtype));
  if (in->rank < 1 || in->dims[in->rank - 1] != 3)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "Serialized sparse should have 3 as the last dimension but got: %s", TN_SHAPE_STR(in));
  if (in->rank > 1 && tn_elements(&p->inputs[0]) == 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Must have at least 1 serialized SparseTensor, but has 0");
  tn_sparse_all_dynamic(p);
  return NULL;
}

static tn_error *many_back_prepare(tn_prepare *p) {
  if (p->inputs[0].shape.rank != 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Serialized sparse should be a matrix but received shape %s",
                             TN_SHAPE_STR(&p->inputs[0].shape));
  return back_prepare(p);
}

/* --- shapes --- */

static tn_error *one_shape(tn_shape_ctx *c) {
  TN_TRY(tn_coo_shape(c, 0));
  c->out[0] = tn_shape_of(1, &(int64_t){3});
  return NULL;
}
static tn_error *many_shape(tn_shape_ctx *c) {
  TN_TRY(tn_coo_shape(c, 0));
  c->out[0] = tn_shape_of(2, (int64_t[]){-1, 3});
  return NULL;
}
static tn_error *back_shape(tn_shape_ctx *c) {
  for (int i = 0; i < 3; i++) c->out[i] = tn_shape_unknown_of_rank(i ? 1 : 2);
  return NULL;
}
static tn_error *many_back_shape(tn_shape_ctx *c) {
  tn_shape in;
  int64_t three;
  TN_TRY(tn_shape_with_rank(c, 0, 2, &in));
  TN_TRY(tn_dim_merge(c, in.dims[1], 3, &three));
  return back_shape(c);
}

static const tn_kernel_def one_kernels[] = {{.name = "reference", .prepare = one_prepare, .run = one_run}, {0}};
static const tn_kernel_def many_kernels[] = {{.name = "reference", .prepare = many_prepare, .run = many_run}, {0}};
static const tn_kernel_def back_kernels[] = {{.name = "reference", .prepare = back_prepare, .run = back_run}, {0}};
static const tn_kernel_def many_back_kernels[] = {{.name = "reference", .prepare = many_back_prepare, .run = back_run},
                                                  {0}};

TN_OP(SerializeSparse, .inputs = "sparse_indices: int64, sparse_values: T, sparse_shape: int64",
      .outputs = "serialized_sparse: out_type", .attrs = "T: type; out_type: {string, variant} = DT_STRING",
      .doc = "A sparse tensor as three serialised tensors.", .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = one_shape,
      .kernels = one_kernels);

TN_OP(SerializeManySparse, .inputs = "sparse_indices: int64, sparse_values: T, sparse_shape: int64",
      .outputs = "serialized_sparse: out_type", .attrs = "T: type; out_type: {string, variant} = DT_STRING",
      .doc = "The rows of a sparse tensor, each as three serialised tensors.",
      .flags = TN_OP_GRADIENT_UNREGISTERED | TN_OP_DYNAMIC_SHAPE, .shape = many_shape, .kernels = many_kernels);

TN_OP(DeserializeSparse, .inputs = "serialized_sparse: Tserialized",
      .outputs = "sparse_indices: int64, sparse_values: dtype, sparse_shape: int64",
      .attrs = "dtype: type; Tserialized: {string, variant} = DT_STRING",
      .doc = "One sparse tensor from those that SerializeSparse made.",
      .flags = TN_OP_GRADIENT_UNREGISTERED | TN_OP_DYNAMIC_SHAPE, .shape = back_shape, .kernels = back_kernels);

TN_OP(DeserializeManySparse, .inputs = "serialized_sparse: string",
      .outputs = "sparse_indices: int64, sparse_values: dtype, sparse_shape: int64", .attrs = "dtype: type",
      .doc = "One sparse tensor whose rows are serialised ones.",
      .flags = TN_OP_GRADIENT_UNREGISTERED | TN_OP_DYNAMIC_SHAPE, .shape = many_back_shape,
      .kernels = many_back_kernels);
