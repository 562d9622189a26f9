/* Equality of elements of any dtype: Equal, NotEqual. */
#include <string.h>

#include "ops/math/loops.h"

#define EACH_EQUAL(X, ...) EACH_NUMBERS(X, __VA_ARGS__) EACH_BOOL(X, __VA_ARGS__)
EACH_EQUAL(LOOP2_BOOL, equal, x == y)
EACH_EQUAL(LOOP2_BOOL, not_equal, x != y)

static bool same_string(const tn_string *a, const tn_string *b) {
  return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}
#define STRING_LOOP(NAME, ...)                                                                                         \
  static void NAME(void *out, const void *const *in, const int64_t *step, int64_t n, double parameter) {               \
    const tn_string *a = in[0], *b = in[1];                                                                            \
    (void)parameter;                                                                                                   \
    for (int64_t i = 0; i < n; i++) ((bool *)out)[i] = __VA_ARGS__ same_string(&a[i * step[0]], &b[i * step[1]]);      \
  }
STRING_LOOP(equal_string, )
STRING_LOOP(not_equal_string, !)

#define EQUAL_ROWS(NAME)                                                                                               \
  {                                                                                                                    \
    EACH_EQUAL(LOOP_ROW, NAME){TN_STRING, NAME##_string}, {TN_QINT8, NAME##_i8}, {TN_QUINT8, NAME##_u8},               \
        {TN_QINT16, NAME##_i16}, {TN_QUINT16, NAME##_u16}, {TN_QINT32, NAME##_i32}, {                                  \
      0                                                                                                                \
    }                                                                                                                  \
  }
#define EQUAL_TYPES                                                                                                    \
  (TN_NUMBERS | TN_BIT(TN_BOOL) | TN_BIT(TN_STRING) | TN_BIT(TN_QINT8) | TN_BIT(TN_QUINT8) | TN_BIT(TN_QINT16) |       \
   TN_BIT(TN_QUINT16) | TN_BIT(TN_QINT32))
static const tn_loop_row equal_rows[] = EQUAL_ROWS(equal);
static const tn_loop_row not_equal_rows[] = EQUAL_ROWS(not_equal);

/* With incompatible_shape_error false, shapes that do not broadcast give one answer: not equal. */
static bool agree(const tn_prepare *p) {
  tn_shape shape;
  return tn_node_get_bool(p->node, "incompatible_shape_error") ||
         tn_shape_broadcast(&p->inputs[0].shape, &p->inputs[1].shape, &shape);
}

static tn_error *prepare_rows(tn_prepare *p, const tn_loop_row *rows) {
  if (agree(p)) return tn_elementwise_prepare(p, rows, 0, NULL);
  tn_shape scalar = tn_shape_scalar();
  return tn_prepare_output(p, 0, &scalar);
}
static tn_error *equal_prepare(tn_prepare *p) { return prepare_rows(p, equal_rows); }
static tn_error *not_equal_prepare(tn_prepare *p) { return prepare_rows(p, not_equal_rows); }

/* There is no state where the shapes disagree. */
static tn_error *run_or_answer(tn_run *r, bool answer) {
  if (r->state) return tn_elementwise_run(r);
  TN_DATA(bool, r->outputs[0])[0] = answer;
  return NULL;
}
static tn_error *equal_run(tn_run *r) { return run_or_answer(r, false); }
static tn_error *not_equal_run(tn_run *r) { return run_or_answer(r, true); }

#define EQUAL_KERNELS(NAME)                                                                                            \
  static const tn_kernel_def NAME##_kernels[] = {                                                                      \
      {.name = "vector",                                                                                               \
       .types = TN_TAPE_TYPES,                                                                                         \
       .supports = agree,                                                                                              \
       .prepare = tn_tape_kernel_prepare,                                                                              \
       .run = tn_tape_kernel_run},                                                                                     \
      {.name = "reference", .types = EQUAL_TYPES, .prepare = NAME##_prepare, .run = NAME##_run},                       \
      {0}};
EQUAL_KERNELS(equal)
EQUAL_KERNELS(not_equal)

/* Where shapes may disagree without an error, the result is known only if both are known and agree. */
static tn_error *equal_shape(tn_shape_ctx *c) {
  if (tn_node_get_bool(c->node, "incompatible_shape_error")) return tn_shape_broadcast_binary(c);
  if (c->in[0].rank < 0 || c->in[1].rank < 0) return NULL;
  if (tn_shape_known(&c->in[0]) && tn_shape_known(&c->in[1])) {
    if (!tn_shape_broadcast(&c->in[0], &c->in[1], &c->out[0])) c->out[0] = tn_shape_scalar();
    return NULL;
  }
  tn_error *error = tn_shape_broadcast_unknown(c, &c->in[0], &c->in[1], &c->out[0]);
  if (error) {
    tn_error_free(error);
    c->out[0] = tn_shape_scalar();
  }
  return NULL;
}

#define EQUALITY                                                                                                       \
  .inputs = "x: T, y: T", .outputs = "z: bool", .attrs = "T: type; incompatible_shape_error: bool = true",             \
  .flags = TN_OP_ELEMENTWISE | TN_OP_COMMUTATIVE | TN_OP_NO_GRADIENT, .shape = equal_shape
TN_OP(Equal, EQUALITY, .doc = "Whether x = y.", .micro = TN_MICRO_EQUAL, .kernels = equal_kernels);
TN_OP(NotEqual, EQUALITY, .doc = "Whether x and y differ.", .micro = TN_MICRO_NOT_EQUAL, .kernels = not_equal_kernels);
