/* Nodes that passes make, and what is known of a node's outputs from its inputs. */
#include <string.h>

#include "base/alloc.h"
#include "compile/ir.h"

#define MAX_FOLDED_BYTES ((int64_t)1 << 20)

static tn_error *refuse(tn_ir *ir, const tn_node *node, const char *why) {
  if (ir->refused) return NULL;
  size_t size = strlen(node->op->name) + strlen(node->name) + strlen(why) + 8;
  char *text = tn_arena_alloc(ir->arena, size);
  if (!text) return tn_out_of_memory();
  strcpy(text, node->op->name);
  strcat(text, " '");
  strcat(text, node->name);
  strcat(text, "': ");
  strcat(text, why);
  ir->refused = text;
  return NULL;
}

/* The node's inputs as PREPARE and RUN see them. */
typedef struct seen {
  tn_tensor *inputs;
  const tn_tensor **pointers;
  tn_variable **variables;
  bool all_constant;
} seen;

static tn_error *look(const tn_ir_node *node, seen *s) {
  size_t n = (size_t)node->n_inputs + 1;
  *s = (seen){.inputs = tn_calloc(n, sizeof *s->inputs),
              .pointers = tn_calloc(n, sizeof *s->pointers),
              .variables = tn_calloc(n, sizeof *s->variables),
              .all_constant = true};
  if (!s->inputs || !s->pointers || !s->variables) return tn_out_of_memory();
  for (int i = 0; i < node->n_inputs; i++) {
    const tn_ir_output *input = tn_ir_out(node->inputs[i]);
    s->inputs[i].dtype = input->dtype;
    s->inputs[i].shape = input->shape;
    if (input->constant) s->inputs[i].data = input->constant->data;
    s->pointers[i] = input->constant ? input->constant : &s->inputs[i];
    s->all_constant = s->all_constant && input->constant;
    s->variables[i] = node->inputs[i].node->kind == TN_IR_HANDLE ? node->inputs[i].node->variable : NULL;
  }
  return NULL;
}

static void forget(seen *s) {
  tn_free(s->inputs);
  tn_free(s->pointers);
  tn_free(s->variables);
}

/* Takes the shapes over from KERNEL. *STATIC false: one is not known before the kernel has run. */
static tn_error *take_shapes(tn_ir *ir, tn_ir_node *node, const tn_kernel *kernel, int64_t *bytes, bool *is_static) {
  *is_static = true;
  for (int i = 0; i < node->n_outputs; i++) {
    tn_ir_output *output = &node->outputs[i];
    output->shape = kernel->outputs[i].shape;
    if (tn_dtype_is_ref(output->dtype)) continue;
    if (kernel->dynamic[i]) {
      *is_static = false;
      continue;
    }
    if (output->constant && !tn_shape_equal(&output->constant->shape, &output->shape)) {
      return refuse(ir, node->node, "a constant output changed its shape");
    }
    *bytes += tn_shape_elements(&output->shape) * (int64_t)tn_dtype_size(output->dtype);
  }
  return NULL;
}

/* Runs KERNEL and keeps what it made. A failure is left to the dynamic executor, which tells it properly. */
static tn_error *compute(tn_ir *ir, tn_ir_node *node, tn_kernel *kernel, const seen *s) {
  tn_tensor *outputs = tn_calloc((size_t)node->n_outputs + 1, sizeof *outputs);
  if (!outputs) return tn_out_of_memory();
  tn_error *error = tn_kernel_run(kernel, s->pointers, NULL, NULL, outputs);
  if (error) {
    ir->refused_for_now = true;
    tn_error *refused = refuse(ir, node->node, tn_error_message(error));
    tn_error_free(error);
    tn_free(outputs);
    return refused;
  }
  for (int i = 0; i < node->n_outputs; i++) {
    tn_tensor *boxed = NULL;
    if (!error) error = tn_tensor_box(&outputs[i], &boxed);
    if (!error) error = tn_ir_keep(ir, boxed);
    if (!error) {
      node->outputs[i].constant = boxed;
      node->outputs[i].shape = boxed->shape;
    }
  }
  for (int i = 0; i < node->n_outputs; i++) tn_tensor_clear(&outputs[i]);
  tn_free(outputs);
  return error;
}

