/* Tables and bundles: what is written is read again; what is broken is refused with a reason. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "io/bundle.h"
#include "io/bundle_format.h"
#include "io/file.h"
#include "io/snappy.h"
#include "io/table.h"

static char folder[] = "/tmp/tenon-bundle-XXXXXX";

static const char *path_of(const char *name, char path[128]) {
  snprintf(path, 128, "%s/%s", folder, name);
  return path;
}
#define PATH(name) path_of((name), (char[128]){0})

static void expect_code(tn_error *error, tn_code code, const char *words) {
  assert_int_equal(tn_error_code(error), code);
  if (!strstr(tn_error_message(error), words)) fail_msg("'%s' is not in: %s", words, tn_error_message(error));
  tn_error_free(error);
}

static void succeed(tn_error *error) {
  if (error) fail_msg("%s", tn_error_message(error));
}

/* Many keys with long common prefixes, in several blocks. */
static void test_table(void **state) {
  (void)state;
  enum { N = 20000 };
  tn_table_writer *w;
  succeed(tn_table_writer_new(&w));
  char key[64], value[64];
  for (int i = 0; i < N; i++) {
    int n = snprintf(key, sizeof key, "model/layer/%08d", i * 3), m = snprintf(value, sizeof value, "value of %d", i);
    succeed(tn_table_add(w, key, (size_t)n, value, (size_t)m));
  }
  expect_code(tn_table_add(w, "model", 5, "", 0), TN_INVALID_ARGUMENT, "ascend");
  char *bytes;
  size_t size;
  succeed(tn_table_finish(w, &bytes, &size));
  tn_table_writer_free(w);
  tn_table *t;
  succeed(tn_table_read(bytes, size, &t));
  assert_int_equal(tn_table_size(t), N);
  for (int i = 0; i < 3 * N; i++) {
    int n = snprintf(key, sizeof key, "model/layer/%08d", i);
    const tn_table_entry *e = tn_table_find(t, key, (size_t)n);
    assert_int_equal(e != NULL, i % 3 == 0);
    if (!e) continue;
    snprintf(value, sizeof value, "value of %d", i / 3);
    assert_int_equal(e->size, strlen(value));
    assert_memory_equal(e->value, value, e->size);
  }
  tn_table_free(t);
  /* Every byte matters: one that is flipped is noticed (but in the unused padding of the footer). */
  for (size_t i = 0; i < size; i += 997) {
    bytes[i] ^= 0x20;
    tn_error *error = tn_table_read(bytes, size, &t);
    bytes[i] ^= 0x20;
    if (i < size - 48) assert_non_null(error);
    if (!error) tn_table_free(t);
    tn_error_free(error);
  }
  expect_code(tn_table_read(bytes, 20, &t), TN_DATA_LOSS, "too few");
  expect_code(tn_table_read(bytes, size - 1, &t), TN_DATA_LOSS, "magic");
  tn_free(bytes);
}

static void test_snappy(void **state) {
  (void)state;
  /* "abcd", then a copy of 8 bytes from 4 back, which overlaps itself. */
  static const char packed[] = {12, 3 << 2, 'a', 'b', 'c', 'd', (8 - 4) << 2 | 1, 4};
  char *out;
  size_t size;
  succeed(tn_snappy_unpack(packed, sizeof packed, &out, &size));
  assert_int_equal(size, 12);
  assert_memory_equal(out, "abcdabcdabcd", 12);
  tn_free(out);
  static const char before[] = {5, 0, 'a', 1, 9};
  expect_code(tn_snappy_unpack(before, sizeof before, &out, &size), TN_DATA_LOSS, "before its beginning");
  static const char too_long[] = {2, 3 << 2, 'a', 'b', 'c', 'd'};
  expect_code(tn_snappy_unpack(too_long, sizeof too_long, &out, &size), TN_DATA_LOSS, "longer");
  static const char too_short[] = {9, 3 << 2, 'a', 'b', 'c', 'd'};
  expect_code(tn_snappy_unpack(too_short, sizeof too_short, &out, &size), TN_DATA_LOSS, "shorter");
}

static tn_tensor *floats(int64_t rows, int64_t columns, float first) {
  tn_tensor *t;
  succeed(tn_tensor_new(TN_FLOAT, 2, (int64_t[]){rows, columns}, &t));
  for (int64_t i = 0; i < rows * columns; i++) ((float *)t->data)[i] = first + (float)i;
  return t;
}

