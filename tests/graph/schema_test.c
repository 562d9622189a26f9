/* The grammar of op definitions, and that every registered op parses. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph/op.h"

static void expect_code(tn_error *error, tn_code code, const char *part) {
  assert_int_equal(tn_error_code(error), code);
  if (part) assert_non_null(strstr(tn_error_message(error), part));
  tn_error_free(error);
}

static const tn_op_schema *parse(const tn_op_def *op) {
  const tn_op_schema *schema = NULL;
  tn_error *error = tn_op_schema_of(op, &schema);
  if (error) fail_msg("%s", tn_error_message(error));
  return schema;
}

static void test_arguments(void **state) {
  (void)state;
  static const tn_op_def op = {.name = "A",
                               .inputs = "a: T, b: N * T, c : Ref( T ), d: Tlist, e: float, f: M*int32, g: Ref(N * T)",
                               .outputs = "y: DT_STRING",
                               .attrs = "T: type; N: int; Tlist: list(type); M: int >= 2"};
  const tn_op_schema *s = parse(&op);
  assert_int_equal(s->n_inputs, 7);
  assert_int_equal(s->n_outputs, 1);
  assert_int_equal(s->n_attrs, 4);
  assert_string_equal(s->inputs[0].name, "a");
  assert_string_equal(s->inputs[0].type_attr, "T");
  assert_null(s->inputs[0].number_attr);
  assert_string_equal(s->inputs[1].number_attr, "N");
  assert_string_equal(s->inputs[1].type_attr, "T");
  assert_true(s->inputs[2].is_ref);
  assert_string_equal(s->inputs[2].type_attr, "T");
  assert_string_equal(s->inputs[3].type_list_attr, "Tlist");
  assert_null(s->inputs[3].type_attr);
  assert_int_equal(s->inputs[4].type, TN_FLOAT);
  assert_string_equal(s->inputs[5].number_attr, "M");
  assert_int_equal(s->inputs[5].type, TN_INT32);
  assert_true(s->inputs[6].is_ref);
  assert_string_equal(s->inputs[6].number_attr, "N");
  assert_int_equal(s->outputs[0].type, TN_STRING);
  assert_true(s->attrs[3].has_minimum);
  assert_int_equal(s->attrs[3].minimum, 2);
}

static void test_attributes(void **state) {
  (void)state;
  static const tn_op_def op = {
      .name = "B",
      .attrs =
          "a: {float, int32} = DT_INT32; b: int = -3; c: float = 1e-4; d: bool = true; e: string = 'it\\'s'; "
          "f: shape = [1,?,-1]; g: shape = unknown; h: list(int) >= 4 = [1, 2, 3, 4]; i: {'SAME', \"VA;LID\"} = "
          "'SAME'; "
          "j: list({half, DT_DOUBLE}) = [DT_HALF]; k: list(string) = [\"x\", 'y,z']; l: list(shape) = [[], [2], "
          "unknown]; "
          "m: floattype; n: numbertype = DT_QINT8; o: tensor; p: func; q: list(func); r: list(bool) = [true, false]; "
          "s: list(float) = []; t: string = '\\x41\\n'; u: list(numbertype); v: indextype; w: realnumbertype"};
  const tn_op_schema *s = parse(&op);
  const tn_attr_def *a = s->attrs;
  assert_int_equal(s->n_attrs, 23);
  assert_true(a[0].allowed_types == (TN_BIT(TN_FLOAT) | TN_BIT(TN_INT32)));
  assert_int_equal(a[0].default_value.type, TN_INT32);
  assert_int_equal(a[1].default_value.i, -3);
  assert_true(a[2].default_value.f == 1e-4f);
  assert_true(a[3].default_value.b);
  assert_int_equal(a[4].default_value.string.size, 4);
  assert_memory_equal(a[4].default_value.string.data, "it's", 4);
  assert_int_equal(a[5].default_value.shape.rank, 3);
  assert_int_equal(a[5].default_value.shape.dims[0], 1);
  assert_int_equal(a[5].default_value.shape.dims[1], -1);
  assert_int_equal(a[6].default_value.shape.rank, -1);
  assert_true(a[7].is_list && a[7].has_minimum);
  assert_int_equal(a[7].default_value.n, 4);
  assert_int_equal(a[7].default_value.ints[3], 4);
  assert_int_equal(a[8].n_allowed_strings, 2);
  assert_string_equal(a[8].allowed_strings[1], "VA;LID");
  assert_true(a[9].is_list && a[9].allowed_types == (TN_BIT(TN_HALF) | TN_BIT(TN_DOUBLE)));
  assert_int_equal(a[9].default_value.types[0], TN_HALF);
  assert_int_equal(a[10].default_value.n, 2);
  assert_memory_equal(a[10].default_value.strings[1].data, "y,z", 3);
  assert_int_equal(a[11].default_value.n, 3);
  assert_int_equal(a[11].default_value.shapes[0].rank, 0);
  assert_int_equal(a[11].default_value.shapes[1].dims[0], 2);
  assert_int_equal(a[11].default_value.shapes[2].rank, -1);
  assert_true(a[12].allowed_types == TN_FLOATS && !a[12].has_default);
  assert_int_equal(a[13].default_value.type, TN_QINT8);
  assert_int_equal(a[14].kind, TN_ATTR_TENSOR);
  assert_int_equal(a[15].kind, TN_ATTR_FUNC);
  assert_true(a[16].kind == TN_ATTR_FUNC && a[16].is_list);
  assert_true(a[17].default_value.bools[0] && !a[17].default_value.bools[1]);
  assert_true(a[18].has_default && a[18].default_value.n == 0);
  assert_memory_equal(a[19].default_value.string.data, "A\n", 2);
  assert_true(a[20].is_list && (a[20].allowed_types & TN_BIT(TN_QUINT16)));
  assert_true(a[21].allowed_types == (TN_BIT(TN_INT32) | TN_BIT(TN_INT64)));
  assert_true(a[22].allowed_types == TN_REALS);
}

static void test_empty(void **state) {
  (void)state;
  static const tn_op_def op = {.name = "C", .inputs = "", .attrs = " "};
  const tn_op_schema *s = parse(&op);
  assert_int_equal(s->n_inputs + s->n_outputs + s->n_attrs, 0);
}

/* Each of these is an INTERNAL error, not a crash. */
static void test_bad(void **state) {
  (void)state;
  static const tn_op_def bad[] = {
      {.name = "a", .inputs = "x T"},
      {.name = "b", .inputs = "x: nonsense"},
      {.name = "c", .inputs = "x: T,, y: T", .attrs = "T: type"},
      {.name = "d", .inputs = "x: N * T", .attrs = "T: type"},
      {.name = "e", .inputs = "x: Ref(T", .attrs = "T: type"},
      {.name = "f", .inputs = "x: N", .attrs = "N: int"},
      {.name = "g", .attrs = "T: typ"},
      {.name = "h", .attrs = "T: {float, 'SAME'}"},
      {.name = "i", .attrs = "T: {float"},
      {.name = "j", .attrs = "s: string = 'open"},
      {.name = "k", .attrs = "s: string = '\\q'"},
      {.name = "l", .attrs = "i: int = x"},
      {.name = "m", .attrs = "i: int >= "},
      {.name = "n", .attrs = "T: type >= 1"},
      {.name = "o", .attrs = "f: list(int = []"},
      {.name = "p", .attrs = "f: list(int) = [1,"},
      {.name = "q", .attrs = "f: shape = [1,2,3,4,5,6,7,8,9]"},
      {.name = "r", .attrs = "T: type; T: int"},
      {.name = "s", .attrs = "T: {float} = DT_INT32"},
      {.name = "t", .attrs = "x: tensor = 1"},
      {.name = "u", .attrs = "i: int = 99999999999999999999"},
      {.name = "v", .attrs = "a: int b: int"},
      {.name = "w", .inputs = "x: N * L", .attrs = "N: int; L: list(type)"},
      {.name = "x", .attrs = "f: shape = [-2]"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    const tn_op_schema *schema = NULL;
    tn_error *error = tn_op_schema_of(&bad[i], &schema);
    if (!error) fail_msg("op %s parses", bad[i].name);
    expect_code(error, TN_INTERNAL, bad[i].name);
    assert_null(schema);
  }
}

static void test_registry(void **state) {
  (void)state;
  assert_true(tn_op_table_size > 0);
  for (size_t i = 0; i < tn_op_table_size; i++) {
    if (i > 0) assert_true(strcmp(tn_op_table[i - 1]->name, tn_op_table[i]->name) < 0);
    assert_ptr_equal(tn_op_find(tn_op_table[i]->name), tn_op_table[i]);
    parse(tn_op_table[i]);
    char *def;
    size_t size;
    assert_null(tn_op_to_def(tn_op_table[i]->name, &def, &size));
    assert_true(size > 2);
    free(def);
  }
  assert_null(tn_op_find(""));
  assert_null(tn_op_find("NoSuchOp"));
  char *def = NULL;
  size_t size;
  expect_code(tn_op_to_def("NoSuchOp", &def, &size), TN_NOT_FOUND, "NoSuchOp");
  assert_null(def);
}

static const tn_op_def shared = {.name = "Shared", .inputs = "x: T", .outputs = "y: T", .attrs = "T: type"};

static void *parse_shared(void *argument) {
  (void)argument;
  const tn_op_schema *schema = NULL;
  return tn_op_schema_of(&shared, &schema) ? NULL : (void *)schema;
}

static void test_threads(void **state) {
  (void)state;
  pthread_t threads[8];
  void *schemas[8];
  for (int i = 0; i < 8; i++) assert_int_equal(pthread_create(&threads[i], NULL, parse_shared, NULL), 0);
  for (int i = 0; i < 8; i++) pthread_join(threads[i], &schemas[i]);
  for (int i = 0; i < 8; i++) assert_ptr_equal(schemas[i], schemas[0]);
  assert_non_null(schemas[0]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_arguments), cmocka_unit_test(test_attributes), cmocka_unit_test(test_empty),
      cmocka_unit_test(test_bad),       cmocka_unit_test(test_registry),   cmocka_unit_test(test_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
