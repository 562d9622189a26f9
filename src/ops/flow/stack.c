/* Stacks: what a loop's iterations leave for the loop that goes back through them. They live as long as their handle.
 */
#include <pthread.h>
#include <string.h>

#include "base/thread.h"
#include "graph/shape.h"
#include "kernel/kernel.h"

#define STACK_TYPE "Stack"

typedef struct stack {
  tn_object object;
  pthread_mutex_t mutex;
  tn_dtype dtype;
  bool closed;
  int64_t maximum; /* -1: none */
  int64_t n, capacity;
  tn_tensor *elements;
} stack;

static void drop_elements(stack *s) {
  for (int64_t i = 0; i < s->n; i++) tn_tensor_clear(&s->elements[i]);
  tn_free(s->elements);
  s->elements = NULL;
  s->n = s->capacity = 0;
}

static void destroy_stack(tn_object *object) {
  stack *s = (stack *)object;
  drop_elements(s);
  pthread_mutex_destroy(&s->mutex);
  tn_free(s);
}

static tn_error *run_make(tn_run *r) {
  stack *s = tn_calloc(1, sizeof *s);
  if (!s) return tn_out_of_memory();
  atomic_init(&s->object.refs, 1);
  s->object.type = STACK_TYPE;
  s->object.destroy = destroy_stack;
  pthread_mutex_init(&s->mutex, NULL);
  s->dtype = tn_node_get_type(r->node, "elem_type");
  s->maximum = r->n_inputs > 0 ? *TN_DATA(const int32_t, r->inputs[0]) : -1;
  return tn_run_set_handle(r, 0, &s->object);
}

static tn_error *prepare_make(tn_prepare *p) {
  if (p->n_inputs > 0 && p->inputs[0].shape.rank != 0) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "max_size must be a scalar, but its shape is %s",
                             TN_SHAPE_STR(&p->inputs[0].shape));
  }
  tn_shape scalar = tn_shape_scalar();
  tn_prepare_dynamic(p, 0);
  return tn_prepare_output(p, 0, &scalar);
}

static tn_error *find_stack(const tn_run *r, stack **out) {
  tn_object *object;
  TN_TRY(tn_run_object(r, 0, STACK_TYPE, &object));
  *out = (stack *)object;
  return NULL;
}

/* --- with the lock held --- */

static tn_error *check_open(const tn_run *r, const stack *s) {
  return s->closed ? tn_run_errorf(r, TN_INVALID_ARGUMENT, "the stack was closed") : NULL;
}

static tn_error *push(const tn_run *r, stack *s, const tn_tensor *value) {
  TN_TRY(check_open(r, s));
  if (s->maximum >= 0 && s->n >= s->maximum) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "the stack is full: it takes %lld elements", (long long)s->maximum);
  }
  if (s->n == s->capacity) {
    int64_t capacity = s->capacity ? 2 * s->capacity : 16;
    tn_tensor *elements = tn_realloc(s->elements, (size_t)capacity * sizeof *elements);
    if (!elements) return tn_out_of_memory();
    s->elements = elements;
    s->capacity = capacity;
  }
  tn_tensor *element = &s->elements[s->n];
  memset(element, 0, sizeof *element);
  /* Bytes without a buffer belong to somebody who will use them again. */
  if (value->buffer) {
    tn_tensor_set(element, value);
  } else {
    TN_TRY(tn_tensor_init_copy(element, value));
  }
  s->n++;
  return NULL;
}

static tn_error *pop(const tn_run *r, stack *s, tn_tensor *out) {
  TN_TRY(check_open(r, s));
  if (s->n == 0) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "the stack is empty");
  *out = s->elements[--s->n];
  return NULL;
}

/* --- the ops --- */

static tn_error *prepare_push(tn_prepare *p) { return tn_prepare_alias(p, 0, 1, &p->inputs[1].shape); }

static tn_error *run_push(tn_run *r) {
  stack *s = NULL;
  TN_TRY(find_stack(r, &s));
  const tn_tensor *value = r->inputs[1];
  if (value->dtype != s->dtype) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "the stack holds %s, but the element is %s", tn_dtype_name(s->dtype),
                         tn_dtype_name(value->dtype));
  }
  tn_lock(&s->mutex);
  tn_error *error = push(r, s, value);
  tn_unlock(&s->mutex);
  return error;
}

