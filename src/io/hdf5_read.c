/* Reading HDF5: groups are B-trees of symbol tables over a heap of names; objects are headers made of messages. All
 * that the file says is checked against its size, and the work against what a file of that size can hold. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "io/hdf5_format.h"

enum { MAX_DEPTH = 64, MAX_BLOCKS = 64 };

typedef struct h5 {
  const uint8_t *data;
  size_t size;
  const tn_h5_visitor *visitor;
  int64_t budget; /* structures that may still be visited */
  tn_h5_text *texts;
  size_t text_room;
} h5;

static uint64_t number(const uint8_t *p, int bytes) {
  uint64_t value = 0;
  for (int i = bytes - 1; i >= 0; i--) value = value << 8 | p[i];
  return value;
}

static tn_error *broken(const char *what, uint64_t at) {
  return tn_errorf(TN_DATA_LOSS, "HDF5: %s at byte %llu", what, (unsigned long long)at);
}

static tn_error *strange(const char *what) { return tn_errorf(TN_UNIMPLEMENTED, "HDF5: %s are not read", what); }

/* COUNT bytes at AT. */
static tn_error *bytes_at(h5 *h, uint64_t at, uint64_t count, const char *what, const uint8_t **out) {
  if (at > h->size || count > h->size - at)
    return tn_errorf(TN_DATA_LOSS, "HDF5: the file has %zu bytes, but %s needs %llu at byte %llu", h->size, what,
                     (unsigned long long)count, (unsigned long long)at);
  if (--h->budget < 0) return broken("more structures than the file can hold", at);
  *out = h->data + at;
  return NULL;
}

/* --- messages --- */

typedef struct message {
  int type;
  const uint8_t *data;
  size_t size;
} message;

typedef tn_error *(*message_fn)(h5 *h, const message *m, void *argument);

/* Calls FN for each message of the header at AT. */
static tn_error *each_message(h5 *h, uint64_t at, message_fn fn, void *argument) {
  const uint8_t *p;
  TN_TRY(bytes_at(h, at, 16, "an object header", &p));
  if (memcmp(p, "OHDR", 4) == 0) return strange("object headers of version 2 (files of the latest format)");
  if (p[0] != 1) return broken("no object header", at);
  int left = (int)number(p + 2, 2), blocks = 1, block = 0;
  uint64_t starts[MAX_BLOCKS] = {at + 16}, sizes[MAX_BLOCKS] = {number(p + 8, 4)};
  for (; block < blocks && left > 0; block++) {
    TN_TRY(bytes_at(h, starts[block], sizes[block], "a block of messages", &p));
    for (uint64_t i = 0; left > 0 && sizes[block] - i >= 8; left--) {
      message m = {(int)number(p + i, 2), p + i + 8, (size_t)number(p + i + 2, 2)};
      if (m.size > sizes[block] - i - 8) return broken("a message is longer than its block", starts[block] + i);
      if (p[i + 4] & 2) return strange("shared messages (named types)");
      i += 8 + m.size;
      if (m.type != TN_H5_CONTINUATION) {
        TN_TRY(fn(h, &m, argument));
        continue;
      }
      if (m.size < 16 || blocks == MAX_BLOCKS) return broken("a bad continuation of an object header", starts[block]);
      starts[blocks] = number(m.data, 8);
      sizes[blocks++] = number(m.data + 8, 8);
    }
  }
  return NULL;
}

static tn_error *read_type(const uint8_t *p, size_t size, char *name, uint32_t *item) {
  if (size < 8) return tn_errorf(TN_DATA_LOSS, "HDF5: a type is cut off");
  const int class = p[0] & 15;
  *item = (uint32_t)number(p + 4, 4);
  const bool big = p[1] & 1;
  const char order = *item == 1 ? '|' : big ? '>' : '<';
  if (*item == 0 || *item > INT32_MAX) return tn_errorf(TN_DATA_LOSS, "HDF5: a type has %u bytes", *item);
  const bool plain = *item == 1 || *item == 2 || *item == 4 || *item == 8;
  switch (class) {
  case TN_H5_INTEGER:
    if (size < 12 || !plain || number(p + 8, 2) != 0 || number(p + 10, 2) != 8 * *item)
      return strange("integers of unusual sizes");
    snprintf(name, 16, "%c%c%u", order, p[1] & 8 ? 'i' : 'u', *item);
    return NULL;
  case TN_H5_FLOAT:
    if (size < 20 || !plain || *item == 1 || (p[1] & 64) || number(p + 10, 2) != 8 * *item)
      return strange("floats of unusual sizes");
    snprintf(name, 16, "%cf%u", order, *item);
    return NULL;
  case TN_H5_STRING: snprintf(name, 16, "|S%u", *item); return NULL;
  case TN_H5_ENUM: {
    uint32_t inner;
    if (size < 16 || (p[8] & 15) != TN_H5_INTEGER) return strange("enumerations of other than integers");
    TN_TRY(read_type(p + 8, size - 8, name, &inner));
    return inner == *item ? NULL : tn_errorf(TN_DATA_LOSS, "HDF5: an enumeration differs from its base in size");
  }
  case TN_H5_VARIABLE:
    if ((p[1] & 15) != 1 || *item != TN_H5_HEAP_REFERENCE) return strange("sequences of variable length");
    snprintf(name, 16, "O");
    return NULL;
  default: return tn_errorf(TN_UNIMPLEMENTED, "HDF5: types of class %d are not read", class);
  }
}

