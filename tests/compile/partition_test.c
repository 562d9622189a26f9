/* Graphs split over pretended devices give what they give unsplit; dead values and errors cross as values do. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile/partition.h"
#include "kernel/rendezvous.h"
#include "runtime/builder.h"
#include "runtime/fragment.h"

enum { MAX_PARTS = 4, ROWS = 3, COLUMNS = 5 };

static const tn_part_device devices[MAX_PARTS] = {{"/job:worker/replica:0/task:0/device:CPU:0", 1},
                                                  {"/job:worker/replica:0/task:1/device:CPU:0", 0xfedcba9876543210},
                                                  {"/job:ps/replica:0/task:0/device:CPU:0", 3},
                                                  {"/job:ps/replica:0/task:1/device:CPU:0", 4}};

/* Nodes go where a hash of their number says; those that refer to a variable stay with it. */
typedef struct places {
  int n;
  unsigned seed;
} places;

static int place(void *argument, const tn_node *node) {
  const places *p = argument;
  if (node->n_inputs && tn_dtype_is_ref(node->input_types[0])) return place(argument, node->inputs[0].node);
  unsigned mixed = ((unsigned)node->id * 2654435761u) ^ p->seed;
  return (int)((mixed >> 9) % (unsigned)p->n);
}

/* A part on its thread. */
typedef struct runner {
  tn_fragment *fragment;
  tn_fragment_call call;
  tn_error *error;
} runner;

static void *run_part(void *argument) {
  runner *r = argument;
  r->error = tn_fragment_run(r->fragment, &r->call);
  return NULL;
}

static void keep(void *argument, tn_error *error, tn_tensor *value, bool is_dead) {
  assert_false(is_dead && !error);
  if (!error) tn_tensor_set(argument, value);
  tn_tensor_clear(value);
  tn_error_free(error);
}

/* Runs SIGNATURE split over N parts; the first error is the caller's. */
static tn_error *run_split(const tn_step_signature *signature, const places *where, tn_tensor *const *values,
                           tn_session_state *state, tn_tensor *out) {
  tn_partition *partition = NULL;
  tn_partition_request request = {
      .signature = signature, .n_parts = where->n, .devices = devices, .part_of = place, .argument = (void *)where};
  TN_TRY(tn_partition_new(&request, &partition));
  tn_rendezvous *rendezvous = NULL;
  ok(tn_rendezvous_new(NULL, &rendezvous));
  runner runners[MAX_PARTS] = {{0}};
  pthread_t threads[MAX_PARTS];
  for (int i = 0; i < partition->n; i++) {
    const tn_part *part = &partition->parts[i];
    runners[i].call.rendezvous = rendezvous;
    if (!part->size) continue;
    ok(tn_fragment_new(part->def, part->size, NULL, state, &runners[i].fragment));
    for (size_t k = 0; k < part->n_feeds; k++) {
      ok(tn_rendezvous_send(rendezvous, part->feeds[k].key, values[part->feeds[k].index], false));
    }
    for (size_t k = 0; k < part->n_fetches; k++) {
      tn_rendezvous_recv(rendezvous, part->fetches[k].key, keep, &out[part->fetches[k].index]);
    }
  }
  for (int i = 0; i < partition->n; i++) {
    if (runners[i].fragment) pthread_create(&threads[i], NULL, run_part, &runners[i]);
  }
  tn_error *error = NULL;
  for (int i = 0; i < partition->n; i++) {
    if (runners[i].fragment) pthread_join(threads[i], NULL);
    if (runners[i].error && !error) error = tn_error_copy(runners[i].error);
    tn_error_free(runners[i].error);
    tn_fragment_unref(runners[i].fragment);
  }
  tn_rendezvous_unref(rendezvous);
  tn_partition_free(partition);
  return error;
}

static void same(const tn_tensor *a, const tn_tensor *b) {
  assert_int_equal(a->dtype, b->dtype);
  assert_true(tn_shape_equal(&a->shape, &b->shape));
  assert_memory_equal(a->data, b->data, tn_tensor_bytes(a));
}

