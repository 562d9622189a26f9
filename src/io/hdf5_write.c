/* Writing HDF5: the structure is built in memory, with places for the addresses of data; the data follows it in the
 * file. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "io/file.h"
#include "io/hdf5_format.h"

enum { INTERNAL_K = 16, LEAF_K = 4, ATTRIBUTE_LIMIT = 64512 };

typedef struct attribute {
  char *name;
  tn_h5_value value; /* its data and texts are its own */
} attribute;

typedef struct item {
  char *name;
  bool is_dataset;
  tn_h5_value value;
  struct item **children;
  size_t n_children;
  attribute *attributes;
  size_t n_attributes;
} item;

struct tn_h5_writer {
  item root;
  tn_str out;        /* the structure */
  const item **data; /* the datasets in the order of their data */
  size_t *places;    /* where each one's address stands in OUT */
  size_t n_data, room;
  int leaf_k;
};

static void free_item(item *it) {
  for (size_t i = 0; i < it->n_children; i++) {
    free_item(it->children[i]);
    tn_free(it->children[i]);
  }
  for (size_t i = 0; i < it->n_attributes; i++) {
    tn_free(it->attributes[i].name);
    tn_free((void *)it->attributes[i].value.data);
    tn_free((void *)it->attributes[i].value.texts);
  }
  tn_free(it->children);
  tn_free(it->attributes);
  tn_free(it->name);
}

tn_error *tn_h5_writer_new(tn_h5_writer **out) {
  tn_h5_writer *writer = tn_calloc(1, sizeof *writer);
  if (!writer) return tn_out_of_memory();
  *out = writer;
  return NULL;
}

void tn_h5_writer_free(tn_h5_writer *writer) {
  if (!writer) return;
  free_item(&writer->root);
  tn_str_clear(&writer->out);
  tn_free(writer->data);
  tn_free(writer->places);
  tn_free(writer);
}

/* --- the tree --- */

static item *child_of(const item *it, const char *name, size_t size) {
  for (size_t i = 0; i < it->n_children; i++)
    if (strlen(it->children[i]->name) == size && memcmp(it->children[i]->name, name, size) == 0) return it->children[i];
  return NULL;
}

static tn_error *add_child(item *it, const char *name, size_t size, item **out) {
  item **more = tn_realloc(it->children, (it->n_children + 1) * sizeof(item *));
  if (!more) return tn_out_of_memory();
  it->children = more;
  item *made = tn_calloc(1, sizeof *made);
  if (made) made->name = tn_strndup(name, size);
  if (!made || !made->name) {
    tn_free(made);
    return tn_out_of_memory();
  }
  it->children[it->n_children++] = made;
  *out = made;
  return NULL;
}

/* The item at PATH; with MAKE, groups that are not there are made. NULL in *OUT: it is not there. */
static tn_error *find(tn_h5_writer *writer, const char *path, bool make, bool *made, item **out) {
  item *it = &writer->root;
  *made = false;
  for (const char *p = path; it;) {
    while (*p == '/') p++;
    if (!*p) break;
    if (it->is_dataset) return tn_errorf(TN_INVALID_ARGUMENT, "HDF5: '%s' lies in a dataset", path);
    const size_t size = strcspn(p, "/");
    item *next = child_of(it, p, size);
    *made = !next && make;
    if (*made) TN_TRY(add_child(it, p, size, &next));
    it = next;
    p += size;
  }
  *out = it;
  return NULL;
}

tn_error *tn_h5_group(tn_h5_writer *writer, const char *path) {
  item *it;
  bool made;
  TN_TRY(find(writer, path, true, &made, &it));
  return it->is_dataset ? tn_errorf(TN_INVALID_ARGUMENT, "HDF5: '%s' is a dataset, no group", path) : NULL;
}

/* Checks VALUE: its type, and that its size is that of its shape. */
static tn_error *check(const tn_h5_value *value, const char *path, tn_h5_type *type, uint64_t *count) {
  if (!tn_h5_type_named(value->type, type))
    return tn_errorf(TN_INVALID_ARGUMENT, "HDF5: '%s' has the type %s, which is not written", path, value->type);
  if (value->rank < 0 || value->rank > TN_H5_MAX_RANK)
    return tn_errorf(TN_INVALID_ARGUMENT, "HDF5: '%s' has the rank %d", path, value->rank);
  *count = 1;
  for (int i = 0; i < value->rank; i++)
    if (__builtin_mul_overflow(*count, value->dims[i], count))
      return tn_errorf(TN_INVALID_ARGUMENT, "HDF5: the shape of '%s' overflows", path);
  uint64_t bytes;
  if (__builtin_mul_overflow(*count, (uint64_t)type->size, &bytes))
    return tn_errorf(TN_INVALID_ARGUMENT, "HDF5: the shape of '%s' overflows", path);
  if (type->class != TN_H5_VARIABLE && bytes != value->size)
    return tn_errorf(TN_INVALID_ARGUMENT, "HDF5: '%s' has %zu bytes, its shape needs %llu", path, value->size,
                     (unsigned long long)bytes);
  return NULL;
}

