/* Compiling regular expressions and matching: all ways through the program are followed at once, rune by rune. */
#include <string.h>

#include "ops/string/regex_program.h"

enum { MAX_STEPS = 50000 };

/* --- compiling --- */

static tn_error *add_step(tn_regex *r, tn_regex_step step) {
  if (r->n >= MAX_STEPS) return tn_errorf(TN_INVALID_ARGUMENT, "Invalid pattern: too large");
  if (r->n == r->capacity) {
    int capacity = r->capacity ? 2 * r->capacity : 32;
    tn_regex_step *steps = tn_realloc(r->steps, (size_t)capacity * sizeof *steps);
    if (!steps) return tn_out_of_memory();
    r->steps = steps;
    r->capacity = capacity;
  }
  r->steps[r->n++] = step;
  return NULL;
}

static tn_error *compile(tn_regex *r, const tn_regex_tree *tree);

/* fork 1, 2; 1: first child; go end; 2: fork ... end */
static tn_error *compile_either(tn_regex *r, const tn_regex_tree *tree) {
  int pending = -1; /* the chain of jumps to the end, through their A */
  for (const tn_regex_tree *child = tree->child; child; child = child->next) {
    int fork = r->n;
    if (child->next) TN_TRY(add_step(r, (tn_regex_step){.code = TN_CODE_FORK, .a = fork + 1}));
    TN_TRY(compile(r, child));
    if (!child->next) break;
    TN_TRY(add_step(r, (tn_regex_step){.code = TN_CODE_GO, .a = pending}));
    pending = r->n - 1;
    r->steps[fork].b = r->n;
  }
  while (pending >= 0) {
    int next = r->steps[pending].a;
    r->steps[pending].a = r->n;
    pending = next;
  }
  return NULL;
}

/* The other way of a fork first. */
static void swap(tn_regex_step *fork) {
  int a = fork->a;
  fork->a = fork->b;
  fork->b = a;
}

/* MIN times the child, then a loop or (MAX - MIN) times an optional one. */
static tn_error *compile_repeat(tn_regex *r, const tn_regex_tree *tree) {
  for (int i = 0; i < tree->min; i++) TN_TRY(compile(r, tree->child));
  int fork = r->n;
  if (tree->max < 0) {
    TN_TRY(add_step(r, (tn_regex_step){.code = TN_CODE_FORK, .a = fork + 1}));
    TN_TRY(compile(r, tree->child));
    TN_TRY(add_step(r, (tn_regex_step){.code = TN_CODE_GO, .a = fork}));
    r->steps[fork].b = r->n;
    if (tree->lazy) swap(&r->steps[fork]);
    return NULL;
  }
  int pending = -1;
  for (int i = tree->min; i < tree->max; i++) {
    TN_TRY(add_step(r, (tn_regex_step){.code = TN_CODE_FORK, .a = r->n + 1, .b = pending}));
    pending = r->n - 1;
    TN_TRY(compile(r, tree->child));
  }
  while (pending >= 0) {
    int next = r->steps[pending].b;
    r->steps[pending].b = r->n;
    if (tree->lazy) swap(&r->steps[pending]);
    pending = next;
  }
  return NULL;
}

static tn_error *compile(tn_regex *r, const tn_regex_tree *tree) {
  if (++r->work > 4 * MAX_STEPS) return tn_errorf(TN_INVALID_ARGUMENT, "Invalid pattern: too large");
  switch (tree->kind) {
  case TN_REGEX_EMPTY: return NULL;
  case TN_REGEX_SET: return add_step(r, (tn_regex_step){.code = TN_CODE_SET, .set = &tree->set});
  case TN_REGEX_EITHER: return compile_either(r, tree);
  case TN_REGEX_REPEAT: return compile_repeat(r, tree);
  case TN_REGEX_GROUP:
    if (tree->min >= TN_REGEX_GROUPS) return compile(r, tree->child);
    TN_TRY(add_step(r, (tn_regex_step){.code = TN_CODE_SAVE, .a = 2 * tree->min}));
    TN_TRY(compile(r, tree->child));
    return add_step(r, (tn_regex_step){.code = TN_CODE_SAVE, .a = 2 * tree->min + 1});
  case TN_REGEX_JOIN:
    for (const tn_regex_tree *child = tree->child; child; child = child->next) TN_TRY(compile(r, child));
    return NULL;
  default: return add_step(r, (tn_regex_step){.code = TN_CODE_ASSERT, .assertion = tree->kind});
  }
}

