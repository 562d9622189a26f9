/* The ops that hand out readers. */
#include "data/reader.h"
#include "graph/shape.h"
#include "kernel/handle.h"

static tn_error *create(void *argument, const char *name, tn_object **out) {
  tn_reader *reader = NULL;
  TN_TRY(tn_reader_new(name, argument, &reader));
  *out = (tn_object *)reader;
  return NULL;
}

static tn_error *prepare(tn_prepare *p, const tn_reader_spec *spec) {
  tn_object *object = NULL;
  tn_handle_request request = {TN_READER_TYPE, create, (void *)spec};
  TN_TRY(tn_handle_prepare(p, &request, &object));
  return tn_error_context(tn_reader_check((const tn_reader *)object, spec), "%s '%s'", p->node->op->name,
                          p->node->name);
}

static tn_error *prepare_whole(tn_prepare *p) {
  tn_reader_spec spec = {.kind = TN_READER_WHOLE_FILE};
  return prepare(p, &spec);
}

static tn_error *prepare_identity(tn_prepare *p) {
  tn_reader_spec spec = {.kind = TN_READER_IDENTITY};
  return prepare(p, &spec);
}

static tn_error *prepare_lines(tn_prepare *p) {
  tn_reader_spec spec = {.kind = TN_READER_LINES, .skip_lines = tn_node_get_int(p->node, "skip_header_lines")};
  if (spec.skip_lines >= 0) return prepare(p, &spec);
  return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "skip_header_lines must be >= 0 not %lld",
                           (long long)spec.skip_lines);
}

static tn_error *prepare_records(tn_prepare *p) {
  tn_reader_spec spec = {.kind = TN_READER_RECORDS};
  tn_string type = tn_node_get_string(p->node, "compression_type");
  tn_error *error = tn_compression_named(type.size ? type.data : "", &spec.compression);
  if (error) return tn_error_context(error, "%s '%s'", p->node->op->name, p->node->name);
  return prepare(p, &spec);
}

static tn_error *prepare_fixed(tn_prepare *p) {
  static const char *const names[] = {"header_bytes", "record_bytes", "footer_bytes", "hop_bytes"};
  int64_t bytes[4];
  for (int i = 0; i < 4; i++) {
    bytes[i] = tn_node_get_int(p->node, names[i]);
    if (bytes[i] >= (i == 1) && bytes[i] < INT32_MAX) continue;
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%s must be %s, but it is %lld", names[i], i == 1 ? "> 0" : ">= 0",
                             (long long)bytes[i]);
  }
  tn_reader_spec spec = {
      .kind = TN_READER_FIXED, .header = bytes[0], .record = bytes[1], .footer = bytes[2], .hop = bytes[3]};
  if (tn_node_attr(p->node, "encoding")) {
    tn_string encoding = tn_node_get_string(p->node, "encoding");
    tn_error *error = tn_compression_named(encoding.size ? encoding.data : "", &spec.compression);
    if (error) return tn_error_context(error, "%s '%s'", p->node->op->name, p->node->name);
  }
  return prepare(p, &spec);
}

#define KERNELS(PREPARE)                                                                                               \
  {                                                                                                                    \
    {.name = "reference", .prepare = (PREPARE), .run = tn_handle_run, .destroy = tn_handle_destroy}, { 0 }             \
  }
static const tn_kernel_def whole[] = KERNELS(prepare_whole);
static const tn_kernel_def identity[] = KERNELS(prepare_identity);
static const tn_kernel_def lines[] = KERNELS(prepare_lines);
static const tn_kernel_def records[] = KERNELS(prepare_records);
static const tn_kernel_def fixed[] = KERNELS(prepare_fixed);

static tn_error *shape_ref(tn_shape_ctx *c) {
  c->out[0] = tn_shape_of(1, &(int64_t){2});
  return NULL;
}

#define NEW   TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED
#define OLD   TN_OP_STATEFUL | TN_OP_NO_GRADIENT
#define NAMES "container: string = ''; shared_name: string = ''"
#define FIXED "header_bytes: int = 0; record_bytes: int; footer_bytes: int = 0; hop_bytes: int = 0; " NAMES

TN_OP(WholeFileReaderV2, .inputs = "", .outputs = "reader_handle: resource", .attrs = NAMES, .flags = TN_OP_FILES | NEW,
      .doc = "A reader whose records are whole files.", .shape = tn_shape_scalar_out, .kernels = whole);
TN_OP(WholeFileReader, .inputs = "", .outputs = "reader_handle: Ref(string)", .attrs = NAMES,
      .flags = TN_OP_FILES | OLD, .doc = "The old WholeFileReaderV2.", .shape = shape_ref, .kernels = whole);
TN_OP(IdentityReaderV2, .inputs = "", .outputs = "reader_handle: resource", .attrs = NAMES, .flags = NEW,
      .doc = "A reader whose records are what the queue holds.", .shape = tn_shape_scalar_out, .kernels = identity);
TN_OP(IdentityReader, .inputs = "", .outputs = "reader_handle: Ref(string)", .attrs = NAMES, .flags = OLD,
      .doc = "The old IdentityReaderV2.", .shape = shape_ref, .kernels = identity);
TN_OP(TextLineReaderV2, .inputs = "", .outputs = "reader_handle: resource",
      .attrs = "skip_header_lines: int = 0; " NAMES, .flags = TN_OP_FILES | NEW,
      .doc = "A reader whose records are lines.", .shape = tn_shape_scalar_out, .kernels = lines);
TN_OP(TextLineReader, .inputs = "", .outputs = "reader_handle: Ref(string)",
      .attrs = "skip_header_lines: int = 0; " NAMES, .flags = TN_OP_FILES | OLD, .doc = "The old TextLineReaderV2.",
      .shape = shape_ref, .kernels = lines);
TN_OP(TFRecordReaderV2, .inputs = "", .outputs = "reader_handle: resource",
      .attrs = NAMES "; compression_type: string = ''", .flags = TN_OP_FILES | NEW,
      .doc = "A reader of TFRecord files.", .shape = tn_shape_scalar_out, .kernels = records);
TN_OP(TFRecordReader, .inputs = "", .outputs = "reader_handle: Ref(string)",
      .attrs = NAMES "; compression_type: string = ''", .flags = TN_OP_FILES | OLD, .doc = "The old TFRecordReaderV2.",
      .shape = shape_ref, .kernels = records);
TN_OP(FixedLengthRecordReaderV2, .inputs = "", .outputs = "reader_handle: resource",
      .attrs = FIXED "; encoding: string = ''", .flags = TN_OP_FILES | NEW,
      .doc = "A reader of records that have one length.", .shape = tn_shape_scalar_out, .kernels = fixed);
TN_OP(FixedLengthRecordReader, .inputs = "", .outputs = "reader_handle: Ref(string)", .attrs = FIXED,
      .flags = TN_OP_FILES | OLD, .doc = "The old FixedLengthRecordReaderV2.", .shape = shape_ref, .kernels = fixed);
