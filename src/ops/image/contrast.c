/* AdjustContrastv2: pixels move away from the mean of their channel, image by image. */
#include <string.h>

#include "ops/image/image.h"

typedef struct job {
  const float *in;
  float *out, factor;
  int64_t pixels, channels;
} job;

static void adjust(void *argument, int64_t image) {
  const job *j = argument;
  const float *in = j->in + image * j->pixels * j->channels;
  float *out = j->out + image * j->pixels * j->channels;
  for (int64_t c = 0; c < j->channels; c++) {
    double sum = 0;
    for (int64_t i = 0; i < j->pixels; i++) sum += in[i * j->channels + c];
    const float mean = (float)(sum / (double)j->pixels), base = mean * (1 - j->factor);
    for (int64_t i = 0; i < j->pixels; i++) out[i * j->channels + c] = in[i * j->channels + c] * j->factor + base;
  }
}

static tn_error *prepare(tn_prepare *p) {
  const tn_shape *s = &p->inputs[0].shape;
  if (s->rank < 3)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input must be at least 3-D, but is %s", TN_SHAPE_STR(s));
  if (p->inputs[1].shape.rank != 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "contrast_factor must be scalar, but is %s",
                             TN_SHAPE_STR(&p->inputs[1].shape));
  return tn_prepare_output(p, 0, s);
}

static tn_error *run(tn_run *r) {
  const tn_shape *s = &r->inputs[0]->shape;
  const int64_t *size = s->dims + s->rank - 3, n = tn_elements(r->inputs[0]);
  if (n == 0) return NULL;
  job j = {r->inputs[0]->data, r->outputs[0]->data, *TN_DATA(float, r->inputs[1]), size[0] * size[1], size[2]};
  tn_image_rows(n / (j.pixels * j.channels), j.pixels * j.channels, adjust, &j);
  return NULL;
}

static tn_error *shape(tn_shape_ctx *c) { return tn_shape_at_least_rank(c, 0, 3, &c->out[0]); }

static const tn_kernel_def kernels[] = {
    {.name = "reference", .types = TN_BIT(TN_FLOAT), .prepare = prepare, .run = run}, {0}};

TN_OP(AdjustContrastv2, .inputs = "images: T, contrast_factor: float", .outputs = "output: T",
      .attrs = "T: {half, float} = DT_FLOAT",
      .doc = "Images whose channels move away from their means by CONTRAST_FACTOR.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape, .kernels = kernels);
