/* Preparing kernels and running them with buffers of their own. */
#include "kernel/prepared.h"

#include <string.h>

#include "base/alloc.h"
#include "kernel/select.h"

/* An empty prepared kernel with room for what NODE has. */
static tn_error *new_kernel(const tn_node *node, int n_inputs, tn_kernel **out) {
  int n = node->n_outputs;
  tn_kernel *kernel = tn_calloc(1, sizeof *kernel);
  if (!kernel) return tn_out_of_memory();
  atomic_init(&kernel->refs, 1);
  kernel->node = node;
  kernel->n_inputs = n_inputs;
  kernel->n_outputs = n;
  kernel->outputs = tn_calloc((size_t)n + 1, sizeof *kernel->outputs);
  kernel->alias = tn_malloc((size_t)n + 1);
  kernel->in_place = tn_malloc((size_t)n + 1);
  kernel->dynamic = tn_calloc((size_t)n + 1, sizeof *kernel->dynamic);
  if (!kernel->outputs || !kernel->alias || !kernel->in_place || !kernel->dynamic) {
    tn_kernel_unref(kernel);
    return tn_out_of_memory();
  }
  *out = kernel;
  return NULL;
}

#define MANY_INPUTS 4096

static void begin(const tn_kernel_request *request, tn_kernel *kernel, tn_prepare *p) {
  static tn_variable *const none[MANY_INPUTS];
  memset(kernel->alias, -1, (size_t)kernel->n_outputs);
  memset(kernel->in_place, -1, (size_t)kernel->n_outputs);
  for (int i = 0; i < kernel->n_outputs; i++) {
    kernel->outputs[i].dtype = kernel->node->output_types[i];
    kernel->outputs[i].shape = tn_shape_unknown();
  }
  *p = (tn_prepare){.node = kernel->node,
                    .n_inputs = kernel->n_inputs,
                    .n_outputs = kernel->n_outputs,
                    .inputs = request->inputs,
                    .outputs = kernel->outputs,
                    .variables = request->variables                ? request->variables
                                 : kernel->n_inputs <= MANY_INPUTS ? none
                                                                   : NULL,
                    .threads = request->threads > 0 ? request->threads : 1,
                    .session = request->session};
  memset(p->alias, -1, sizeof p->alias);
  memset(p->in_place, -1, sizeof p->in_place);
}

/* Takes over what PREPARE said, and checks that it said enough. */
static tn_error *take(const tn_prepare *p, tn_kernel *kernel) {
  kernel->scratch = p->scratch;
  kernel->in_place_too = p->in_place_too;
  for (int i = 0; i < kernel->n_outputs; i++) {
    tn_tensor *output = &kernel->outputs[i];
    if (i < TN_KERNEL_MAX_OUTPUTS) {
      kernel->dynamic[i] = p->dynamic_output[i];
      if (p->alias[i] < p->n_inputs) kernel->alias[i] = p->alias[i];
      if (p->in_place[i] < p->n_inputs) kernel->in_place[i] = p->in_place[i];
    } else {
      kernel->dynamic[i] = p->rest_dynamic && !tn_shape_known(&output->shape);
    }
    if (tn_dtype_is_ref(output->dtype)) {
      output->shape = tn_shape_scalar();
    } else if (kernel->dynamic[i]) {
      output->shape = tn_shape_unknown();
    } else if (!tn_shape_known(&output->shape)) {
      return tn_node_errorf(kernel->node, TN_INTERNAL, "kernel '%s' set no shape for output %d", kernel->def->name, i);
    }
  }
  return NULL;
}

static void drop_state(tn_kernel *kernel) {
  if (kernel->state) {
    if (kernel->def->destroy) {
      kernel->def->destroy(kernel->state);
    } else {
      tn_free(kernel->state);
    }
  }
  kernel->state = NULL;
}

