/* GraphDef in and out: round trips, order, cycles, prefixes, replaced inputs, and bytes that are none. */
#include "check.h"

#include "graph/graph_internal.h"
#include "graph/proto.h"

/* --- writing defs by hand --- */

static void put_node(tn_str *def, const char *name, const char *type, const char *const *inputs, const char *attr,
                     const tn_attr *value) {
  size_t node = tn_proto_begin(def, 1);
  tn_proto_put_string(def, 1, name);
  tn_proto_put_string(def, 2, type);
  for (; inputs && *inputs; inputs++) tn_proto_put_string(def, 3, *inputs);
  if (attr) {
    size_t entry = tn_proto_begin(def, 5);
    tn_proto_put_string(def, 1, attr);
    ok(tn_proto_put_attr(def, 2, value));
    tn_proto_end(def, entry);
  }
  tn_proto_end(def, node);
}

static const tn_attr float_type = {.kind = TN_ATTR_TYPE, .type = TN_FLOAT};
static const tn_attr int_type = {.kind = TN_ATTR_TYPE, .type = TN_INT32};

static void put_source(tn_str *def, const char *name) {
  put_node(def, name, "Placeholder", NULL, "dtype", &float_type);
}

static void put_neg(tn_str *def, const char *name, const char *input) {
  const char *const inputs[] = {input, NULL};
  put_node(def, name, "Neg", inputs, "T", &float_type);
}

/* Imports DEF, whose bytes are dropped, into a new graph with one node, which must be all there is after an error. */
static void refuse(tn_str *def, tn_code code, const char *part) {
  tn_graph *g = new_graph();
  placeholder(g, "there", TN_FLOAT, 0, NULL);
  expect(tn_graph_import(g, def->data, def->size, NULL), code, part);
  assert_int_equal(tn_graph_n_nodes(g), 1);
  assert_non_null(tn_graph_find(g, "there"));
  assert_null(tn_graph_find(g, "a"));
  /* Its names are free. */
  assert_string_equal(placeholder(g, "a", TN_FLOAT, 0, NULL).node->name, "a");
  tn_graph_free(g);
  tn_str_clear(def);
}

static tn_graph *import(tn_str *def) {
  tn_graph *g = new_graph();
  ok(tn_graph_import(g, def->data, def->size, NULL));
  tn_str_clear(def);
  return g;
}

/* --- round trips --- */

/* while (i < 10) { i = i + 1 } */
static void add_loop(tn_graph *g, const char *frame) {
  tn_scope s = {.graph = g};
  tn_attr name = {.kind = TN_ATTR_STRING, .string = {(char *)frame, strlen(frame)}};
  tn_output zero = tn_build_scalar(&s, TN_INT32, 0), ten = tn_build_scalar(&s, TN_INT32, 10);
  tn_output enter = tn_build(&s, "Enter", TN_IN(zero), TN_ATTRS({"frame_name", name}));
  tn_output limit = tn_build(&s, "Enter", TN_IN(ten), TN_ATTRS({"frame_name", name}, TN_A_BOOL("is_constant", true)));
  tn_output merge = tn_build(&s, "Merge", TN_IN(enter, enter), NULL);
  tn_output more = tn_build1(&s, "LoopCond", tn_build2(&s, "Less", merge, limit));
  tn_output chosen = tn_build2(&s, "Switch", merge, more);
  tn_output next = tn_build1(&s, "NextIteration", tn_build2(&s, "AddV2", tn_nth(chosen, 1), limit));
  tn_build1(&s, "Exit", chosen);
  ok(s.error);
  expect(tn_graph_set_back_edge(g, merge.node, 1, enter), TN_INVALID_ARGUMENT, "NextIteration");
  expect(tn_graph_set_back_edge(g, merge.node, 2, next), TN_INVALID_ARGUMENT, "no input 2");
  ok(tn_graph_set_back_edge(g, merge.node, 1, next));
  expect(tn_graph_set_back_edge(g, merge.node, 1, next), TN_INVALID_ARGUMENT, "already");
}

