/* ShardedFilename and ShardedFilespec. */
#include "base/alloc.h"
#include "base/str.h"
#include "graph/shape.h"
#include "ops/io/text.h"

static tn_error *prepare(tn_prepare *p) {
  for (int i = 0; i < p->n_inputs; i++)
    if (p->inputs[i].shape.rank)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input %d must be a scalar, but is %s", i,
                               TN_SHAPE_STR(&p->inputs[i].shape));
  tn_shape scalar = tn_shape_scalar();
  return tn_prepare_output(p, 0, &scalar);
}

/* Sets the output to TEXT, which is cleared. */
static tn_error *set(tn_run *r, tn_str *text) {
  tn_error *error = text->failed ? tn_out_of_memory() : tn_string_set(r->outputs[0]->data, text->data, text->size);
  tn_str_clear(text);
  return error;
}

static tn_error *filename_run(tn_run *r) {
  const tn_string *base = r->inputs[0]->data;
  tn_str text = {0};
  tn_str_add_bytes(&text, base->data, base->size);
  tn_str_addf(&text, "-%05d-of-%05d", TN_DATA(int32_t, r->inputs[1])[0], TN_DATA(int32_t, r->inputs[2])[0]);
  return set(r, &text);
}

static tn_error *filespec_run(tn_run *r) {
  const tn_string *base = r->inputs[0]->data;
  tn_str text = {0};
  tn_str_add_bytes(&text, base->data, base->size);
  tn_str_addf(&text, "-\?\?\?\?\?-of-%05d", TN_DATA(int32_t, r->inputs[1])[0]);
  return set(r, &text);
}

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape s;
  for (int i = 0; i < c->n_inputs; i++) TN_TRY(tn_shape_with_rank(c, i, 0, &s));
  return tn_shape_scalar_out(c);
}

static const tn_kernel_def filename_kernels[] = {{.name = "reference", .prepare = prepare, .run = filename_run}, {0}};
static const tn_kernel_def filespec_kernels[] = {{.name = "reference", .prepare = prepare, .run = filespec_run}, {0}};

TN_OP(ShardedFilename, .inputs = "basename: string, shard: int32, num_shards: int32", .outputs = "filename: string",
      .attrs = "", .doc = "The name of one file of several: BASENAME-00001-of-00002.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape, .kernels = filename_kernels);

TN_OP(ShardedFilespec, .inputs = "basename: string, num_shards: int32", .outputs = "filename: string", .attrs = "",
      .doc = "The pattern that matches all files of several.", .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape,
      .kernels = filespec_kernels);
