/* Datasets: sets with a name, batches. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "data/dataset.h"
#include "tensor/tensor.h"

static void fails(tn_error *error, tn_code code, const char *part) {
  assert_non_null(error);
  if (!strstr(tn_error_message(error), part)) fail_msg("'%s' lacks '%s'", tn_error_message(error), part);
  assert_int_equal(tn_error_code(error), code);
  tn_error_free(error);
}

static void digits_are_real(void **state) {
  (void)state;
  tn_datasets d;
  assert_null(tn_datasets_load("digits", NULL, &d));
  assert_int_equal(tn_dataset_size(d.train), 1497);
  assert_int_equal(tn_dataset_size(d.test), 300);
  int64_t counts[10] = {0};
  const int64_t *labels = tn_tensor_data(tn_dataset_labels(d.train));
  for (int i = 0; i < 1497; i++) {
    assert_in_range(labels[i], 0, 9);
    counts[labels[i]]++;
  }
  for (int i = 0; i < 10; i++) assert_true(counts[i] > 130);
  assert_false(d.fallback);
  tn_datasets_clear(&d);
}

static void batches_cover_each_example_once(void **state) {
  (void)state;
  tn_tensor *x, *y;
  tn_dataset *d;
  tn_batches *b;
  uint8_t pixels[10][2];
  int64_t labels[10];
  for (int i = 0; i < 10; i++) pixels[i][0] = (uint8_t)(labels[i] = i), pixels[i][1] = 255;
  assert_null(tn_tensor_copy_of(TN_UINT8, 2, (int64_t[]){10, 2}, pixels, &x));
  assert_null(tn_tensor_copy_of(TN_INT64, 1, (int64_t[]){10}, labels, &y));
  assert_null(tn_dataset_new(x, y, &d));
  tn_tensor_free(x);
  tn_tensor_free(y);
  assert_null(tn_batches_new(d, 4, &b));
  assert_int_equal(tn_batches_count(b), 3);
  for (int epoch = -1; epoch < 3; epoch++) {
    int seen[10] = {0}, moved = 0;
    if (epoch >= 0) assert_null(tn_batches_shuffle(b, 7, epoch));
    for (int i = 0; i < 3; i++) {
      assert_null(tn_batches_get(b, i, &x, &y));
      assert_int_equal(tn_tensor_dim(x, 0), i < 2 ? 4 : 2);
      for (int k = 0; k < tn_tensor_dim(x, 0); k++) {
        int64_t label = ((int64_t *)tn_tensor_data(y))[k];
        const float *row = (const float *)tn_tensor_data(x) + 2 * k;
        assert_true(row[0] == (float)label * (1.0f / 255));
        assert_true(row[1] == 255 * (1.0f / 255));
        seen[label]++;
        moved += label != 4 * i + k;
      }
      tn_tensor_free(x);
      tn_tensor_free(y);
    }
    for (int i = 0; i < 10; i++) assert_int_equal(seen[i], 1);
    assert_int_equal(moved > 0, epoch >= 0);
  }
  tn_batches_free(b);
  tn_dataset_free(d);
}

static void names_are_checked(void **state) {
  (void)state;
  tn_datasets d = {0};
  fails(tn_datasets_load("imagenet", NULL, &d), TN_NOT_FOUND, "'imagenet'; there are: mnist, digits");
  fails(tn_datasets_load("mnist", "/nonexistent", &d), TN_NOT_FOUND, "/nonexistent");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(digits_are_real),
      cmocka_unit_test(batches_cover_each_example_once),
      cmocka_unit_test(names_are_checked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