static tn_error *prepare_pop(tn_prepare *p) {
  tn_prepare_dynamic(p, 0);
  return NULL;
}

static tn_error *run_pop(tn_run *r) {
  stack *s = NULL;
  TN_TRY(find_stack(r, &s));
  if (s->dtype != tn_node_get_type(r->node, "elem_type")) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "the stack holds %s, not %s", tn_dtype_name(s->dtype),
                         tn_dtype_name(tn_node_get_type(r->node, "elem_type")));
  }
  tn_tensor value;
  tn_lock(&s->mutex);
  tn_error *error = pop(r, s, &value);
  tn_unlock(&s->mutex);
  if (error) return error;
  tn_run_set(r, 0, &value);
  tn_tensor_clear(&value);
  return NULL;
}

static tn_error *run_close(tn_run *r) {
  stack *s = NULL;
  TN_TRY(find_stack(r, &s));
  tn_lock(&s->mutex);
  drop_elements(s);
  s->closed = true;
  tn_unlock(&s->mutex);
  return NULL;
}

static const tn_kernel_def make_kernels[] = {{.name = "reference", .prepare = prepare_make, .run = run_make}, {0}};
static const tn_kernel_def push_kernels[] = {{.name = "reference", .prepare = prepare_push, .run = run_push}, {0}};
static const tn_kernel_def pop_kernels[] = {{.name = "reference", .prepare = prepare_pop, .run = run_pop}, {0}};
static const tn_kernel_def close_kernels[] = {{.name = "reference", .prepare = tn_prepare_nothing, .run = run_close},
                                              {0}};

static tn_error *shape_push(tn_shape_ctx *c) {
  c->out[0] = c->in[1];
  return NULL;
}

/* The handle is a scalar, but TensorFlow calls it a vector, as the old handles of two strings were. */
static tn_error *shape_handle(tn_shape_ctx *c) {
  c->out[0] = tn_shape_of(1, &(int64_t){2});
  return NULL;
}

TN_OP(StackV2, .inputs = "max_size: int32", .outputs = "handle: resource",
      .attrs = "elem_type: type; stack_name: string = ''", .doc = "A new stack of tensors, for one step.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = shape_handle, .kernels = make_kernels);

TN_OP(StackPushV2, .inputs = "handle: resource, elem: T", .outputs = "output: T",
      .attrs = "T: type; swap_memory: bool = false", .doc = "Pushes elem on a stack, and hands it on.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = shape_push, .kernels = push_kernels);

TN_OP(StackPopV2, .inputs = "handle: resource", .outputs = "elem: elem_type", .attrs = "elem_type: type",
      .doc = "Takes the top element off a stack.",
      .flags = TN_OP_STATEFUL | TN_OP_DYNAMIC_SHAPE | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_shape_unknown_out,
      .kernels = pop_kernels);

TN_OP(StackCloseV2, .inputs = "handle: resource", .outputs = "", .attrs = "",
      .doc = "Drops the elements of a stack, which can't be used any more.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_shape_no_outputs, .kernels = close_kernels);

TN_OP(Stack, .inputs = "", .outputs = "handle: Ref(string)", .attrs = "elem_type: type; stack_name: string = ''",
      .doc = "The old StackV2.", .flags = TN_OP_STATEFUL | TN_OP_NO_GRADIENT, .shape = shape_handle,
      .kernels = make_kernels);

TN_OP(StackPush, .inputs = "handle: Ref(string), elem: T", .outputs = "output: T",
      .attrs = "T: type; swap_memory: bool = false", .doc = "The old StackPushV2.", .flags = TN_OP_NO_GRADIENT,
      .shape = shape_push, .kernels = push_kernels);

TN_OP(StackPop, .inputs = "handle: Ref(string)", .outputs = "elem: elem_type", .attrs = "elem_type: type",
      .doc = "The old StackPopV2.", .flags = TN_OP_DYNAMIC_SHAPE | TN_OP_NO_GRADIENT, .shape = tn_shape_unknown_out,
      .kernels = pop_kernels);

TN_OP(StackClose, .inputs = "handle: Ref(string)", .outputs = "", .attrs = "", .doc = "The old StackCloseV2.",
      .flags = TN_OP_NO_GRADIENT, .shape = tn_shape_no_outputs, .kernels = close_kernels);
