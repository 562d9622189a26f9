/* AsString: numbers written as strings, as printf does. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "ops/string/string_array.h"

typedef struct style {
  char fill; /* 0 or one of printf's flags */
  char conversion;
  int width, precision; /* 0 and -1: none */
} style;

static tn_error *style_of(const tn_node *node, tn_dtype dtype, style *out) {
  int64_t precision = tn_node_get_int(node, "precision"), width = tn_node_get_int(node, "width");
  bool scientific = tn_node_get_bool(node, "scientific"), shortest = tn_node_get_bool(node, "shortest");
  tn_string fill = tn_node_get_string(node, "fill");
  bool real = tn_dtype_is_floating(dtype) || tn_dtype_is_complex(dtype) || dtype == TN_STRING;
  if (!real && (precision >= 0 || scientific || shortest))
    return tn_node_errorf(node, TN_INVALID_ARGUMENT,
                          "scientific, shortest and precision are only for floating point numbers, not %s",
                          tn_dtype_name(dtype));
  if (scientific && shortest)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "Cannot select both scientific and shortest notation");
  if (fill.size > 1) return tn_node_errorf(node, TN_INVALID_ARGUMENT, "Fill string must be one or fewer characters.");
  char c = fill.size ? fill.data[0] : 0;
  if (fill.size && c != ' ' && c != '+' && c != '-' && c != '0' && c != '#')
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "Fill argument not supported: \"%c\"", c);
  if (width > INT_MAX / 2 || precision > INT_MAX / 2)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "width or precision is too large");
  *out = (style){c,
                 scientific ? 'e'
                 : shortest ? 'g'
                            : 'f',
                 width > 0 ? (int)width : 0, precision >= 0 ? (int)precision : -1};
  return NULL;
}

/* printf takes its flag from the format, and formats are literals here: one for each flag. */
#define WITH_FLAG(FLAG, CONVERSION, ...)                                                                               \
  switch (FLAG) {                                                                                                      \
  case ' ': tn_str_addf(to, "% *" CONVERSION, __VA_ARGS__); break;                                                     \
  case '+': tn_str_addf(to, "%+*" CONVERSION, __VA_ARGS__); break;                                                     \
  case '-': tn_str_addf(to, "%-*" CONVERSION, __VA_ARGS__); break;                                                     \
  case '0': tn_str_addf(to, "%0*" CONVERSION, __VA_ARGS__); break;                                                     \
  default: tn_str_addf(to, "%*" CONVERSION, __VA_ARGS__); break;                                                       \
  }

static void add_real(tn_str *to, const style *s, double value) {
  if (s->fill == '#') {
    if (s->conversion == 'f') tn_str_addf(to, "%#*.*f", s->width, s->precision, value);
    if (s->conversion == 'e') tn_str_addf(to, "%#*.*e", s->width, s->precision, value);
    if (s->conversion == 'g') tn_str_addf(to, "%#*.*g", s->width, s->precision, value);
  } else if (s->conversion == 'f') {
    WITH_FLAG(s->fill, ".*f", s->width, s->precision, value)
  } else if (s->conversion == 'e') {
    WITH_FLAG(s->fill, ".*e", s->width, s->precision, value)
  } else {
    WITH_FLAG(s->fill, ".*g", s->width, s->precision, value)
  }
}

static void add_signed(tn_str *to, const style *s, int64_t value) { WITH_FLAG(s->fill, PRId64, s->width, value) }

static void add_unsigned(tn_str *to, const style *s, uint64_t value) {
  char fill = s->fill == '-' || s->fill == '0' ? s->fill : 0; /* the others mean signs */
  if (fill == '-')
    tn_str_addf(to, "%-*" PRIu64, s->width, value);
  else if (fill == '0')
    tn_str_addf(to, "%0*" PRIu64, s->width, value);
  else
    tn_str_addf(to, "%*" PRIu64, s->width, value);
}