tn_error *tn_h5_dataset(tn_h5_writer *writer, const char *path, const tn_h5_value *value) {
  tn_h5_type type;
  uint64_t count;
  TN_TRY(check(value, path, &type, &count));
  if (type.class == TN_H5_VARIABLE)
    return tn_errorf(TN_INVALID_ARGUMENT, "HDF5: dataset '%s': texts of any length are written as attributes only",
                     path);
  item *it;
  bool made;
  TN_TRY(find(writer, path, true, &made, &it));
  if (!made) return tn_errorf(TN_ALREADY_EXISTS, "HDF5: '%s' is there already", path);
  it->is_dataset = true;
  it->value = *value;
  return NULL;
}

/* A copy of VALUE that owns its data: texts lie behind their list. */
static tn_error *copy_value(const tn_h5_value *value, uint64_t count, tn_h5_value *out) {
  *out = *value;
  out->data = NULL;
  out->texts = NULL;
  if (value->type[0] != 'O') {
    char *data = tn_malloc(value->size + 1);
    if (!data) return tn_out_of_memory();
    if (value->size) memcpy(data, value->data, value->size);
    out->data = data;
    return NULL;
  }
  size_t total = count * sizeof(tn_h5_text) + 1;
  for (uint64_t i = 0; i < count; i++) total += value->texts[i].size;
  tn_h5_text *texts = tn_malloc(total);
  if (!texts) return tn_out_of_memory();
  char *to = (char *)(texts + count);
  for (uint64_t i = 0; i < count; i++) {
    texts[i] = (tn_h5_text){to, value->texts[i].size};
    if (texts[i].size) memcpy(to, value->texts[i].data, texts[i].size);
    to += texts[i].size;
  }
  out->texts = texts;
  return NULL;
}

tn_error *tn_h5_attribute(tn_h5_writer *writer, const char *path, const char *name, const tn_h5_value *value) {
  tn_h5_type type;
  uint64_t count;
  item *it;
  bool made;
  TN_TRY(check(value, name, &type, &count));
  TN_TRY(find(writer, path, false, &made, &it));
  if (!it) return tn_errorf(TN_NOT_FOUND, "HDF5: '%s' is not there", path);
  if (count * type.size > ATTRIBUTE_LIMIT || strlen(name) > 1000)
    return tn_errorf(TN_INVALID_ARGUMENT, "HDF5: attribute '%.40s' of '%s' has more than %d bytes", name, path,
                     ATTRIBUTE_LIMIT);
  attribute *more = tn_realloc(it->attributes, (it->n_attributes + 1) * sizeof *more);
  if (!more) return tn_out_of_memory();
  it->attributes = more;
  attribute *a = &more[it->n_attributes];
  a->name = tn_strdup(name);
  if (!a->name) return tn_out_of_memory();
  tn_error *error = copy_value(value, count, &a->value);
  if (error) {
    tn_free(a->name);
    return error;
  }
  it->n_attributes++;
  return NULL;
}

/* --- bytes --- */

static void put(tn_str *out, uint64_t value, int bytes) {
  unsigned char p[8];
  for (int i = 0; i < bytes; i++) p[i] = (unsigned char)(value >> 8 * i);
  tn_str_add_bytes(out, p, (size_t)bytes);
}

static void fill(tn_str *out, size_t count) {
  static const char zeros[64];
  for (; count > sizeof zeros; count -= sizeof zeros) tn_str_add_bytes(out, zeros, sizeof zeros);
  tn_str_add_bytes(out, zeros, count);
}

static void align(tn_str *out) { fill(out, -out->size & 7); }

static void patch(tn_str *out, size_t at, uint64_t value, int bytes) {
  if (out->failed || at + (size_t)bytes > out->size) return;
  for (int i = 0; i < bytes; i++) out->data[at + (size_t)i] = (char)(value >> 8 * i);
}

