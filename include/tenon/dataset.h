/* Datasets: examples in memory that models are fitted to, evaluated on and fed from. */
#ifndef TENON_DATASET_H
#define TENON_DATASET_H

#include <tenon/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Examples in memory: row i of the features belongs to row i of the labels. Not changed once it is made. */
typedef struct tn_dataset tn_dataset;

/* FEATURES [n, ...] and LABELS [n, ...], of which it takes references. uint8 features are fed to networks as float32,
 * multiplied by 1/255 (see tn_dataset_set_scale). INVALID_ARGUMENT: not the same n, or scalars. */
TN_API tn_error *tn_dataset_new(tn_tensor *features, tn_tensor *labels, tn_dataset **out) TN_MUST_USE;
/* Examples [BEGIN, END) of DATASET, sharing its memory. INVALID_ARGUMENT: a range outside. */
TN_API tn_error *tn_dataset_rows(const tn_dataset *dataset, int64_t begin, int64_t end, tn_dataset **out) TN_MUST_USE;
/* Frees it; NULL is allowed. */
TN_API void tn_dataset_free(tn_dataset *dataset);
/* The number of examples. */
TN_API int64_t tn_dataset_size(const tn_dataset *dataset);
/* The features, borrowed. */
TN_API tn_tensor *tn_dataset_features(const tn_dataset *dataset);
/* The labels, borrowed. */
TN_API tn_tensor *tn_dataset_labels(const tn_dataset *dataset);
/* Sets what uint8 features are multiplied by. */
TN_API void tn_dataset_set_scale(tn_dataset *dataset, float scale);

/* A set in two parts; free with tn_datasets_clear. */
typedef struct tn_datasets {
  tn_dataset *train, *test;
  int classes;
  bool fallback;    /* it is the embedded digits, not what was asked for */
  char origin[512]; /* a line that says what it is and where it was found */
} tn_datasets;

/* Loads the set NAME, "mnist" or "digits", from FOLDER (NULL: where tn_data_find finds it). Where FOLDER is NULL and
 * MNIST is nowhere, the embedded digits come instead, and ORIGIN says so. NOT_FOUND: no such set, or not in FOLDER;
 * DATA_LOSS: a file is damaged. */
TN_API tn_error *tn_datasets_load(const char *name, const char *folder, tn_datasets *out) TN_MUST_USE;
/* Frees both parts. */
TN_API void tn_datasets_clear(tn_datasets *datasets);

/* A gray image [height, width, 1] of uint8 as networks take it: float32 [1, HEIGHT, WIDTH, 1] in [0, 1], each pixel the
 * mean of what it covers. INVERT: dark on light becomes light on dark. INVALID_ARGUMENT: another shape or type. */
TN_API tn_error *tn_image_fit(const tn_tensor *image, int64_t height, int64_t width, bool invert,
                              tn_tensor **out) TN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
