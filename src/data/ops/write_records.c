/* DatasetToTFRecord: a dataset's elements as the records of a file. */
#include "base/alloc.h"
#include "data/iterator.h"
#include "io/stream.h"

static tn_error *write_all(tn_run *r, tn_visit *v, tn_record_writer *writer) {
  for (bool end = false;;) {
    tn_tensor element = {0};
    TN_TRY(tn_cursor_next(v->cursor, &v->step, &element, &end));
    if (end) return NULL;
    tn_error *error = NULL;
    if (element.shape.rank != 0) {
      error = tn_run_errorf(r, TN_INVALID_ARGUMENT, "elements must be scalars; one has shape %s",
                            TN_SHAPE_STR(&element.shape));
    } else {
      const tn_string *record = TN_DATA(tn_string, &element);
      error = tn_record_writer_write(writer, record->data, record->size);
    }
    tn_tensor_clear(&element);
    if (error) return error;
  }
}

static tn_error *text(const tn_run *r, int argument, char **out) {
  tn_string s;
  TN_TRY(tn_run_string(r, argument, &s));
  *out = tn_strndup(s.data, s.size);
  return *out ? NULL : tn_out_of_memory();
}

static tn_error *open_writer(const tn_run *r, tn_record_writer **out) {
  char *path = NULL, *name = NULL;
  tn_compression compression = TN_UNCOMPRESSED;
  tn_error *error = text(r, 1, &path);
  if (!error) error = text(r, 2, &name);
  if (!error) error = tn_compression_named(name, &compression);
  if (!error) error = tn_record_writer_open(path, compression, -1, out);
  tn_free(path);
  tn_free(name);
  return error;
}

static tn_error *run(tn_run *r) {
  tn_source *source = NULL;
  TN_TRY(tn_source_of(r->inputs[0], &source));
  if (source->n != 1 || source->types[0] != TN_STRING) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "a dataset of strings is needed");
  }
  tn_record_writer *writer = NULL;
  TN_TRY(open_writer(r, &writer));
  tn_visit v;
  tn_error *error = tn_visit_begin(&v, source, r->step);
  if (!error) {
    error = write_all(r, &v, writer);
    tn_visit_end(&v);
  }
  tn_error *other = tn_record_writer_close(writer);
  if (!error) return other;
  tn_error_free(other);
  return error;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = tn_prepare_nothing, .run = run}, {0}};

TN_OP(DatasetToTFRecord, .inputs = "input_dataset: variant, filename: string, compression_type: string", .outputs = "",
      .attrs = "", .doc = "Writes the elements, strings, as the records of a TFRecord file.",
      .flags = TN_OP_STATEFUL | TN_SOURCE_FLAGS, .shape = tn_shape_no_outputs, .kernels = kernels);