static void put_type(tn_str *out, const tn_h5_type *type) {
  static const struct {
    int mantissa, exponent, bias;
  } floats[9] = {[2] = {10, 5, 15}, [4] = {23, 8, 127}, [8] = {52, 11, 1023}};
  const int bits = (int)type->size * 8;
  put(out, (uint64_t)(type->class | 1 << 4), 1);
  switch (type->class) {
  case TN_H5_INTEGER:
    put(out, (uint64_t)(type->big_endian | type->is_signed << 3), 3);
    put(out, type->size, 4);
    put(out, (uint64_t)bits << 16, 4);
    break;
  case TN_H5_FLOAT:
    put(out, (uint64_t)(type->big_endian | 32 | (bits - 1) << 8), 3);
    put(out, type->size, 4);
    put(out, (uint64_t)bits << 16, 4);
    put(out, (uint64_t)floats[type->size].mantissa, 1); /* where the exponent stands */
    put(out, (uint64_t)floats[type->size].exponent, 1);
    put(out, 0, 1);
    put(out, (uint64_t)floats[type->size].mantissa, 1);
    put(out, (uint64_t)floats[type->size].bias, 4);
    break;
  case TN_H5_STRING:
    put(out, 1, 3); /* filled with zeros */
    put(out, type->size, 4);
    break;
  default: /* texts of any length, ended by a zero */
    put(out, 1, 3);
    put(out, TN_H5_HEAP_REFERENCE, 4);
    put_type(out, &(tn_h5_type){.class = TN_H5_STRING, .size = 1});
  }
}

static void put_space(tn_str *out, const tn_h5_value *value) {
  put(out, 1, 1);
  put(out, (uint64_t)value->rank, 1);
  put(out, 0, 6);
  for (int i = 0; i < value->rank; i++) put(out, value->dims[i], 8);
}

/* Appends a message with the bytes of BODY, which it empties. */
static void put_message(tn_str *out, int type, tn_str *body, int *count) {
  align(body);
  put(out, (uint64_t)type, 2);
  put(out, body->size, 2);
  put(out, 0, 4);
  tn_str_add_bytes(out, body->data, body->size);
  out->failed |= body->failed;
  tn_str_clear(body);
  ++*count;
}

/* --- objects --- */

/* Writes the texts of an attribute to a heap of their own; the references go to BODY. */
static void put_texts(tn_h5_writer *writer, const tn_h5_value *value, uint64_t count, tn_str *body) {
  tn_str *out = &writer->out;
  align(out);
  const size_t begin = out->size;
  tn_str_add_bytes(out, "GCOL", 4);
  put(out, 1, 4);
  put(out, 0, 8);
  for (uint64_t i = 0; i < count; i++) {
    const size_t size = value->texts[i].size;
    put(body, size, 4);
    put(body, size ? begin : 0, 8);
    put(body, size ? i + 1 : 0, 4);
    if (!size) continue;
    put(out, i + 1, 2);
    put(out, 1, 6);
    put(out, size, 8);
    tn_str_add_bytes(out, value->texts[i].data, size);
    align(out);
  }
  /* What is left, at least up to the format's least size of a heap, is free space. */
  const size_t used = out->size - begin, whole = used + 16 < 4096 ? 4096 : used + 16;
  put(out, 0, 8);
  put(out, whole - used, 8);
  fill(out, whole - used - 16);
  patch(out, begin + 8, whole, 8);
}

static tn_error *put_attribute(tn_h5_writer *writer, const attribute *a, tn_str *messages, int *count) {
  tn_h5_type type;
  uint64_t items;
  tn_str body = {0}, part = {0};
  TN_TRY(check(&a->value, a->name, &type, &items));
  const size_t name = strlen(a->name) + 1;
  put(&body, 1, 2);
  put(&body, name, 2);
  put_type(&part, &type);
  put(&body, part.size, 2);
  put(&body, 8 + 8 * (uint64_t)a->value.rank, 2);
  tn_str_add_bytes(&body, a->name, name);
  align(&body);
  tn_str_add_bytes(&body, part.data, part.size);
  align(&body);
  put_space(&body, &a->value);
  if (type.class == TN_H5_VARIABLE) {
    put_texts(writer, &a->value, items, &body);
  } else {
    tn_str_add_bytes(&body, a->value.data, a->value.size);
  }
  body.failed |= part.failed;
  tn_str_clear(&part);
  put_message(messages, TN_H5_ATTRIBUTE, &body, count);
  return NULL;
}

