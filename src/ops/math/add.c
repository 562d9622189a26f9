/* Sums and differences: Add (also of strings), AddV2, Sub. Integers wrap around. */
#include <string.h>

#include "base/alloc.h"
#include "ops/math/grad.h"
#include "ops/math/loops.h"

EACH_NUMBERS(LOOP2, add, (U)x + (U)y)
static const tn_loop_row add_rows[] = {EACH_NUMBERS(LOOP_ROW, add){0}};
static tn_error *add_prepare(tn_prepare *p) { return tn_elementwise_prepare(p, add_rows, 0, NULL); }

BINARY_KERNELS(sub, NUMBERS, TN_NUMBERS, (U)x - (U)y)

/* Strings are joined. Memory can run out in the middle, so the loop notes it and the run reports it. */
typedef struct add_strings {
  tn_broadcast broadcast;
} add_strings;

static tn_error *add_strings_prepare(tn_prepare *p) {
  tn_shape shape;
  TN_TRY(tn_broadcast_shapes(p->node, p->n_inputs, p->inputs, &shape));
  TN_TRY(tn_prepare_output(p, 0, &shape));
  add_strings *state = NULL;
  TN_TRY(tn_prepare_state(p, sizeof *state, &state));
  tn_broadcast_init(&state->broadcast, p->n_inputs, p->inputs, &shape);
  return NULL;
}

static void join_loop(void *out, const void *const *in, const int64_t *step, int64_t n, double parameter) {
  const tn_string *a = in[0], *b = in[1];
  tn_string *z = out;
  (void)parameter;
  for (int64_t i = 0; i < n; i++) {
    const tn_string *x = &a[i * step[0]], *y = &b[i * step[1]];
    size_t size = x->size + y->size;
    char *data = tn_malloc(size + 1);
    if (!data) {
      z[i].size = SIZE_MAX;
      return;
    }
    if (x->size) memcpy(data, x->data, x->size);
    if (y->size) memcpy(data + x->size, y->data, y->size);
    data[size] = 0;
    tn_free(z[i].data);
    z[i] = (tn_string){data, size};
  }
}

static tn_error *add_strings_run(tn_run *r) {
  const add_strings *state = r->state;
  int64_t n = state->broadcast.elements;
  tn_string *z = r->outputs[0]->data;
  if (n == 0) return NULL;
  tn_broadcast_run(&state->broadcast, join_loop, 0, r->inputs, r->outputs[0], 0, n);
  for (int64_t i = 0; i < n; i++) {
    if (z[i].size != SIZE_MAX) continue;
    for (; i < n; i++)
      if (z[i].size == SIZE_MAX) z[i].size = 0;
    return tn_out_of_memory();
  }
  return NULL;
}

static const tn_kernel_def add_kernels[] = {
    {.name = "vector", .types = TN_TAPE_TYPES, .prepare = tn_tape_kernel_prepare, .run = tn_tape_kernel_run},
    {.name = "strings", .types = TN_BIT(TN_STRING), .prepare = add_strings_prepare, .run = add_strings_run},
    {.name = "reference", .types = TN_NUMBERS, .prepare = add_prepare, .run = tn_elementwise_run},
    {0}};

static const tn_kernel_def add_v2_kernels[] = {
    {.name = "vector", .types = TN_TAPE_TYPES, .prepare = tn_tape_kernel_prepare, .run = tn_tape_kernel_run},
    {.name = "reference", .types = TN_NUMBERS, .prepare = add_prepare, .run = tn_elementwise_run},
    {0}};

static tn_error *add_gradient(tn_gradient_ctx *c) {
  tn_output grad = tn_grad_dense(c, 0);
  grad_set_both(c, grad, grad);
  return c->scope->error;
}

static tn_error *sub_gradient(tn_gradient_ctx *c) {
  tn_output grad = tn_grad_dense(c, 0);
  grad_set_both(c, grad, grad_neg(c->scope, grad));
  return c->scope->error;
}

TN_OP(Add, ELEMENTWISE_BINARY(ADD),
      .attrs = "T: {bfloat16, half, float, double, uint8, int8, int16, int32, int64, complex64, complex128, string}",
      .doc = "x + y; strings are joined.", .flags = TN_OP_ELEMENTWISE, .gradient = add_gradient,
      .kernels = add_kernels);
TN_OP(AddV2, ELEMENTWISE_BINARY(ADD),
      .attrs =
          "T: {bfloat16, half, float, double, uint8, uint16, uint32, uint64, int8, int16, int32, int64, complex64, "
          "complex128}",
      .doc = "x + y.", .flags = TN_OP_ELEMENTWISE | TN_OP_COMMUTATIVE | TN_OP_AGGREGATE, .gradient = add_gradient,
      .kernels = add_v2_kernels);
TN_OP(Sub, ELEMENTWISE_BINARY(SUB),
      .attrs = "T: {bfloat16, half, float, double, uint8, int8, uint16, int16, int32, int64, complex64, complex128, "
               "uint32, uint64}",
      .doc = "x - y.", .flags = TN_OP_ELEMENTWISE, .gradient = sub_gradient, .kernels = sub_kernels);
