/* CheckNumerics: the input; an error if an element is not a finite number. */
#include <string.h>

#include "ops/array/array.h"

/* Whether the exponent bits of the elements of T are all set somewhere, and whether with a fraction (NaN). */
#define LOOK(TYPE, EXPONENT, FRACTION)                                                                                 \
  {                                                                                                                    \
    const TYPE *bits = t->data;                                                                                        \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      bool special = (bits[i] & (EXPONENT)) == (EXPONENT), fraction = (bits[i] & (FRACTION)) != 0;                     \
      *nan |= special && fraction;                                                                                     \
      *inf |= special && !fraction;                                                                                    \
    }                                                                                                                  \
    break;                                                                                                             \
  }

static void look(const tn_tensor *t, bool *nan, bool *inf) {
  int64_t n = tn_elements(t);
  switch (t->dtype) {
  case TN_FLOAT: LOOK(uint32_t, 0x7f800000u, 0x7fffffu)
  case TN_DOUBLE: LOOK(uint64_t, 0x7ff0000000000000u, 0xfffffffffffffu)
  case TN_HALF: LOOK(uint16_t, 0x7c00, 0x3ff)
  default: LOOK(uint16_t, 0x7f80, 0x7f)
  }
}

static tn_error *check_prepare(tn_prepare *p) { return tn_prepare_alias(p, 0, 0, &p->inputs[0].shape); }

static tn_error *check_run(tn_run *r) {
  bool nan = false, inf = false;
  look(r->inputs[0], &nan, &inf);
  if (!nan && !inf) return NULL;
  tn_string message = tn_node_get_string(r->node, "message");
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "%.*s : Tensor had %s values", (int)message.size,
                       message.size ? message.data : "",
                       nan && inf ? "Inf and NaN"
                       : nan      ? "NaN"
                                  : "Inf");
}

static tn_error *check_gradient(tn_gradient_ctx *c) {
  static const char text[] = "Not a number (NaN) or infinity (Inf) values detected in gradient. ";
  tn_output dy = tn_grad_dense(c, 0);
  tn_string message = tn_node_get_string(c->node, "message");
  char *both = tn_malloc(sizeof text + message.size);
  if (!both) return tn_out_of_memory();
  memcpy(both, text, sizeof text - 1);
  if (message.size) memcpy(both + sizeof text - 1, message.data, message.size);
  const tn_named_attr attrs[] = {
      {"message", {.kind = TN_ATTR_STRING, .string = {both, sizeof text - 1 + message.size}}}, {NULL, {0}}};
  tn_grad_set(c, 0, tn_build(c->scope, "CheckNumerics", TN_IN(dy), attrs));
  tn_free(both);
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "reference", .types = TN_FLOATS, .prepare = check_prepare, .run = check_run}, {0}};

TN_OP(CheckNumerics, .inputs = "tensor: T", .outputs = "output: T", .attrs = "T: floattype; message: string",
      .doc = "The input; an error that carries MESSAGE if an element is NaN or infinite.", .flags = TN_OP_STATEFUL,
      .shape = tn_shape_same_as_input, .gradient = check_gradient, .kernels = kernels);