/* Notes that the address of a dataset's data stands at PLACE of the messages, which begin 16 bytes into the header. */
static tn_error *note_data(tn_h5_writer *writer, const item *it, size_t place) {
  if (writer->n_data == writer->room) {
    const size_t room = writer->room ? 2 * writer->room : 64;
    const item **data = tn_realloc(writer->data, room * sizeof *data);
    if (data) writer->data = data;
    size_t *places = data ? tn_realloc(writer->places, room * sizeof *places) : NULL;
    if (!places) return tn_out_of_memory();
    writer->places = places;
    writer->room = room;
  }
  writer->data[writer->n_data] = it;
  writer->places[writer->n_data++] = place;
  return NULL;
}

static void put_dataset(const item *it, tn_str *messages, int *count, size_t *place) {
  tn_h5_type type;
  tn_str body = {0};
  if (!tn_h5_type_named(it->value.type, &type)) return; /* tn_h5_dataset looked at it */
  put_space(&body, &it->value);
  put_message(messages, TN_H5_DATASPACE, &body, count);
  put_type(&body, &type);
  put_message(messages, TN_H5_DATATYPE, &body, count);
  put(&body, 0x01020202, 4); /* room is made at once, nothing is filled in */
  put(&body, 0, 4);
  put_message(messages, TN_H5_FILL, &body, count);
  *place = messages->size + 8 + 2;
  put(&body, 3, 1);
  put(&body, 1, 1);
  put(&body, TN_H5_UNDEFINED, 8);
  put(&body, it->value.size, 8);
  put_message(messages, TN_H5_LAYOUT, &body, count);
}

static int by_name(const void *a, const void *b) {
  return strcmp((*(item *const *)a)->name, (*(item *const *)b)->name);
}

typedef struct place {
  uint64_t header, tree, heap;
} place;

static tn_error *put_object(tn_h5_writer *writer, item *it, place *out);

/* The names of a group's members in a heap; OFFSETS receives where each one stands. */
static void put_names(tn_str *out, const item *group, uint64_t *offsets, uint64_t *heap) {
  align(out);
  const size_t data = out->size;
  fill(out, 8);
  for (size_t i = 0; i < group->n_children; i++) {
    offsets[i] = out->size - data;
    tn_str_add_bytes(out, group->children[i]->name, strlen(group->children[i]->name) + 1);
    align(out);
  }
  const size_t size = out->size - data;
  *heap = out->size;
  tn_str_add_bytes(out, "HEAP", 4);
  put(out, 0, 4);
  put(out, size, 8);
  put(out, 1, 8); /* nothing is free */
  put(out, data, 8);
}

/* Tables of a group's members, and the tree over them. */
static void put_tables(tn_h5_writer *writer, const item *group, const uint64_t *offsets, const place *places,
                       uint64_t *tree) {
  tn_str *out = &writer->out;
  const size_t each = 2 * (size_t)writer->leaf_k, n = group->n_children, tables = (n + each - 1) / each;
  uint64_t at[2 * INTERNAL_K] = {0};
  for (size_t t = 0; t < tables; t++) {
    const size_t first = t * each, count = n - first < each ? n - first : each;
    at[t] = out->size;
    tn_str_add_bytes(out, "SNOD", 4);
    put(out, 1, 2);
    put(out, count, 2);
    for (size_t i = first; i < first + count; i++) {
      put(out, offsets[i], 8);
      put(out, places[i].header, 8);
      put(out, group->children[i]->is_dataset ? 0 : 1, 8);
      put(out, places[i].tree, 8);
      put(out, places[i].heap, 8);
    }
    fill(out, (each - count) * TN_H5_ENTRY);
  }
  *tree = out->size;
  tn_str_add_bytes(out, "TREE", 4);
  put(out, 0, 2);
  put(out, tables, 2);
  put(out, TN_H5_UNDEFINED, 8);
  put(out, TN_H5_UNDEFINED, 8);
  put(out, 0, 8);
  for (size_t t = 0; t < tables; t++) {
    const size_t last = (t + 1) * each < n ? (t + 1) * each : n;
    put(out, at[t], 8);
    put(out, offsets[last - 1], 8);
  }
  fill(out, (2 * INTERNAL_K - tables) * 16);
}