/* Prepares KERNEL with DEF. *FITS false: the kernel does not support these inputs. */
static tn_error *prepare_with(const tn_kernel_request *request, const tn_kernel_def *def, tn_kernel *kernel,
                              bool *fits) {
  tn_prepare p;
  begin(request, kernel, &p);
  kernel->def = def;
  *fits = !def->supports || def->supports(&p);
  if (!*fits) return NULL;
  tn_error *error = NULL;
  if (def->prepare) {
    error = def->prepare(&p);
  } else if (p.n_outputs > 0 && p.n_inputs > 0) {
    p.outputs[0].shape = p.inputs[0].shape;
  }
  kernel->state = p.state;
  if (!error) error = take(&p, kernel);
  if (error) drop_state(kernel);
  return error;
}

static tn_error *nothing_fits(const tn_node *node) {
  tn_dtype dtype = node->n_inputs > 0    ? tn_dtype_base(node->input_types[0])
                   : node->n_outputs > 0 ? tn_dtype_base(node->output_types[0])
                                         : TN_INVALID;
  return tn_node_errorf(node, TN_UNIMPLEMENTED, "no kernel takes these inputs (%s)", tn_dtype_name(dtype));
}

/* Tries the kernels of the op's list in order. */
static tn_error *choose(const tn_kernel_request *request, tn_kernel *kernel) {
  const tn_node *node = request->node;
  const tn_kernel_def *list = node->op->kernels;
  bool only = false, fits = false;
  const tn_kernel_def *wanted = tn_kernel_forced(node->op, &only);
  if (wanted && tn_kernel_takes(wanted, node)) {
    TN_TRY(prepare_with(request, wanted, kernel, &fits));
    if (fits) return NULL;
  }
  if (only) return tn_node_errorf(node, TN_UNIMPLEMENTED, "the forced kernel '%s' does not take this", wanted->name);
  const tn_kernel_def *last = NULL;
  for (int i = 0; list && list[i].name; i++) {
    if (!tn_kernel_takes(&list[i], node)) continue;
    last = &list[i];
    if (request->reference) continue;
    tn_error *error = prepare_with(request, &list[i], kernel, &fits);
    bool next = error && tn_error_code(error) == TN_UNIMPLEMENTED && list[i + 1].name;
    if (fits && !next) return error;
    tn_error_free(error);
  }
  if (request->reference && last) {
    TN_TRY(prepare_with(request, last, kernel, &fits));
    if (fits) return NULL;
  }
  return nothing_fits(node);
}

tn_error *tn_kernel_new(const tn_kernel_request *request, tn_kernel **out) {
  tn_kernel *kernel = NULL;
  TN_TRY(new_kernel(request->node, request->n_inputs, &kernel));
  tn_error *error = choose(request, kernel);
  if (error) {
    kernel->state = NULL;
    tn_kernel_unref(kernel);
    return error;
  }
  tn_kernel_count_prepared(request->node->op, kernel->def);
  *out = kernel;
  return NULL;
}

tn_kernel *tn_kernel_ref(tn_kernel *kernel) {
  atomic_fetch_add_explicit(&kernel->refs, 1, memory_order_relaxed);
  return kernel;
}

void tn_kernel_unref(tn_kernel *kernel) {
  if (!kernel || atomic_fetch_sub_explicit(&kernel->refs, 1, memory_order_acq_rel) != 1) return;
  drop_state(kernel);
  tn_free(kernel->outputs);
  tn_free(kernel->alias);
  tn_free(kernel->in_place);
  tn_free(kernel->dynamic);
  tn_free(kernel);
}

/* True if output I may take over the buffer of input J. */
static bool may_overwrite(const tn_kernel *kernel, int i, const tn_tensor *input, size_t bytes) {
  const tn_buffer *buffer = input->buffer;
  if (!buffer || buffer->release || atomic_load_explicit(&buffer->refs, memory_order_acquire) != 1) return false;
  if (!tn_dtype_is_plain(kernel->outputs[i].dtype) || !tn_dtype_is_plain(input->dtype)) return false;
  return bytes == (size_t)tn_shape_elements(&input->shape) * tn_dtype_size(input->dtype) && input->data == buffer->data;
}

