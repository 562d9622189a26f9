/* RegexReplace and StaticRegexReplace: matches of a pattern, rewritten. */
#include "ops/string/regex.h"
#include "ops/string/string_array.h"

typedef struct replace_state {
  tn_regex *regex;
  bool global;
} replace_state;

static void drop(void *state) {
  replace_state *s = state;
  if (s) tn_regex_free(s->regex);
  tn_free(s);
}

static tn_error *compile(tn_prepare *p, tn_string pattern) {
  replace_state *s;
  TN_TRY(tn_prepare_state(p, sizeof *s, &s));
  s->global = tn_node_get_bool(p->node, "replace_global");
  TN_TRY(tn_error_context(tn_regex_new(pattern.size ? pattern.data : "", pattern.size, &s->regex), "%s '%s'",
                          p->node->op->name, p->node->name));
  return tn_prepare_output(p, 0, &p->inputs[0].shape);
}

static tn_error *static_prepare(tn_prepare *p) { return compile(p, tn_node_get_string(p->node, "pattern")); }

static tn_error *fed_prepare(tn_prepare *p) {
  for (int i = 1; i < 3; i++)
    if (p->inputs[i].shape.rank != 0)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%s must be scalar, but received %s",
                               i == 1 ? "Pattern" : "Rewrite", TN_SHAPE_STR(&p->inputs[i].shape));
  return compile(p, *tn_strings_of(&p->inputs[1]));
}

/* Adds REWRITE with \0 to \9 as the groups. False: it names a group that is not there, or another escape. */
static bool add_rewrite(const tn_regex *regex, tn_string rewrite, tn_string text, const tn_regex_places *m,
                        tn_str *out) {
  for (size_t i = 0; i < rewrite.size; i++) {
    char c = rewrite.data[i];
    if (c != '\\') {
      tn_str_add_bytes(out, &c, 1);
      continue;
    }
    c = ++i < rewrite.size ? rewrite.data[i] : 0;
    if (c == '\\') {
      tn_str_add_bytes(out, "\\", 1);
    } else if (c >= '0' && c <= '9' && c - '0' <= tn_regex_groups(regex)) {
      const int64_t *at = &m->at[2 * (c - '0')];
      if (at[0] >= 0 && at[1] > at[0]) tn_str_add_bytes(out, text.data + at[0], (size_t)(at[1] - at[0]));
    } else {
      return false;
    }
  }
  return true;
}

/* Replaces in TEXT. An empty match right behind the last one does not count. */
static bool replace(const replace_state *s, tn_regex_searcher *searcher, tn_string text, tn_string rewrite,
                    tn_str *out) {
  size_t at = 0;
  int64_t last = -1;
  tn_regex_places m;
  bool first = true;
  while (at <= text.size && (s->global || first) && tn_regex_search(searcher, &text, at, &m)) {
    size_t begin = (size_t)m.at[0], end = (size_t)m.at[1];
    tn_str_add_bytes(out, text.data + at, begin - at);
    at = begin;
    if (begin == end && (int64_t)begin == last) {
      if (at == text.size) return true;
      do tn_str_add_bytes(out, text.data + at++, 1);
      while (at < text.size && ((unsigned char)text.data[at] & 0xc0) == 0x80);
      continue;
    }
    if (!add_rewrite(s->regex, rewrite, text, &m, out)) return false;
    at = end;
    last = (int64_t)end;
    first = false;
  }
  if (at < text.size) tn_str_add_bytes(out, text.data + at, text.size - at);
  return true;
}

static tn_error *replace_all(tn_run *r, tn_regex_searcher *searcher, tn_string rewrite) {
  for (int64_t i = 0; i < tn_elements(r->inputs[0]); i++) {
    tn_string text = tn_strings_of(r->inputs[0])[i];
    if (!text.size) text.data = (char *)"";
    tn_str out = {0};
    /* A rewrite that does not fit changes nothing, as in RE2. */
    bool fits = replace(r->state, searcher, text, rewrite, &out);
    tn_error *error = fits ? tn_string_take(&tn_strings_of(r->outputs[0])[i], &out)
                           : tn_string_set(&tn_strings_of(r->outputs[0])[i], text.data, text.size);
    tn_str_clear(&out);
    TN_TRY(error);
  }
  return NULL;
}

static tn_error *run(tn_run *r, tn_string rewrite) {
  tn_regex_searcher *searcher;
  TN_TRY(tn_regex_searcher_new(((const replace_state *)r->state)->regex, &searcher));
  tn_error *error = replace_all(r, searcher, rewrite);
  tn_regex_searcher_free(searcher);
  return error;
}

static tn_error *static_run(tn_run *r) { return run(r, tn_node_get_string(r->node, "rewrite")); }
static tn_error *fed_run(tn_run *r) { return run(r, *tn_strings_of(r->inputs[2])); }

static tn_error *fed_shape(tn_shape_ctx *c) {
  tn_shape scalar;
  TN_TRY(tn_shape_with_rank(c, 1, 0, &scalar));
  TN_TRY(tn_shape_with_rank(c, 2, 0, &scalar));
  return tn_shape_unchanged(c);
}

static const tn_kernel_def static_kernels[] = {
    {.name = "reference", .prepare = static_prepare, .run = static_run, .destroy = drop}, {0}};
static const tn_kernel_def fed_kernels[] = {
    {.name = "reference", .prepare = fed_prepare, .run = fed_run, .destroy = drop}, {0}};

TN_OP(StaticRegexReplace, .inputs = "input: string", .outputs = "output: string",
      .attrs = "pattern: string; rewrite: string; replace_global: bool = true",
      .doc = "Each string with the matches of PATTERN replaced by REWRITE.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = tn_shape_unchanged, .kernels = static_kernels);

TN_OP(RegexReplace, .inputs = "input: string, pattern: string, rewrite: string", .outputs = "output: string",
      .attrs = "replace_global: bool = true", .doc = "Each string with the matches of PATTERN replaced by REWRITE.",
      .flags = TN_OP_NO_GRADIENT, .value_inputs = 1 << 1, .shape = fed_shape, .kernels = fed_kernels);