static void add_padded(tn_str *to, const style *s, tn_string text) {
  int64_t missing = s->width - (int64_t)text.size;
  for (int64_t i = 0; s->fill != '-' && i < missing; i++) tn_str_add(to, " ");
  tn_str_add_bytes(to, text.data, text.size);
  for (int64_t i = 0; s->fill == '-' && i < missing; i++) tn_str_add(to, " ");
}

static void add_complex(tn_str *to, const style *s, double real, double imaginary) {
  tn_str_add(to, "(");
  add_real(to, s, real);
  tn_str_add(to, ",");
  add_real(to, s, imaginary);
  tn_str_add(to, ")");
}

static void add_element(tn_str *to, const style *s, const tn_tensor *t, int64_t i) {
  switch (t->dtype) {
  case TN_FLOAT: add_real(to, s, TN_DATA(float, t)[i]); break;
  case TN_DOUBLE: add_real(to, s, TN_DATA(double, t)[i]); break;
  case TN_HALF: add_real(to, s, tn_half_to_float(TN_DATA(uint16_t, t)[i])); break;
  case TN_BFLOAT16: add_real(to, s, tn_bfloat16_to_float(TN_DATA(uint16_t, t)[i])); break;
  case TN_COMPLEX64: add_complex(to, s, TN_DATA(float, t)[2 * i], TN_DATA(float, t)[2 * i + 1]); break;
  case TN_COMPLEX128: add_complex(to, s, TN_DATA(double, t)[2 * i], TN_DATA(double, t)[2 * i + 1]); break;
  case TN_INT8: add_signed(to, s, TN_DATA(int8_t, t)[i]); break;
  case TN_INT16: add_signed(to, s, TN_DATA(int16_t, t)[i]); break;
  case TN_INT32: add_signed(to, s, TN_DATA(int32_t, t)[i]); break;
  case TN_INT64: add_signed(to, s, TN_DATA(int64_t, t)[i]); break;
  case TN_UINT8: add_unsigned(to, s, TN_DATA(uint8_t, t)[i]); break;
  case TN_UINT16: add_unsigned(to, s, TN_DATA(uint16_t, t)[i]); break;
  case TN_UINT32: add_unsigned(to, s, TN_DATA(uint32_t, t)[i]); break;
  case TN_UINT64: add_unsigned(to, s, TN_DATA(uint64_t, t)[i]); break;
  case TN_BOOL: tn_str_add(to, TN_DATA(bool, t)[i] ? "true" : "false"); break;
  default: add_padded(to, s, tn_strings_of(t)[i]); break;
  }
}

static tn_error *as_string_prepare(tn_prepare *p) {
  style *s;
  TN_TRY(tn_prepare_state(p, sizeof *s, &s));
  TN_TRY(style_of(p->node, p->inputs[0].dtype, s));
  return tn_prepare_output(p, 0, &p->inputs[0].shape);
}

static tn_error *as_string_run(tn_run *r) {
  for (int64_t i = 0; i < tn_elements(r->inputs[0]); i++) {
    tn_str text = {0};
    add_element(&text, r->state, r->inputs[0], i);
    TN_TRY(tn_string_take(&tn_strings_of(r->outputs[0])[i], &text));
  }
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference",
                                         .types = TN_NUMBERS | TN_BIT(TN_BOOL) | TN_BIT(TN_STRING),
                                         .prepare = as_string_prepare,
                                         .run = as_string_run},
                                        {0}};

TN_OP(AsString, .inputs = "input: T", .outputs = "output: string",
      .attrs = "T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64, "
               "complex64, complex128, bool, variant, string}; precision: int = -1; scientific: bool = false; "
               "shortest: bool = false; width: int = -1; fill: string = ''",
      .doc = "Each element as text.", .flags = TN_OP_NO_GRADIENT, .shape = tn_shape_unchanged, .kernels = kernels);
