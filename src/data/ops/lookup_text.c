/* Filling a lookup table with the lines of a text file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "data/ops/lookup_ops.h"
#include "io/stream.h"

enum { WHOLE_LINE = -2, LINE_NUMBER = -1 };

/* One column of the file: what the lines have there, in DTYPE. */
typedef struct column {
  int64_t index;
  tn_dtype dtype;
  tn_str bytes; /* of plain elements */
  int64_t n;    /* elements */
  size_t room;
  tn_string *strings;
} column;

static void clear(column *c) {
  for (int64_t i = 0; c->strings && i < c->n; i++) tn_free(c->strings[i].data);
  tn_free(c->strings);
  tn_str_clear(&c->bytes);
}

static const void *data_of(const column *c) { return c->dtype == TN_STRING ? (void *)c->strings : c->bytes.data; }

static tn_error *add_string(column *c, const char *data, size_t size) {
  if ((size_t)c->n == c->room) {
    size_t room = c->room ? 2 * c->room : 64;
    tn_string *strings = tn_realloc(c->strings, room * sizeof *strings);
    if (!strings) return tn_out_of_memory();
    c->strings = strings;
    c->room = room;
  }
  c->strings[c->n] = (tn_string){0};
  TN_TRY(tn_string_set(&c->strings[c->n], data, size));
  c->n++;
  return NULL;
}

static tn_error *add_int(column *c, int64_t value) {
  int32_t narrow = (int32_t)value;
  tn_str_add_bytes(&c->bytes, c->dtype == TN_INT64 ? (void *)&value : (void *)&narrow, tn_dtype_size(c->dtype));
  c->n++;
  return c->bytes.failed ? tn_out_of_memory() : NULL;
}

/* Adds the number that TEXT, SIZE bytes, says. False if it says none. */
static bool add_number(column *c, const char *data, size_t size) {
  char text[64], *end;
  if (size == 0 || size >= sizeof text) return false;
  memcpy(text, data, size);
  text[size] = 0;
  errno = 0;
  if (c->dtype == TN_INT64 || c->dtype == TN_INT32) {
    long long value = strtoll(text, &end, 10);
    if (*end || errno || (c->dtype == TN_INT32 && value != (int32_t)value)) return false;
    tn_error *error = add_int(c, value);
    tn_error_free(error);
    return !error;
  }
  double wide = strtod(text, &end);
  float narrow = (float)wide;
  if (*end || end == text) return false;
  tn_str_add_bytes(&c->bytes, c->dtype == TN_DOUBLE ? (void *)&wide : (void *)&narrow, tn_dtype_size(c->dtype));
  c->n++;
  return !c->bytes.failed;
}

/* --- lines --- */

typedef struct line {
  const char *data;
  size_t size;
  int64_t number;
  char delimiter;
} line;

/* Column INDEX of LINE; false if it has fewer. */
static bool cell(const line *l, int64_t index, const char **data, size_t *size) {
  const char *at = l->data, *end = l->data + l->size;
  for (; index > 0; index--) {
    at = memchr(at, l->delimiter, (size_t)(end - at));
    if (!at) return false;
    at++;
  }
  const char *next = memchr(at, l->delimiter, (size_t)(end - at));
  *data = at;
  *size = (size_t)((next ? next : end) - at);
  return true;
}

static tn_error *add(const tn_run *r, column *c, const line *l, int64_t offset) {
  if (c->index == LINE_NUMBER) return add_int(c, l->number + offset);
  const char *data = l->data;
  size_t size = l->size;
  if (c->index != WHOLE_LINE && !cell(l, c->index, &data, &size)) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Invalid number of columns in line %lld: expected %lld at least",
                         (long long)l->number, (long long)c->index + 1);
  }
  if (c->dtype == TN_STRING) return add_string(c, data, size);
  if (add_number(c, data, size)) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Field %.*s in line %lld is not a valid %s.",
                       size < 100 ? (int)size : 100, data, (long long)l->number, tn_dtype_name(c->dtype));
}