int tn_kernel_overwrites(const tn_kernel *kernel, int output, int choice) {
  int first = kernel->in_place[output];
  if (choice == 0 || first < 0 || output > 0) return choice == 0 ? first : -1;
  for (int k = 0; k < kernel->n_inputs && k < 32; k++)
    if (k != first && (kernel->in_place_too >> k & 1) && --choice == 0) return k;
  return -1;
}

/* Gives output I its bytes: the input's where it is that or may overwrite it, else new ones. */
static tn_error *init_output(tn_kernel *kernel, int i, const tn_tensor *const *inputs, const bool *forward,
                             tn_tensor *output) {
  const tn_tensor *want = &kernel->outputs[i];
  if (kernel->dynamic[i]) {
    output->dtype = want->dtype;
    output->shape = want->shape;
    return NULL;
  }
  int source = kernel->alias[i];
  for (int choice = 0; source < 0 && forward; choice++) {
    int input = tn_kernel_overwrites(kernel, i, choice);
    if (input < 0) break;
    size_t bytes = (size_t)tn_shape_elements(&want->shape) * tn_dtype_size(want->dtype);
    if (forward[input] && may_overwrite(kernel, i, inputs[input], bytes)) source = input;
  }
  if (source >= 0) {
    tn_tensor_set(output, inputs[source]);
    output->shape = want->shape;
    output->dtype = want->dtype;
    return NULL;
  }
  if (tn_dtype_is_ref(want->dtype)) return tn_handle_init(output, want->dtype, NULL);
  return tn_tensor_init(output, want->dtype, &want->shape);
}

/* Runs KERNEL as R says, whose inputs, step and waiter are set. */
static tn_error *run_with(tn_kernel *kernel, tn_run *r, const bool *forward, tn_tensor *outputs) {
  tn_tensor *few[TN_KERNEL_MAX_OUTPUTS], **pointers = few;
  void *scratch = NULL;
  tn_error *error = NULL;
  int n = kernel->n_outputs;
  if (n > TN_KERNEL_MAX_OUTPUTS) pointers = tn_malloc((size_t)n * sizeof *pointers);
  if (!pointers) return tn_out_of_memory();
  if (kernel->scratch) error = tn_alloc_aligned(kernel->scratch, &scratch);
  for (int i = 0; i < n; i++) {
    pointers[i] = &outputs[i];
    if (!error) error = init_output(kernel, i, r->inputs, forward, &outputs[i]);
  }
  if (!error) {
    r->node = kernel->node;
    r->n_inputs = kernel->n_inputs;
    r->n_outputs = n;
    r->outputs = pointers;
    r->state = kernel->state;
    r->scratch = scratch;
    error = kernel->def->run(r);
  }
  if (scratch) tn_free_aligned(scratch, kernel->scratch);
  if (pointers != few) tn_free(pointers);
  for (int i = 0; i < n && (error || r->outcome != TN_RUN_DONE); i++) tn_tensor_clear(&outputs[i]);
  return error;
}

tn_error *tn_kernel_run(tn_kernel *kernel, const tn_tensor *const *inputs, const bool *forward, tn_step *step,
                        tn_tensor *outputs) {
  tn_run r = {.inputs = inputs, .step = step};
  return run_with(kernel, &r, forward, outputs);
}

tn_error *tn_kernel_attempt(tn_kernel *kernel, const tn_tensor *const *inputs, tn_step *step, tn_waiter *waiter,
                            tn_tensor *outputs, tn_run_outcome *outcome) {
  tn_run r = {.inputs = inputs, .step = step, .waiter = waiter};
  TN_TRY(run_with(kernel, &r, NULL, outputs));
  *outcome = r.outcome;
  return NULL;
}

tn_error *tn_handle_init(tn_tensor *out, tn_dtype dtype, tn_object *object) {
  tn_shape scalar = tn_shape_scalar();
  tn_error *error = tn_tensor_init(out, TN_RESOURCE, &scalar);
  if (error) {
    if (object) tn_object_unref(object);
    return error;
  }
  TN_DATA(tn_object *, out)[0] = object;
  out->dtype = dtype;
  return NULL;
}