static void write_small(const char *prefix, float first) {
  tn_bundle_writer *w;
  succeed(tn_bundle_create(prefix, &w));
  tn_tensor *t = floats(3, 5, first), *words, *empty;
  const tn_string strings[] = {{(char *)"one\0two", 7}, {NULL, 0}, {(char *)"three", 5}};
  succeed(tn_tensor_strings(1, (int64_t[]){3}, strings, &words));
  succeed(tn_tensor_new(TN_INT64, 2, (int64_t[]){0, 4}, &empty));
  succeed(tn_bundle_add(w, "z/weights", t));
  succeed(tn_bundle_add(w, "a/words", words));
  succeed(tn_bundle_add(w, "empty", empty));
  expect_code(tn_bundle_add(w, "empty", empty), TN_ALREADY_EXISTS, "twice");
  succeed(tn_bundle_finish(w));
  tn_tensor_free(t);
  tn_tensor_free(words);
  tn_tensor_free(empty);
}

static void check_small(const char *prefix, float first) {
  tn_bundle *b;
  succeed(tn_bundle_open(prefix, &b));
  assert_int_equal(tn_bundle_size(b), 3);
  assert_string_equal(tn_bundle_at(b, 0)->key, "a/words");
  tn_tensor v = {0};
  succeed(tn_bundle_read(b, "z/weights", &v));
  assert_string_equal(TN_SHAPE_STR(&v.shape), "[3,5]");
  for (int i = 0; i < 15; i++) assert_true(((float *)v.data)[i] == first + (float)i);
  tn_tensor_clear(&v);
  succeed(tn_bundle_read(b, "a/words", &v));
  assert_int_equal(((tn_string *)v.data)[0].size, 7);
  assert_memory_equal(((tn_string *)v.data)[0].data, "one\0two", 7);
  assert_int_equal(((tn_string *)v.data)[1].size, 0);
  tn_tensor_clear(&v);
  succeed(tn_bundle_read(b, "empty", &v));
  assert_string_equal(TN_SHAPE_STR(&v.shape), "[0,4]");
  tn_tensor_clear(&v);
  expect_code(tn_bundle_read(b, "absent", &v), TN_NOT_FOUND, "absent");
  tn_bundle_close(b);
}

static void test_bundle(void **state) {
  (void)state;
  write_small(PATH("deep/er/small"), 7);
  check_small(PATH("deep/er/small"), 7);
  tn_bundle *b;
  expect_code(tn_bundle_open(PATH("none"), &b), TN_NOT_FOUND, "none.index");
}

/* A tensor saved in three slices is read whole, and in other slices than those saved. */
static void test_slices(void **state) {
  (void)state;
  const tn_shape full = tn_shape_of(2, (int64_t[]){6, 4});
  tn_bundle_writer *w;
  succeed(tn_bundle_create(PATH("parts"), &w));
  for (int part = 0; part < 3; part++) {
    tn_slice slice = {2, {2 * part, 0}, {2, -1}};
    tn_tensor *t = floats(2, 4, (float)(8 * part));
    succeed(tn_bundle_add_slice(w, "table", &full, &slice, t));
    expect_code(tn_bundle_add_slice(w, "table", &full, &slice, t), TN_ALREADY_EXISTS, "twice");
    tn_tensor_free(t);
  }
  succeed(tn_bundle_finish(w));
  tn_bundle *b;
  succeed(tn_bundle_open(PATH("parts"), &b));
  assert_int_equal(tn_bundle_size(b), 1);
  tn_tensor v = {0};
  succeed(tn_bundle_read(b, "table", &v));
  for (int i = 0; i < 24; i++) assert_true(((float *)v.data)[i] == (float)i);
  tn_tensor_clear(&v);
  const tn_slice window = {2, {1, 1}, {3, 2}};
  succeed(tn_bundle_read_slice(b, "table", &window, &v));
  static const float expected[] = {5, 6, 9, 10, 13, 14};
  assert_memory_equal(v.data, expected, sizeof expected);
  tn_tensor_clear(&v);
  const tn_slice outside = {2, {5, 0}, {2, -1}};
  expect_code(tn_bundle_read_slice(b, "table", &outside, &v), TN_INVALID_ARGUMENT, "does not fit");
  tn_bundle_close(b);
}

static void test_merge(void **state) {
  (void)state;
  tn_bundle_writer *w;
  const char *names[2] = {PATH("part0"), PATH("part1")};
  for (int i = 0; i < 2; i++) {
    tn_tensor *t = floats(2, 2, (float)(10 * i));
    succeed(tn_bundle_create(names[i], &w));
    succeed(tn_bundle_add(w, i ? "b" : "a", t));
    const tn_slice slice = {2, {2 * i, 0}, {2, -1}};
    const tn_shape full = tn_shape_of(2, (int64_t[]){4, 2});
    succeed(tn_bundle_add_slice(w, "split", &full, &slice, t));
    succeed(tn_bundle_finish(w));
    tn_tensor_free(t);
  }
  succeed(tn_bundle_merge(2, names, PATH("whole")));
  assert_true(tn_file_exists(PATH("whole.data-00001-of-00002")));
  assert_false(tn_file_exists(PATH("part0.index")));
  tn_bundle *b;
  succeed(tn_bundle_open(PATH("whole"), &b));
  tn_tensor v = {0};
  succeed(tn_bundle_read(b, "b", &v));
  assert_true(((float *)v.data)[3] == 13);
  tn_tensor_clear(&v);
  succeed(tn_bundle_read(b, "split", &v));
  static const float expected[] = {0, 1, 2, 3, 10, 11, 12, 13};
  assert_memory_equal(v.data, expected, sizeof expected);
  tn_tensor_clear(&v);
  tn_bundle_close(b);
}

