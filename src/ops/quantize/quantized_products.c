/* QuantizedMatMul, QuantizedConv2D and QuantizedBiasAdd: 8-bit numbers to sums of 32 bits. */
#include <math.h>
#include <string.h>

#include "base/parallel.h"
#include "ops/nn/window.h"
#include "ops/quantize/quantized.h"

/* --- what products share: inputs 2 to 5 are the ranges of inputs 0 and 1 --- */

typedef struct product_ranges {
  int32_t a, b; /* the levels that stand for 0 */
  float out[2];
} product_ranges;

static tn_error *product_check(tn_prepare *p) {
  if (p->inputs[0].dtype != TN_QUINT8 || p->inputs[1].dtype != TN_QUINT8 || p->outputs[0].dtype != TN_QINT32)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "there is no kernel but for quint8 and quint8 to qint32");
  TN_TRY(tn_quantized_scalars(p, 2, 6));
  return tn_quantized_ranges(p, 1);
}

static product_ranges ranges_of(const tn_run *r) {
  const float a[] = {tn_scalar_at(r, 2), tn_scalar_at(r, 3)}, b[] = {tn_scalar_at(r, 4), tn_scalar_at(r, 5)};
  const tn_levels l = tn_levels_of(TN_QUINT8);
  product_ranges out = {
      (int32_t)tn_quantize_offset(&l, 0, a[0], a[1]), (int32_t)tn_quantize_offset(&l, 0, b[0], b[1]), {0}};
  tn_quantized_product_range((tn_dtype[]){TN_QUINT8, TN_QUINT8, TN_QINT32}, a, b, out.out);
  for (int i = 0; i < 2; i++) TN_DATA(float, r->outputs[1 + i])[0] = out.out[i];
  return out;
}

/* Y[0..N) += (X - zero of a) * (ROW[0..N) - zero of b), modulo 2^32. */
static void add_row(const product_ranges *z, uint8_t x, const uint8_t *row, int64_t n, int32_t *y) {
  const uint32_t factor = (uint32_t)x - (uint32_t)z->a, zero = (uint32_t)z->b;
  for (int64_t i = 0; i < n; i++) y[i] = (int32_t)((uint32_t)y[i] + factor * ((uint32_t)row[i] - zero));
}

/* --- MatMul --- */

typedef struct matmul {
  int64_t m, n, k;
  bool transpose_a, transpose_b;
} matmul;

static tn_error *matmul_prepare(tn_prepare *p) {
  const tn_shape *a = &p->inputs[0].shape, *b = &p->inputs[1].shape;
  TN_TRY(product_check(p));
  if (a->rank != 2 || b->rank != 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "matrices expected, got %s and %s", TN_SHAPE_STR(a),
                             TN_SHAPE_STR(b));
  const bool ta = tn_node_get_bool(p->node, "transpose_a"), tb = tn_node_get_bool(p->node, "transpose_b");
  const matmul m = {a->dims[ta], b->dims[!tb], a->dims[!ta], ta, tb};
  if (b->dims[tb] != m.k)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Matrix size-incompatible: a is %s and b is %s", TN_SHAPE_STR(a),
                             TN_SHAPE_STR(b));
  matmul *state;
  TN_TRY(tn_prepare_state(p, sizeof m, &state));
  *state = m;
  p->scratch = tb ? (size_t)(m.k * m.n) : 0;
  return tn_prepare_output(p, 0, &(tn_shape){.rank = 2, .dims = {m.m, m.n}});
}

typedef struct product_job {
  const void *geometry; /* a matmul or a tn_window */
  product_ranges zero;
  const uint8_t *a, *b;
  int32_t *out;
  int64_t chunks;
} product_job;

static void matmul_rows(void *argument, int64_t chunk) {
  const product_job *j = argument;
  const matmul *m = j->geometry;
  int64_t begin, end;
  tn_chunk(m->m, j->chunks, chunk, 1, &begin, &end);
  for (int64_t i = begin; i < end; i++) {
    int32_t *row = j->out + i * m->n;
    memset(row, 0, (size_t)m->n * sizeof *row);
    for (int64_t k = 0; k < m->k; k++)
      add_row(&j->zero, j->a[m->transpose_a ? k * m->m + i : i * m->k + k], j->b + k * m->n, m->n, row);
  }
}

static tn_error *matmul_run(tn_run *r) {
  const matmul *m = r->state;
  for (int i = 2; i < 6; i += 2)
    if (!(tn_scalar_at(r, i + 1) > tn_scalar_at(r, i)))
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "max_%c must be larger than min_%c: %g and %g", i == 2 ? 'a' : 'b',
                           i == 2 ? 'a' : 'b', (double)tn_scalar_at(r, i + 1), (double)tn_scalar_at(r, i));
  product_job j = {.geometry = m,
                   .zero = ranges_of(r),
                   .a = r->inputs[0]->data,
                   .b = r->inputs[1]->data,
                   .out = r->outputs[0]->data,
                   .chunks = tn_chunks(m->m, 1 + (1 << 16) / (1 + m->n * m->k))};
  if (m->transpose_b) {
    uint8_t *b = r->scratch;
    for (int64_t k = 0; k < m->k; k++)
      for (int64_t n = 0; n < m->n; n++) b[k * m->n + n] = j.b[n * m->k + k];
    j.b = b;
  }
  if (m->m * m->n > 0) tn_parallel(j.chunks, matmul_rows, &j);
  return NULL;
}