static tn_error *put_group(tn_h5_writer *writer, item *group, place *out) {
  if (group->n_children > 1) qsort(group->children, group->n_children, sizeof(item *), by_name);
  place *places = tn_calloc(group->n_children + 1, sizeof *places);
  uint64_t *offsets = tn_calloc(group->n_children + 1, sizeof *offsets);
  tn_error *error = places && offsets ? NULL : tn_out_of_memory();
  for (size_t i = 0; !error && i < group->n_children; i++) error = put_object(writer, group->children[i], &places[i]);
  if (!error) {
    put_names(&writer->out, group, offsets, &out->heap);
    put_tables(writer, group, offsets, places, &out->tree);
  }
  tn_free(places);
  tn_free(offsets);
  return error;
}

static tn_error *put_object(tn_h5_writer *writer, item *it, place *out) {
  tn_str messages = {0}, body = {0};
  int count = 0;
  size_t data_place = 0;
  tn_error *error = NULL;
  if (it->is_dataset) {
    put_dataset(it, &messages, &count, &data_place);
  } else {
    error = put_group(writer, it, out);
    put(&body, out->tree, 8);
    put(&body, out->heap, 8);
    put_message(&messages, TN_H5_SYMBOL_TABLE, &body, &count);
  }
  for (size_t i = 0; !error && i < it->n_attributes; i++)
    error = put_attribute(writer, &it->attributes[i], &messages, &count);
  if (!error && count > UINT16_MAX)
    error = tn_errorf(TN_INVALID_ARGUMENT, "HDF5: '%s' has too many attributes", it->name);
  align(&writer->out);
  out->header = writer->out.size;
  if (!error && it->is_dataset) error = note_data(writer, it, (size_t)out->header + 16 + data_place);
  put(&writer->out, 1, 2);
  put(&writer->out, (uint64_t)count, 2);
  put(&writer->out, 1, 4);
  put(&writer->out, messages.size, 8);
  tn_str_add_bytes(&writer->out, messages.data, messages.size);
  writer->out.failed |= messages.failed;
  tn_str_clear(&messages);
  return error;
}

/* The most members that a group has. */
static size_t widest(const item *it) {
  size_t most = it->n_children;
  for (size_t i = 0; i < it->n_children; i++) {
    const size_t inner = widest(it->children[i]);
    if (inner > most) most = inner;
  }
  return most;
}

static tn_error *build(tn_h5_writer *writer) {
  tn_str *out = &writer->out;
  tn_str_clear(out);
  writer->n_data = 0;
  /* Tables are made wide enough that one node of a tree suffices for each group. */
  const size_t tables = 2 * INTERNAL_K, leaf = (widest(&writer->root) + 2 * tables - 1) / (2 * tables);
  writer->leaf_k = leaf < LEAF_K ? LEAF_K : (int)leaf;
  if (leaf > INT16_MAX) return tn_errorf(TN_INVALID_ARGUMENT, "HDF5: a group has more than two million members");
  tn_str_add_bytes(out, TN_H5_SIGNATURE, 8);
  put(out, 0, 5);
  put(out, 0x0808, 3);
  put(out, (uint64_t)writer->leaf_k, 2);
  put(out, INTERNAL_K, 2);
  put(out, 0, 4);
  put(out, 0, 8);
  put(out, TN_H5_UNDEFINED, 8);
  fill(out, 8);
  put(out, TN_H5_UNDEFINED, 8);
  fill(out, TN_H5_ENTRY);
  place root = {0};
  TN_TRY(put_object(writer, &writer->root, &root));
  patch(out, 64, root.header, 8);
  patch(out, 72, 1, 4);
  patch(out, 80, root.tree, 8);
  patch(out, 88, root.heap, 8);
  align(out);
  uint64_t at = out->size;
  for (size_t i = 0; i < writer->n_data; i++) {
    if (writer->data[i]->value.size == 0) continue;
    patch(out, writer->places[i], at, 8);
    at += (writer->data[i]->value.size + 7) & ~(size_t)7;
  }
  patch(out, 40, at, 8);
  return out->failed ? tn_out_of_memory() : NULL;
}

tn_error *tn_h5_write(tn_h5_writer *writer, const char *path) {
  static const char zeros[8];
  TN_TRY(build(writer));
  tn_file_writer *file;
  TN_TRY(tn_file_create(path, &file));
  tn_error *error = tn_file_write(file, writer->out.data, writer->out.size);
  for (size_t i = 0; !error && i < writer->n_data; i++) {
    const tn_h5_value *v = &writer->data[i]->value;
    error = tn_file_write(file, v->data, v->size);
    if (!error) error = tn_file_write(file, zeros, -v->size & 7);
  }
  if (!error) return tn_file_commit(file);
  tn_file_abandon(file);
  return error;
}
