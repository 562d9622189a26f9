/* Tar archives of an image's files, sorted, without times and owners, and compressed. */
#include "cli/image_layer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/alloc.h"
#include "base/sha256.h"
#include "io/file.h"

/* The best level takes three times as long for a hundredth less. */
enum { BLOCK = 512, LONGEST_NAME = 99, GZIP = 15 + 16, LEVEL = 6 };

/* --- what is in it --- */

static tn_error *add(cli_layer *layer, const char *target, const char *source, const cli_layer_entry *like) {
  while (*target == '/') target++;
  if (!*target) return NULL;
  if (!layer->seen) TN_TRY(tn_map_new(&layer->seen));
  if (tn_map_find(layer->seen, target)) return NULL;
  if (layer->n == layer->capacity) {
    size_t more = layer->capacity ? 2 * layer->capacity : 256;
    cli_layer_entry *entries = tn_realloc(layer->entries, more * sizeof *entries);
    if (!entries) return tn_out_of_memory();
    layer->entries = entries;
    layer->capacity = more;
  }
  cli_layer_entry *e = &layer->entries[layer->n];
  *e = *like;
  e->target = tn_strdup(target);
  e->source = tn_strdup(source);
  layer->n++;
  if (!e->target || !e->source) return tn_out_of_memory();
  TN_TRY(tn_map_put(layer->seen, target, layer));
  const char *slash = strrchr(target, '/');
  if (!slash) return NULL;
  char *above = tn_strndup(target, (size_t)(slash - target));
  tn_error *error = above ? cli_layer_folder(layer, above, 0755) : tn_out_of_memory();
  tn_free(above);
  return error;
}

tn_error *cli_layer_file(cli_layer *layer, const char *target, const char *source, int mode) {
  return add(layer, target, source, &(cli_layer_entry){.type = '0', .mode = mode});
}

tn_error *cli_layer_text(cli_layer *layer, const char *target, const char *text) {
  return add(layer, target, text, &(cli_layer_entry){.type = '0', .mode = 0644, .is_text = true});
}

tn_error *cli_layer_link(cli_layer *layer, const char *target, const char *to) {
  return add(layer, target, to, &(cli_layer_entry){.type = '2', .mode = 0777});
}

tn_error *cli_layer_folder(cli_layer *layer, const char *target, int mode) {
  return add(layer, target, "", &(cli_layer_entry){.type = '5', .mode = mode});
}

static void clear_entries(cli_layer *layer) {
  for (size_t i = 0; i < layer->n; i++) {
    tn_free(layer->entries[i].target);
    tn_free(layer->entries[i].source);
  }
  tn_free(layer->entries);
  layer->entries = NULL;
  layer->n = layer->capacity = 0;
}

void cli_layer_clear(cli_layer *layer) {
  clear_entries(layer);
  tn_map_free(layer->seen);
  layer->seen = NULL;
}

/* --- tar --- */

/* VALUE in octal digits, with zeros before them; a NUL stands behind. */
static void octal(char *field, size_t width, size_t value) {
  for (size_t i = width - 1; i-- > 0; value /= 8) field[i] = (char)('0' + value % 8);
}

static void header(tn_str *out, const cli_layer_entry *e, char type, size_t size) {
  char block[BLOCK] = {0};
  unsigned sum = 0;
  snprintf(block, LONGEST_NAME + 1, "%s", e->target);
  octal(block + 100, 8, (size_t)e->mode);
  octal(block + 108, 8, 0);
  octal(block + 116, 8, 0);
  octal(block + 124, 12, size);
  octal(block + 136, 12, 0);
  memset(block + 148, ' ', 8);
  block[156] = type;
  if (type == '2') snprintf(block + 157, LONGEST_NAME + 1, "%s", e->source);
  memcpy(block + 257, "ustar\00000", 8);
  for (size_t i = 0; i < BLOCK; i++) sum += (unsigned char)block[i];
  octal(block + 148, 7, sum);
  tn_str_add_bytes(out, block, BLOCK);
}

