/* QuantizedRelu, QuantizedRelu6 and QuantizedReluX: levels kept above that of 0, and below that of 6 or another number.
 */
#include <math.h>

#include "ops/quantize/quantized.h"

static tn_error *prepare(tn_prepare *p) {
  const tn_dtype dtype = p->inputs[0].dtype;
  if (dtype != p->outputs[0].dtype || (dtype != TN_QINT32 && dtype != TN_QUINT8))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "there is no kernel but for qint32 and quint8, to the same type");
  TN_TRY(tn_quantized_scalars(p, 1, p->n_inputs));
  TN_TRY(tn_quantized_ranges(p, 1));
  return tn_prepare_output(p, 0, &p->inputs[0].shape);
}

/* TOP NULL: none. The range is in the last two inputs. */
static tn_error *clamp(tn_run *r, const float *top) {
  const tn_levels l = tn_levels_of(r->inputs[0]->dtype);
  const float low = tn_scalar_at(r, r->n_inputs - 2), high = tn_scalar_at(r, r->n_inputs - 1);
  const int64_t least = tn_quantize_one(&l, 0, low, high);
  const int64_t most = top ? tn_quantize_one(&l, *top, low, high) : l.highest;
  for (int64_t i = 0; i < tn_elements(r->inputs[0]); i++) {
    int64_t q = tn_quantized_get(r->inputs[0], i);
    q = q < least ? least : q;
    tn_quantized_put(r->outputs[0], i, q > most ? most : q);
  }
  TN_DATA(float, r->outputs[1])[0] = low;
  TN_DATA(float, r->outputs[2])[0] = high;
  return NULL;
}

static tn_error *relu_run(tn_run *r) { return clamp(r, NULL); }
static tn_error *relu6_run(tn_run *r) { return clamp(r, &(const float){6}); }
static tn_error *relu_x_run(tn_run *r) { return clamp(r, r->inputs[1]->data); }

static tn_error *shape(tn_shape_ctx *c) {
  c->out[0] = c->in[0];
  return tn_quantized_ranges_shape(c, 1, 3);
}

static const tn_kernel_def relu[] = {{.name = "reference", .prepare = prepare, .run = relu_run}, {0}};
static const tn_kernel_def relu6[] = {{.name = "reference", .prepare = prepare, .run = relu6_run}, {0}};
static const tn_kernel_def relu_x[] = {{.name = "reference", .prepare = prepare, .run = relu_x_run}, {0}};

#define RANGE   "min_features: float, max_features: float"
#define OUTPUTS "activations: out_type, min_activations: float, max_activations: float"
#define ATTRS   "Tinput: " TN_QUANTIZED_ATTR "; out_type: " TN_QUANTIZED_ATTR " = DT_QUINT8"

TN_OP(QuantizedRelu, .inputs = "features: Tinput, " RANGE, .outputs = OUTPUTS, .attrs = ATTRS,
      .doc = "max(features, 0) of quantized numbers.", .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape,
      .kernels = relu);

TN_OP(QuantizedRelu6, .inputs = "features: Tinput, " RANGE, .outputs = OUTPUTS, .attrs = ATTRS,
      .doc = "min(max(features, 0), 6) of quantized numbers.", .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape,
      .kernels = relu6);

TN_OP(QuantizedReluX, .inputs = "features: Tinput, max_value: float, " RANGE, .outputs = OUTPUTS, .attrs = ATTRS,
      .doc = "min(max(features, 0), max_value) of quantized numbers.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = shape, .kernels = relu_x);
