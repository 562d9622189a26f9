/* DecodeCompressed: strings that zlib or gzip made smaller. */
#include <string.h>
#include <zlib.h>

#include "ops/string/string_array.h"

static tn_error *prepare(tn_prepare *p) {
  static const char *const types[] = {"", "ZLIB", "GZIP"};
  for (int i = 0; i < 3; i++)
    if (tn_node_string_is(p->node, "compression_type", types[i])) return tn_prepare_output(p, 0, &p->inputs[0].shape);
  return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Only ZLIB, GZIP or NONE are supported compressions");
}

static tn_error *inflate_all(tn_run *r, z_stream *stream, tn_str *out) {
  char block[16384];
  for (;;) {
    stream->next_out = (Bytef *)block;
    stream->avail_out = sizeof block;
    int status = inflate(stream, Z_NO_FLUSH);
    tn_str_add_bytes(out, block, sizeof block - stream->avail_out);
    if (out->failed) return NULL; /* taking it says so */
    if (status == Z_STREAM_END) {
      if (stream->avail_in == 0) return NULL;
      status = inflateReset(stream); /* several streams may follow one another */
    }
    if (status == Z_BUF_ERROR && stream->avail_in == 0) return NULL; /* as TensorFlow: what there is */
    if (status != Z_OK)
      return tn_run_errorf(r, TN_DATA_LOSS, "inflate() failed with error %d: %s", status,
                           stream->msg ? stream->msg : "");
  }
}

static tn_error *decompress(tn_run *r, tn_string s, bool gzip, tn_string *target) {
  z_stream stream = {.next_in = (Bytef *)s.data, .avail_in = (uInt)s.size};
  if (s.size > UINT32_MAX) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "a string of %zu bytes is too large", s.size);
  if (inflateInit2(&stream, MAX_WBITS + (gzip ? 16 : 0)) != Z_OK) return tn_out_of_memory();
  tn_str out = {0};
  tn_error *error = inflate_all(r, &stream, &out);
  inflateEnd(&stream);
  if (!error) error = tn_string_take(target, &out);
  tn_str_clear(&out);
  return error;
}

static tn_error *run(tn_run *r) {
  bool gzip = tn_node_string_is(r->node, "compression_type", "GZIP"),
       plain = tn_node_string_is(r->node, "compression_type", "");
  for (int64_t i = 0; i < tn_elements(r->inputs[0]); i++) {
    tn_string s = tn_strings_of(r->inputs[0])[i], *to = &tn_strings_of(r->outputs[0])[i];
    TN_TRY(plain ? tn_string_set(to, s.data, s.size) : decompress(r, s, gzip, to));
  }
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(DecodeCompressed, .inputs = "bytes: string", .outputs = "output: string",
      .attrs = "compression_type: string = ''", .doc = "Strings as they were before zlib or gzip compressed them.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = tn_shape_unchanged, .kernels = kernels);
