/* MNIST from its IDX files. */
#include <stdio.h>
#include <tenon/data.h>

#include "base/alloc.h"
#include "base/str.h"
#include "io/file.h"
#include "io/idx.h"
#include "io/png.h"

void tn_examples_clear(tn_examples *examples) {
  tn_tensor_free(examples->images);
  tn_tensor_free(examples->labels);
  *examples = (tn_examples){0};
}

tn_error *tn_png_load(const char *path, int channels, tn_tensor **out) { return tn_png_read(path, channels, out); }

/* Reads FOLDER/NAME.gz, or FOLDER/NAME if that is there instead. */
static tn_error *read_part(const char *folder, const char *name, int rank, tn_tensor **out) {
  tn_str path = {0};
  tn_str_addf(&path, "%s/%s.gz", folder, name);
  if (!path.failed && !tn_file_exists(path.data)) {
    char *plain = tn_strndup(path.data, path.size - 3);
    if (plain && tn_file_exists(plain)) path.data[path.size -= 3] = 0;
    tn_free(plain);
  }
  tn_tensor *part = NULL;
  tn_error *error = path.failed ? tn_out_of_memory() : tn_idx_read(path.data, &part);
  if (!error && (part->dtype != TN_UINT8 || part->shape.rank != rank))
    error = tn_errorf(TN_DATA_LOSS, "'%s' should hold uint8 of rank %d, not %s %s", path.data, rank,
                      tn_dtype_name(part->dtype), TN_SHAPE_STR(&part->shape));
  tn_str_clear(&path);
  if (error) {
    tn_tensor_free(part);
    return error;
  }
  *out = part;
  return NULL;
}

/* The labels as int64; each must be below CLASSES. */
static tn_error *widen(const tn_tensor *bytes, int classes, tn_tensor **out) {
  int64_t n = bytes->shape.dims[0];
  for (int64_t i = 0; i < n; i++)
    if (((uint8_t *)bytes->data)[i] >= classes)
      return tn_errorf(TN_DATA_LOSS, "label %lld is %d: expected less than %d", (long long)i,
                       ((uint8_t *)bytes->data)[i], classes);
  TN_TRY(tn_tensor_new(TN_INT64, 1, &n, out));
  for (int64_t i = 0; i < n; i++) ((int64_t *)(*out)->data)[i] = ((uint8_t *)bytes->data)[i];
  return NULL;
}

/* One of the two halves: images and labels of PREFIX. */
static tn_error *read_half(const char *folder, const char *prefix, tn_examples *out) {
  char name[64];
  tn_tensor *images = NULL, *labels = NULL;
  tn_examples half = {.n_classes = 10};
  snprintf(name, sizeof name, "%s-images-idx3-ubyte", prefix);
  tn_error *error = read_part(folder, name, 3, &images);
  snprintf(name, sizeof name, "%s-labels-idx1-ubyte", prefix);
  if (!error) error = read_part(folder, name, 1, &labels);
  if (!error && images->shape.dims[0] != labels->shape.dims[0])
    error = tn_errorf(TN_DATA_LOSS, "'%s' has %lld images and %lld labels of the kind '%s'", folder,
                      (long long)images->shape.dims[0], (long long)labels->shape.dims[0], prefix);
  if (!error) {
    const int64_t *d = images->shape.dims;
    error = tn_tensor_reshape(images, 4, (int64_t[]){d[0], d[1], d[2], 1}, &half.images);
  }
  if (!error) error = tn_error_context(widen(labels, half.n_classes, &half.labels), "'%s/%s'", folder, name);
  tn_tensor_free(images);
  tn_tensor_free(labels);
  if (error) {
    tn_examples_clear(&half);
    return error;
  }
  *out = half;
  return NULL;
}

tn_error *tn_mnist_load(const char *folder, tn_examples *train, tn_examples *test) {
  char *found = NULL;
  if (!folder) TN_TRY(tn_data_find("mnist", &found));
  tn_examples first = {0}, second = {0};
  tn_error *error = read_half(folder ? folder : found, "train", &first);
  if (!error) error = read_half(folder ? folder : found, "t10k", &second);
  tn_free(found);
  if (error) {
    tn_examples_clear(&first);
    return error;
  }
  *train = first;
  *test = second;
  return NULL;
}