static tn_graph *rich_graph(void) {
  tn_graph *g = new_graph();
  tn_output x = placeholder(g, "x", TN_FLOAT, 2, (int64_t[]){-1, 3});
  placeholder(g, "u", TN_STRING, -1, NULL);
  ok(tn_graph_push_name_scope(g, "scope"));
  ok(tn_graph_push_device(g, "/job:ps/task:3/cpu:0"));
  tn_node *pack = OP(g, "Pack", "pack", x, x);
  tn_graph_pop_device(g);
  ok(tn_graph_push_control(g, 1, &pack));
  tn_node *neg = OP(g, "Neg", "neg", x);
  tn_graph_pop_control(g);
  OP(g, "IdentityN", "ids", x, out(neg, 0), out(pack, 0));
  tn_graph_pop_name_scope(g);
  tn_tensor *strings;
  ok(tn_tensor_strings(1, (int64_t[]){3}, (tn_string[]){{"a", 1}, {"", 0}, {"b\0c", 3}}, &strings));
  tn_node_builder *b = tn_node_begin(g, "Const", "strings");
  tn_node_attr_type(b, "dtype", TN_STRING);
  tn_node_attr_tensor(b, "value", strings);
  tn_node_attr_ints(b, "_ints", (int64_t[]){-1, 0, INT64_MAX}, 3);
  tn_node_attr_floats(b, "_floats", (float[]){0.5f, -0.0f}, 2);
  tn_node_attr_bools(b, "_bools", (bool[]){true, false}, 2);
  tn_node_attr_types(b, "_types", (tn_dtype[]){TN_HALF, TN_STRING}, 2);
  tn_node_attr_strings(b, "_strings", (tn_string[]){{"p", 1}, {"", 0}}, 2);
  tn_node_attr_shapes(b, "_shapes", (tn_shape[]){tn_shape_unknown(), tn_shape_of(2, (int64_t[]){-1, 0})}, 2);
  tn_node_attr_ints(b, "_empty", NULL, 0);
  tn_node_attr_float(b, "_float", -1.5f);
  tn_node_attr_func(b, "_func", "some_function");
  ok(tn_node_finish(b, NULL));
  tn_tensor_free(strings);
  add_loop(g, "loop");
  return g;
}

static void test_round_trip(void **state) {
  (void)state;
  tn_graph *g = rich_graph(), *copy = new_graph();
  char *def, *again;
  size_t size, size_again;
  ok(tn_graph_to_def(g, &def, &size));
  ok(tn_graph_import(copy, def, size, NULL));
  assert_int_equal(tn_graph_n_nodes(copy), tn_graph_n_nodes(g));
  for (size_t i = 0; i < tn_graph_n_nodes(g); i++) {
    const tn_node *a = tn_graph_node(g, i), *b = tn_graph_find(copy, a->name);
    assert_non_null(b);
    assert_string_equal(a->op->name, b->op->name);
    assert_string_equal(a->device, b->device);
    assert_int_equal(a->n_inputs, b->n_inputs);
    assert_int_equal(a->n_controls, b->n_controls);
    for (int j = 0; j < a->n_inputs; j++) {
      assert_string_equal(a->inputs[j].node->name, b->inputs[j].node->name);
      assert_int_equal(a->inputs[j].index, b->inputs[j].index);
    }
    assert_int_equal(a->n_attrs, b->n_attrs);
    for (int j = 0; j < a->n_attrs; j++) {
      const tn_attr *value = tn_node_attr(b, a->attrs[j].name);
      assert_non_null(value);
      if (!tn_attr_equal(&a->attrs[j].value, value)) fail_msg("attribute %s of %s", a->attrs[j].name, a->name);
    }
  }
  ok(tn_graph_to_def(copy, &again, &size_again));
  assert_int_equal(size, size_again);
  assert_memory_equal(def, again, size);
  free(def);
  free(again);
  /* One node alone. */
  ok(tn_node_to_def(tn_graph_find(g, "scope/neg"), &def, &size));
  assert_non_null(memmem(def, size, "^scope/pack", 11));
  free(def);
  tn_graph_free(copy);
  tn_graph_free(g);
}

