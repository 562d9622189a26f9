/* Convolutions through oneDNN. The batch is cut into chunks by its size alone and each chunk runs on one thread, so the
 * bits do not depend on the number of threads; gradients of filters are summed chunk by chunk in order. */
#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "kernel/dnn.h"
#include "kernel/wide.h"
#include "ops/nn/window.h"

typedef struct dnn_conv {
  tn_conv_kind kind;
  int output; /* which of image, filter, result is made */
  int64_t images, chunks;
  int64_t image_size, result_size; /* elements of one image and one result */
  tn_dnn *more, *fewer; /* for chunks with one image more than the others, which may be none; and for the others */
  size_t filter, chunk_scratch; /* bytes */
} dnn_conv;

void tn_conv_dnn_free(void *state) {
  dnn_conv *d = state;
  if (!d) return;
  tn_dnn_free(d->more);
  tn_dnn_free(d->fewer);
  tn_free(d);
}

/* The largest even divisor of N up to LIMIT, so that chunks are equal and two threads get as many each; else min(N,
 * LIMIT). */
static int64_t pick_chunks(int64_t n, int64_t limit) {
  for (int64_t c = limit / 2 * 2; c >= 4; c -= 2)
    if (n % c == 0) return c;
  return n < limit ? n : limit;
}

static tn_error *make_primitive(const tn_window *w, tn_conv_kind kind, int64_t images, tn_dnn **out) {
  const int skip = TN_WINDOW_DIMS - w->spatial;
  tn_dnn_conv c = {.images = images,
                   .groups = w->groups,
                   .in_channels = w->in_channels,
                   .out_channels = w->out_channels,
                   .spatial = w->spatial};
  c.kind = kind == TN_CONV_FORWARD      ? TN_DNN_FORWARD
           : kind == TN_CONV_BACK_INPUT ? TN_DNN_BACK_INPUT
                                        : TN_DNN_BACK_FILTER;
  for (int i = 0; i < w->spatial; i++) {
    c.in[i] = w->in[skip + i];
    c.out[i] = w->out[skip + i];
    c.kernel[i] = w->kernel[skip + i];
    c.stride[i] = w->stride[skip + i];
    c.dilation[i] = w->dilation[skip + i];
    c.before[i] = w->before[skip + i];
    c.after[i] = w->after[skip + i];
  }
  return tn_dnn_conv_new(&c, out);
}

/* Makes the primitives for D->chunks chunks. */
static tn_error *make_primitives(const tn_window *w, dnn_conv *d) {
  TN_TRY(make_primitive(w, d->kind, w->batch / d->chunks, &d->fewer));
  if (w->batch % d->chunks == 0) return NULL;
  TN_TRY(make_primitive(w, d->kind, w->batch / d->chunks + 1, &d->more));
  if (tn_dnn_same_filter(d->more, d->fewer)) return NULL;
  return tn_errorf(TN_UNIMPLEMENTED, "oneDNN wants two layouts of one filter");
}

tn_error *tn_conv_dnn_prepare(tn_prepare *p, tn_conv_kind kind, int spatial, bool depthwise) {
  enum { CHUNKS = 32, FILTER_CHUNKS = 12, FEWEST = 4, PARTIAL_BYTES = 32 << 20 };
  tn_window w;
  TN_TRY(tn_conv_prepare(p, kind, spatial, depthwise, &w));
  const int64_t in = w.in[0] * w.in[1] * w.in[2] * w.in_channels, out = w.out[0] * w.out[1] * w.out[2] * w.out_channels;
  const int64_t filter =
      w.kernel[0] * w.kernel[1] * w.kernel[2] * w.out_channels * (w.groups ? w.in_channels / w.groups : 0);
  if (w.channels_first || w.batch * in * out * filter == 0)
    return tn_prepare_errorf(p, TN_UNIMPLEMENTED, "empty, or channels first");
  dnn_conv *d = tn_calloc(1, sizeof *d);
  if (!d) return tn_out_of_memory();
  p->state = d;
  *d = (dnn_conv){.kind = kind,
                  .output = kind == TN_CONV_FORWARD      ? 2
                            : kind == TN_CONV_BACK_INPUT ? 0
                                                         : 1,
                  .images = w.batch,
                  .image_size = in,
                  .result_size = out};
  int64_t limit = CHUNKS;
  if (kind == TN_CONV_BACK_FILTER) { /* each chunk has a sum of its own */
    limit = PARTIAL_BYTES / (filter * (int64_t)sizeof(float));
    limit = limit < FEWEST ? FEWEST : limit > FILTER_CHUNKS ? FILTER_CHUNKS : limit;
  }
  d->chunks = pick_chunks(w.batch, limit);
  TN_TRY(make_primitives(&w, d));
  d->filter = tn_dnn_filter_bytes(d->fewer);
  d->chunk_scratch = tn_dnn_scratch(d->fewer);
  if (d->more && tn_dnn_scratch(d->more) > d->chunk_scratch) d->chunk_scratch = tn_dnn_scratch(d->more);
  const size_t filters = kind == TN_CONV_BACK_FILTER ? (size_t)d->chunks : 1;
  for (int i = 0; i < p->n_inputs; i++)
    if (p->inputs[i].dtype == p->outputs[0].dtype) p->scratch += tn_float_scratch(&p->inputs[i]);
  p->scratch += tn_float_scratch(&p->outputs[0]);
  p->scratch += filters * d->filter + (size_t)d->chunks * d->chunk_scratch + tn_dnn_pack_scratch(d->fewer);
  return NULL;
}

