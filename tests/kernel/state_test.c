/* What outlives a step: variables, resources, the persistent state of nodes; and the lever that chooses kernels. */
#include <string.h>
#include <tenon/testing.h>

#include "kernel/kernel.h"
#include "runtime/builder.h"

static tn_tensor *values(float first) { return vector(3, (float[]){first, first + 1, first + 2}); }

static tn_variable *new_variable(void) {
  tn_variable *v = NULL;
  tn_shape shape = tn_shape_of(1, (int64_t[]){-1});
  ok(tn_variable_new("v", TN_FLOAT, &shape, &v));
  return v;
}

static void variables(void **state) {
  (void)state;
  tn_variable *v = new_variable();
  tn_tensor out = {0}, *a = values(1), *wrong = scalar(1), *integer = NULL;
  assert_false(tn_variable_initialized(v));
  fails(tn_variable_read(v, &out), TN_FAILED_PRECONDITION, "uninitialized value v");
  fails(tn_variable_begin(v, &out), TN_FAILED_PRECONDITION, "v");
  fails(tn_variable_assign(v, wrong, true), TN_INVALID_ARGUMENT, "[]");
  ok(tn_tensor_new(TN_INT32, 1, (int64_t[]){3}, &integer));
  fails(tn_variable_assign(v, integer, false), TN_INVALID_ARGUMENT, "int32");
  ok(tn_variable_assign(v, a, true));
  ok(tn_variable_read(v, &out));
  assert_true(at(&out, 2) == 3);
  /* A reader holds the buffer: writing goes to a copy. */
  tn_tensor written = {0};
  ok(tn_variable_begin(v, &written));
  assert_ptr_not_equal(written.data, out.data);
  TN_DATA(float, &written)[2] = 30;
  tn_variable_end(v);
  assert_true(at(&out, 2) == 3);
  tn_tensor_clear(&out);
  ok(tn_variable_read(v, &out));
  assert_true(at(&out, 2) == 30);
  assert_true(at(a, 2) == 3);
  void *data = out.data;
  tn_tensor_clear(&out);
  ok(tn_variable_begin(v, &written)); /* nobody else: in place */
  assert_ptr_equal(written.data, data);
  tn_variable_end(v);
  tn_variable_reset(v);
  assert_false(tn_variable_initialized(v));
  tn_object_unref(&v->object);
  tn_tensor_free(a);
  tn_tensor_free(wrong);
  tn_tensor_free(integer);
}

static void bindings(void **state) {
  (void)state;
  tn_variable *v = new_variable();
  tn_tensor *a = values(1), slot = {0}, written = {0};
  uint64_t version = 0;
  ok(tn_variable_assign(v, a, true));
  tn_tensor_free(a);
  ok(tn_variable_bind(v, &slot, &version));
  ok(tn_variable_begin(v, &written)); /* a binding does not count as a reader */
  assert_ptr_equal(written.data, slot.data);
  tn_variable_end(v);
  assert_true(tn_variable_pin(v, version));
  ok(tn_variable_begin(v, &written)); /* but a pin does */
  assert_ptr_not_equal(written.data, slot.data);
  tn_variable_end(v);
  tn_variable_unpin(v);
  assert_false(tn_variable_pin(v, version)); /* there is another buffer now */
  tn_variable_unbind(v, &slot, version);
  ok(tn_variable_bind(v, &slot, &version));
  assert_true(tn_variable_pin(v, version));
  tn_variable_set_own_pins(1, &v);
  ok(tn_variable_begin(v, &written)); /* the step's own pin does not */
  assert_ptr_equal(written.data, slot.data);
  tn_variable_end(v);
  tn_variable_set_own_pins(0, NULL);
  tn_variable_unpin(v);
  tn_variable_unbind(v, &slot, version);
  tn_object_unref(&v->object);
}

static tn_error *create(void *argument, tn_object **out) {
  tn_variable *v = new_variable();
  ++*(int *)argument;
  *out = &v->object;
  return NULL;
}