static void test_order_and_cycles(void **state) {
  (void)state;
  tn_str def = {0};
  put_neg(&def, "c", "b:0");
  put_neg(&def, "b", "a");
  put_source(&def, "a");
  tn_graph *g = import(&def);
  assert_int_equal(tn_graph_n_nodes(g), 3);
  assert_ptr_equal(tn_graph_find(g, "c")->inputs[0].node, tn_graph_find(g, "b"));
  tn_graph_free(g);
  put_neg(&def, "a", "b");
  put_neg(&def, "b", "a");
  refuse(&def, TN_INVALID_ARGUMENT, "cycle");
  put_source(&def, "a");
  put_neg(&def, "b", "b");
  refuse(&def, TN_INVALID_ARGUMENT, "'b' is part of a cycle");
  const char *const inputs[] = {"a", "^c", NULL};
  put_source(&def, "a");
  put_node(&def, "b", "Neg", inputs, "T", &float_type);
  put_neg(&def, "c", "b");
  refuse(&def, TN_INVALID_ARGUMENT, "cycle");
  /* A Merge that only its own loop feeds. */
  const char *const merged[] = {"n", NULL}, *const next[] = {"m", NULL};
  put_source(&def, "a");
  put_node(&def, "m", "Merge", merged, "T", &float_type);
  put_node(&def, "n", "NextIteration", next, "T", &float_type);
  refuse(&def, TN_INVALID_ARGUMENT, "NextIteration");
}

static void test_bad_nodes(void **state) {
  (void)state;
  tn_str def = {0};
  put_source(&def, "a");
  put_node(&def, "b", "NoSuchOp", NULL, NULL, NULL);
  refuse(&def, TN_NOT_FOUND, "NoSuchOp 'b'");
  put_source(&def, "a");
  put_neg(&def, "b", "missing");
  refuse(&def, TN_INVALID_ARGUMENT, "Neg 'b': its input 'missing' does not exist");
  static const char *const inputs[] = {"a:1", "a:", "a:x", "", "^", ":0", "a:99999999999999999999", "a\nb"};
  for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
    put_source(&def, "a");
    put_neg(&def, "b", inputs[i]);
    refuse(&def, TN_INVALID_ARGUMENT, "'b'");
  }
  put_source(&def, "a");
  put_source(&def, "a");
  refuse(&def, TN_INVALID_ARGUMENT, "two nodes called 'a'");
  put_source(&def, "there");
  refuse(&def, TN_INVALID_ARGUMENT, "in use");
  put_source(&def, "_a");
  refuse(&def, TN_INVALID_ARGUMENT, "valid name");
  put_node(&def, "a", "Placeholder", NULL, NULL, NULL);
  refuse(&def, TN_INVALID_ARGUMENT, "attribute 'dtype' is missing");
  put_source(&def, "a");
  const char *const one[] = {"a", NULL}, *const late[] = {"^a", "a", NULL}, *const two[] = {"a", "a", NULL};
  put_node(&def, "b", "Neg", one, "T", &int_type);
  refuse(&def, TN_INVALID_ARGUMENT, "Neg 'b': input");
  put_source(&def, "a");
  put_node(&def, "b", "Neg", late, "T", &float_type);
  refuse(&def, TN_INVALID_ARGUMENT, "after a control input");
  put_source(&def, "a");
  put_node(&def, "b", "Neg", two, "T", &float_type);
  refuse(&def, TN_INVALID_ARGUMENT, "expected 1 inputs, got 2");
  put_source(&def, "a");
  put_node(&def, "b", "Neg", one, "T", &(tn_attr){.kind = TN_ATTR_INT, .i = 1});
  refuse(&def, TN_INVALID_ARGUMENT, "must be a type");
  put_node(&def, "a", "Placeholder", NULL, "dtype", &(tn_attr){.kind = TN_ATTR_TYPE, .type = (tn_dtype)99});
  refuse(&def, TN_INVALID_ARGUMENT, "99 is no dtype");
  /* Attributes that the op does not know are left out, as a newer TensorFlow may have written them. */
  put_source(&def, "a");
  const char *const none[] = {NULL};
  put_node(&def, "b", "NoOp", none, "some_new_attribute", &int_type);
  tn_graph *g = import(&def);
  assert_null(tn_node_attr(tn_graph_find(g, "b"), "some_new_attribute"));
  tn_graph_free(g);
}