/* Copies file FROM to TO, cut to SIZE bytes, with the byte at FLIP changed if that is inside. */
static void damage(const char *from, const char *to, size_t keep, size_t flip) {
  char *bytes;
  size_t size;
  succeed(tn_file_read(from, &bytes, &size));
  if (keep < size) size = keep;
  if (flip < size) bytes[flip] ^= 1;
  succeed(tn_file_replace(to, bytes, size));
  tn_free(bytes);
}

static void test_damage(void **state) {
  (void)state;
  write_small(PATH("good"), 1);
  tn_bundle *b;
  tn_tensor v = {0};
  damage(PATH("good.index"), PATH("cut.index"), 100, SIZE_MAX);
  damage(PATH("good.data-00000-of-00001"), PATH("cut.data-00000-of-00001"), SIZE_MAX, SIZE_MAX);
  expect_code(tn_bundle_open(PATH("cut"), &b), TN_DATA_LOSS, "cut.index");
  damage(PATH("good.index"), PATH("flip.index"), SIZE_MAX, SIZE_MAX);
  damage(PATH("good.data-00000-of-00001"), PATH("flip.data-00000-of-00001"), SIZE_MAX, 9);
  succeed(tn_bundle_open(PATH("flip"), &b));
  expect_code(tn_bundle_read(b, "z/weights", &v), TN_DATA_LOSS, "checksum");
  tn_bundle_close(b);
  damage(PATH("good.index"), PATH("short.index"), SIZE_MAX, SIZE_MAX);
  damage(PATH("good.data-00000-of-00001"), PATH("short.data-00000-of-00001"), 62, SIZE_MAX);
  succeed(tn_bundle_open(PATH("short"), &b));
  expect_code(tn_bundle_read(b, "a/words", &v), TN_DATA_LOSS, "cut short");
  tn_bundle_close(b);
}

/* When the disk is full (here: files may not grow), the bundle that was there stays. */
static void test_full_disk(void **state) {
  (void)state;
  write_small(PATH("kept"), 3);
  struct rlimit old, tight;
  getrlimit(RLIMIT_FSIZE, &old);
  tight = old;
  tight.rlim_cur = 4096;
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &tight);
  tn_bundle_writer *w;
  tn_tensor *t = floats(300, 500, 0);
  succeed(tn_bundle_create(PATH("kept"), &w));
  tn_error *error = tn_bundle_add(w, "z/weights", t);
  if (error)
    tn_bundle_abandon(w);
  else
    error = tn_bundle_finish(w);
  setrlimit(RLIMIT_FSIZE, &old);
  signal(SIGXFSZ, SIG_DFL);
  tn_tensor_free(t);
  expect_code(error, TN_RESOURCE_EXHAUSTED, "kept");
  check_small(PATH("kept"), 3);
}

static void test_slice_text(void **state) {
  (void)state;
  bool sliced;
  tn_shape full;
  tn_slice slice;
  succeed(tn_parse_shape_and_slice("", &sliced, &full, &slice));
  assert_false(sliced);
  succeed(tn_parse_shape_and_slice("6 4 2,2:-", &sliced, &full, &slice));
  assert_true(sliced && slice.start[0] == 2 && slice.length[0] == 2 && slice.length[1] == -1);
  static const char *const bad[] = {
      "6 4", "6 4 2,2", "6 4 2,2:-:-", "6 4 -1,2:-", "x", "6 4 2:2:-", "99999999999999999999 0,1", "6 4 5,2:-"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    expect_code(tn_parse_shape_and_slice(bad[i], &sliced, &full, &slice), TN_INVALID_ARGUMENT, "slice");
}

static int make_folder(void **state) {
  (void)state;
  return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  char command[160];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  return system(command);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_table),     cmocka_unit_test(test_snappy),
                                     cmocka_unit_test(test_bundle),    cmocka_unit_test(test_slices),
                                     cmocka_unit_test(test_merge),     cmocka_unit_test(test_damage),
                                     cmocka_unit_test(test_full_disk), cmocka_unit_test(test_slice_text)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
