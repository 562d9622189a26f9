/* Convolutions through oneDNN. The batch is cut into chunks by its size alone and each chunk runs on one thread, so the
 * bits do not depend on the number of threads; gradients of filters are summed chunk by chunk in order. */
#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "kernel/dnn.h"
#include "kernel/wide.h"
#include "ops/nn/window.h"

enum { BLOCKS = 4 }; /* of rows, where images are few */

/* A block of rows of the result of one image. */
typedef struct block {
  tn_dnn *primitive;
  int64_t image_at, result_at; /* elements from the start of the image and of its result */
} block;

typedef struct dnn_conv {
  tn_conv_kind kind;
  int output; /* which of image, filter, result is made */
  int64_t images, chunks;
  int64_t image_size, result_size; /* elements of one image and one result */
  tn_dnn *more, *fewer; /* for chunks with one image more than the others, which may be none; and for the others */
  block blocks[BLOCKS]; /* in place of those: chunks are blocks of rows */
  bool by_rows;
  int threads;
  size_t filter, chunk_scratch; /* bytes */
} dnn_conv;

void tn_conv_dnn_free(void *state) {
  dnn_conv *d = state;
  if (!d) return;
  for (int i = 0; i < BLOCKS; i++) tn_dnn_free(d->blocks[i].primitive);
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

static tn_error *make_primitive(const tn_window *w, const dnn_conv *d, int64_t images, tn_dnn **out) {
  const int skip = TN_WINDOW_DIMS - w->spatial;
  tn_dnn_conv c = {.images = images,
                   .groups = w->groups,
                   .in_channels = w->in_channels,
                   .out_channels = w->out_channels,
                   .spatial = w->spatial,
                   .runs = d->threads};
  c.kind = d->kind == TN_CONV_FORWARD      ? TN_DNN_FORWARD
           : d->kind == TN_CONV_BACK_INPUT ? TN_DNN_BACK_INPUT
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
  TN_TRY(make_primitive(w, d, w->batch / d->chunks, &d->fewer));
  if (w->batch % d->chunks == 0) return NULL;
  TN_TRY(make_primitive(w, d, w->batch / d->chunks + 1, &d->more));
  if (tn_dnn_same_filter(d->more, d->fewer)) return NULL;
  return tn_errorf(TN_UNIMPLEMENTED, "oneDNN wants two layouts of one filter");
}

/* True if few, large images make it pay to share out the rows of each. */
static bool deserves_rows(const tn_window *w, tn_conv_kind kind, int64_t filter) {
  enum { FEW = 4, ROWS = 2 * BLOCKS, SIZE = 4 << 20 };
  const int first = TN_WINDOW_DIMS - w->spatial;
  const double places = (double)w->out[0] * (double)w->out[1] * (double)w->out[2];
  return kind == TN_CONV_FORWARD && w->batch < FEW && w->out[first] >= ROWS && places * (double)filter >= SIZE;
}

/* Makes a primitive for each block of rows, with the rows of the image that it reaches. UNIMPLEMENTED where one reaches
 * none. */
static tn_error *make_blocks(const tn_window *w, dnn_conv *d) {
  const int first = TN_WINDOW_DIMS - w->spatial;
  const int64_t reach = (w->kernel[first] - 1) * w->dilation[first] + 1;
  for (int i = 0; i < BLOCKS; i++) {
    int64_t begin, end;
    tn_chunk(w->out[first], BLOCKS, i, 1, &begin, &end);
    const int64_t from = begin * w->stride[first] - w->before[first];
    const int64_t to = (end - 1) * w->stride[first] - w->before[first] + reach;
    const int64_t top = from > 0 ? from : 0, bottom = to < w->in[first] ? to : w->in[first];
    if (top >= bottom) return tn_errorf(TN_UNIMPLEMENTED, "rows in the padding alone");
    tn_window part = *w;
    part.in[first] = bottom - top;
    part.out[first] = end - begin;
    part.before[first] = top - from;
    part.after[first] = to - bottom;
    d->blocks[i].image_at = top * (d->image_size / w->in[first]);
    d->blocks[i].result_at = begin * (d->result_size / w->out[first]);
    TN_TRY(make_primitive(&part, d, 1, &d->blocks[i].primitive));
    if (i > 0 && !tn_dnn_same_filter(d->blocks[0].primitive, d->blocks[i].primitive))
      return tn_errorf(TN_UNIMPLEMENTED, "oneDNN wants two layouts of one filter");
  }
  d->by_rows = true;
  d->chunks = w->batch * BLOCKS;
  return NULL;
}

/* The chunks and what each needs. */
static tn_error *make_chunks(const tn_window *w, dnn_conv *d, int64_t filter, int64_t limit) {
  if (deserves_rows(w, d->kind, filter)) {
    tn_error *error = make_blocks(w, d);
    if (!error) return NULL;
    if (tn_error_code(error) != TN_UNIMPLEMENTED) return error;
    tn_error_free(error);
  }
  d->by_rows = false;
  d->chunks = pick_chunks(w->batch, limit);
  return make_primitives(w, d);
}

/* Any of the primitives: all have one layout of the filter. */
static tn_dnn *any_primitive(const dnn_conv *d) { return d->by_rows ? d->blocks[0].primitive : d->fewer; }

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
                  .threads = p->threads,
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
  TN_TRY(make_chunks(&w, d, filter, limit));
  tn_dnn *any = any_primitive(d);
  d->filter = tn_dnn_filter_bytes(any);
  d->chunk_scratch = tn_dnn_scratch(any);
  if (d->more && tn_dnn_scratch(d->more) > d->chunk_scratch) d->chunk_scratch = tn_dnn_scratch(d->more);
  for (int i = 0; i < BLOCKS && d->by_rows; i++)
    if (tn_dnn_scratch(d->blocks[i].primitive) > d->chunk_scratch)
      d->chunk_scratch = tn_dnn_scratch(d->blocks[i].primitive);
  const size_t filters = kind == TN_CONV_BACK_FILTER ? (size_t)d->chunks : 1;
  for (int i = 0; i < p->n_inputs; i++)
    if (p->inputs[i].dtype == p->outputs[0].dtype) p->scratch += tn_float_scratch(&p->inputs[i]);
  p->scratch += tn_float_scratch(&p->outputs[0]);
  p->scratch += filters * d->filter + (size_t)d->chunks * d->chunk_scratch + tn_dnn_pack_scratch(any);
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
  char *filter = j->filters + (d->kind == TN_CONV_BACK_FILTER ? (size_t)chunk * d->filter : 0);
  const float *image = j->image, *result = j->result;
  tn_dnn *primitive;
  if (d->by_rows) {
    const block *b = &d->blocks[chunk % BLOCKS];
    primitive = b->primitive;
    image += chunk / BLOCKS * d->image_size + b->image_at;
    result += chunk / BLOCKS * d->result_size + b->result_at;
  } else {
    int64_t begin, end;
    tn_chunk(d->images, d->chunks, chunk, 1, &begin, &end);
    primitive = d->more && end - begin > d->images / d->chunks ? d->more : d->fewer;
    image += begin * d->image_size;
    result += begin * d->result_size;
  }
  tn_error *error = tn_dnn_conv_run(primitive, image, filter, result, j->scratch + (size_t)chunk * d->chunk_scratch);
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
  if (d->kind != TN_CONV_BACK_FILTER) TN_TRY(tn_dnn_pack(any_primitive(d), parts[1], j.filters, pack_scratch));
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