static void test_options(void **state) {
  (void)state;
  tn_graph *g = new_graph(), *loops = rich_graph();
  tn_output z = placeholder(g, "z", TN_FLOAT, 1, (int64_t[]){5});
  tn_str def = {0};
  put_source(&def, "a");
  put_neg(&def, "b", "a:0");
  put_neg(&def, "c", "b");
  const char *names[] = {"a"};
  tn_import_options options = {.prefix = "p/q", .n_inputs = 1, .input_names = names, .inputs = &z};
  ok(tn_graph_import(g, def.data, def.size, &options));
  assert_ptr_equal(tn_graph_find(g, "p/q/b")->inputs[0].node, z.node);
  assert_int_equal(tn_output_shape(out(tn_graph_find(g, "p/q/c"), 0)).dims[0], 5);
  expect(tn_graph_import(g, def.data, def.size, &options), TN_INVALID_ARGUMENT, "in use");
  names[0] = "nobody:0";
  expect(tn_graph_import(g, def.data, def.size, &options), TN_INVALID_ARGUMENT, "nobody");
  names[0] = "a:0";
  options.prefix = "not valid";
  expect(tn_graph_import(g, def.data, def.size, &options), TN_INVALID_ARGUMENT, "prefix");
  options.prefix = "r/";
  tn_output other = placeholder(loops, "other", TN_FLOAT, 0, NULL);
  options.inputs = &other;
  expect(tn_graph_import(g, def.data, def.size, &options), TN_INVALID_ARGUMENT, "this graph");
  tn_str_clear(&def);
  /* Two imports of a loop are two loops. */
  char *bytes;
  size_t size;
  ok(tn_graph_to_def(loops, &bytes, &size));
  for (int i = 0; i < 2; i++) {
    tn_import_options prefix = {.prefix = i ? "two" : "one"};
    ok(tn_graph_import(g, bytes, size, &prefix));
  }
  assert_true(tn_node_string_is(tn_graph_find(g, "one/Enter"), "frame_name", "one/loop"));
  assert_true(tn_node_string_is(tn_graph_find(g, "two/Enter"), "frame_name", "two/loop"));
  free(bytes);
  tn_graph_free(loops);
  tn_graph_free(g);
}

static void put_function(tn_str *def, const char *name, const char *body) {
  size_t library = tn_proto_begin(def, 2), function = tn_proto_begin(def, 1), signature = tn_proto_begin(def, 1);
  tn_proto_put_string(def, 1, name);
  tn_proto_put_string(def, 5, body);
  tn_proto_end(def, signature);
  tn_proto_end(def, function);
  tn_proto_end(def, library);
}

static void test_library_and_versions(void **state) {
  (void)state;
  tn_str def = {0};
  put_source(&def, "a");
  put_function(&def, "f", "one");
  size_t versions = tn_proto_begin(&def, 4);
  tn_wire_put_int(&def, 1, 21);
  tn_wire_put_int(&def, 2, 12);
  tn_proto_end(&def, versions);
  tn_graph *g = import(&def);
  char *bytes;
  size_t size;
  ok(tn_graph_to_def(g, &bytes, &size));
  assert_non_null(memmem(bytes, size,
                         "\x12\x0c\x0a\x0a\x0a\x08\x0a\x01"
                         "f*\x03"
                         "one",
                         14));
  assert_non_null(memmem(bytes, size, "\x22\x04\x08\x15\x10\x0c", 6));
  free(bytes);
  put_function(&def, "f", "two");
  expect(tn_graph_import(g, def.data, def.size, NULL), TN_INVALID_ARGUMENT, "another function 'f'");
  tn_str_clear(&def);
  tn_graph_free(g);
  versions = tn_proto_begin(&def, 4);
  tn_wire_put_int(&def, 2, 1000000);
  tn_proto_end(&def, versions);
  refuse(&def, TN_INVALID_ARGUMENT, "consumer of version 1000000");
}

