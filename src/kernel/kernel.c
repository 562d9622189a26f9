/* The helpers that kernels call in PREPARE and RUN. */
#include "kernel/kernel.h"

#include <string.h>

#include "base/alloc.h"
#include "kernel/eval_const.h"
#include "kernel/prepared.h"
#include "kernel/step.h"

/* Here, because every program that has an op has this file. */
__attribute__((constructor)) static void install(void) { tn_install_eval_const(); }

tn_error *tn_prepare_output(tn_prepare *p, int i, const tn_shape *shape) {
  if (i < 0 || i >= p->n_outputs) return tn_prepare_errorf(p, TN_INTERNAL, "there is no output %d", i);
  if (!tn_shape_known(shape)) {
    return tn_prepare_errorf(p, TN_INTERNAL, "the kernel set the unknown shape %s", TN_SHAPE_STR(shape));
  }
  size_t size = tn_dtype_size(tn_dtype_base(p->outputs[i].dtype));
  int64_t elements = tn_shape_elements(shape);
  if (size > 0 && elements > (int64_t)(PTRDIFF_MAX / size)) {
    return tn_prepare_errorf(p, TN_RESOURCE_EXHAUSTED, "output %d of shape %s has too many elements", i,
                             TN_SHAPE_STR(shape));
  }
  p->outputs[i].shape = *shape;
  return NULL;
}

tn_error *tn_prepare_alias(tn_prepare *p, int i, int j, const tn_shape *shape) {
  TN_TRY(tn_prepare_output(p, i, shape));
  if (i < TN_KERNEL_MAX_OUTPUTS && j >= 0 && j < p->n_inputs) p->alias[i] = (int8_t)j;
  return NULL;
}

tn_error *tn_prepare_state(tn_prepare *p, size_t size, void *out) {
  p->state = tn_calloc(1, size ? size : 1);
  if (!p->state) return tn_out_of_memory();
  memcpy(out, &p->state, sizeof(void *));
  return NULL;
}

void tn_prepare_in_place_any(tn_prepare *p, int64_t elements) {
  for (int k = 0; k < p->n_inputs && k < 32; k++) {
    if (tn_dtype_size(p->inputs[k].dtype) != tn_dtype_size(p->outputs[0].dtype)) continue;
    if (tn_dtype_is_ref(p->inputs[k].dtype) || tn_shape_elements(&p->inputs[k].shape) != elements) continue;
    if (p->in_place[0] < 0) tn_prepare_in_place(p, 0, k);
    p->in_place_too |= (uint32_t)1 << k;
  }
}

tn_error *tn_prepare_persistent(tn_prepare *p, size_t size, void *out) {
  if (!p->session) return tn_prepare_errorf(p, TN_INTERNAL, "state is asked for where constants are folded");
  return tn_session_state_get(p->session, p->node->name, size, out);
}

tn_error *tn_prepare_ints(const tn_prepare *p, int input, int max, int *n, int64_t *values) {
  const tn_tensor *t = &p->inputs[input];
  if (!t->data) return tn_prepare_errorf(p, TN_INTERNAL, "the value of input %d is not known", input);
  int64_t count = tn_elements(t);
  if (count > max) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input %d has %lld elements; expected at most %d", input,
                             (long long)count, max);
  }
  for (int64_t i = 0; i < count; i++) {
    if (t->dtype == TN_INT32) {
      values[i] = TN_DATA(int32_t, t)[i];
    } else if (t->dtype == TN_INT64) {
      values[i] = TN_DATA(int64_t, t)[i];
    } else {
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input %d is %s; expected int32 or int64", input,
                               tn_dtype_name(t->dtype));
    }
  }
  *n = (int)count;
  return NULL;
}

tn_error *tn_prepare_shape(const tn_prepare *p, int input, tn_shape *out) {
  int64_t dims[TN_MAX_RANK];
  int n = 0;
  TN_TRY(tn_prepare_ints(p, input, TN_MAX_RANK, &n, dims));
  for (int i = 0; i < n; i++) {
    if (dims[i] < 0) {
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input %d is a shape, but dimension %d is %lld", input, i,
                               (long long)dims[i]);
    }
  }
  *out = tn_shape_of(n, dims);
  return NULL;
}

tn_error *tn_run_allocate(tn_run *r, int i, const tn_shape *shape) {
  tn_tensor *t = r->outputs[i];
  tn_dtype dtype = t->dtype;
  tn_tensor_clear(t);
  t->dtype = dtype;
  if (!tn_shape_known(shape)) return tn_run_errorf(r, TN_INTERNAL, "output %d has no shape", i);
  return tn_tensor_init(t, dtype, shape);
}

void tn_run_set(tn_run *r, int i, const tn_tensor *value) {
  tn_tensor_clear(r->outputs[i]);
  tn_tensor_set(r->outputs[i], value);
}

tn_error *tn_run_set_handle(tn_run *r, int i, tn_object *object) {
  tn_tensor handle = {0};
  TN_TRY(tn_handle_init(&handle, r->outputs[i]->dtype, object));
  tn_run_set(r, i, &handle);
  tn_tensor_clear(&handle);
  return NULL;
}

tn_error *tn_run_check(const tn_run *r) { return r->step ? tn_step_check(r->step) : NULL; }

tn_error *tn_run_object(const tn_run *r, int i, const char *type, tn_object **out) {
  const tn_tensor *t = r->inputs[i];
  if (!tn_dtype_is_ref(t->dtype) && t->dtype != TN_RESOURCE && t->dtype != TN_VARIANT) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "input %d is %s; expected a %s", i, tn_dtype_name(t->dtype), type);
  }
  tn_object *object = tn_elements(t) > 0 && t->data ? TN_DATA(tn_object *, t)[0] : NULL;
  if (!object) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "input %d is an empty handle; expected a %s", i, type);
  if (strcmp(object->type, type) != 0) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "input %d is a handle of a %s; expected a %s", i, object->type, type);
  }
  *out = object;
  return NULL;
}

tn_error *tn_run_variable(const tn_run *r, int i, tn_variable **out) {
  tn_object *object = NULL;
  TN_TRY(tn_run_object(r, i, TN_VARIABLE_TYPE, &object));
  *out = tn_variable_of(object);
  return NULL;
}

tn_resources *tn_run_step_resources(const tn_run *r) {
  if (!r->step) return NULL;
  tn_resources *found = atomic_load(&r->step->resources);
  if (found) return found;
  tn_resources *made = NULL;
  tn_error *error = tn_resources_new(&made);
  if (error) {
    tn_error_free(error);
    return NULL;
  }
  if (atomic_compare_exchange_strong(&r->step->resources, &found, made)) return made;
  tn_resources_free(made);
  return found;
}

tn_resources *tn_run_resources(const tn_run *r) {
  return r->step && r->step->session ? tn_session_state_resources(r->step->session) : NULL;
}
