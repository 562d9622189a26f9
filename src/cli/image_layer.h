/* Layers of an image: tar archives, compressed with gzip, whose bytes follow from what they hold alone. */
#ifndef TN_CLI_IMAGE_LAYER_H
#define TN_CLI_IMAGE_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <tenon/error.h>

#include "base/map.h"
#include "base/str.h"

typedef struct cli_layer_entry {
  char *target; /* in the image, without the leading '/' */
  char *source; /* a file of this machine, or the target of a link, or a text */
  char type;    /* as tar has it: '0' a file, '2' a link, '5' a folder */
  bool is_text;
  int mode;
} cli_layer_entry;

typedef struct cli_layer {
  cli_layer_entry *entries;
  size_t n, capacity;
  tn_map *seen; /* of this layer and those below it */
} cli_layer;

/* What a layer became. */
typedef struct cli_blob {
  char *data;
  size_t size;
  char digest[65];  /* SHA-256 of DATA */
  char diff_id[65]; /* of the archive before it was compressed */
} cli_blob;

/* Each adds TARGET, an absolute path in the image, and the folders above it, unless it is there. */
tn_error *cli_layer_file(cli_layer *layer, const char *target, const char *source, int mode) TN_MUST_USE;
tn_error *cli_layer_text(cli_layer *layer, const char *target, const char *text) TN_MUST_USE;
tn_error *cli_layer_link(cli_layer *layer, const char *target, const char *to) TN_MUST_USE;
tn_error *cli_layer_folder(cli_layer *layer, const char *target, int mode) TN_MUST_USE;
/* Packs LAYER and empties it; BLOB's data is freed with tn_free. */
tn_error *cli_layer_pack(cli_layer *layer, cli_blob *blob) TN_MUST_USE;
void cli_layer_clear(cli_layer *layer);

/* A tar archive that is written piece by piece into OUT; every time is 0, every owner root. */
void cli_tar_add(tn_str *out, const cli_layer_entry *entry, size_t size); /* the header; SIZE bytes of content follow */
void cli_tar_pad(tn_str *out, size_t size);                               /* what fills up a content of SIZE bytes */
void cli_tar_end(tn_str *out);

#endif
