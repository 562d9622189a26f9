/* Completes and checks a node against its op's schema: attributes from inputs and defaults, allowed values, input
 * types. */
#include <string.h>

#include "graph/attr_arena.h"
#include "graph/graph_internal.h"

static int find_attr(const tn_op_schema *schema, const char *name) {
  for (int i = 0; i < schema->n_attrs; i++) {
    if (strcmp(schema->attrs[i].name, name) == 0) return i;
  }
  return -1;
}

static tn_attr *slot(const tn_node *node, const char *name) {
  return &node->attrs[find_attr(node->schema, name)].value;
}

static const char *kind_name(tn_attr_kind kind) {
  static const char *const names[] = {"nothing", "int", "float", "bool", "string", "type", "shape", "tensor", "func"};
  return names[kind];
}

/* --- given attributes --- */

/* Whether a value of the kind that VALUE has can stand for ATTR. */
static bool kind_fits(const tn_attr_def *attr, const tn_attr *value) {
  if (attr->is_list != value->is_list) return false;
  return attr->kind == value->kind || (value->is_list && value->n == 0);
}

/* Puts the given attributes in their places: those of the schema, then the private ones. */
static tn_error *place_given(const tn_node_builder *b, tn_node *node) {
  const tn_op_schema *schema = node->schema;
  tn_arena *arena = b->graph->arena;
  node->attrs = tn_arena_alloc(arena, ((size_t)schema->n_attrs + b->n_attrs + 1) * sizeof *node->attrs);
  if (!node->attrs) return tn_out_of_memory();
  node->n_attrs = schema->n_attrs;
  for (int i = 0; i < schema->n_attrs; i++) node->attrs[i].name = schema->attrs[i].name;
  for (size_t i = 0; i < b->n_attrs; i++) {
    const tn_named_attr *given = &b->attrs[i];
    int at = find_attr(schema, given->name);
    if (at >= 0) {
      const tn_attr_def *attr = &schema->attrs[at];
      if (!kind_fits(attr, &given->value)) {
        return tn_builder_errorf(b, TN_INVALID_ARGUMENT, "attribute '%s' must be a %s%s, but is a %s%s", attr->name,
                                 attr->is_list ? "list of " : "", kind_name(attr->kind),
                                 given->value.is_list ? "list of " : "", kind_name(given->value.kind));
      }
      TN_TRY(tn_attr_copy_to(arena, &given->value, &node->attrs[at].value));
      node->attrs[at].value.kind = attr->kind;
    } else if (given->name[0] == '_') {
      tn_named_attr *place = &node->attrs[node->n_attrs];
      place->name = tn_arena_strdup(arena, given->name);
      if (!place->name) return tn_out_of_memory();
      TN_TRY(tn_attr_copy_to(arena, &given->value, &place->value));
      node->n_attrs++;
    } else if (!b->from_def) {
      return tn_builder_errorf(b, TN_INVALID_ARGUMENT, "the op has no attribute '%.100s'", given->name);
    }
  }
  return NULL;
}

/* --- inference from the inputs --- */

/* The attribute that says how many values ARG takes; NULL where it always takes one. */
static const char *length_attr(const tn_arg_def *arg) {
  return arg->number_attr ? arg->number_attr : arg->type_list_attr;
}

/* The number of values of ARG; -1 where the attribute is not known. */
static int64_t known_count(const tn_node *node, const tn_arg_def *arg) {
  const char *name = length_attr(arg);
  if (!name) return 1;
  const tn_attr *value = slot(node, name);
  if (value->kind == TN_ATTR_NONE) return -1;
  return value->is_list ? (int64_t)value->n : value->i;
}

/* Finds the one length that is not given, from the number of inputs. */
static tn_error *infer_length(const tn_node_builder *b, tn_node *node) {
  const tn_op_schema *schema = node->schema;
  const char *unknown = NULL;
  int64_t fixed = 0, times = 0;
  for (int i = 0; i < schema->n_inputs; i++) {
    const tn_arg_def *arg = &schema->inputs[i];
    int64_t count = known_count(node, arg);
    if (count >= 0) {
      fixed += count;
      continue;
    }
    const char *name = length_attr(arg);
    if (unknown && strcmp(unknown, name) != 0) {
      return tn_builder_errorf(b, TN_INVALID_ARGUMENT, "attributes '%s' and '%s' must be given", unknown, name);
    }
    unknown = name;
    times++;
  }
  int64_t rest = (int64_t)b->n_inputs - fixed;
  if (!unknown) return NULL;
  if (rest < 0 || rest % times != 0) {
    return tn_builder_errorf(b, TN_INVALID_ARGUMENT, "%zu inputs can't be shared out among its arguments", b->n_inputs);
  }
  tn_attr *value = slot(node, unknown);
  if (node->schema->attrs[find_attr(schema, unknown)].kind == TN_ATTR_INT) {
    *value = (tn_attr){.kind = TN_ATTR_INT, .i = rest / times};
    return NULL;
  }
  value->types = tn_arena_alloc(b->graph->arena, (size_t)(rest / times + 1) * sizeof *value->types);
  if (!value->types) return tn_out_of_memory();
  value->n = (size_t)(rest / times);
  value->is_list = true;
  value->kind = TN_ATTR_TYPE;
  return NULL;
}