/* True if the outputs of NODE can be computed now. */
static bool may_fold(const tn_ir_node *node, const seen *s) {
  uint32_t flags = node->node->op->flags;
  for (int i = 0; i < node->n_outputs; i++) {
    if (tn_dtype_is_ref(node->outputs[i].dtype)) return false;
  }
  return node->effect == TN_IR_PURE && !(flags & (TN_OP_DEBUG | TN_OP_BLOCKING)) && node->n_inputs > 0 &&
         (s->all_constant || (flags & TN_OP_FROM_SHAPES));
}

/* With the kernel prepared: shapes, and values if all is constant. */
static tn_error *conclude(tn_ir *ir, tn_ir_node *node, tn_kernel *kernel, const seen *s, bool runs) {
  bool is_static = true;
  int64_t bytes = 0;
  TN_TRY(take_shapes(ir, node, kernel, &bytes, &is_static));
  if (runs && may_fold(node, s) && bytes <= MAX_FOLDED_BYTES) return compute(ir, node, kernel, s);
  if (!is_static) return refuse(ir, node->node, "an output's shape is known only when it has run");
  for (int i = 0; i < node->n_outputs; i++) {
    tn_dtype dtype = node->outputs[i].dtype;
    if (!tn_dtype_is_ref(dtype) && !tn_dtype_is_plain(dtype)) {
      return refuse(ir, node->node, "an output holds strings or handles");
    }
  }
  return NULL;
}

tn_error *tn_ir_infer(tn_ir *ir, tn_ir_node *node, bool runs) {
  for (int i = 0; i < node->n_inputs && node->node->op->value_inputs; i++) {
    if (tn_node_needs_value(node->node, i) && !tn_ir_out(node->inputs[i])->constant) {
      return refuse(ir, node->node, "an input whose value decides shapes is computed in the step");
    }
  }
  seen s;
  tn_error *error = look(node, &s);
  tn_kernel *kernel = NULL;
  if (!error) {
    tn_kernel_request request = {.node = node->node,
                                 .n_inputs = node->n_inputs,
                                 .inputs = s.inputs,
                                 .variables = s.variables,
                                 .session = ir->session,
                                 .threads = ir->threads,
                                 /* What is computed now has the bits that it would have in the step. */
                                 .reference = !(runs && may_fold(node, &s))};
    error = tn_kernel_new(&request, &kernel);
    if (error) {
      ir->refused_for_now = true;
      tn_error *refused = refuse(ir, node->node, tn_error_message(error));
      tn_error_free(error);
      error = refused;
    } else {
      error = conclude(ir, node, kernel, &s, runs);
    }
  }
  tn_kernel_unref(kernel);
  forget(&s);
  return error;
}

/* --- nodes that passes make --- */

static const tn_attr *given(const tn_named_attr *attrs, const char *name) {
  for (int i = 0; attrs && attrs[i].name; i++) {
    if (strcmp(attrs[i].name, name) == 0) return &attrs[i].value;
  }
  return NULL;
}

/* Fills FACE's attributes: those of the schema, then the given ones that it does not know. */
static tn_error *fill_attrs(tn_ir *ir, tn_node *face, const tn_named_attr *attrs) {
  int room = face->schema->n_attrs;
  for (int i = 0; attrs && attrs[i].name; i++) room++;
  face->attrs = tn_arena_alloc(ir->arena, ((size_t)room + 1) * sizeof *face->attrs);
  if (!face->attrs) return tn_out_of_memory();
  for (int i = 0; i < face->schema->n_attrs; i++) {
    const tn_attr_def *def = &face->schema->attrs[i];
    const tn_attr *value = given(attrs, def->name);
    if (!value && def->has_default) value = &def->default_value;
    if (!value) return tn_node_errorf(face, TN_INTERNAL, "a pass left out attribute '%s'", def->name);
    face->attrs[face->n_attrs].name = def->name;
    TN_TRY(tn_attr_copy(value, &face->attrs[face->n_attrs].value));
    face->n_attrs++;
  }
  for (int i = 0; attrs && attrs[i].name; i++) {
    if (attrs[i].name[0] != '_') continue;
    face->attrs[face->n_attrs].name = tn_arena_strdup(ir->arena, attrs[i].name);
    if (!face->attrs[face->n_attrs].name) return tn_out_of_memory();
    TN_TRY(tn_attr_copy(&attrs[i].value, &face->attrs[face->n_attrs].value));
    face->n_attrs++;
  }
  return NULL;
}

