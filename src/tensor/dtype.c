/* The table of dtypes: names, sizes, kinds. */
#include <string.h>
#include <strings.h>

#include "tensor/tensor.h"

enum { FLOATING = 1, COMPLEX = 2, INTEGER = 4, POINTERS = 8 };

typedef struct dtype_info {
  const char *name;
  size_t size;
  int kind;
} dtype_info;

static const dtype_info table[TN_N_DTYPES] = {
    [TN_INVALID] = {"invalid", 0, 0},
    [TN_FLOAT] = {"float32", 4, FLOATING},
    [TN_DOUBLE] = {"float64", 8, FLOATING},
    [TN_INT32] = {"int32", 4, INTEGER},
    [TN_UINT8] = {"uint8", 1, INTEGER},
    [TN_INT16] = {"int16", 2, INTEGER},
    [TN_INT8] = {"int8", 1, INTEGER},
    [TN_STRING] = {"string", sizeof(tn_string), POINTERS},
    [TN_COMPLEX64] = {"complex64", 8, COMPLEX},
    [TN_INT64] = {"int64", 8, INTEGER},
    [TN_BOOL] = {"bool", 1, 0},
    [TN_QINT8] = {"qint8", 1, 0},
    [TN_QUINT8] = {"quint8", 1, 0},
    [TN_QINT32] = {"qint32", 4, 0},
    [TN_BFLOAT16] = {"bfloat16", 2, FLOATING},
    [TN_QINT16] = {"qint16", 2, 0},
    [TN_QUINT16] = {"quint16", 2, 0},
    [TN_UINT16] = {"uint16", 2, INTEGER},
    [TN_COMPLEX128] = {"complex128", 16, COMPLEX},
    [TN_HALF] = {"float16", 2, FLOATING},
    [TN_RESOURCE] = {"resource", sizeof(tn_object *), POINTERS},
    [TN_VARIANT] = {"variant", sizeof(tn_object *), POINTERS},
    [TN_UINT32] = {"uint32", 4, INTEGER},
    [TN_UINT64] = {"uint64", 8, INTEGER},
    [TN_FLOAT8_E5M2] = {"float8_e5m2", 1, 0},
    [TN_FLOAT8_E4M3FN] = {"float8_e4m3fn", 1, 0},
    [TN_FLOAT8_E4M3FNUZ] = {"float8_e4m3fnuz", 1, 0},
    [TN_FLOAT8_E4M3B11FNUZ] = {"float8_e4m3b11fnuz", 1, 0},
    [TN_FLOAT8_E5M2FNUZ] = {"float8_e5m2fnuz", 1, 0},
    [TN_INT4] = {"int4", 1, 0},
    [TN_UINT4] = {"uint4", 1, 0},
    [TN_INT2] = {"int2", 1, 0},
    [TN_UINT2] = {"uint2", 1, 0},
};

static const dtype_info *info(tn_dtype dtype) {
  tn_dtype base = tn_dtype_base(dtype);
  return &table[(int)base > 0 && base < TN_N_DTYPES ? base : TN_INVALID];
}

const char *tn_dtype_name(tn_dtype dtype) {
  static const char *const refs[TN_N_DTYPES] = {"invalid",
                                                "float32_ref",
                                                "float64_ref",
                                                "int32_ref",
                                                "uint8_ref",
                                                "int16_ref",
                                                "int8_ref",
                                                "string_ref",
                                                "complex64_ref",
                                                "int64_ref",
                                                "bool_ref",
                                                "qint8_ref",
                                                "quint8_ref",
                                                "qint32_ref",
                                                "bfloat16_ref",
                                                "qint16_ref",
                                                "quint16_ref",
                                                "uint16_ref",
                                                "complex128_ref",
                                                "float16_ref",
                                                "resource_ref",
                                                "variant_ref",
                                                "uint32_ref",
                                                "uint64_ref",
                                                "float8_e5m2_ref",
                                                "float8_e4m3fn_ref",
                                                "float8_e4m3fnuz_ref",
                                                "float8_e4m3b11fnuz_ref",
                                                "float8_e5m2fnuz_ref",
                                                "int4_ref",
                                                "uint4_ref",
                                                "int2_ref",
                                                "uint2_ref"};
  const dtype_info *i = info(dtype);
  return tn_dtype_is_ref(dtype) ? refs[i - table] : i->name;
}

