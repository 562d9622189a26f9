/* Data sets for the first steps: MNIST from its files, and a small set of real digits that the library carries. */
#ifndef TENON_DATA_H
#define TENON_DATA_H

#include <tenon/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Labelled images. Both tensors belong to whoever holds the struct; tn_examples_clear gives them back. */
typedef struct tn_examples {
  tn_tensor *images; /* uint8 [n, height, width, channels] */
  tn_tensor *labels; /* int64 [n], in [0, n_classes) */
  int n_classes;
} tn_examples;

/* Gives the tensors back and empties EXAMPLES. */
TN_API void tn_examples_clear(tn_examples *examples);

/* The MNIST digits (uint8 [60000,28,28,1] and [10000,28,28,1]) from the four IDX files in FOLDER, plain or gzipped.
 * FOLDER NULL: where tn_data_find("mnist") finds them. NOT_FOUND: no such files. DATA_LOSS: a file is broken; its name
 * and what is wrong are told. LeCun, Cortes, Burges: The MNIST database of handwritten digits, 1998. */
TN_API tn_error *tn_mnist_load(const char *folder, tn_examples *train, tn_examples *test) TN_MUST_USE;

/* The 1,797 digits (8x8, sixteen levels) of the UCI set "Optical Recognition of Handwritten Digits" (Alpaydin, Kaynak,
 * 1998; CC BY 4.0), scaled to MNIST's size and range: 1,497 to train and 300 to test. They are part of the library. */
TN_API tn_error *tn_digits_load(tn_examples *train, tn_examples *test) TN_MUST_USE;

/* The folder of data set NAME, free with free(): the first that exists of $TENON_DATA/NAME, ../shared/data/NAME beside
 * the project, and NAME in the user's cache. NOT_FOUND lists where it was looked for. */
TN_API tn_error *tn_data_find(const char *name, char **out) TN_MUST_USE;

/* The folder of data set NAME in the user's cache ($XDG_CACHE_HOME/tenon or ~/.cache/tenon), there or not; free with
 * free(). */
TN_API tn_error *tn_data_cache(const char *name, char **out) TN_MUST_USE;

/* The PNG image in file PATH as uint8 [height, width, CHANNELS]; CHANNELS 0: as many as it has. NOT_FOUND,
 * INVALID_ARGUMENT. */
TN_API tn_error *tn_png_load(const char *path, int channels, tn_tensor **out) TN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
