/* RegexFullMatch and StaticRegexFullMatch: which strings match a pattern as a whole. */
#include "graph/shape.h"
#include "kernel/kernel.h"
#include "ops/string/regex.h"

static tn_error *compile(tn_prepare *p, const char *pattern, size_t size) {
  tn_regex *regex = NULL;
  tn_error *error = tn_regex_new(pattern, size, &regex);
  if (error) return tn_error_context(error, "%s '%s'", p->node->op->name, tn_node_name(p->node));
  p->state = regex;
  p->scratch = tn_regex_scratch(regex);
  return tn_prepare_output(p, 0, &p->inputs[0].shape);
}

static tn_error *static_prepare(tn_prepare *p) {
  tn_string pattern = tn_node_get_string(p->node, "pattern");
  return compile(p, pattern.data, pattern.size);
}

static tn_error *fed_prepare(tn_prepare *p) {
  const tn_tensor *pattern = &p->inputs[1];
  if (pattern->shape.rank != 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Pattern must be scalar, but received %s",
                             TN_SHAPE_STR(&pattern->shape));
  return compile(p, TN_DATA(tn_string, pattern)->data, TN_DATA(tn_string, pattern)->size);
}

static tn_error *match_run(tn_run *r) {
  const tn_string *in = TN_DATA(tn_string, r->inputs[0]);
  for (int64_t i = 0; i < tn_elements(r->inputs[0]); i++)
    TN_DATA(bool, r->outputs[0])[i] = tn_regex_full_match(r->state, in[i].data, in[i].size, r->scratch);
  return NULL;
}

static void drop(void *state) { tn_regex_free(state); }

static tn_error *fed_shape(tn_shape_ctx *c) {
  tn_shape scalar;
  TN_TRY(tn_shape_with_rank(c, 1, 0, &scalar));
  return tn_shape_unchanged(c);
}

static const tn_kernel_def static_kernels[] = {
    {.name = "reference", .prepare = static_prepare, .run = match_run, .destroy = drop}, {0}};
static const tn_kernel_def fed_kernels[] = {
    {.name = "reference", .prepare = fed_prepare, .run = match_run, .destroy = drop}, {0}};

TN_OP(StaticRegexFullMatch, .inputs = "input: string", .outputs = "output: bool", .attrs = "pattern: string",
      .doc = "Whether each string as a whole matches PATTERN (RE2's syntax without \\p and \\C).",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = tn_shape_unchanged, .kernels = static_kernels);

TN_OP(RegexFullMatch, .inputs = "input: string, pattern: string", .outputs = "output: bool", .attrs = "",
      .doc = "Whether each string as a whole matches PATTERN (RE2's syntax without \\p and \\C).",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .value_inputs = 1 << 1, .shape = fed_shape, .kernels = fed_kernels);