tn_dtype tn_dtype_from_name(const char *name) {
  if (!strncasecmp(name, "DT_", 3)) name += 3;
  size_t size = strlen(name);
  int ref = size > 4 && !strcasecmp(name + size - 4, "_ref") ? TN_REF : 0;
  if (ref) size -= 4;
  static const struct {
    const char *name;
    tn_dtype dtype;
  } aliases[] = {{"float", TN_FLOAT}, {"double", TN_DOUBLE}, {"half", TN_HALF}, {"str", TN_STRING}};
  for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
    if (strlen(aliases[i].name) == size && !strncasecmp(name, aliases[i].name, size))
      return (tn_dtype)(aliases[i].dtype + ref);
  for (int i = 1; i < TN_N_DTYPES; i++)
    if (strlen(table[i].name) == size && !strncasecmp(name, table[i].name, size)) return (tn_dtype)(i + ref);
  return TN_INVALID;
}

size_t tn_dtype_size(tn_dtype dtype) { return tn_dtype_is_ref(dtype) ? sizeof(tn_object *) : info(dtype)->size; }
bool tn_dtype_is_floating(tn_dtype dtype) { return info(dtype)->kind & FLOATING; }
bool tn_dtype_is_complex(tn_dtype dtype) { return info(dtype)->kind & COMPLEX; }
bool tn_dtype_is_integer(tn_dtype dtype) { return info(dtype)->kind & INTEGER; }
bool tn_dtype_is_plain(tn_dtype dtype) {
  return info(dtype)->size && !tn_dtype_is_ref(dtype) && !(info(dtype)->kind & POINTERS);
}

/* --- 16-bit floats --- */

float tn_half_to_float(uint16_t bits) {
  uint32_t sign = (uint32_t)(bits & 0x8000) << 16, exponent = bits >> 10 & 31, mantissa = bits & 0x3ff;
  union {
    uint32_t u;
    float f;
  } v;
  if (exponent == 31) {
    v.u = sign | 0x7f800000 | mantissa << 13;
  } else if (exponent) {
    v.u = sign | (exponent + 112) << 23 | mantissa << 13;
  } else {
    v.f = (float)mantissa * 0x1p-24f;
    v.u |= sign;
  }
  return v.f;
}

uint16_t tn_float_to_half(float value) {
  union {
    float f;
    uint32_t u;
  } v = {.f = value};
  uint32_t sign = v.u >> 16 & 0x8000, magnitude = v.u & 0x7fffffff;
  if (magnitude > 0x7f800000) return (uint16_t)(sign | 0x7e00);
  if (magnitude >= 0x47800000) return (uint16_t)(sign | 0x7c00); /* 65536 and over */
  if (magnitude < 0x38800000) {                                  /* below the smallest normal: let addition round */
    v.u = magnitude;
    v.f += 0.5f;
    return (uint16_t)(sign | (v.u - 0x3f000000));
  }
  uint32_t odd = magnitude >> 13 & 1;
  return (uint16_t)(sign | ((magnitude - 0x38000000 + 0xfff + odd) >> 13));
}

uint16_t tn_float_to_bfloat16(float value) {
  union {
    float f;
    uint32_t u;
  } v = {.f = value};
  if ((v.u & 0x7fffffff) > 0x7f800000) return (uint16_t)((v.u >> 16 & 0x8000) | 0x7fc0);
  return (uint16_t)((v.u + 0x7fff + (v.u >> 16 & 1)) >> 16);
}
