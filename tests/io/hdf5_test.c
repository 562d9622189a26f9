/* HDF5 files: written and read again; what is cut off or changed is refused, and never read beyond. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "io/file.h"
#include "io/hdf5_format.h"

static char path[] = "/tmp/tenon-hdf5-XXXXXX";

static void ok(tn_error *error) {
  if (error) fail_msg("%s", tn_error_message(error));
}

static void fails(tn_error *error, tn_code code, const char *words) {
  assert_int_equal(tn_error_code(error), code);
  assert_non_null(strstr(tn_error_message(error), words));
  tn_error_free(error);
}

/* What is read, as text. */
static void describe(tn_str *out, const char *kind, const char *name, const tn_h5_value *value) {
  tn_str_addf(out, "%s %s", kind, name);
  if (value) {
    tn_str_addf(out, " %s", value->type);
    for (int i = 0; i < value->rank; i++) tn_str_addf(out, " %d", (int)value->dims[i]);
    if (value->texts) tn_str_addf(out, " '%.*s'", (int)value->texts[0].size, value->texts[0].data);
    if (strcmp(value->type, "<f4") == 0 && value->size >= 4) {
      float first;
      memcpy(&first, value->data, 4);
      tn_str_addf(out, " %g", (double)first);
    }
  }
  tn_str_add(out, "\n");
}

static tn_error *on_group(void *context, const char *name) {
  describe(context, "group", name, NULL);
  return NULL;
}
static tn_error *on_dataset(void *context, const char *name, const tn_h5_value *value) {
  describe(context, "dataset", name, value);
  return NULL;
}
static tn_error *on_attribute(void *context, const char *object, const char *name, const tn_h5_value *value) {
  tn_str_addf(context, "%s: ", object);
  describe(context, "attribute", name, value);
  return NULL;
}

static tn_error *read_text(const char *data, size_t size, tn_str *out) {
  const tn_h5_visitor visitor = {out, on_group, on_dataset, on_attribute};
  return tn_h5_read(data, size, &visitor);
}

static void write_file(void) {
  static const float weights[6] = {1.5f, 2, 3, 4, 5, 6};
  const tn_h5_text text = {"a text", 6};
  const tn_h5_value array = {.type = "<f4", .rank = 2, .dims = {2, 3}, .data = weights, .size = sizeof weights},
                    scalar = {.type = "<f4", .data = weights, .size = 4}, none = {.type = "<i8", .rank = 1},
                    long_text = {.type = "O", .texts = &text},
                    names = {.type = "|S4", .rank = 1, .dims = {2}, .data = "one\0two", .size = 8};
  tn_h5_writer *writer;
  ok(tn_h5_writer_new(&writer));
  ok(tn_h5_attribute(writer, "/", "names", &names));
  ok(tn_h5_attribute(writer, "/", "config", &long_text));
  ok(tn_h5_dataset(writer, "/dense/kernel:0", &array));
  ok(tn_h5_dataset(writer, "/dense/bias:0", &scalar));
  ok(tn_h5_attribute(writer, "/dense/bias:0", "it", &scalar));
  ok(tn_h5_dataset(writer, "/empty", &none));
  ok(tn_h5_group(writer, "/dense"));
  fails(tn_h5_group(writer, "/empty"), TN_INVALID_ARGUMENT, "a dataset");
  fails(tn_h5_group(writer, "/empty/inner"), TN_INVALID_ARGUMENT, "lies in a dataset");
  fails(tn_h5_dataset(writer, "/dense/bias:0", &scalar), TN_ALREADY_EXISTS, "there already");
  fails(tn_h5_attribute(writer, "/nothing", "x", &scalar), TN_NOT_FOUND, "not there");
  fails(tn_h5_dataset(writer, "/text", &long_text), TN_INVALID_ARGUMENT, "attributes only");
  fails(tn_h5_dataset(writer, "/c", &(tn_h5_value){.type = "<c8"}), TN_INVALID_ARGUMENT, "not written");
  fails(tn_h5_dataset(writer, "/c", &(tn_h5_value){.type = "<f4", .size = 3}), TN_INVALID_ARGUMENT, "needs 4");
  fails(tn_h5_attribute(writer, "/", "x", &(tn_h5_value){.type = "|u1", .rank = 1, .dims = {70000}, .size = 70000}),
        TN_INVALID_ARGUMENT, "more than 64512");
  ok(tn_h5_write(writer, path));
  fails(tn_h5_write(writer, "/nothing/here"), TN_NOT_FOUND, "/nothing/here");
  tn_h5_writer_free(writer);
  tn_h5_writer_free(NULL);
}