static tn_error *read_space(const uint8_t *p, size_t size, tn_h5_value *value) {
  if (size < 4 || (p[0] != 1 && p[0] != 2)) return tn_errorf(TN_DATA_LOSS, "HDF5: no dataspace");
  const int rank = p[1], start = p[0] == 1 ? 8 : 4;
  if (rank > TN_H5_MAX_RANK || size < (size_t)start + 8 * (size_t)rank)
    return tn_errorf(TN_DATA_LOSS, "HDF5: a dataspace of rank %d is cut off", rank);
  value->rank = rank;
  for (int i = 0; i < rank; i++) value->dims[i] = number(p + start + 8 * i, 8);
  if (p[0] == 2 && p[3] == 2) { /* nothing at all */
    value->rank = 1;
    value->dims[0] = 0;
  }
  return NULL;
}

/* How many items VALUE's shape has; DATA_LOSS where that is more than can be. */
static tn_error *count_items(const tn_h5_value *value, uint32_t item, uint64_t *out) {
  uint64_t count = 1;
  for (int i = 0; i < value->rank; i++)
    if (__builtin_mul_overflow(count, value->dims[i], &count))
      return tn_errorf(TN_DATA_LOSS, "HDF5: a shape overflows");
  uint64_t bytes;
  if (__builtin_mul_overflow(count, (uint64_t)item, &bytes) || bytes > INT64_MAX)
    return tn_errorf(TN_DATA_LOSS, "HDF5: a shape overflows");
  *out = count;
  return NULL;
}

/* --- texts of any length --- */

static tn_error *heap_text(h5 *h, const uint8_t *reference, tn_h5_text *out) {
  const uint64_t length = number(reference, 4), at = number(reference + 4, 8), index = number(reference + 12, 4);
  *out = (tn_h5_text){"", 0};
  if (length == 0 || at == 0 || at == TN_H5_UNDEFINED) return NULL;
  const uint8_t *p;
  TN_TRY(bytes_at(h, at, 16, "a heap of texts", &p));
  const uint64_t size = number(p + 8, 8);
  if (memcmp(p, "GCOL", 4) != 0 || size < 16) return broken("no heap of texts", at);
  TN_TRY(bytes_at(h, at, size, "a heap of texts", &p));
  for (uint64_t i = 16; size - i >= 16;) {
    const uint64_t own = number(p + i, 2), bytes = number(p + i + 8, 8);
    if (own == 0) break;
    if (bytes > size - i - 16) return broken("a text is longer than its heap", at + i);
    if (own == index) {
      if (length > bytes) return broken("a text is longer than its place", at + i);
      *out = (tn_h5_text){(const char *)p + i + 16, (size_t)length};
      return NULL;
    }
    const uint64_t step = 16 + ((bytes + 7) & ~(uint64_t)7);
    if (step > size - i || --h->budget < 0) return broken("a heap of texts is broken", at + i);
    i += step;
  }
  return broken("a text is not in its heap", at);
}

/* Fills in the texts of VALUE, whose references stand at P. */
static tn_error *read_texts(h5 *h, const uint8_t *p, uint64_t count, tn_h5_value *value) {
  if (count > h->text_room) {
    tn_h5_text *more = tn_realloc(h->texts, count * sizeof *more);
    if (!more) return tn_out_of_memory();
    h->texts = more;
    h->text_room = count;
  }
  for (uint64_t i = 0; i < count; i++) TN_TRY(heap_text(h, p + i * TN_H5_HEAP_REFERENCE, &h->texts[i]));
  value->texts = h->texts;
  value->data = NULL;
  value->size = 0;
  return NULL;
}

/* --- objects --- */

typedef struct object {
  message type, space, layout;
  bool is_group, filtered;
  uint64_t tree, heap;
  const char *path;
} object;