tn_error *tn_regex_new(const char *pattern, size_t size, tn_regex **out) {
  tn_regex *r = tn_calloc(1, sizeof *r);
  if (!r) return tn_out_of_memory();
  tn_regex_tree *tree = NULL;
  tn_error *error = tn_arena_new(&r->arena);
  if (!error) error = tn_regex_parse(r->arena, pattern, size, &tree, &r->groups);
  if (!error) error = compile(r, tree);
  if (!error) error = add_step(r, (tn_regex_step){.code = TN_CODE_MATCH});
  if (error)
    tn_regex_free(r);
  else
    *out = r;
  return error;
}

void tn_regex_free(tn_regex *regex) {
  if (!regex) return;
  if (regex->arena) tn_arena_free(regex->arena);
  tn_free(regex->steps);
  tn_free(regex);
}

/* --- matching --- */

/* The steps at which ways through the program stand; a step is in it if seen[step] is this rune's number. */
typedef struct ways {
  int n;
  int *steps;
} ways;

typedef struct match {
  const tn_regex *r;
  const char *text;
  size_t size, at;
  int64_t *seen, round;
  int *stack;
} match;

size_t tn_regex_scratch(const tn_regex *regex) { return (size_t)regex->n * (sizeof(int64_t) + 4 * sizeof(int)) + 64; }

static bool is_word(const char *text, size_t size, size_t at) {
  if (at >= size) return false;
  char c = text[at];
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

bool tn_regex_holds(tn_regex_kind assertion, const char *text, size_t size, size_t at) {
  bool boundary = (at > 0 && is_word(text, size, at - 1)) != is_word(text, size, at);
  switch (assertion) {
  case TN_REGEX_TEXT_BEGIN: return at == 0;
  case TN_REGEX_TEXT_END: return at == size;
  case TN_REGEX_LINE_BEGIN: return at == 0 || text[at - 1] == '\n';
  case TN_REGEX_LINE_END: return at == size || text[at] == '\n';
  case TN_REGEX_WORD: return boundary;
  default: return !boundary;
  }
}

/* Follows all ways from STEP that take no rune, and notes where they stand. */
static void follow(match *m, ways *w, int step) {
  int n = 0;
  m->stack[n++] = step;
  while (n > 0) {
    int at = m->stack[--n];
    const tn_regex_step *s = &m->r->steps[at];
    if (m->seen[at] == m->round) continue;
    m->seen[at] = m->round;
    if (s->code == TN_CODE_FORK) m->stack[n++] = s->b;
    if (s->code == TN_CODE_FORK || s->code == TN_CODE_GO)
      m->stack[n++] = s->a;
    else if (s->code == TN_CODE_SAVE)
      m->stack[n++] = at + 1;
    else if (s->code != TN_CODE_ASSERT)
      w->steps[w->n++] = at;
    else if (tn_regex_holds(s->assertion, m->text, m->size, m->at))
      m->stack[n++] = at + 1;
  }
}

bool tn_rune_in(const tn_rune_set *set, int32_t rune) {
  for (int i = 0; i < set->n; i++)
    if (rune >= set->ranges[2 * i] && rune <= set->ranges[2 * i + 1]) return true;
  return false;
}

bool tn_regex_full_match(const tn_regex *regex, const char *text, size_t size, void *scratch) {
  int64_t *seen = scratch;
  int *ints = (int *)(seen + regex->n);
  match m = {.r = regex, .text = text, .size = size, .seen = seen, .round = 1, .stack = ints + 2 * regex->n};
  ways now = {0, ints}, next = {0, ints + regex->n};
  memset(seen, 0, (size_t)regex->n * sizeof *seen);
  follow(&m, &now, 0);
  while (m.at < size && now.n > 0) {
    int length;
    int32_t rune = tn_rune_at(text + m.at, size - m.at, &length);
    m.at += (size_t)length;
    m.round++;
    next.n = 0;
    for (int i = 0; i < now.n; i++) {
      const tn_regex_step *s = &regex->steps[now.steps[i]];
      if (s->code == TN_CODE_SET && tn_rune_in(s->set, rune)) follow(&m, &next, now.steps[i] + 1);
    }
    ways other = now;
    now = next;
    next = other;
  }
  for (int i = 0; m.at == size && i < now.n; i++)
    if (regex->steps[now.steps[i]].code == TN_CODE_MATCH) return true;
  return false;
}