/* What kernels see of a node that a pass makes. */
static tn_error *make_face(tn_ir *ir, const tn_ir_new *spec, tn_node **out) {
  const tn_op_def *op = tn_op_find(spec->op);
  if (!op) return tn_errorf(TN_INTERNAL, "a pass makes a node of op '%s', which does not exist", spec->op);
  tn_node *face = tn_arena_alloc(ir->arena, sizeof *face);
  size_t n = (size_t)spec->n_inputs + 1, m = (size_t)spec->n_outputs + 1;
  if (!face) return tn_out_of_memory();
  face->id = -1;
  face->name = tn_arena_strdup(ir->arena, spec->name);
  face->device = "";
  face->op = op;
  face->n_inputs = spec->n_inputs;
  face->n_outputs = spec->n_outputs;
  face->inputs = tn_arena_alloc(ir->arena, n * sizeof *face->inputs);
  face->input_types = tn_arena_alloc(ir->arena, n * sizeof *face->input_types);
  face->output_types = tn_arena_alloc(ir->arena, m * sizeof *face->output_types);
  face->output_shapes = tn_arena_alloc(ir->arena, m * sizeof *face->output_shapes);
  if (!face->name || !face->inputs || !face->input_types || !face->output_types || !face->output_shapes) {
    return tn_out_of_memory();
  }
  for (int i = 0; i < spec->n_inputs; i++) face->input_types[i] = tn_ir_out(spec->inputs[i])->dtype;
  for (int i = 0; i < spec->n_outputs; i++) {
    face->output_types[i] = spec->dtypes[i];
    face->output_shapes[i] = tn_shape_unknown();
  }
  TN_TRY(tn_op_schema_of(op, &face->schema));
  if (ir->n_made == ir->made_capacity) {
    int more = ir->made_capacity ? 2 * ir->made_capacity : 32;
    tn_node **made = tn_realloc(ir->made, (size_t)more * sizeof *made);
    if (!made) return tn_out_of_memory();
    ir->made = made;
    ir->made_capacity = more;
  }
  ir->made[ir->n_made++] = face;
  *out = face;
  return fill_attrs(ir, face, spec->attrs);
}

static tn_ir_effect effect_of(const tn_ir_node *node) {
  uint32_t flags = node->node->op->flags;
  if (flags & TN_OP_READ_ONLY) return TN_IR_PURE;
  if (flags & TN_OP_STATEFUL) return TN_IR_ACTS;
  for (int i = 0; i < node->n_inputs; i++) {
    tn_dtype dtype = tn_ir_out(node->inputs[i])->dtype;
    if (tn_dtype_is_ref(dtype) || dtype == TN_RESOURCE) return TN_IR_ACTS;
  }
  return TN_IR_PURE;
}

tn_error *tn_ir_add(tn_ir *ir, const tn_ir_new *spec, tn_ir_node **out) {
  tn_node *face = NULL;
  tn_ir_node *node = NULL;
  TN_TRY(make_face(ir, spec, &face));
  TN_TRY(tn_ir_new_node(ir, TN_IR_KERNEL, face, spec->n_inputs, &node));
  for (int i = 0; i < spec->n_inputs; i++) node->inputs[i] = spec->inputs[i];
  node->effect = effect_of(node);
  TN_TRY(tn_ir_infer(ir, node, false));
  if (ir->refused) return tn_errorf(TN_INTERNAL, "a pass made a node that does not fit: %s", ir->refused);
  *out = node;
  return NULL;
}