static tn_error *note_message(h5 *h, const message *m, void *argument) {
  (void)h;
  object *o = argument;
  switch (m->type) {
  case TN_H5_DATASPACE: o->space = *m; break;
  case TN_H5_DATATYPE: o->type = *m; break;
  case TN_H5_LAYOUT: o->layout = *m; break;
  case TN_H5_FILTERS: o->filtered = true; break;
  case TN_H5_LINK: return strange("groups of the latest format");
  case TN_H5_SYMBOL_TABLE:
    if (m->size < 16) return tn_errorf(TN_DATA_LOSS, "HDF5: the table of group '%s' is cut off", o->path);
    o->is_group = true;
    o->tree = number(m->data, 8);
    o->heap = number(m->data + 8, 8);
    break;
  default: break;
  }
  return NULL;
}

static tn_error *visit_attribute(h5 *h, const message *m, void *argument) {
  const object *o = argument;
  if (m->type != TN_H5_ATTRIBUTE) return NULL;
  if (m->size < 9) return tn_errorf(TN_DATA_LOSS, "HDF5: an attribute of '%s' is cut off", o->path);
  const int version = m->data[0];
  if (version < 1 || version > 3) return broken("an attribute of an unknown version", (uint64_t)(m->data - h->data));
  if (version > 1 && m->data[1]) return strange("attributes with named types");
  const size_t round = version == 1 ? 7 : 0;
  const size_t name = (size_t)number(m->data + 2, 2), type = (size_t)number(m->data + 4, 2),
               space = (size_t)number(m->data + 6, 2), start = version == 3 ? 9 : 8;
  const size_t type_at = start + ((name + round) & ~round), space_at = type_at + ((type + round) & ~round),
               data_at = space_at + ((space + round) & ~round);
  if (data_at > m->size || name == 0 || m->data[start + name - 1])
    return tn_errorf(TN_DATA_LOSS, "HDF5: an attribute of '%s' is cut off", o->path);
  tn_h5_value value = {.data = m->data + data_at};
  uint32_t item;
  uint64_t count;
  TN_TRY(read_type(m->data + type_at, type, value.type, &item));
  TN_TRY(read_space(m->data + space_at, space, &value));
  TN_TRY(count_items(&value, item, &count));
  if (count * item > m->size - data_at)
    return tn_errorf(TN_DATA_LOSS, "HDF5: attribute '%s' of '%s' is cut off", (const char *)m->data + start, o->path);
  value.size = (size_t)(count * item);
  if (value.type[0] == 'O') TN_TRY(read_texts(h, m->data + data_at, count, &value));
  return h->visitor->attribute(h->visitor->context, o->path, (const char *)m->data + start, &value);
}

static tn_error *visit_dataset(h5 *h, const object *o) {
  tn_h5_value value = {0};
  uint32_t item;
  uint64_t count;
  const message *layout = &o->layout;
  TN_TRY(tn_error_context(read_type(o->type.data, o->type.size, value.type, &item), "dataset '%s'", o->path));
  TN_TRY(read_space(o->space.data, o->space.size, &value));
  TN_TRY(count_items(&value, item, &count));
  if (o->filtered) return strange("compressed datasets");
  if (layout->size < 4 || layout->data[0] != 3) return strange("datasets with layouts of other versions than 3");
  const uint8_t *data = NULL;
  uint64_t size = count * item;
  if (layout->data[1] == 0) { /* inside of the message */
    if (size > number(layout->data + 2, 2) || size + 4 > layout->size)
      return tn_errorf(TN_DATA_LOSS, "HDF5: dataset '%s' is cut off", o->path);
    data = layout->data + 4;
  } else if (layout->data[1] == 1) { /* in one piece */
    if (layout->size < 18) return tn_errorf(TN_DATA_LOSS, "HDF5: the layout of '%s' is cut off", o->path);
    const uint64_t at = number(layout->data + 2, 8);
    if (at != TN_H5_UNDEFINED && size > 0) TN_TRY(bytes_at(h, at, size, "a dataset", &data));
  } else {
    return tn_errorf(TN_UNIMPLEMENTED, "HDF5: dataset '%s' is in chunks; only datasets in one piece are read", o->path);
  }
  value.data = size ? (const void *)data : "";
  value.size = value.data ? (size_t)size : 0;
  if (value.type[0] == 'O') {
    if (!data && count) return tn_errorf(TN_DATA_LOSS, "HDF5: dataset '%s' holds no texts", o->path);
    TN_TRY(read_texts(h, data, count, &value));
  }
  return h->visitor->dataset(h->visitor->context, o->path, &value);
}

static tn_error *visit_object(h5 *h, uint64_t at, const char *path, int depth);

/* --- groups --- */

typedef struct names {
  const char *data;
  uint64_t size;
} names;

