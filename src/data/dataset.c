/* Datasets: two tensors with as many rows, and those that have a name. */
#include "data/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/data.h>

#include "base/alloc.h"
#include "tensor/tensor.h"

tn_error *tn_dataset_new(tn_tensor *features, tn_tensor *labels, tn_dataset **out) {
  const tn_shape *x = &features->shape, *y = &labels->shape;
  if (x->rank < 1 || y->rank < 1 || x->dims[0] != y->dims[0])
    return tn_errorf(TN_INVALID_ARGUMENT, "features and labels need as many rows; their shapes are %s and %s",
                     TN_SHAPE_STR(x), TN_SHAPE_STR(y));
  tn_dataset *made = tn_malloc(sizeof *made);
  if (!made) return tn_out_of_memory();
  *made = (tn_dataset){tn_tensor_ref(features), tn_tensor_ref(labels), 1.0f / 255};
  *out = made;
  return NULL;
}

void tn_dataset_free(tn_dataset *dataset) {
  if (!dataset) return;
  tn_tensor_free(dataset->features);
  tn_tensor_free(dataset->labels);
  tn_free(dataset);
}

int64_t tn_dataset_size(const tn_dataset *dataset) { return dataset->features->shape.dims[0]; }
tn_tensor *tn_dataset_features(const tn_dataset *dataset) { return dataset->features; }
tn_tensor *tn_dataset_labels(const tn_dataset *dataset) { return dataset->labels; }
void tn_dataset_set_scale(tn_dataset *dataset, float scale) { dataset->scale = scale; }

tn_error *tn_dataset_rows(const tn_dataset *dataset, int64_t begin, int64_t end, tn_dataset **out) {
  tn_tensor *features, *labels;
  TN_TRY(tn_tensor_rows(dataset->features, begin, end, &features));
  tn_error *error = tn_tensor_rows(dataset->labels, begin, end, &labels);
  if (!error) {
    error = tn_dataset_new(features, labels, out);
    tn_tensor_free(labels);
  }
  tn_tensor_free(features);
  if (!error) (*out)->scale = dataset->scale;
  return error;
}

/* --- sets with a name --- */

void tn_datasets_clear(tn_datasets *datasets) {
  tn_dataset_free(datasets->train);
  tn_dataset_free(datasets->test);
  *datasets = (tn_datasets){0};
}

/* Takes the tensors of TRAIN and TEST over. */
static tn_error *join(tn_examples *train, tn_examples *test, tn_datasets *made) {
  made->classes = train->n_classes;
  tn_error *error = tn_dataset_new(train->images, train->labels, &made->train);
  if (!error) error = tn_dataset_new(test->images, test->labels, &made->test);
  tn_examples_clear(train);
  tn_examples_clear(test);
  if (error) tn_datasets_clear(made);
  return error;
}

static tn_error *load_digits(tn_datasets *made) {
  tn_examples train, test;
  TN_TRY(tn_digits_load(&train, &test));
  snprintf(made->origin, sizeof made->origin,
           "the UCI optical digits: 1,797 real digits of 8 x 8 that are part of the library (CC BY 4.0)");
  return join(&train, &test, made);
}

static tn_error *load_mnist(const char *folder, tn_datasets *made) {
  tn_examples train, test;
  char *found = NULL;
  if (!folder) TN_TRY(tn_data_find("mnist", &found));
  snprintf(made->origin, sizeof made->origin, "MNIST from %.400s", folder ? folder : found);
  tn_error *error = tn_mnist_load(folder ? folder : found, &train, &test);
  free(found);
  return error ? error : join(&train, &test, made);
}

tn_error *tn_datasets_load(const char *name, const char *folder, tn_datasets *out) {
  tn_datasets made = {0};
  if (!strcmp(name, "digits")) {
    TN_TRY(load_digits(&made));
  } else if (!strcmp(name, "mnist")) {
    tn_error *error = load_mnist(folder, &made);
    /* A folder that the caller named is not second-guessed, and a damaged file is told. */
    if (error && (folder || tn_error_code(error) != TN_NOT_FOUND)) return error;
    if (error) {
      tn_error_free(error);
      TN_TRY(load_digits(&made));
      made.fallback = true;
      snprintf(made.origin, sizeof made.origin,
               "MNIST is not on this machine (tenon data get mnist fetches it), so these are the UCI optical digits "
               "instead: 1,797 real digits of 8 x 8 that are part of the library (CC BY 4.0)");
    }
  } else {
    return tn_errorf(TN_NOT_FOUND, "there is no data set '%.60s'; there are: mnist, digits", name);
  }
  *out = made;
  return NULL;
}