static tn_error *matmul_shape(tn_shape_ctx *c) {
  const bool ta = tn_node_get_bool(c->node, "transpose_a"), tb = tn_node_get_bool(c->node, "transpose_b");
  tn_shape a, b;
  int64_t k;
  TN_TRY(tn_shape_with_rank(c, 0, 2, &a));
  TN_TRY(tn_shape_with_rank(c, 1, 2, &b));
  TN_TRY(tn_dim_merge(c, a.dims[!ta], b.dims[tb], &k));
  c->out[0] = (tn_shape){.rank = 2, .dims = {a.dims[ta], b.dims[!tb]}};
  return tn_quantized_ranges_shape(c, 2, 6);
}

/* --- Conv2D --- */

static tn_error *conv_prepare(tn_prepare *p) {
  tn_window_attrs a;
  tn_window w, *state;
  TN_TRY(product_check(p));
  TN_TRY(tn_window_read(p->node, 2, &a));
  TN_TRY(tn_window_check(p->node, &a));
  const int high = TN_WINDOW_DIMS - 2, wide = TN_WINDOW_DIMS - 1;
  if (a.stride[high] != a.stride[wide] || a.dilation[high] != 1 || a.dilation[wide] != 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "strides must be equal, and dilations 1");
  TN_TRY(tn_conv_place(p->node, &a, false, &p->inputs[0].shape, &p->inputs[1].shape, &w));
  /* TensorFlow's kernel begins inside of the image where the windows leave some of it out. */
  for (int d = high; d <= wide && a.padding == TN_PADDING_SAME; d++)
    w.before[d] = ((w.out[d] - 1) * w.stride[d] + w.kernel[d] - w.in[d]) / 2;
  TN_TRY(tn_prepare_state(p, sizeof w, &state));
  *state = w;
  const tn_shape out = tn_window_output(&w);
  return tn_prepare_output(p, 0, &out);
}

/* Output rows; what lies outside of the image is 0, and adds nothing. */
static void conv_rows(void *argument, int64_t chunk) {
  const product_job *j = argument;
  const tn_window *w = j->geometry;
  enum { HIGH = TN_WINDOW_DIMS - 2, WIDE };
  const int64_t channels = w->in_channels, outs = w->out_channels, rows = w->out[HIGH], columns = w->out[WIDE];
  int64_t begin, end;
  tn_chunk(w->batch * rows, j->chunks, chunk, 1, &begin, &end);
  for (int64_t at = begin * columns; at < end * columns; at++) {
    int32_t *y = j->out + at * outs;
    memset(y, 0, (size_t)outs * sizeof *y);
    const int64_t image = at / columns / rows;
    const int64_t top = at / columns % rows * w->stride[HIGH] - w->before[HIGH];
    const int64_t left = at % columns * w->stride[WIDE] - w->before[WIDE];
    for (int64_t tap = 0; tap < w->kernel[HIGH] * w->kernel[WIDE]; tap++) {
      const int64_t row = top + tap / w->kernel[WIDE], column = left + tap % w->kernel[WIDE];
      if (row < 0 || row >= w->in[HIGH] || column < 0 || column >= w->in[WIDE]) continue;
      const uint8_t *x = j->a + ((image * w->in[HIGH] + row) * w->in[WIDE] + column) * channels;
      for (int64_t c = 0; c < channels; c++) add_row(&j->zero, x[c], j->b + (tap * channels + c) * outs, outs, y);
    }
  }
}

static tn_error *conv_run(tn_run *r) {
  const tn_window *w = r->state;
  product_job j = {.geometry = w,
                   .zero = ranges_of(r),
                   .a = r->inputs[0]->data,
                   .b = r->inputs[1]->data,
                   .out = r->outputs[0]->data};
  j.chunks = tn_chunks(w->batch * w->out[TN_WINDOW_DIMS - 2], 1);
  if (tn_elements(r->outputs[0]) > 0) tn_parallel(j.chunks, conv_rows, &j);
  return NULL;
}

static tn_error *conv_shape(tn_shape_ctx *c) {
  TN_TRY(tn_conv_shape(c, 2, false));
  return tn_quantized_ranges_shape(c, 2, 6);
}

/* --- BiasAdd --- */