static tn_error *read_names(h5 *h, uint64_t at, names *out) {
  const uint8_t *p;
  TN_TRY(bytes_at(h, at, 32, "a heap of names", &p));
  if (memcmp(p, "HEAP", 4) != 0) return broken("no heap of names", at);
  out->size = number(p + 8, 8);
  const uint64_t data = number(p + 24, 8);
  TN_TRY(bytes_at(h, data, out->size, "a heap of names", &p));
  out->data = (const char *)p;
  return NULL;
}

static tn_error *visit_table(h5 *h, uint64_t at, const names *heap, const char *path, int depth) {
  const uint8_t *p;
  TN_TRY(bytes_at(h, at, 8, "a symbol table", &p));
  if (memcmp(p, "SNOD", 4) != 0) return broken("no symbol table", at);
  const uint64_t count = number(p + 6, 2);
  TN_TRY(bytes_at(h, at + 8, count * TN_H5_ENTRY, "a symbol table", &p));
  for (uint64_t i = 0; i < count; i++, p += TN_H5_ENTRY) {
    const uint64_t name = number(p, 8);
    if (name >= heap->size || !memchr(heap->data + name, 0, heap->size - name))
      return broken("a name is not there", at);
    if (number(p + 16, 4) == 2) return strange("symbolic links");
    tn_str inner = {0};
    tn_str_addf(&inner, "%s/%s", strcmp(path, "/") == 0 ? "" : path, heap->data + name);
    char *text;
    TN_TRY(tn_str_take(&inner, &text, NULL));
    tn_error *error = visit_object(h, number(p + 8, 8), text, depth + 1);
    tn_free(text);
    if (error) return error;
  }
  return NULL;
}

/* A node of a group's tree; LEVEL is what the node above says it has, -1 for the first. */
static tn_error *visit_tree(h5 *h, uint64_t at, const names *heap, const char *path, int depth, int level) {
  const uint8_t *p;
  TN_TRY(bytes_at(h, at, 24, "a tree", &p));
  if (memcmp(p, "TREE", 4) != 0 || p[4] != 0) return broken("no tree of a group", at);
  if (level >= 0 && p[5] != level) return broken("a tree's levels do not agree", at);
  const uint64_t count = number(p + 6, 2);
  const int own = p[5];
  if (own > 8) return broken("a tree is too deep", at);
  TN_TRY(bytes_at(h, at + 24, 16 * count + 8, "a tree", &p));
  for (uint64_t i = 0; i < count; i++) {
    const uint64_t child = number(p + 16 * i + 8, 8);
    TN_TRY(own > 0 ? visit_tree(h, child, heap, path, depth, own - 1) : visit_table(h, child, heap, path, depth));
  }
  return NULL;
}

static tn_error *visit_object(h5 *h, uint64_t at, const char *path, int depth) {
  if (depth > MAX_DEPTH) return tn_errorf(TN_DATA_LOSS, "HDF5: groups lie deeper than %d in each other", MAX_DEPTH);
  object o = {.path = path};
  TN_TRY(each_message(h, at, note_message, &o));
  if (o.is_group) {
    TN_TRY(h->visitor->group(h->visitor->context, path));
  } else if (o.type.data && o.space.data && o.layout.data) {
    TN_TRY(visit_dataset(h, &o));
  } else {
    return strange("objects other than groups and datasets");
  }
  TN_TRY(each_message(h, at, visit_attribute, &o));
  if (!o.is_group) return NULL;
  names heap;
  TN_TRY(read_names(h, o.heap, &heap));
  return visit_tree(h, o.tree, &heap, path, depth, -1);
}

tn_error *tn_h5_read(const void *data, size_t size, const tn_h5_visitor *visitor) {
  h5 h = {data, size, visitor, .budget = (int64_t)(size / 4) + 64};
  if (size < 8 || memcmp(data, TN_H5_SIGNATURE, 8) != 0)
    return tn_errorf(TN_DATA_LOSS, "HDF5: the file does not begin as an HDF5 file does");
  if (size < TN_H5_SUPERBLOCK) return tn_errorf(TN_DATA_LOSS, "HDF5: the file is cut off after %zu bytes", size);
  const uint8_t *p = data;
  if (p[8] > 1) return strange("superblocks of later versions (files of the latest format)");
  if (p[13] != 8 || p[14] != 8) return strange("files whose offsets have other than 8 bytes");
  const int more = p[8] == 1 ? 4 : 0;
  if (size < TN_H5_SUPERBLOCK + 4) return tn_errorf(TN_DATA_LOSS, "HDF5: the file is cut off after %zu bytes", size);
  if (number(p + 24 + more, 8) != 0) return strange("files that begin elsewhere");
  tn_error *error = visit_object(&h, number(p + 64 + more, 8), "/", 0);
  tn_free(h.texts);
  return error;
}
