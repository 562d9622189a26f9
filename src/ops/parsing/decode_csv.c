/* DecodeCSV: the fields of records as columns. */
#include <string.h>

#include "ops/string/string_array.h"

typedef struct csv {
  char delimiter;
  bool quotes;
  tn_string missing;
  size_t n_select; /* 0: all columns */
  const int64_t *select;
} csv;

static tn_error *prepare(tn_prepare *p) {
  tn_string delimiter = tn_node_get_string(p->node, "field_delim");
  if (delimiter.size != 1) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "field_delim should be only 1 char");
  csv *c;
  TN_TRY(tn_prepare_state(p, sizeof *c, &c));
  *c = (csv){*delimiter.data, tn_node_get_bool(p->node, "use_quote_delim"), tn_node_get_string(p->node, "na_value"), 0,
             NULL};
  c->n_select = tn_node_get_ints(p->node, "select_cols", &c->select);
  if (c->n_select && c->n_select != (size_t)p->n_outputs)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "select_cols should match output size");
  for (size_t i = 0; i < c->n_select; i++)
    if (c->select[i] < 0 || (i && c->select[i] <= c->select[i - 1]))
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "select_cols should be strictly increasing indices");
  for (int i = 1; i < p->n_inputs; i++)
    if (p->inputs[i].shape.rank > 1 || tn_elements(&p->inputs[i]) > 1)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                               "There should only be 1 default per field but field %d has shape %s", i - 1,
                               TN_SHAPE_STR(&p->inputs[i].shape));
  for (int i = 0; i < p->n_outputs; i++) TN_TRY(tn_prepare_output(p, i, &p->inputs[0].shape));
  return NULL;
}

/* A record being read. */
typedef struct reader {
  const csv *c;
  const tn_run *r;
  tn_string s;
  size_t at;
} reader;

static tn_error *unquoted(reader *in, tn_str *field) {
  for (; in->at < in->s.size && in->s.data[in->at] != in->c->delimiter; in->at++) {
    char c = in->s.data[in->at];
    if ((in->c->quotes && c == '"') || c == '\n' || c == '\r')
      return tn_run_errorf(in->r, TN_INVALID_ARGUMENT, "Unquoted fields cannot have quotes/CRLFs inside");
    tn_str_add_bytes(field, &c, 1);
  }
  in->at++;
  return NULL;
}

static tn_error *quoted(reader *in, tn_str *field) {
  const char *s = in->s.data;
  size_t n = in->s.size;
  for (in->at++; in->at + 1 < n && (s[in->at] != '"' || s[in->at + 1] != in->c->delimiter); in->at++) {
    if (s[in->at] == '"' && s[++in->at] != '"')
      return tn_run_errorf(in->r, TN_INVALID_ARGUMENT, "Quote inside a string has to be escaped by another quote");
    tn_str_add_bytes(field, s + in->at, 1);
  }
  if (in->at >= n || s[in->at] != '"')
    return tn_run_errorf(in->r, TN_INVALID_ARGUMENT, "Quoted field has to end with quote followed by delim or end");
  in->at += 2;
  return NULL;
}

/* Puts the text of FIELD into row ROW of column K. */
static tn_error *store(const reader *in, int k, int64_t row, tn_str *field) {
  const csv *c = in->c;
  tn_tensor *out = in->r->outputs[k];
  const tn_tensor *fallback = in->r->inputs[1 + k];
  bool empty =
      field->size == 0 || (field->size == c->missing.size && !memcmp(field->data, c->missing.data, field->size));
  if (empty) {
    if (tn_elements(fallback) != 1)
      return tn_run_errorf(in->r, TN_INVALID_ARGUMENT, "Field %d is required but missing in record %lld!", k,
                           (long long)row);
    return tn_copy_elements(out->dtype, (char *)out->data + (size_t)row * tn_dtype_size(out->dtype), fallback->data, 1);
  }
  if (out->dtype == TN_STRING) return tn_string_set(&tn_strings_of(out)[row], field->data, field->size);
  if (tn_string_number((tn_string){field->data, field->size}, out, row)) return NULL;
  return tn_run_errorf(in->r, TN_INVALID_ARGUMENT, "Field %d in record %lld is not a valid %s: %.*s", k, (long long)row,
                       tn_dtype_name(out->dtype), (int)field->size, field->data);
}

/* Takes the field that was just read, number COLUMN of the record, if it is wanted; *K counts those. */
static tn_error *take(const reader *in, int64_t row, int64_t column, int *k, tn_str *field) {
  tn_error *error = NULL;
  if (field->failed) return tn_out_of_memory();
  if (!in->c->n_select || in->c->select[*k] == column) {
    if (*k < in->r->n_outputs) error = store(in, *k, row, field);
    ++*k;
  }
  if (field->data) field->data[0] = 0;
  field->size = 0;
  return error;
}

static tn_error *read_record(reader *in, int64_t row, tn_str *field) {
  int k = 0;
  int64_t column = 0;
  size_t n = in->s.size;
  bool done = false;
  while (in->at < n && !done) {
    char c = in->s.data[in->at];
    if (c == '\n' || c == '\r') {
      in->at++;
      continue;
    }
    TN_TRY(in->c->quotes && c == '"' ? quoted(in, field) : unquoted(in, field));
    TN_TRY(take(in, row, column++, &k, field));
    done = in->c->n_select && (size_t)k == in->c->n_select;
  }
  if (!done && n && in->s.data[n - 1] == in->c->delimiter) TN_TRY(take(in, row, column, &k, field));
  if (k != in->r->n_outputs)
    return tn_run_errorf(in->r, TN_INVALID_ARGUMENT, "Expect %d fields but have %d in record %lld", in->r->n_outputs, k,
                         (long long)row);
  return NULL;
}

static tn_error *run(tn_run *r) {
  tn_str field = {0};
  tn_error *error = NULL;
  for (int64_t i = 0; i < tn_elements(r->inputs[0]) && !error; i++) {
    reader in = {.c = r->state, .r = r, .s = tn_strings_of(r->inputs[0])[i]};
    error = read_record(&in, i, &field);
  }
  tn_str_clear(&field);
  return error;
}

static tn_error *shape(tn_shape_ctx *c) {
  for (int i = 1; i < c->n_inputs; i++)
    if (c->in[i].rank > 1 || (c->in[i].rank == 1 && c->in[i].dims[0] > 1))
      return tn_node_errorf(c->node, TN_INVALID_ARGUMENT,
                            "Shape of a default must be a length-0 or length-1 vector, or a scalar.");
  for (int i = 0; i < c->n_outputs; i++) c->out[i] = c->in[0];
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(DecodeCSV, .inputs = "records: string, record_defaults: OUT_TYPE", .outputs = "output: OUT_TYPE",
      .attrs = "OUT_TYPE: list({float, double, int32, int64, string}) >= 1; field_delim: string = ','; "
               "use_quote_delim: bool = true; na_value: string = ''; select_cols: list(int) = []",
      .doc = "The fields of comma-separated records, one tensor a column.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = shape, .kernels = kernels);