static tn_error *bias_prepare(tn_prepare *p) {
  const tn_dtype dtype = p->inputs[0].dtype;
  if (dtype != p->inputs[1].dtype || (dtype != TN_QUINT8 && dtype != TN_QINT8) || p->outputs[0].dtype != TN_QINT32)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "there is no kernel but for two quint8 or two qint8 to qint32");
  const tn_shape *in = &p->inputs[0].shape, *bias = &p->inputs[1].shape;
  if (in->rank < 2 || bias->rank != 1 || bias->dims[0] != in->dims[in->rank - 1])
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "Must provide as many biases as the last dimension of the input tensor: %s vs. %s",
                             TN_SHAPE_STR(bias), TN_SHAPE_STR(in));
  TN_TRY(tn_quantized_scalars(p, 2, 6));
  TN_TRY(tn_quantized_ranges(p, 1));
  return tn_prepare_output(p, 0, in);
}

static tn_error *bias_run(tn_run *r) {
  /* The range of the sum: symmetric, with room for many additions. */
  float most = 0;
  for (int i = 2; i < 6; i++) most = fmaxf(most, i % 2 ? tn_scalar_at(r, i) : -tn_scalar_at(r, i));
  most *= 1 << 17;
  const tn_levels in = tn_levels_of(r->inputs[0]->dtype), out = tn_levels_of(TN_QINT32);
  const tn_from_float to = tn_from_float_of(&out, -most, most);
  const tn_to_float x = tn_to_float_of(&in, tn_scalar_at(r, 2), tn_scalar_at(r, 3));
  const tn_to_float b = tn_to_float_of(&in, tn_scalar_at(r, 4), tn_scalar_at(r, 5));
  const uint32_t zero = (uint32_t)tn_quantize_one(&out, 0, -most, most);
  const int64_t channels = tn_elements(r->inputs[1]);
  for (int64_t i = 0; i < tn_elements(r->inputs[0]); i++) {
    const uint32_t left = (uint32_t)tn_from_float_at(to, tn_to_float_at(x, tn_quantized_get(r->inputs[0], i)));
    const uint32_t right =
        (uint32_t)tn_from_float_at(to, tn_to_float_at(b, tn_quantized_get(r->inputs[1], i % channels)));
    TN_DATA(int32_t, r->outputs[0])[i] = (int32_t)(left + right + zero);
  }
  TN_DATA(float, r->outputs[1])[0] = -most;
  TN_DATA(float, r->outputs[2])[0] = most;
  return NULL;
}

static tn_error *bias_shape(tn_shape_ctx *c) {
  tn_shape in, bias;
  TN_TRY(tn_shape_at_least_rank(c, 0, 2, &in));
  TN_TRY(tn_shape_with_rank(c, 1, 1, &bias));
  if (in.rank > 0) TN_TRY(tn_dim_merge(c, in.dims[in.rank - 1], bias.dims[0], &in.dims[in.rank - 1]));
  c->out[0] = in;
  return tn_quantized_ranges_shape(c, 2, 6);
}

static const tn_kernel_def matmul_kernels[] = {{.name = "reference", .prepare = matmul_prepare, .run = matmul_run},
                                               {0}};
static const tn_kernel_def conv_kernels[] = {{.name = "reference", .prepare = conv_prepare, .run = conv_run}, {0}};
static const tn_kernel_def bias_kernels[] = {{.name = "reference", .prepare = bias_prepare, .run = bias_run}, {0}};

TN_OP(QuantizedMatMul, .inputs = "a: T1, b: T2, min_a: float, max_a: float, min_b: float, max_b: float",
      .outputs = "out: Toutput, min_out: float, max_out: float",
      .attrs = "T1: " TN_QUANTIZED_ATTR "; T2: " TN_QUANTIZED_ATTR "; Toutput: " TN_QUANTIZED_ATTR " = DT_QINT32; "
               "transpose_a: bool = false; transpose_b: bool = false; Tactivation: " TN_QUANTIZED_ATTR " = DT_QUINT8",
      .doc = "The product of matrices of quantized numbers.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = matmul_shape, .kernels = matmul_kernels);

TN_OP(QuantizedConv2D,
      .inputs =
          "input: Tinput, filter: Tfilter, min_input: float, max_input: float, min_filter: float, max_filter: float",
      .outputs = "output: out_type, min_output: float, max_output: float",
      .attrs = "Tinput: " TN_QUANTIZED_ATTR "; Tfilter: " TN_QUANTIZED_ATTR "; out_type: " TN_QUANTIZED_ATTR
               " = DT_QINT32; strides: list(int); padding: {'SAME', 'VALID'}; dilations: list(int) = [1, 1, 1, 1]",
      .doc = "The convolution of images of quantized numbers with a filter.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = conv_shape, .kernels = conv_kernels);

TN_OP(QuantizedBiasAdd,
      .inputs = "input: T1, bias: T2, min_input: float, max_input: float, min_bias: float, max_bias: float",
      .outputs = "output: out_type, min_out: float, max_out: float",
      .attrs = "T1: " TN_QUANTIZED_ATTR "; T2: " TN_QUANTIZED_ATTR "; out_type: " TN_QUANTIZED_ATTR,
      .doc = "The sum of quantized numbers and a bias for each channel.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = bias_shape, .kernels = bias_kernels);