/* One run: where the parts of the scratch lie, and the first error of any chunk. */
typedef struct job {
  const dnn_conv *d;
  const float *image, *result;
  char *filters, *scratch;
  _Atomic(tn_error *) error;
} job;

static void run_chunk(void *argument, int64_t chunk) {
  job *j = argument;
  const dnn_conv *d = j->d;
  int64_t begin, end;
  tn_chunk(d->images, d->chunks, chunk, 1, &begin, &end);
  tn_dnn *primitive = d->more && end - begin > d->images / d->chunks ? d->more : d->fewer;
  char *filter = j->filters + (d->kind == TN_CONV_BACK_FILTER ? (size_t)chunk * d->filter : 0);
  tn_error *error = tn_dnn_conv_run(primitive, j->image + begin * d->image_size, filter,
                                    j->result + begin * d->result_size, j->scratch + (size_t)chunk * d->chunk_scratch);
  tn_error *none = NULL;
  if (error && !atomic_compare_exchange_strong(&j->error, &none, error)) tn_error_free(error);
}

/* Adds the filters of all chunks into the first one, in order: slice I of SLICES. */
enum { SLICES = 16 };
static void add_slice(void *argument, int64_t slice) {
  const job *j = argument;
  int64_t begin, end;
  tn_chunk((int64_t)(j->d->filter / sizeof(float)), SLICES, slice, 16, &begin, &end);
  float *sum = (float *)j->filters;
  for (int64_t c = 1; c < j->d->chunks; c++) {
    const float *part = (const float *)(j->filters + (size_t)c * j->d->filter);
    for (int64_t i = begin; i < end; i++) sum[i] += part[i];
  }
}

tn_error *tn_conv_dnn(tn_run *r) {
  const dnn_conv *d = r->state;
  char *scratch = r->scratch;
  /* Image, filter and result are inputs or the output, as the op has them. */
  float *parts[3];
  for (int i = 0; i < 3; i++) {
    if (i == d->output)
      parts[i] = tn_float_out(r->outputs[0], &scratch);
    else
      parts[i] = tn_float_in(r->inputs[i], &scratch);
  }
  job j = {.d = d, .image = parts[0], .result = parts[2], .filters = scratch};
  const size_t filters = d->kind == TN_CONV_BACK_FILTER ? (size_t)d->chunks : 1;
  j.scratch = j.filters + filters * d->filter;
  char *pack_scratch = j.scratch + (size_t)d->chunks * d->chunk_scratch;
  if (d->kind != TN_CONV_BACK_FILTER) TN_TRY(tn_dnn_pack(d->fewer, parts[1], j.filters, pack_scratch));
  tn_parallel(d->chunks, run_chunk, &j);
  tn_error *error = atomic_load(&j.error);
  if (error) return error;
  if (d->kind == TN_CONV_BACK_FILTER) {
    if (d->chunks > 1) tn_parallel(SLICES, add_slice, &j);
    TN_TRY(tn_dnn_unpack(d->fewer, j.filters, parts[1], pack_scratch));
  }
  tn_float_finish(r->outputs[0], parts[d->output]);
  return NULL;
}
