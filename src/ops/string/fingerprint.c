/* Fingerprint: 64 bits of each row, which never change. */
#include <string.h>

#include "ops/string/string_array.h"

static tn_error *prepare(tn_prepare *p) {
  const tn_shape *data = &p->inputs[0].shape;
  if (data->rank < 1) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "`data` should have at least one dimension: got shape = %s",
                             TN_SHAPE_STR(data));
  }
  if (p->inputs[1].shape.rank != 0) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "`method` should be a scalar string: got shape = %s",
                             TN_SHAPE_STR(&p->inputs[1].shape));
  }
  tn_shape out = tn_shape_of(2, (int64_t[2]){data->dims[0], 8});
  return tn_prepare_output(p, 0, &out);
}

static void put(uint8_t *out, uint64_t value) {
  for (int i = 0; i < 8; i++) out[i] = (uint8_t)(value >> 8 * i);
}

/* The fingerprint of N strings: that of their fingerprints, one after the other. */
static tn_error *of_strings(const tn_string *s, int64_t n, uint8_t *out) {
  if (n == 1) {
    put(out, tn_fingerprint64(s->data ? s->data : "", s->size));
    return NULL;
  }
  uint8_t *parts = tn_malloc((size_t)n * 8 + 1);
  if (!parts) return tn_out_of_memory();
  for (int64_t i = 0; i < n; i++) put(parts + 8 * i, tn_fingerprint64(s[i].data ? s[i].data : "", s[i].size));
  put(out, tn_fingerprint64((const char *)parts, (uint64_t)n * 8));
  tn_free(parts);
  return NULL;
}

static tn_error *run(tn_run *r) {
  const tn_tensor *data = r->inputs[0];
  tn_string method = tn_strings_of(r->inputs[1])[0];
  if (method.size != 10 || memcmp(method.data, "farmhash64", 10) != 0) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Unsupported fingerprint method: %.*s",
                         (int)(method.size < 100 ? method.size : 100), method.data ? method.data : "");
  }
  int64_t rows = data->shape.dims[0], row = rows ? tn_elements(data) / rows : 0;
  uint8_t *out = TN_DATA(uint8_t, r->outputs[0]);
  for (int64_t i = 0; i < rows; i++) {
    if (data->dtype == TN_STRING) {
      TN_TRY(of_strings(tn_strings_of(data) + i * row, row, out + 8 * i));
    } else {
      size_t bytes = (size_t)row * tn_dtype_size(data->dtype);
      put(out + 8 * i, tn_fingerprint64((const char *)data->data + (size_t)i * bytes, bytes));
    }
  }
  return NULL;
}

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape data, method;
  TN_TRY(tn_shape_at_least_rank(c, 0, 1, &data));
  TN_TRY(tn_shape_with_rank(c, 1, 0, &method));
  c->out[0] = tn_shape_of(2, (int64_t[2]){data.rank > 0 ? data.dims[0] : -1, c->value(c, 1) ? 8 : -1});
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(Fingerprint, .inputs = "data: T, method: string", .outputs = "fingerprint: uint8", .attrs = "T: type",
      .doc = "Eight bytes for each row of data that tell it from others.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = shape, .kernels = kernels);

/* --- SdcaFprint: ids of examples as two words --- */

static tn_error *example_prepare(tn_prepare *p) {
  const tn_shape *input = &p->inputs[0].shape;
  if (input->rank != 1) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Input must be a vector, got shape %s", TN_SHAPE_STR(input));
  }
  tn_shape pairs = tn_shape_of(2, (int64_t[2]){input->dims[0], 2});
  return tn_prepare_output(p, 0, &pairs);
}

static tn_error *example_run(tn_run *r) {
  for (int64_t i = 0; i < tn_elements(r->inputs[0]); i++) {
    tn_string s = tn_strings_of(r->inputs[0])[i];
    uint64_t words[2];
    tn_fingerprint128(s.size ? s.data : "", s.size, words);
    if (words[0] < 2) words[0] += ~(uint64_t)1; /* 0 and 1 are left to tables that need keys of their own */
    memcpy(TN_DATA(int64_t, r->outputs[0]) + 2 * i, words, sizeof words);
  }
  return NULL;
}

static tn_error *example_shape(tn_shape_ctx *c) {
  tn_shape input;
  TN_TRY(tn_shape_with_rank(c, 0, 1, &input));
  c->out[0] = tn_shape_of(2, (int64_t[2]){input.rank == 1 ? input.dims[0] : -1, 2});
  return NULL;
}

static const tn_kernel_def examples[] = {{.name = "reference", .prepare = example_prepare, .run = example_run}, {0}};

TN_OP(SdcaFprint, .inputs = "input: string", .outputs = "output: int64", .attrs = "",
      .doc = "128-bit fingerprints of the ids of examples.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = example_shape, .kernels = examples);
