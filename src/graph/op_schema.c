/* Parses op definitions: arguments ("values: N * T, ref: Ref(T)") and attributes ("T: {float, double} = DT_FLOAT"). */
#include <string.h>

#include "graph/op_parse.h"

#define QUANTIZED (TN_BIT(TN_QINT8) | TN_BIT(TN_QUINT8) | TN_BIT(TN_QINT32) | TN_BIT(TN_QINT16) | TN_BIT(TN_QUINT16))

/* The shorthand sets of types. */
static const struct {
  const char *name;
  tn_dtype_mask types;
} type_sets[] = {
    {"numbertype", TN_NUMBERS | QUANTIZED},
    {"realnumbertype", TN_REALS},
    {"floattype", TN_FLOATS},
    {"indextype", TN_BIT(TN_INT32) | TN_BIT(TN_INT64)},
    {"quantizedtype", QUANTIZED},
};

static const struct {
  const char *name;
  tn_attr_kind kind;
} kinds[] = {
    {"int", TN_ATTR_INT},   {"float", TN_ATTR_FLOAT}, {"bool", TN_ATTR_BOOL},     {"string", TN_ATTR_STRING},
    {"type", TN_ATTR_TYPE}, {"shape", TN_ATTR_SHAPE}, {"tensor", TN_ATTR_TENSOR}, {"func", TN_ATTR_FUNC},
};

static tn_attr_def *find_attr(const tn_op_schema *schema, const char *name) {
  for (int i = 0; i < schema->n_attrs; i++) {
    if (strcmp(schema->attrs[i].name, name) == 0) return &schema->attrs[i];
  }
  return NULL;
}

/* "{float, double}" or "{'SAME', 'VALID'}". */
static tn_error *parse_set(tn_op_parser *s, tn_attr_def *attr) {
  tn_op_skip_space(s);
  if (*s->p != '\'' && *s->p != '"') {
    attr->kind = TN_ATTR_TYPE;
    do {
      tn_dtype type;
      TN_TRY(tn_op_parse_type(s, &type));
      attr->allowed_types |= TN_BIT(type);
    } while (tn_op_take(s, ","));
    return tn_op_expect(s, "}");
  }
  attr->kind = TN_ATTR_STRING;
  size_t capacity = 0;
  do {
    tn_string text;
    TN_TRY(tn_op_parse_string(s, &text));
    if (attr->n_allowed_strings == capacity) {
      capacity = capacity ? 2 * capacity : 4;
      const char **larger = tn_arena_alloc(s->arena, capacity * sizeof *larger);
      if (!larger) return tn_out_of_memory();
      for (size_t i = 0; i < attr->n_allowed_strings; i++) larger[i] = attr->allowed_strings[i];
      attr->allowed_strings = larger;
    }
    attr->allowed_strings[attr->n_allowed_strings++] = text.data;
  } while (tn_op_take(s, ","));
  return tn_op_expect(s, "}");
}

/* What a list may hold: "int", "{float, double}", "numbertype", ... */
static tn_error *parse_kind(tn_op_parser *s, tn_attr_def *attr) {
  if (tn_op_take(s, "{")) return parse_set(s, attr);
  for (size_t i = 0; i < sizeof type_sets / sizeof *type_sets; i++) {
    if (tn_op_take(s, type_sets[i].name)) {
      attr->kind = TN_ATTR_TYPE;
      attr->allowed_types = type_sets[i].types;
      return NULL;
    }
  }
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (tn_op_take(s, kinds[i].name)) {
      attr->kind = kinds[i].kind;
      return NULL;
    }
  }
  return tn_op_parse_error(s, "a kind of attribute");
}

static tn_error *check_default(const tn_op_parser *s, const tn_attr_def *attr) {
  const tn_attr *value = &attr->default_value;
  if (attr->kind != TN_ATTR_TYPE || !attr->allowed_types) return NULL;
  for (size_t i = 0; i < (attr->is_list ? value->n : 1); i++) {
    tn_dtype type = attr->is_list ? value->types[i] : value->type;
    if (!(attr->allowed_types & TN_BIT(type))) return tn_op_parse_error(s, "a default that the attribute allows");
  }
  return NULL;
}