static tn_error *read_lines(const tn_run *r, tn_stream *stream, column columns[2]) {
  int64_t wanted = tn_node_get_int(r->node, "vocab_size"), offset = tn_node_get_int(r->node, "offset");
  line l = {.delimiter = tn_node_get_string(r->node, "delimiter").data[0]};
  for (bool any = true; wanted < 0 || l.number < wanted; l.number++) {
    TN_TRY(tn_stream_line(stream, &l.data, &l.size, &any));
    if (!any) break;
    for (int i = 0; i < 2; i++) TN_TRY(add(r, &columns[i], &l, offset));
  }
  if (wanted < 0 || l.number == wanted) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Invalid vocab_size in %s: expected %lld but got %lld",
                       tn_stream_path(stream), (long long)wanted, (long long)l.number);
}

static tn_error *check_column(const tn_run *r, const column *c, const char *name) {
  bool whole = c->index != WHOLE_LINE || c->dtype == TN_STRING || c->dtype == TN_INT64;
  bool number = c->index != LINE_NUMBER || c->dtype == TN_INT64 || c->dtype == TN_INT32;
  bool kind = c->dtype == TN_STRING || c->dtype == TN_INT64 || c->dtype == TN_INT32 || c->dtype == TN_FLOAT ||
              c->dtype == TN_DOUBLE;
  if (whole && number && kind) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "%s index %lld does not go with a table's %s of %s", name,
                       (long long)c->index, name, tn_dtype_name(c->dtype));
}

static tn_error *load(const tn_run *r, tn_lookup *table, const char *path, column columns[2]) {
  tn_stream *stream = NULL;
  for (int i = 0; i < 2; i++) TN_TRY(check_column(r, &columns[i], i ? "value" : "key"));
  TN_TRY(
      tn_error_context(tn_stream_open(path, TN_UNCOMPRESSED, 0, &stream), "%s '%s'", r->node->op->name, r->node->name));
  tn_error *error = read_lines(r, stream, columns);
  tn_stream_close(stream);
  return error ? error : tn_lookup_fill(r, table, data_of(&columns[0]), data_of(&columns[1]), columns[0].n);
}

static tn_error *prepare(tn_prepare *p) {
  if (tn_node_get_string(p->node, "delimiter").size != 1) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "delimiter should be only 1 char");
  }
  if (p->inputs[1].shape.rank == 0) return NULL;
  return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "filename should be a single string, but got %s",
                           TN_SHAPE_STR(&p->inputs[1].shape));
}

static tn_error *run(tn_run *r) {
  tn_lookup *table = NULL;
  TN_TRY(tn_lookup_of(r, &table));
  const tn_string *name = TN_DATA(const tn_string, r->inputs[1]);
  char *path = tn_strndup(name->size ? name->data : "", name->size);
  if (!path) return tn_out_of_memory();
  column columns[2] = {{.index = tn_node_get_int(r->node, "key_index"), .dtype = table->spec.key_type},
                       {.index = tn_node_get_int(r->node, "value_index"), .dtype = table->spec.value_type}};
  tn_error *error = load(r, table, path, columns);
  for (int i = 0; i < 2; i++) clear(&columns[i]);
  tn_free(path);
  return error;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

#define ATTRS                                                                                                          \
  "key_index: int >= -2; value_index: int >= -2; vocab_size: int >= -1 = -1; delimiter: string = '\t'; "               \
  "offset: int = 0"

TN_OP(InitializeTableFromTextFileV2, .inputs = "table_handle: resource, filename: string", .outputs = "",
      .attrs = ATTRS, .doc = "Fills a table with the lines of a file, or columns of them.",
      .flags = TN_OP_FILES | TN_OP_STATEFUL | TN_OP_NO_GRADIENT, .shape = tn_shape_no_outputs, .kernels = kernels);
TN_OP(InitializeTableFromTextFile, .inputs = "table_handle: Ref(string), filename: string", .outputs = "",
      .attrs = ATTRS, .doc = "The old InitializeTableFromTextFileV2.", .flags = TN_OP_FILES | TN_OP_NO_GRADIENT,
      .shape = tn_shape_no_outputs, .kernels = kernels);