/* One record of an extended header: its length counts itself. */
static void record(tn_str *records, const char *key, const char *value) {
  size_t rest = strlen(key) + strlen(value) + 3, size = rest;
  char number[24];
  for (;;) {
    size_t digits = (size_t)snprintf(number, sizeof number, "%zu", size);
    if (size == rest + digits) break;
    size = rest + digits;
  }
  tn_str_addf(records, "%s %s=%s\n", number, key, value);
}

void cli_tar_add(tn_str *out, const cli_layer_entry *e, size_t size) {
  tn_str records = {0};
  if (strlen(e->target) > LONGEST_NAME) record(&records, "path", e->target);
  if (e->type == '2' && strlen(e->source) > LONGEST_NAME) record(&records, "linkpath", e->source);
  if (records.size) {
    header(out, &(cli_layer_entry){.target = "pax", .source = "", .mode = 0644}, 'x', records.size);
    tn_str_add_bytes(out, records.data, records.size);
    cli_tar_pad(out, records.size);
  }
  out->failed |= records.failed;
  tn_str_clear(&records);
  header(out, e, e->type, size);
}

void cli_tar_pad(tn_str *out, size_t size) {
  static const char zeros[BLOCK];
  tn_str_add_bytes(out, zeros, (BLOCK - size % BLOCK) % BLOCK);
}

void cli_tar_end(tn_str *out) {
  static const char zeros[2 * BLOCK];
  tn_str_add_bytes(out, zeros, sizeof zeros);
}

/* --- packing --- */

static tn_error *add_entry(tn_str *tar, const cli_layer_entry *e) {
  char *data = NULL;
  size_t size = 0;
  if (e->type == '0' && !e->is_text) TN_TRY(tn_file_read(e->source, &data, &size));
  const char *content = e->is_text ? e->source : data;
  if (e->is_text) size = strlen(content);
  cli_tar_add(tar, e, size);
  if (size) tn_str_add_bytes(tar, content, size);
  cli_tar_pad(tar, size);
  tn_free(data);
  return NULL;
}

static int by_target(const void *a, const void *b) {
  return strcmp(((const cli_layer_entry *)a)->target, ((const cli_layer_entry *)b)->target);
}

static tn_error *compress_into(const char *data, size_t size, cli_blob *blob) {
  z_stream z = {0};
  if (deflateInit2(&z, LEVEL, Z_DEFLATED, GZIP, 9, Z_DEFAULT_STRATEGY) != Z_OK) return tn_out_of_memory();
  uLong most = deflateBound(&z, (uLong)size);
  if (size > UINT32_MAX || most > UINT32_MAX) {
    deflateEnd(&z);
    return tn_errorf(TN_INVALID_ARGUMENT, "a layer of %zu bytes is too large: at most 4 GB go into one", size);
  }
  blob->data = tn_malloc(most);
  if (!blob->data) {
    deflateEnd(&z);
    return tn_out_of_memory();
  }
  z.next_in = (Bytef *)data; /* zlib does not write there */
  z.avail_in = (uInt)size;
  z.next_out = (Bytef *)blob->data;
  z.avail_out = (uInt)most;
  int done = deflate(&z, Z_FINISH);
  blob->size = z.total_out;
  deflateEnd(&z);
  if (done != Z_STREAM_END) {
    tn_free(blob->data);
    blob->data = NULL;
    return tn_errorf(TN_INTERNAL, "zlib could not compress a layer: %d", done);
  }
  return NULL;
}

tn_error *cli_layer_pack(cli_layer *layer, cli_blob *blob) {
  tn_str tar = {0};
  tn_error *error = NULL;
  qsort(layer->entries, layer->n, sizeof *layer->entries, by_target);
  for (size_t i = 0; i < layer->n && !error; i++) error = add_entry(&tar, &layer->entries[i]);
  clear_entries(layer);
  cli_tar_end(&tar);
  char *data = NULL;
  size_t size = 0;
  if (error)
    tn_str_clear(&tar);
  else
    error = tn_str_take(&tar, &data, &size);
  cli_blob made = {0};
  if (!error) error = compress_into(data, size, &made);
  if (!error) {
    tn_sha256(data, size, made.diff_id);
    tn_sha256(made.data, made.size, made.digest);
    *blob = made;
  }
  tn_free(data);
  return error;
}
