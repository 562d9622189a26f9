/* Tensors, shapes, dtypes, 16-bit floats. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "tensor/tensor.h"

static void test_dtypes(void **state) {
  (void)state;
  for (int i = 1; i < TN_N_DTYPES; i++) {
    assert_true(tn_dtype_size((tn_dtype)i) > 0);
    assert_int_equal(tn_dtype_from_name(tn_dtype_name((tn_dtype)i)), i);
    assert_int_equal(tn_dtype_from_name(tn_dtype_name((tn_dtype)(i + TN_REF))), i + TN_REF);
  }
  assert_int_equal(tn_dtype_from_name("DT_FLOAT"), TN_FLOAT);
  assert_int_equal(tn_dtype_from_name("half"), TN_HALF);
  assert_int_equal(tn_dtype_from_name("float31"), TN_INVALID);
  assert_int_equal(tn_dtype_size((tn_dtype)77), 0);
}

/* Every half value survives the way to float and back; rounding is to nearest even. */
static void test_half(void **state) {
  (void)state;
  for (uint32_t bits = 0; bits < 0x10000; bits++) {
    float value = tn_half_to_float((uint16_t)bits);
    uint16_t back = tn_float_to_half(value);
    if (isnan(value)) {
      assert_true(isnan(tn_half_to_float(back)));
    } else {
      assert_int_equal(back, bits);
    }
    float b = tn_bfloat16_to_float((uint16_t)bits);
    if (!isnan(b)) assert_int_equal(tn_float_to_bfloat16(b), bits);
  }
  assert_int_equal(tn_float_to_half(65519.9f), 0x7bff);
  assert_int_equal(tn_float_to_half(65520.0f), 0x7c00);
  assert_int_equal(tn_float_to_half(1.0f + 0x1p-11f), 0x3c00);
  assert_int_equal(tn_float_to_half(1.0f + 3 * 0x1p-11f), 0x3c02);
  assert_int_equal(tn_float_to_half(0x1p-25f), 0);
  assert_int_equal(tn_float_to_half(0x1.8p-25f), 1);
  assert_int_equal(tn_float_to_bfloat16(1.0f + 0x1p-8f), 0x3f80);
  assert_int_equal(tn_float_to_bfloat16(1.0f + 3 * 0x1p-8f), 0x3f82);
}

static void test_shapes(void **state) {
  (void)state;
  tn_shape a = tn_shape_of(3, (int64_t[]){2, 1, 3}), b = tn_shape_of(2, (int64_t[]){5, 1}), c;
  assert_true(tn_shape_broadcast(&a, &b, &c));
  assert_string_equal(TN_SHAPE_STR(&c), "[2,5,3]");
  b = tn_shape_of(1, (int64_t[]){2});
  assert_false(tn_shape_broadcast(&a, &b, &c));
  b = tn_shape_unknown_of_rank(2);
  assert_string_equal(TN_SHAPE_STR(&b), "[?,?]");
  assert_false(tn_shape_known(&b));
  c = tn_shape_unknown();
  assert_string_equal(TN_SHAPE_STR(&c), "<unknown>");
  c = tn_shape_of(3, (int64_t[]){INT64_MAX, INT64_MAX, 0});
  assert_int_equal(tn_shape_elements(&c), 0);
  c.dims[2] = 2;
  assert_int_equal(tn_shape_elements(&c), INT64_MAX);
}

static void count_release(void *data, void *argument) {
  (void)data;
  ++*(int *)argument;
}

static void test_tensors(void **state) {
  (void)state;
  int released = 0;
  float values[6] = {0, 1, 2, 3, 4, 5};
  tn_tensor *t, *rows, *flat;
  assert_null(tn_tensor_borrow(TN_FLOAT, 2, (int64_t[]){3, 2}, values, sizeof values, count_release, &released, &t));
  assert_null(tn_tensor_rows(t, 1, 3, &rows));
  assert_null(tn_tensor_reshape(rows, 1, (int64_t[]){4}, &flat));
  tn_tensor_free(t);
  tn_tensor_free(rows);
  assert_int_equal(released, 0);
  assert_ptr_equal(tn_tensor_data(flat), values + 2);
  assert_int_equal(tn_tensor_bytes(flat), 16);
  tn_tensor_free(flat);
  assert_int_equal(released, 1);

  size_t before = tn_memory_used();
  const tn_string words[2] = {{(char *)"ab\0c", 4}, {(char *)"", 0}};
  assert_null(tn_tensor_strings(1, (int64_t[]){2}, words, &t));
  assert_int_equal(((tn_string *)tn_tensor_data(t))[0].size, 4);
  assert_memory_equal(((tn_string *)tn_tensor_data(t))[0].data, "ab\0c", 4);
  tn_tensor_free(t);
  assert_int_equal(tn_memory_used(), before);
}

static void expect_code(tn_error *error, tn_code code) {
  assert_int_equal(tn_error_code(error), code);
  tn_error_free(error);
}

static void test_bad_tensors(void **state) {
  (void)state;
  tn_tensor *t = NULL;
  float value = 0;
  expect_code(tn_tensor_new(TN_FLOAT, 9, (int64_t[9]){0}, &t), TN_INVALID_ARGUMENT);
  expect_code(tn_tensor_new(TN_FLOAT, 1, (int64_t[]){-1}, &t), TN_INVALID_ARGUMENT);
  expect_code(tn_tensor_new(TN_INVALID, 0, NULL, &t), TN_INVALID_ARGUMENT);
  expect_code(tn_tensor_new((tn_dtype)(TN_FLOAT + TN_REF), 0, NULL, &t), TN_INVALID_ARGUMENT);
  expect_code(tn_tensor_new(TN_FLOAT, 2, (int64_t[]){INT64_MAX, 8}, &t), TN_RESOURCE_EXHAUSTED);
  expect_code(tn_tensor_borrow(TN_FLOAT, 1, (int64_t[]){2}, &value, 4, NULL, NULL, &t), TN_INVALID_ARGUMENT);
  expect_code(tn_tensor_borrow(TN_STRING, 0, NULL, &value, 16, NULL, NULL, &t), TN_INVALID_ARGUMENT);
  assert_null(t);
  assert_null(tn_tensor_new(TN_FLOAT, 1, (int64_t[]){2}, &t));
  tn_tensor *other = NULL;
  expect_code(tn_tensor_reshape(t, 1, (int64_t[]){3}, &other), TN_INVALID_ARGUMENT);
  expect_code(tn_tensor_rows(t, 1, 3, &other), TN_INVALID_ARGUMENT);
  assert_null(other);
  tn_tensor_free(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_dtypes), cmocka_unit_test(test_half),
                                     cmocka_unit_test(test_shapes), cmocka_unit_test(test_tensors),
                                     cmocka_unit_test(test_bad_tensors)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
