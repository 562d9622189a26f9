/* DecodeWav and EncodeWav. */
#include "io/wav.h"

#include <string.h>

#include "graph/shape.h"
#include "kernel/kernel.h"

static tn_error *decode_prepare(tn_prepare *p) {
  if (p->inputs[0].shape.rank != 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "contents must be scalar, but is %s",
                             TN_SHAPE_STR(&p->inputs[0].shape));
  tn_prepare_dynamic(p, 0);
  tn_shape scalar = tn_shape_scalar();
  return tn_prepare_output(p, 1, &scalar);
}

/* As many samples and channels as are wanted: zeros behind, and the last channel for those that are missing. */
static tn_error *fit(tn_run *r, const tn_tensor *sound) {
  const int64_t channels = tn_node_get_int(r->node, "desired_channels"),
                n = tn_node_get_int(r->node, "desired_samples");
  const int64_t have = sound->shape.dims[0], width = sound->shape.dims[1];
  const int64_t dims[2] = {n < 0 ? have : n, channels < 0 ? width : channels};
  tn_shape shape = tn_shape_of(2, dims);
  TN_TRY(tn_run_allocate(r, 0, &shape));
  float *to = TN_DATA(float, r->outputs[0]);
  for (int64_t i = 0; i < dims[0]; i++)
    for (int64_t c = 0; c < dims[1]; c++)
      *to++ = i < have ? TN_DATA(float, sound)[i * width + (c < width ? c : width - 1)] : 0;
  return NULL;
}

static tn_error *decode_run(tn_run *r) {
  tn_string s = *TN_DATA(tn_string, r->inputs[0]);
  tn_tensor *sound;
  tn_error *error = tn_wav_decode(s.data, s.size, &sound, TN_DATA(int32_t, r->outputs[1]));
  if (error) return tn_error_context(error, "DecodeWav '%s'", r->node->name);
  error = fit(r, sound);
  tn_tensor_free(sound);
  return error;
}

static tn_error *decode_shape(tn_shape_ctx *c) {
  tn_shape scalar;
  TN_TRY(tn_shape_with_rank(c, 0, 0, &scalar));
  int64_t dims[2] = {tn_node_get_int(c->node, "desired_samples"), tn_node_get_int(c->node, "desired_channels")};
  for (int i = 0; i < 2; i++)
    if (dims[i] < -1 || (i == 1 && dims[i] == 0))
      return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "%s must be non-negative, got %lld",
                            i ? "desired_channels" : "desired_samples", (long long)dims[i]);
  c->out[0] = tn_shape_of(2, dims);
  c->out[1] = tn_shape_scalar();
  return NULL;
}

static tn_error *encode_prepare(tn_prepare *p) {
  if (p->inputs[0].shape.rank != 2 || p->inputs[1].shape.rank != 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "audio [samples, channels] and a sample rate are needed, not %s, %s",
                             TN_SHAPE_STR(&p->inputs[0].shape), TN_SHAPE_STR(&p->inputs[1].shape));
  tn_shape scalar = tn_shape_scalar();
  return tn_prepare_output(p, 0, &scalar);
}

static tn_error *encode_run(tn_run *r) {
  const tn_tensor *sound = r->inputs[0];
  tn_str text = {0};
  tn_error *error =
      tn_wav_encode(sound->data, sound->shape.dims[0], sound->shape.dims[1], *TN_DATA(int32_t, r->inputs[1]), &text);
  if (!error) error = tn_string_set(TN_DATA(tn_string, r->outputs[0]), text.data, text.size);
  tn_str_clear(&text);
  return error ? tn_error_context(error, "EncodeWav '%s'", r->node->name) : NULL;
}

static tn_error *encode_shape(tn_shape_ctx *c) {
  tn_shape s;
  TN_TRY(tn_shape_with_rank(c, 0, 2, &s));
  TN_TRY(tn_shape_with_rank(c, 1, 0, &s));
  c->out[0] = tn_shape_scalar();
  return NULL;
}

static const tn_kernel_def decode_kernels[] = {{.name = "reference", .prepare = decode_prepare, .run = decode_run},
                                               {0}};
static const tn_kernel_def encode_kernels[] = {{.name = "reference", .prepare = encode_prepare, .run = encode_run},
                                               {0}};

TN_OP(DecodeWav, .inputs = "contents: string", .outputs = "audio: float, sample_rate: int32",
      .attrs = "desired_channels: int = -1; desired_samples: int = -1",
      .doc = "The samples [samples, channels] of a 16-bit WAV file, from -1 to 1.",
      .flags = TN_OP_DYNAMIC_SHAPE | TN_OP_GRADIENT_UNREGISTERED, .shape = decode_shape, .kernels = decode_kernels);

TN_OP(EncodeWav, .inputs = "audio: float, sample_rate: int32", .outputs = "contents: string", .attrs = "",
      .doc = "Samples [samples, channels] from -1 to 1 as a 16-bit WAV file.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = encode_shape, .kernels = encode_kernels);
