/* AudioSummary(V2): sounds as 16-bit WAV files. */
#include <math.h>

#include "ops/summary/summary.h"

static tn_error *prepare(tn_prepare *p) {
  const tn_shape *sound = &p->inputs[1].shape;
  if (p->inputs[0].shape.rank != 0) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Tag must be a scalar");
  if (sound->rank != 2 && sound->rank != 3)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Tensor must be 3-D or 2-D, got: %s", TN_SHAPE_STR(sound));
  return tn_summary_prepare(p, 0);
}

static void put_u16(tn_str *out, unsigned value) {
  tn_str_add_bytes(out, (char[2]){(char)(value & 0xff), (char)(value >> 8 & 0xff)}, 2);
}

typedef struct sound {
  const float *samples;
  int64_t frames, channels;
  float rate;
} sound;

/* The RIFF file: https://www.mmsp.ece.mcgill.ca/Documents/AudioFormats/WAVE/WAVE.html */
static void put_wav(tn_str *out, const sound *s) {
  uint32_t rate = (uint32_t)s->rate, frame = (uint32_t)s->channels * 2, bytes = (uint32_t)s->frames * frame;
  tn_str_add_bytes(out, "RIFF", 4);
  tn_put_u32(out, 36 + bytes);
  tn_str_add_bytes(out, "WAVEfmt ", 8);
  tn_put_u32(out, 16);
  put_u16(out, 1);
  put_u16(out, (unsigned)s->channels);
  tn_put_u32(out, rate);
  tn_put_u32(out, rate * frame);
  put_u16(out, frame);
  put_u16(out, 16);
  tn_str_add_bytes(out, "data", 4);
  tn_put_u32(out, bytes);
  for (int64_t i = 0; i < s->frames * s->channels; i++) {
    float x = fminf(fmaxf(roundf(s->samples[i] * 32768.0f), -32768.0f), 32767.0f);
    put_u16(out, (unsigned)(int16_t)x);
  }
}

static void put_audio(tn_str *out, const sound *s) {
  size_t audio = tn_proto_begin(out, 6);
  tn_wire_put_fixed32(out, 1, tn_float_bits(s->rate));
  tn_wire_put_int(out, 2, s->channels);
  tn_wire_put_int(out, 3, s->frames);
  size_t wav = tn_proto_begin(out, 4);
  put_wav(out, s);
  tn_proto_end(out, wav);
  tn_proto_put_string(out, 5, "audio/wav");
  tn_proto_end(out, audio);
}

static tn_error *run(tn_run *r) {
  const tn_shape *shape = &r->inputs[1]->shape;
  sound s = {.frames = shape->dims[1], .channels = shape->rank == 3 ? shape->dims[2] : 1};
  s.rate = r->n_inputs > 2 ? *TN_DATA(float, r->inputs[2]) : tn_node_get_float(r->node, "sample_rate");
  if (!(s.rate > 0)) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "sample_rate must be > 0");
  int64_t limit = tn_node_get_int(r->node, "max_outputs");
  if (shape->dims[0] > 0 && (s.frames == 0 || s.channels == 0))
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "a sound must have frames and channels; the tensor is %s",
                         TN_SHAPE_STR(shape));
  tn_str out = {0};
  for (int64_t i = 0; i < shape->dims[0] && i < limit; i++) {
    size_t mark = tn_summary_begin_numbered(&out, *tn_strings_of(r->inputs[0]), "audio", i, limit);
    s.samples = TN_DATA(float, r->inputs[1]) + i * s.frames * s.channels;
    put_audio(&out, &s);
    tn_proto_end(&out, mark);
  }
  return tn_summary_finish(r, &out, NULL);
}

static tn_error *prepare_rated(tn_prepare *p) {
  if (p->inputs[2].shape.rank != 0) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "sample_rate must be a scalar");
  return prepare(p);
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};
static const tn_kernel_def rated_kernels[] = {{.name = "reference", .prepare = prepare_rated, .run = run}, {0}};

TN_OP(AudioSummary, .inputs = "tag: string, tensor: float", .outputs = "summary: string",
      .attrs = "sample_rate: float; max_outputs: int >= 1 = 3", .doc = "A serialised Summary with sounds.",
      .flags = TN_OP_NO_GRADIENT, .shape = tn_shape_scalar_out, .kernels = kernels);

TN_OP(AudioSummaryV2, .inputs = "tag: string, tensor: float, sample_rate: float", .outputs = "summary: string",
      .attrs = "max_outputs: int >= 1 = 3", .doc = "A serialised Summary with sounds, whose rate is an input.",
      .flags = TN_OP_NO_GRADIENT, .shape = tn_shape_scalar_out, .kernels = rated_kernels);