static tn_error *parse_attr(tn_op_parser *s, tn_attr_def *attr) {
  TN_TRY(tn_op_parse_name(s, &attr->name));
  TN_TRY(tn_op_expect(s, ":"));
  attr->is_list = tn_op_take(s, "list");
  if (attr->is_list) TN_TRY(tn_op_expect(s, "("));
  TN_TRY(parse_kind(s, attr));
  if (attr->is_list) TN_TRY(tn_op_expect(s, ")"));
  if (tn_op_take(s, ">=")) {
    if (attr->kind != TN_ATTR_INT && !attr->is_list) return tn_op_parse_error(s, "no minimum");
    TN_TRY(tn_op_parse_int(s, &attr->minimum));
    attr->has_minimum = true;
  }
  if (tn_op_take(s, "=")) {
    TN_TRY(tn_op_parse_default(s, attr));
    TN_TRY(check_default(s, attr));
  }
  return NULL;
}

/* An upper bound for the number of parts of TEXT that SEPARATOR splits. */
static size_t count_parts(const char *text, char separator) {
  size_t n = 1;
  for (; *text; text++) n += *text == separator;
  return n;
}

static tn_error *parse_attrs(tn_op_parser *s, tn_op_schema *schema) {
  s->p = s->text = s->op->attrs ? s->op->attrs : "";
  schema->attrs = tn_arena_alloc(s->arena, count_parts(s->text, ';') * sizeof *schema->attrs);
  if (!schema->attrs) return tn_out_of_memory();
  for (tn_op_skip_space(s); *s->p; tn_op_skip_space(s)) {
    tn_attr_def attr = {0};
    TN_TRY(parse_attr(s, &attr));
    if (find_attr(schema, attr.name)) return tn_op_parse_error(s, "each attribute once");
    schema->attrs[schema->n_attrs++] = attr;
    if (!tn_op_take(s, ";")) break;
  }
  tn_op_skip_space(s);
  return *s->p ? tn_op_parse_error(s, "';' or the end") : NULL;
}

/* "T", "float", "N * T" or "N * int32"; a lone name is an attribute where there is one of that name. */
static tn_error *parse_arg_type(tn_op_parser *s, const tn_op_schema *schema, tn_arg_def *arg) {
  const char *start = s->p, *name;
  TN_TRY(tn_op_parse_name(s, &name));
  tn_attr_def *attr = find_attr(schema, name);
  if (tn_op_take(s, "*")) {
    if (!attr || attr->kind != TN_ATTR_INT || attr->is_list) return tn_op_parse_error(s, "an int attribute before '*'");
    arg->number_attr = attr->name;
    start = s->p;
    TN_TRY(tn_op_parse_name(s, &name));
    attr = find_attr(schema, name);
  }
  if (!attr) {
    s->p = start;
    return tn_op_parse_type(s, &arg->type);
  }
  if (attr->kind != TN_ATTR_TYPE) return tn_op_parse_error(s, "a type attribute");
  if (attr->is_list && arg->number_attr) return tn_op_parse_error(s, "a type attribute that is no list");
  if (attr->is_list) {
    arg->type_list_attr = attr->name;
  } else {
    arg->type_attr = attr->name;
  }
  return NULL;
}

static tn_error *parse_arg(tn_op_parser *s, const tn_op_schema *schema, tn_arg_def *arg) {
  TN_TRY(tn_op_parse_name(s, &arg->name));
  TN_TRY(tn_op_expect(s, ":"));
  arg->is_ref = tn_op_take(s, "Ref");
  if (arg->is_ref) TN_TRY(tn_op_expect(s, "("));
  TN_TRY(parse_arg_type(s, schema, arg));
  return arg->is_ref ? tn_op_expect(s, ")") : NULL;
}

static tn_error *parse_args(tn_op_parser *s, const char *text, const tn_op_schema *schema, tn_arg_def **out, int *n) {
  s->p = s->text = text ? text : "";
  tn_arg_def *args = tn_arena_alloc(s->arena, count_parts(s->text, ',') * sizeof *args);
  if (!args) return tn_out_of_memory();
  tn_op_skip_space(s);
  while (*s->p) {
    tn_arg_def arg = {0};
    TN_TRY(parse_arg(s, schema, &arg));
    args[(*n)++] = arg;
    if (!tn_op_take(s, ",")) break;
  }
  tn_op_skip_space(s);
  *out = args;
  return *s->p ? tn_op_parse_error(s, "',' or the end") : NULL;
}

tn_error *tn_op_parse(tn_op_parser *s, tn_op_schema *out) {
  TN_TRY(parse_attrs(s, out));
  TN_TRY(parse_args(s, s->op->inputs, out, &out->inputs, &out->n_inputs));
  TN_TRY(parse_args(s, s->op->outputs, out, &out->outputs, &out->n_outputs));
  return NULL;
}