/* --- tensors --- */

static tn_tensor *read_tensor(tn_str *proto) {
  tn_tensor *tensor = NULL;
  ok(tn_proto_get_tensor(proto->data, proto->size, &tensor));
  tn_str_clear(proto);
  return tensor;
}

static void put_header(tn_str *proto, tn_dtype dtype, int64_t n) {
  tn_shape shape = tn_shape_of(1, &n);
  tn_wire_put_int(proto, 1, dtype);
  tn_proto_put_shape(proto, 2, &shape);
}

static void test_tensor_forms(void **state) {
  (void)state;
  tn_str p = {0};
  /* The last value is repeated; packed and single values mix; what is too many is dropped. */
  put_header(&p, TN_INT32, 5);
  size_t packed = tn_proto_begin(&p, 7);
  tn_wire_put_varint(&p, (uint64_t)-7);
  tn_wire_put_varint(&p, 300);
  tn_proto_end(&p, packed);
  tn_wire_put_int(&p, 7, 9);
  tn_tensor *t = read_tensor(&p);
  assert_memory_equal(t->data, ((int32_t[]){-7, 300, 9, 9, 9}), 20);
  tn_tensor_free(t);
  put_header(&p, TN_INT8, 2);
  for (int i = 0; i < 4; i++) tn_wire_put_int(&p, 7, i - 2);
  t = read_tensor(&p);
  assert_memory_equal(t->data, ((int8_t[]){-2, -1}), 2);
  tn_tensor_free(t);
  put_header(&p, TN_HALF, 3);
  tn_wire_put_int(&p, 13, 0x3c00);
  t = read_tensor(&p);
  assert_memory_equal(t->data, ((uint16_t[]){0x3c00, 0x3c00, 0x3c00}), 6);
  tn_tensor_free(t);
  put_header(&p, TN_COMPLEX64, 2);
  tn_wire_put_fixed32(&p, 9, 0x3f800000);
  tn_wire_put_fixed32(&p, 9, 0x40000000);
  t = read_tensor(&p);
  assert_memory_equal(t->data, ((float[]){1, 2, 1, 2}), 16);
  tn_tensor_free(t);
  put_header(&p, TN_STRING, 3);
  tn_wire_put_bytes(&p, 8, "ab", 2);
  t = read_tensor(&p);
  assert_memory_equal(((tn_string *)t->data)[2].data, "ab", 2);
  tn_tensor_free(t);
  put_header(&p, TN_BOOL, 2);
  tn_wire_put_bytes(&p, 4, "\x00\x02", 2);
  t = read_tensor(&p);
  assert_memory_equal(t->data, "\x00\x01", 2);
  tn_tensor_free(t);
  put_header(&p, TN_DOUBLE, 2);
  t = read_tensor(&p);
  assert_memory_equal(t->data, ((double[]){0, 0}), 16);
  tn_tensor_free(t);
}

static void refuse_tensor(tn_str *proto, tn_code code) {
  tn_tensor *tensor = NULL;
  expect(tn_proto_get_tensor(proto->data, proto->size, &tensor), code, "");
  assert_null(tensor);
  tn_str_clear(proto);
}

static void test_bad_tensors(void **state) {
  (void)state;
  tn_str p = {0};
  put_header(&p, TN_FLOAT, 2);
  tn_wire_put_bytes(&p, 4, "1234567", 7);
  refuse_tensor(&p, TN_INVALID_ARGUMENT);
  put_header(&p, TN_FLOAT, -1);
  refuse_tensor(&p, TN_INVALID_ARGUMENT);
  put_header(&p, TN_FLOAT, -7);
  refuse_tensor(&p, TN_INVALID_ARGUMENT);
  put_header(&p, TN_RESOURCE, 1);
  refuse_tensor(&p, TN_INVALID_ARGUMENT);
  put_header(&p, (tn_dtype)0, 1);
  refuse_tensor(&p, TN_INVALID_ARGUMENT);
  put_header(&p, TN_INT64, 1);
  tn_wire_put_fixed32(&p, 10, 1);
  refuse_tensor(&p, TN_INVALID_ARGUMENT);
  put_header(&p, TN_FLOAT, 4);
  tn_wire_put_bytes(&p, 5, "12345", 5);
  refuse_tensor(&p, TN_INVALID_ARGUMENT);
  /* Some bytes ask for all memory: an error, not a kill. */
  tn_shape huge = tn_shape_of(4, (int64_t[]){1 << 30, 1 << 30, 1 << 30, 1 << 30});
  tn_wire_put_int(&p, 1, TN_DOUBLE);
  tn_proto_put_shape(&p, 2, &huge);
  tn_tensor *tensor = NULL;
  tn_error *error = tn_proto_get_tensor(p.data, p.size, &tensor);
  assert_non_null(error);
  tn_error_free(error);
  tn_str_clear(&p);
}