static tn_dtype input_type(const tn_node_builder *b, int64_t i) {
  tn_output input = b->inputs[i];
  return input.node->output_types[input.index];
}

static tn_error *count_inputs(const tn_node_builder *b, const tn_node *node) {
  int64_t total = 0;
  for (int i = 0; i < node->schema->n_inputs; i++) {
    int64_t count = known_count(node, &node->schema->inputs[i]);
    if (count < 0 || count > INT32_MAX) {
      return tn_builder_errorf(b, TN_INVALID_ARGUMENT, "attribute '%s' is %s", length_attr(&node->schema->inputs[i]),
                               count < 0 ? "missing or negative" : "too large");
    }
    total += count;
  }
  if (total == (int64_t)b->n_inputs) return NULL;
  return tn_builder_errorf(b, TN_INVALID_ARGUMENT, "expected %lld inputs, got %zu", (long long)total, b->n_inputs);
}

/* Gives type attributes that are not set yet the types of the inputs. */
static void infer_types(const tn_node_builder *b, tn_node *node) {
  int64_t at = 0;
  for (int i = 0; i < node->schema->n_inputs; i++) {
    const tn_arg_def *arg = &node->schema->inputs[i];
    int64_t count = known_count(node, arg);
    if (arg->type_attr && count > 0) {
      tn_attr *value = slot(node, arg->type_attr);
      if (value->kind == TN_ATTR_NONE) {
        *value = (tn_attr){.kind = TN_ATTR_TYPE, .type = tn_dtype_base(input_type(b, at))};
      }
    }
    if (arg->type_list_attr) {
      tn_attr *value = slot(node, arg->type_list_attr);
      for (int64_t j = 0; j < count; j++) {
        if (value->types[j] == TN_INVALID) value->types[j] = tn_dtype_base(input_type(b, at + j));
      }
    }
    at += count;
  }
}

/* --- checks --- */

static tn_error *fill_defaults(const tn_node_builder *b, tn_node *node) {
  for (int i = 0; i < node->schema->n_attrs; i++) {
    const tn_attr_def *attr = &node->schema->attrs[i];
    if (node->attrs[i].value.kind != TN_ATTR_NONE) continue;
    if (!attr->has_default) return tn_builder_errorf(b, TN_INVALID_ARGUMENT, "attribute '%s' is missing", attr->name);
    TN_TRY(tn_attr_copy_to(b->graph->arena, &attr->default_value, &node->attrs[i].value));
  }
  return NULL;
}

static tn_error *check_type(const tn_node_builder *b, const tn_attr_def *attr, tn_dtype type) {
  if (type == TN_INVALID || tn_dtype_base(type) >= TN_N_DTYPES) {
    return tn_builder_errorf(b, TN_INVALID_ARGUMENT, "attribute '%s': %d is no type", attr->name, (int)type);
  }
  if (!attr->allowed_types || (!tn_dtype_is_ref(type) && (attr->allowed_types & TN_BIT(type)))) return NULL;
  tn_str list = {0};
  char *text;
  for (int i = 1; i < TN_N_DTYPES; i++) {
    if (attr->allowed_types & TN_BIT(i))
      tn_str_addf(&list, "%s%s", list.size > 0 ? ", " : "", tn_dtype_name((tn_dtype)i));
  }
  TN_TRY(tn_str_take(&list, &text, NULL));
  tn_error *error = tn_builder_errorf(b, TN_INVALID_ARGUMENT, "attribute '%s' is %s, expected one of %s", attr->name,
                                      tn_dtype_name(type), text);
  tn_free(text);
  return error;
}

static tn_error *check_string(const tn_node_builder *b, const tn_attr_def *attr, const tn_string *value) {
  if (attr->n_allowed_strings == 0) return NULL;
  tn_str list = {0};
  for (size_t i = 0; i < attr->n_allowed_strings; i++) {
    const char *allowed = attr->allowed_strings[i];
    if (strlen(allowed) == value->size && memcmp(allowed, value->data, value->size) == 0) {
      tn_str_clear(&list);
      return NULL;
    }
    tn_str_addf(&list, "%s%s", i > 0 ? ", " : "", allowed);
  }
  char *text;
  TN_TRY(tn_str_take(&list, &text, NULL));
  int size = value->size < 200 ? (int)value->size : 200;
  tn_error *error = tn_builder_errorf(b, TN_INVALID_ARGUMENT, "attribute '%s' is '%.*s', expected one of %s",
                                      attr->name, size, value->data ? value->data : "", text);
  tn_free(text);
  return error;
}