static void random_graphs(void **state) {
  (void)state;
  static const char *const binary[] = {"Add", "Mul", "Sub", "Maximum", "Minimum"};
  static const char *const unary[] = {"Neg", "Square", "Tanh", "Abs"};
  for (unsigned seed = 1; seed <= 24; seed++) {
    srand(seed);
    tn_graph *g = new_graph();
    tn_output pool[40] = {placeholder(g, "x"), placeholder(g, "y"), constant(g, "c", filled(ROWS, COLUMNS, 0.5f))};
    int n = 3;
    while (n < 40) {
      char name[16];
      snprintf(name, sizeof name, "n%d", n);
      tn_output a = pool[rand() % n], b = pool[rand() % n];
      if (rand() % 4 == 0) {
        pool[n] = op1(g, unary[rand() % 4], name, a);
      } else if (rand() % 5 == 0) {
        pool[n] = op2_after(g, binary[rand() % 5], name, (tn_output[]){a, b}, pool[rand() % n].node);
      } else {
        pool[n] = op2(g, binary[rand() % 5], name, a, b);
      }
      n++;
    }
    tn_output fetches[] = {pool[39], pool[20], pool[0]};
    tn_tensor *values[] = {filled(ROWS, COLUMNS, 0.25f), filled(ROWS, COLUMNS, -1.5f)};
    tn_session *session = new_session(g, NULL, false);
    tn_tensor *whole[3];
    ok(tn_session_run(session, NULL, 2, pool, values, 3, fetches, 0, NULL, whole, NULL));
    tn_step_signature signature = {.n_feeds = 2, .feeds = pool, .n_fetches = 3, .fetches = fetches};
    tn_session_state *shared = NULL;
    ok(tn_session_state_new(&shared));
    for (int parts = 1; parts <= MAX_PARTS; parts++) {
      tn_tensor out[3] = {{0}};
      ok(run_split(&signature, &(places){parts, seed}, values, shared, out));
      for (int i = 0; i < 3; i++) {
        same(whole[i], &out[i]);
        tn_tensor_clear(&out[i]);
      }
    }
    tn_session_state_free(shared);
    for (int i = 0; i < 3; i++) tn_tensor_free(whole[i]);
    for (int i = 0; i < 2; i++) tn_tensor_free(values[i]);
    tn_session_free(session);
    tn_graph_free(g);
  }
}

static tn_output node(tn_graph *g, const char *op, const tn_output *inputs, const tn_named_attr *attrs) {
  tn_scope s = {.graph = g};
  tn_output out = tn_build(&s, op, inputs, attrs);
  ok(s.error);
  return out;
}

/* A condition whose ways lie on other parts: the dead values cross too. */
static void dead_values_cross(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output x = placeholder(g, "x"), zero = constant(g, "zero", scalar(0));
  tn_output sum =
      node(g, "Sum", TN_IN(x, tn_build_ints(&(tn_scope){.graph = g}, TN_INT32, 2, (int64_t[]){0, 1})), NULL);
  tn_output positive = op2(g, "Greater", "positive", sum, zero);
  tn_output ways = node(g, "Switch", TN_IN(x, positive), NULL);
  tn_output no = op1(g, "Neg", "no", ways), yes = op1(g, "Square", "yes", tn_nth(ways, 1));
  no = op1(g, "Identity", "no_more", no);
  tn_output merged = node(g, "Merge", TN_IN(no, yes), NULL);
  tn_step_signature signature = {.n_feeds = 1, .feeds = &x, .n_fetches = 1, .fetches = &merged};
  tn_session_state *shared = NULL;
  ok(tn_session_state_new(&shared));
  for (unsigned seed = 0; seed < 40; seed++) {
    for (int sign = -1; sign <= 1; sign += 2) {
      tn_tensor *value = filled(ROWS, COLUMNS, 3.0f * (float)sign), out = {0};
      ok(run_split(&signature, &(places){3, seed * 7919}, &value, shared, &out));
      assert_float_equal(at(&out, 4), sign > 0 ? 9 : 3, 0);
      tn_tensor_clear(&out);
      tn_tensor_free(value);
    }
  }
  tn_session_state_free(shared);
  tn_graph_free(g);
}

