/* IDX, PNG, gzip and the data sets: what is right is read, what is broken is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <tenon/data.h>

#include "base/alloc.h"
#include "base/sha256.h"
#include "io/file.h"
#include "io/idx.h"
#include "io/png.h"
#include "tensor/tensor.h"

static void expect_code(tn_error *error, tn_code code, const char *words) {
  assert_int_equal(tn_error_code(error), code);
  if (!strstr(tn_error_message(error), words)) fail_msg("'%s' is not in: %s", words, tn_error_message(error));
  tn_error_free(error);
}

static void succeed(tn_error *error) {
  if (error) fail_msg("%s", tn_error_message(error));
}

static void test_sha256(void **state) {
  (void)state;
  /* FIPS 180-4's examples, and lengths around the padding's end. */
  char text[65];
  tn_sha256("abc", 3, text);
  assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  tn_sha256("", 0, text);
  assert_string_equal(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  tn_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, text);
  assert_string_equal(text, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void test_idx(void **state) {
  (void)state;
  static const unsigned char good[] = {0, 0, 0x0b, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0x12, 0x34, 0xff, 0xfe};
  tn_tensor *t;
  succeed(tn_idx_parse(good, sizeof good, &t));
  assert_int_equal(t->dtype, TN_INT16);
  assert_string_equal(TN_SHAPE_STR(&t->shape), "[1,2]");
  assert_int_equal(((int16_t *)t->data)[0], 0x1234);
  assert_int_equal(((int16_t *)t->data)[1], -2);
  tn_tensor_free(t);
  expect_code(tn_idx_parse(good, sizeof good - 1, &t), TN_DATA_LOSS, "[1,2]");
  expect_code(tn_idx_parse(good, 6, &t), TN_DATA_LOSS, "header");
  expect_code(tn_idx_parse(good, 3, &t), TN_DATA_LOSS, "too few");
  expect_code(tn_idx_parse("\x89PNG", 4, &t), TN_DATA_LOSS, "89 50");
  static const unsigned char huge[] = {0,    0,    8,    3,    0xff, 0xff, 0xff, 0xff,
                                       0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  expect_code(tn_idx_parse(huge, sizeof huge, &t), TN_DATA_LOSS, "0 bytes");
  expect_code(tn_idx_parse("\0\0\x08\x09", 4, &t), TN_DATA_LOSS, "rank 9");
  expect_code(tn_idx_read("/nonexistent/file", &t), TN_NOT_FOUND, "/nonexistent/file");
}

static void test_gunzip(void **state) {
  (void)state;
  /* "hello hello hello hello\n" */
  static const unsigned char packed[] = {31, 139, 8,  0,  0,   0, 0, 0,   2,  3,  203, 72, 205, 201, 201,
                                         87, 200, 64, 39, 185, 0, 0, 136, 89, 11, 24,  0,  0,   0};
  char *out;
  size_t size;
  succeed(tn_gunzip(packed, sizeof packed, 24, &out, &size));
  assert_int_equal(size, 24);
  assert_memory_equal(out, "hello hello hello hello\n", 24);
  tn_free(out);
  expect_code(tn_gunzip(packed, sizeof packed, 23, &out, &size), TN_DATA_LOSS, "more than 23");
  expect_code(tn_gunzip(packed, 12, 1000, &out, &size), TN_DATA_LOSS, "cut short");
  expect_code(tn_gunzip("nonsense", 8, 1000, &out, &size), TN_DATA_LOSS, "corrupt");
}

static void test_png(void **state) {
  (void)state;
  /* Two pixels, gray: 10 and 200. */
  static const unsigned char png[] = {137, 80, 78, 71,  13, 10, 26, 10,  0,   0,  0,   13, 73,  72,  68, 82,  0,
                                      0,   0,  2,  0,   0,  0,  1,  8,   0,   0,  0,   0,  209, 73,  32, 86,  0,
                                      0,   0,  11, 73,  68, 65, 84, 120, 156, 99, 224, 58, 1,   0,   0,  223, 0,
                                      211, 75, 33, 165, 73, 0,  0,  0,   0,   73, 69,  78, 68,  174, 66, 96,  130};
  tn_tensor *t;
  succeed(tn_png_decode(png, sizeof png, 0, TN_UINT8, &t));
  assert_string_equal(TN_SHAPE_STR(&t->shape), "[1,2,1]");
  assert_memory_equal(t->data, "\x0a\xc8", 2);
  tn_tensor_free(t);
  succeed(tn_png_decode(png, sizeof png, 3, TN_UINT8, &t));
  assert_memory_equal(t->data, "\x0a\x0a\x0a\xc8\xc8\xc8", 6);
  tn_tensor_free(t);
  expect_code(tn_png_decode(png, sizeof png - 20, 1, TN_UINT8, &t), TN_INVALID_ARGUMENT, "too early");
  expect_code(tn_png_decode("GIF89a", 6, 1, TN_UINT8, &t), TN_INVALID_ARGUMENT, "PNG");
  expect_code(tn_png_decode(png, sizeof png, 7, TN_UINT8, &t), TN_INVALID_ARGUMENT, "channels");
}

static void test_digits(void **state) {
  (void)state;
  tn_examples train, test;
  succeed(tn_digits_load(&train, &test));
  assert_string_equal(TN_SHAPE_STR(&train.images->shape), "[1497,28,28,1]");
  assert_int_equal(tn_tensor_elements(test.labels), 300);
  int seen[10] = {0};
  for (int i = 0; i < 300; i++) seen[((int64_t *)test.labels->data)[i]]++;
  for (int i = 0; i < 10; i++) assert_in_range(seen[i], 20, 40);
  uint8_t *image = train.images->data;
  int ink = 0;
  for (int i = 0; i < 28 * 28; i++) ink += image[i] > 128;
  assert_in_range(ink, 50, 500);
  assert_int_equal(image[0], 0);
  tn_examples_clear(&train);
  tn_examples_clear(&test);
}

/* The real files, where they are. */
static void test_mnist(void **state) {
  (void)state;
  tn_examples train, test;
  tn_error *error = tn_mnist_load(NULL, &train, &test);
  if (tn_error_code(error) == TN_NOT_FOUND) {
    print_message("the MNIST files are not on this machine: %s\n", tn_error_message(error));
    tn_error_free(error);
    skip();
  }
  succeed(error);
  assert_string_equal(TN_SHAPE_STR(&train.images->shape), "[60000,28,28,1]");
  assert_string_equal(TN_SHAPE_STR(&test.images->shape), "[10000,28,28,1]");
  assert_int_equal(((int64_t *)train.labels->data)[0], 5);
  assert_int_equal(((int64_t *)test.labels->data)[0], 7);
  tn_examples_clear(&train);
  tn_examples_clear(&test);
}

static void test_mnist_missing(void **state) {
  (void)state;
  tn_examples train, test;
  expect_code(tn_mnist_load("/nonexistent", &train, &test), TN_NOT_FOUND, "train-images-idx3-ubyte");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_sha256),       cmocka_unit_test(test_idx),
                                     cmocka_unit_test(test_gunzip),       cmocka_unit_test(test_png),
                                     cmocka_unit_test(test_digits),       cmocka_unit_test(test_mnist),
                                     cmocka_unit_test(test_mnist_missing)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