static tn_error *check_attr(const tn_node_builder *b, const tn_attr_def *attr, const tn_attr *value) {
  int64_t size = attr->is_list ? (int64_t)value->n : value->i;
  if (attr->has_minimum && size < attr->minimum) {
    return tn_builder_errorf(b, TN_INVALID_ARGUMENT, "attribute '%s' %s %lld, expected at least %lld", attr->name,
                             attr->is_list ? "has length" : "is", (long long)size, (long long)attr->minimum);
  }
  for (int64_t i = 0, n = attr->is_list ? size : 1; i < n; i++) {
    if (attr->kind == TN_ATTR_TYPE) TN_TRY(check_type(b, attr, attr->is_list ? value->types[i] : value->type));
    if (attr->kind == TN_ATTR_STRING) {
      TN_TRY(check_string(b, attr, attr->is_list ? &value->strings[i] : &value->string));
    }
    if (attr->kind == TN_ATTR_TENSOR && !(attr->is_list ? value->tensors[i] : value->tensor)) {
      return tn_builder_errorf(b, TN_INVALID_ARGUMENT, "attribute '%s' is no tensor", attr->name);
    }
  }
  return NULL;
}

static tn_error *check_input(const tn_node_builder *b, const tn_arg_def *arg, int64_t at, tn_dtype expected) {
  tn_dtype type = input_type(b, at);
  const tn_node *from = b->inputs[at].node;
  if (arg->is_ref && !tn_dtype_is_ref(type)) {
    return tn_builder_errorf(b, TN_INVALID_ARGUMENT, "input '%s' must be a reference to a variable, got %s from '%s'",
                             arg->name, tn_dtype_name(type), from->name);
  }
  if (tn_dtype_base(type) == tn_dtype_base(expected)) return NULL;
  return tn_builder_errorf(b, TN_INVALID_ARGUMENT, "input '%s' has type %s (from '%s:%d'), expected %s", arg->name,
                           tn_dtype_name(type), from->name, b->inputs[at].index, tn_dtype_name(expected));
}

static tn_error *check_inputs(const tn_node_builder *b, tn_node *node) {
  node->input_types = tn_arena_alloc(b->graph->arena, (b->n_inputs + 1) * sizeof *node->input_types);
  if (!node->input_types) return tn_out_of_memory();
  int64_t at = 0;
  for (int i = 0; i < node->schema->n_inputs; i++) {
    const tn_arg_def *arg = &node->schema->inputs[i];
    for (int j = 0, count = tn_node_arg_count(node, arg); j < count; j++, at++) {
      tn_dtype type = tn_node_arg_type(node, arg, j);
      TN_TRY(check_input(b, arg, at, type));
      if (arg->is_ref && !tn_dtype_is_ref(type)) type = (tn_dtype)(type + TN_REF);
      node->input_types[at] = type;
    }
  }
  return NULL;
}

/* Lists of outputs are as long as attributes say, so these must be sane before anything is allocated. */
static tn_error *check_outputs(const tn_node_builder *b, const tn_node *node) {
  int64_t total = 0;
  for (int i = 0; i < node->schema->n_outputs; i++) {
    int64_t count = known_count(node, &node->schema->outputs[i]);
    if (count < 0 || count > INT16_MAX * 2) {
      return tn_builder_errorf(b, TN_INVALID_ARGUMENT, "attribute '%s' is %s", length_attr(&node->schema->outputs[i]),
                               count < 0 ? "negative" : "too large");
    }
    total += count;
  }
  if (total <= INT16_MAX * 2) return NULL;
  return tn_builder_errorf(b, TN_INVALID_ARGUMENT, "it has too many outputs");
}

/* Checks what is known so far; what comes from defaults is right. */
static tn_error *check_attrs(const tn_node_builder *b, const tn_node *node) {
  for (int i = 0; i < node->schema->n_attrs; i++) {
    const tn_attr *value = &node->attrs[i].value;
    if (value->kind != TN_ATTR_NONE) TN_TRY(check_attr(b, &node->schema->attrs[i], value));
  }
  return NULL;
}

static tn_error *resolve(const tn_node_builder *b, tn_node *node) {
  TN_TRY(place_given(b, node));
  if (b->from_def) {
    TN_TRY(check_attrs(b, node));
    TN_TRY(fill_defaults(b, node));
    TN_TRY(count_inputs(b, node));
  } else {
    TN_TRY(infer_length(b, node));
    TN_TRY(count_inputs(b, node));
    infer_types(b, node);
    TN_TRY(check_attrs(b, node));
    TN_TRY(fill_defaults(b, node));
  }
  TN_TRY(check_outputs(b, node));
  return check_inputs(b, node);
}

tn_error *tn_builder_resolve(const tn_node_builder *b, tn_node *node) {
  tn_error *error = resolve(b, node);
  if (!error) return NULL;
  for (int i = 0; i < node->n_attrs; i++) tn_attr_drop_tensors(&node->attrs[i].value);
  return error;
}