/* --- bytes that are no GraphDef --- */

/* Whatever the bytes are, there is an error or a graph, and after an error the graph is as it was. */
static void try_bytes(const char *def, size_t size) {
  tn_graph *g = new_graph();
  /* A copy of its own, so that a sanitizer sees a read past the end. */
  char *copy = malloc(size + 1);
  assert_non_null(copy);
  memcpy(copy, def, size);
  copy = realloc(copy, size ? size : 1);
  tn_error *error = tn_graph_import(g, copy, size, NULL);
  if (error) {
    assert_true(tn_error_code(error) == TN_INVALID_ARGUMENT || tn_error_code(error) == TN_NOT_FOUND ||
                tn_error_code(error) == TN_RESOURCE_EXHAUSTED);
    assert_int_equal(tn_graph_n_nodes(g), 0);
    tn_error_free(error);
  }
  free(copy);
  tn_graph_free(g);
}

static void test_cut_and_changed(void **state) {
  (void)state;
  tn_graph *g = rich_graph();
  char *def;
  size_t size;
  ok(tn_graph_to_def(g, &def, &size));
  for (size_t i = 0; i <= size; i++) try_bytes(def, i);
  uint32_t random = 1;
  for (int i = 0; i < 4000; i++) {
    random = random * 1664525u + 1013904223u;
    size_t at = (random >> 8) % size;
    char old = def[at];
    def[at] = (char)(random >> 3);
    try_bytes(def, size);
    def[at] = old;
  }
  free(def);
  tn_graph_free(g);
}

/* 54 KB of attributes in attributes, which overflow the stack of a reader that recurses: func { attr { value { func ...
 */
static void test_deep_nesting(void **state) {
  (void)state;
  tn_str inner = {0};
  for (int i = 0; i < 9000; i++) {
    tn_str func = {0}, entry = {0}, list = {0};
    tn_wire_put_bytes(&func, 10, inner.data, inner.size);
    tn_wire_put_bytes(&entry, 2, func.data, func.size);
    tn_wire_put_bytes(&list, 2, entry.data, entry.size);
    tn_str_clear(&inner);
    tn_str_clear(&func);
    tn_str_clear(&entry);
    inner = list;
  }
  assert_true(inner.size > 54000);
  tn_str value = {0}, entry = {0}, node = {0}, def = {0};
  tn_wire_put_bytes(&value, 10, inner.data, inner.size);
  tn_proto_put_string(&entry, 1, "_f");
  tn_wire_put_bytes(&entry, 2, value.data, value.size);
  tn_proto_put_string(&node, 1, "a");
  tn_proto_put_string(&node, 2, "NoOp");
  tn_wire_put_bytes(&node, 5, entry.data, entry.size);
  tn_wire_put_bytes(&def, 1, node.data, node.size);
  try_bytes(def.data, def.size);
  tn_str_clear(&inner);
  tn_str_clear(&value);
  tn_str_clear(&entry);
  tn_str_clear(&node);
  tn_str_clear(&def);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_order_and_cycles),
      cmocka_unit_test(test_bad_nodes),
      cmocka_unit_test(test_options),
      cmocka_unit_test(test_library_and_versions),
      cmocka_unit_test(test_tensor_forms),
      cmocka_unit_test(test_bad_tensors),
      cmocka_unit_test(test_cut_and_changed),
      cmocka_unit_test(test_deep_nesting),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