static void test_written_and_read(void **state) {
  (void)state;
  char *data;
  size_t size;
  tn_str out = {0};
  write_file();
  ok(tn_file_read(path, &data, &size));
  ok(read_text(data, size, &out));
  assert_string_equal(out.data, "group /\n"
                                "/: attribute names |S4 2\n"
                                "/: attribute config O 'a text'\n"
                                "group /dense\n"
                                "dataset /dense/bias:0 <f4 1.5\n"
                                "/dense/bias:0: attribute it <f4 1.5\n"
                                "dataset /dense/kernel:0 <f4 2 3 1.5\n"
                                "dataset /empty <i8 0\n");
  tn_str_clear(&out);
  tn_free(data);
}

static void test_cut_off(void **state) {
  (void)state;
  char *data;
  size_t size;
  ok(tn_file_read(path, &data, &size));
  int refused = 0;
  for (size_t i = 0; i < size; i += i < 200 ? 1 : 7) {
    tn_str out = {0};
    char *part = malloc(i + 1); /* of its own size, so that a sanitizer sees what lies beyond */
    assert_non_null(part);
    memcpy(part, data, i);
    tn_error *error = read_text(part, i, &out);
    refused += error != NULL;
    tn_error_free(error);
    free(part);
    tn_str_clear(&out);
  }
  assert_true(refused > 200);
  tn_free(data);
}

static void test_changed(void **state) {
  (void)state;
  char *data;
  size_t size;
  ok(tn_file_read(path, &data, &size));
  for (size_t i = 0; i < size; i++) {
    for (int bit = 0; bit < 8; bit += 7) {
      tn_str out = {0};
      data[i] = (char)(data[i] ^ 1 << bit);
      tn_error_free(read_text(data, size, &out));
      data[i] = (char)(data[i] ^ 1 << bit);
      tn_str_clear(&out);
    }
  }
  tn_str out = {0};
  fails(read_text("not a file", 10, &out), TN_DATA_LOSS, "does not begin");
  data[8] = 2;
  fails(read_text(data, size, &out), TN_UNIMPLEMENTED, "latest format");
  tn_free(data);
}

static void test_wide_groups(void **state) {
  (void)state;
  tn_h5_writer *writer;
  ok(tn_h5_writer_new(&writer));
  char name[32];
  for (int i = 0; i < 3000; i++) {
    snprintf(name, sizeof name, "/w%d", i);
    ok(tn_h5_group(writer, name));
  }
  ok(tn_h5_write(writer, path));
  tn_h5_writer_free(writer);
  char *data;
  size_t size;
  tn_str out = {0};
  ok(tn_file_read(path, &data, &size));
  ok(read_text(data, size, &out));
  int lines = 0;
  for (const char *p = out.data; (p = strchr(p, '\n')); p++) lines++;
  assert_int_equal(lines, 3001);
  tn_str_clear(&out);
  tn_free(data);
}

static int make_path(void **state) {
  (void)state;
  const int file = mkstemp(path);
  return file < 0 || close(file);
}

static int remove_path(void **state) {
  (void)state;
  return unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_written_and_read), cmocka_unit_test(test_cut_off),
                                     cmocka_unit_test(test_changed), cmocka_unit_test(test_wide_groups)};
  return cmocka_run_group_tests(tests, make_path, remove_path);
}