static void resources(void **state) {
  (void)state;
  tn_resources *r = NULL;
  ok(tn_resources_new(&r));
  int made = 0;
  tn_object *a = NULL, *b = NULL;
  fails(tn_resources_get(r, "", "x", TN_VARIABLE_TYPE, NULL, NULL, &a), TN_NOT_FOUND, "x");
  ok(tn_resources_get(r, "", "x", TN_VARIABLE_TYPE, create, &made, &a));
  ok(tn_resources_get(r, "", "x", TN_VARIABLE_TYPE, create, &made, &b));
  assert_ptr_equal(a, b);
  tn_object_unref(b);
  ok(tn_resources_get(r, "box", "x", TN_VARIABLE_TYPE, create, &made, &b));
  assert_ptr_not_equal(a, b);
  assert_int_equal(made, 2);
  fails(tn_resources_get(r, "", "x", "Queue", NULL, NULL, &b), TN_INVALID_ARGUMENT, "Queue");
  uint64_t epoch = tn_resources_epoch(r);
  ok(tn_resources_delete(r, "", "x"));
  fails(tn_resources_delete(r, "", "x"), TN_NOT_FOUND, "x");
  tn_resources_clear(r, "box");
  fails(tn_resources_get(r, "box", "x", TN_VARIABLE_TYPE, NULL, NULL, &a), TN_NOT_FOUND, "x");
  assert_int_equal(tn_resources_epoch(r), epoch + 2);
  tn_object_unref(a);
  tn_object_unref(b);
  tn_resources_free(r);
}

typedef struct list {
  char keys[64];
} list;

static tn_error *note(void *argument, const char *key, void *data, size_t size) {
  list *l = argument;
  assert_non_null(data);
  strcat(strcat(l->keys, key), size == 8 ? "8 " : "16 ");
  return NULL;
}

static void persistent_state(void **state) {
  (void)state;
  tn_session_state *s = NULL;
  ok(tn_session_state_new(&s));
  uint64_t *a = NULL, *again = NULL, *b = NULL;
  ok(tn_session_state_get(s, "b", 8, &b));
  ok(tn_session_state_get(s, "a", 16, &a));
  assert_int_equal(a[1], 0);
  a[1] = 7;
  ok(tn_session_state_get(s, "a", 16, &again));
  assert_ptr_equal(a, again);
  fails(tn_session_state_get(s, "a", 8, &again), TN_INTERNAL, "'a'");
  list l = {""};
  ok(tn_session_state_visit(s, note, &l));
  assert_string_equal(l.keys, "a16 b8 ");
  tn_session_state_free(s);
}

static void forced_kernels(void **state) {
  (void)state;
  assert_true(tn_kernel_count("MatMul") > 1);
  assert_string_equal(tn_kernel_name("MatMul", tn_kernel_count("MatMul") - 1), "reference");
  assert_null(tn_kernel_name("MatMul", 100));
  assert_int_equal(tn_kernel_count("NoSuchOp"), 0);
  fails(tn_kernel_force("NoSuchOp", NULL), TN_NOT_FOUND, "NoSuchOp");
  fails(tn_kernel_force("MatMul", "nonsense"), TN_NOT_FOUND, "nonsense");
  tn_graph *g = new_graph();
  tn_output x = placeholder(g, "x"), y = op2(g, "MatMul", "y", x, x);
  tn_tensor *in = filled(20, 20, 1);
  for (int i = 0; i < tn_kernel_count("MatMul"); i++) {
    const char *name = tn_kernel_name("MatMul", i);
    uint64_t before = tn_kernel_prepared("MatMul", name);
    ok(tn_kernel_force("MatMul", name));
    tn_session *s = new_session(g, NULL, true);
    tn_tensor *out = NULL;
    tn_error *error = try_run(s, x, in, y, &out);
    if (error) {
      fails(error, TN_UNIMPLEMENTED, "MatMul");
    } else {
      assert_true(at(out, 399) == 20);
      assert_true(tn_kernel_prepared("MatMul", name) > before);
      tn_tensor_free(out);
    }
    tn_session_free(s);
  }
  ok(tn_kernel_force("MatMul", NULL));
  tn_tensor_free(in);
  tn_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(variables), cmocka_unit_test(bindings),
                                     cmocka_unit_test(resources), cmocka_unit_test(persistent_state),
                                     cmocka_unit_test(forced_kernels)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