/* An error in one part ends the others, which wait for it. */
static void errors_end_all_parts(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output v = variable(g, "v", ROWS, COLUMNS), x = placeholder(g, "x");
  tn_output read = op1(g, "Identity", "read", v), sum = op2(g, "Add", "sum", read, x);
  tn_output more = op1(g, "Neg", "more", sum), most = op1(g, "Square", "most", more);
  tn_step_signature signature = {.n_feeds = 1, .feeds = &x, .n_fetches = 1, .fetches = &most};
  tn_session_state *shared = NULL;
  ok(tn_session_state_new(&shared));
  tn_tensor *value = filled(ROWS, COLUMNS, 1), out = {0};
  for (unsigned seed = 0; seed < 12; seed++) {
    fails(run_split(&signature, &(places){4, seed * 7919}, &value, shared, &out), TN_FAILED_PRECONDITION,
          "uninitialized value");
  }
  tn_tensor_free(value);
  tn_session_state_free(shared);
  tn_graph_free(g);
}

/* Fragments share variables through the state. */
static void variables_are_shared(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output v = variable(g, "v", ROWS, COLUMNS), x = placeholder(g, "x");
  tn_output assign = op2(g, "Assign", "assign", v, x), read = op1(g, "Square", "read", v);
  tn_session_state *shared = NULL;
  ok(tn_session_state_new(&shared));
  tn_tensor *value = filled(ROWS, COLUMNS, 3), out = {0};
  tn_output done = {assign.node, -1};
  tn_step_signature first = {
      .n_feeds = 1, .feeds = &x, .n_fetches = 1, .fetches = &done, .n_targets = 1, .targets = &assign.node};
  ok(run_split(&first, &(places){3, 5}, &value, shared, &out));
  tn_step_signature second = {.n_fetches = 1, .fetches = &read};
  ok(run_split(&second, &(places){2, 11}, NULL, shared, &out));
  assert_float_equal(at(&out, 7), 9, 0);
  tn_tensor_clear(&out);
  tn_tensor_free(value);
  tn_session_state_free(shared);
  tn_graph_free(g);
}

static void loops_are_refused(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output x = placeholder(g, "x"), end = loop(g, x, 3);
  tn_step_signature signature = {.n_feeds = 1, .feeds = &x, .n_fetches = 1, .fetches = &end};
  tn_session_state *shared = NULL;
  ok(tn_session_state_new(&shared));
  tn_tensor *value = filled(1, 1, 3), out = {0};
  ok(run_split(&signature, &(places){1, 5}, &value, shared, &out));
  tn_tensor_clear(&out);
  fails(run_split(&signature, &(places){3, 5}, &value, shared, &out), TN_UNIMPLEMENTED, "a loop can't be split");
  tn_tensor_free(value);
  tn_session_state_free(shared);
  tn_graph_free(g);
}

static void keys(void **state) {
  (void)state;
  tn_transfer t;
  ok(tn_rendezvous_parse("/job:ps/task:1;00000000000000ff;/job:worker/task:0;edge_5_x;0:0", &t));
  assert_int_equal(t.incarnation, 255);
  assert_int_equal(t.send_device_size, strlen("/job:ps/task:1"));
  tn_str text = {0};
  tn_rendezvous_key(&t, 0, 0, &text);
  assert_string_equal(text.data, "/job:ps/task:1;00000000000000ff;/job:worker/task:0;edge_5_x;0:0");
  tn_str_clear(&text);
  fails(tn_rendezvous_parse("a;b;c", &t), TN_INVALID_ARGUMENT, "not the key");
  fails(tn_rendezvous_parse("a;;c;d;e", &t), TN_INVALID_ARGUMENT, "not the key");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(random_graphs),        cmocka_unit_test(dead_values_cross),
                                     cmocka_unit_test(errors_end_all_parts), cmocka_unit_test(variables_are_shared),
                                     cmocka_unit_test(loops_are_refused),    cmocka_unit_test(keys)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
