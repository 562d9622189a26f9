/* The parser of regular expressions: text to tree. Nesting is limited, so that no pattern overflows the stack. */
#include <string.h>

#include "ops/string/regex_program.h"

enum { MAX_NESTING = 200, MAX_REPEAT = 1000 };

typedef struct flags {
  bool fold, dot_all, lines, lazy;
} flags;

typedef struct parser {
  tn_arena *arena;
  const char *at, *end, *begin;
  flags f;
  int depth, groups;
} parser;

static tn_error *wrong(const parser *p, const char *what) {
  return tn_errorf(TN_INVALID_ARGUMENT, "Invalid pattern: %s at byte %d of '%.*s'", what, (int)(p->at - p->begin),
                   (int)(p->end - p->begin), p->begin);
}

int32_t tn_rune_at(const char *text, size_t size, int *length) {
  const unsigned char *t = (const unsigned char *)text;
  static const int32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
  int n = t[0] < 0x80 ? 1 : t[0] < 0xc2 ? 0 : t[0] < 0xe0 ? 2 : t[0] < 0xf0 ? 3 : t[0] < 0xf5 ? 4 : 0;
  *length = 1;
  if (n == 1) return t[0];
  if (n == 0 || (size_t)n > size) return -1;
  int32_t rune = t[0] & (0x7f >> n);
  for (int i = 1; i < n; i++) {
    if ((t[i] & 0xc0) != 0x80) return -1;
    rune = rune << 6 | (t[i] & 0x3f);
  }
  if (rune < least[n] || rune > TN_MAX_RUNE || (rune >= 0xd800 && rune < 0xe000)) return -1;
  *length = n;
  return rune;
}

/* --- trees --- */

static tn_error *new_tree(parser *p, tn_regex_kind kind, tn_regex_tree **out) {
  tn_regex_tree *tree = tn_arena_alloc(p->arena, sizeof *tree);
  if (!tree) return tn_out_of_memory();
  tree->kind = kind;
  *out = tree;
  return NULL;
}

static void add_child(tn_regex_tree *tree, tn_regex_tree *child) {
  if (tree->last)
    tree->last->next = child;
  else
    tree->child = child;
  tree->last = child;
}

static tn_error *add_range(parser *p, tn_rune_set *set, int32_t first, int32_t last) {
  if (set->n == set->capacity) {
    int capacity = set->capacity ? 2 * set->capacity : 4;
    int32_t *ranges = tn_arena_alloc(p->arena, 2 * (size_t)capacity * sizeof *ranges);
    if (!ranges) return tn_out_of_memory();
    if (set->n) memcpy(ranges, set->ranges, 2 * (size_t)set->n * sizeof *ranges);
    set->ranges = ranges;
    set->capacity = capacity;
  }
  set->ranges[2 * set->n] = first;
  set->ranges[2 * set->n++ + 1] = last;
  return NULL;
}

/* A range, and where letters fold its letters of the other case. */
static tn_error *add_folded(parser *p, tn_rune_set *set, int32_t first, int32_t last) {
  TN_TRY(add_range(p, set, first, last));
  if (!p->f.fold) return NULL;
  for (int32_t c = first > 'A' ? first : 'A'; c <= last && c <= 'z'; c++) {
    bool upper = c <= 'Z', lower = c >= 'a';
    if (upper || lower) TN_TRY(add_range(p, set, c ^ 0x20, c ^ 0x20));
  }
  return NULL;
}

/* Adds everything that is not in SOURCE: the gaps between its ranges, found edge by edge. */
static tn_error *add_complement(parser *p, tn_rune_set *set, const tn_rune_set *source) {
  int32_t first = 0;
  while (first <= TN_MAX_RUNE) {
    int32_t next = TN_MAX_RUNE + 1; /* the first range that begins behind FIRST */
    bool inside = false;
    for (int i = 0; i < source->n && !inside; i++) {
      int32_t low = source->ranges[2 * i], high = source->ranges[2 * i + 1];
      if (first >= low && first <= high) {
        first = high + 1;
        inside = true;
      } else if (low > first && low < next) {
        next = low;
      }
    }
    if (inside) continue;
    TN_TRY(add_range(p, set, first, next - 1));
    first = next;
  }
  return NULL;
}

/* --- classes --- */

typedef struct named {
  const char *name, *ranges; /* pairs of characters */
} named;

static const named posix[] = {
    {"alnum", "09AZaz"}, {"alpha", "AZaz"}, {"ascii", "\x01\x7f"}, {"blank", "\t\t  "},  {"cntrl", "\x01\x1f\x7f\x7f"},
    {"digit", "09"},     {"graph", "!~"},   {"lower", "az"},       {"print", " ~"},      {"punct", "!/:@[`{~"},
    {"space", "\t\r  "}, {"upper", "AZ"},   {"word", "09AZaz__"},  {"xdigit", "09AFaf"}, {NULL, NULL}};
static const named perl[] = {{"d", "09"}, {"s", "\t\n\f\r  "}, {"w", "09AZaz__"}, {NULL, NULL}};

static tn_error *add_named(parser *p, tn_rune_set *set, const named *n, bool negate) {
  tn_rune_set own = {0};
  for (const char *r = n->ranges; *r; r += 2) TN_TRY(add_folded(p, &own, r[0], r[1]));
  if (n->name[0] == 'a' && n->name[1] == 's') TN_TRY(add_range(p, &own, 0, 0)); /* ascii and cntrl hold NUL as well */
  if (n->name[0] == 'c') TN_TRY(add_range(p, &own, 0, 0));
  if (negate) return add_complement(p, set, &own);
  for (int i = 0; i < own.n; i++) TN_TRY(add_range(p, set, own.ranges[2 * i], own.ranges[2 * i + 1]));
  return NULL;
}

/* "[:alpha:]" at P: *FOUND false if there is no such thing here. */
static tn_error *posix_class(parser *p, tn_rune_set *set, bool *found) {
  *found = false;
  if (p->end - p->at < 4 || p->at[0] != '[' || p->at[1] != ':') return NULL;
  const char *name = p->at + 2, *stop = name;
  while (stop + 1 < p->end && !(stop[0] == ':' && stop[1] == ']')) stop++;
  if (stop + 1 >= p->end) return NULL;
  bool negate = *name == '^';
  if (negate) name++;
  for (const named *n = posix; n->name; n++) {
    if (strlen(n->name) != (size_t)(stop - name) || memcmp(n->name, name, (size_t)(stop - name)) != 0) continue;
    *found = true;
    p->at = stop + 2;
    return add_named(p, set, n, negate);
  }
  return wrong(p, "unknown character class");
}

/* "\d" and its kin at P. */
static tn_error *perl_class(parser *p, tn_rune_set *set, bool *found) {
  *found = false;
  if (p->end - p->at < 2 || p->at[0] != '\\') return NULL;
  for (const named *n = perl; n->name; n++) {
    bool negate = p->at[1] == n->name[0] - 0x20;
    if (p->at[1] != n->name[0] && !negate) continue;
    *found = true;
    p->at += 2;
    return add_named(p, set, n, negate);
  }
  return NULL;
}

static int hex_of(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

/* "\x41" or "\x{1f600}", behind the x. */
static tn_error *hex_escape(parser *p, int32_t *out) {
  bool braces = p->at < p->end && *p->at == '{';
  int32_t value = 0;
  int digits = 0;
  if (braces) p->at++;
  while (p->at < p->end && hex_of(*p->at) >= 0 && (braces || digits < 2) && value <= TN_MAX_RUNE) {
    value = value * 16 + hex_of(*p->at++);
    digits++;
  }
  if (value > TN_MAX_RUNE || digits == 0 || (!braces && digits != 2) ||
      (braces && (p->at == p->end || *p->at++ != '}')))
    return wrong(p, "bad escape sequence");
  *out = value;
  return NULL;
}

/* An escaped character, behind the backslash. */
static tn_error *escape(parser *p, int32_t *out) {
  static const char letters[] = "afnrtv", meaning[] = "\a\f\n\r\t\v";
  if (p->at == p->end) return wrong(p, "trailing backslash");
  char c = *p->at++;
  const char *letter = c ? strchr(letters, c) : NULL;
  bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c & 0x80);
  if (letter) {
    *out = meaning[letter - letters];
  } else if (c == 'x') {
    return hex_escape(p, out);
  } else if (c == '0' || (c > '0' && c < '8' && p->at < p->end && *p->at >= '0' && *p->at < '8')) {
    int32_t value = c - '0';
    for (int i = 0; i < 2 && p->at < p->end && *p->at >= '0' && *p->at < '8'; i++) value = value * 8 + *p->at++ - '0';
    *out = value;
  } else if (!alphanumeric) {
    *out = c;
  } else {
    p->at--;
    return wrong(p, "bad escape sequence");
  }
  return NULL;
}

/* The next plain or escaped character. */
static tn_error *character(parser *p, int32_t *out) {
  if (*p->at == '\\') {
    p->at++;
    return escape(p, out);
  }
  int length;
  *out = tn_rune_at(p->at, (size_t)(p->end - p->at), &length);
  if (*out < 0) return wrong(p, "invalid UTF-8");
  p->at += length;
  return NULL;
}

/* One member of a bracketed class: a name, a character or a range. */
static tn_error *class_member(parser *p, tn_rune_set *set) {
  bool found;
  int32_t first, last;
  TN_TRY(posix_class(p, set, &found));
  if (found) return NULL;
  TN_TRY(perl_class(p, set, &found));
  if (found) return NULL;
  TN_TRY(character(p, &first));
  last = first;
  if (p->end - p->at >= 2 && p->at[0] == '-' && p->at[1] != ']') {
    p->at++;
    TN_TRY(character(p, &last));
    if (last < first) return wrong(p, "bad character class range");
  }
  return add_folded(p, set, first, last);
}

/* A bracketed class, behind its '['. */
static tn_error *bracket(parser *p, tn_regex_tree **out) {
  tn_rune_set set = {0};
  bool negate = p->at < p->end && *p->at == '^', first = true;
  if (negate) p->at++;
  while (p->at < p->end && (first || *p->at != ']')) {
    first = false;
    TN_TRY(class_member(p, &set));
  }
  if (p->at == p->end) return wrong(p, "missing ]");
  p->at++;
  TN_TRY(new_tree(p, TN_REGEX_SET, out));
  if (negate) return add_complement(p, &(*out)->set, &set);
  (*out)->set = set;
  return NULL;
}

/* --- atoms --- */

static tn_error *alternatives(parser *p, tn_regex_tree **out);

/* "i-s:" or "i)" behind "(?": *GROUP tells whether a group follows. */
static tn_error *read_flags(parser *p, bool *group) {
  bool on = true;
  for (; p->at < p->end; p->at++) {
    switch (*p->at) {
    case '-': on = false; break;
    case 'i': p->f.fold = on; break;
    case 's': p->f.dot_all = on; break;
    case 'm': p->f.lines = on; break;
    case 'U': p->f.lazy = on; break;
    case ':':
    case ')': *group = *p->at++ == ':'; return NULL;
    default: return wrong(p, "bad group flags");
    }
  }
  return wrong(p, "missing )");
}

/* "P<name>" or "<name>" behind "(?": *FOUND false if there is no name. */
static tn_error *read_name(parser *p, bool *found) {
  const char *at = p->at;
  if (at < p->end && *at == 'P') at++;
  *found = at < p->end && *at == '<';
  if (!*found) return NULL;
  const char *stop = memchr(at, '>', (size_t)(p->end - at));
  if (!stop || stop == at + 1) return wrong(p, "bad group name");
  p->at = stop + 1;
  return NULL;
}

/* A group, behind its '('. Flags inside hold up to its end; flags without a group up to the end of the one around. */
static tn_error *group(parser *p, tn_regex_tree **out) {
  flags before = p->f;
  bool inside = true, keeps = true;
  if (p->at < p->end && *p->at == '?') {
    bool has_name;
    p->at++;
    TN_TRY(read_name(p, &has_name));
    if (!has_name) TN_TRY(read_flags(p, &inside));
    keeps = has_name;
  }
  if (!inside) return new_tree(p, TN_REGEX_EMPTY, out);
  int number = keeps ? ++p->groups : 0;
  if (++p->depth > MAX_NESTING) return wrong(p, "nested too deeply");
  TN_TRY(alternatives(p, out));
  p->depth--;
  if (p->at == p->end) return wrong(p, "missing )");
  p->at++;
  p->f = before;
  if (!keeps) return NULL;
  tn_regex_tree *whole;
  TN_TRY(new_tree(p, TN_REGEX_GROUP, &whole));
  whole->min = number;
  add_child(whole, *out);
  *out = whole;
  return NULL;
}

/* \Q...\E: its text as it is. */
static tn_error *quoted(parser *p, tn_regex_tree **out) {
  p->at += 2;
  TN_TRY(new_tree(p, TN_REGEX_JOIN, out));
  while (p->at < p->end && !(p->end - p->at >= 2 && p->at[0] == '\\' && p->at[1] == 'E')) {
    int length;
    tn_regex_tree *one;
    int32_t rune = tn_rune_at(p->at, (size_t)(p->end - p->at), &length);
    if (rune < 0) return wrong(p, "invalid UTF-8");
    TN_TRY(new_tree(p, TN_REGEX_SET, &one));
    TN_TRY(add_folded(p, &one->set, rune, rune));
    add_child(*out, one);
    p->at += length;
  }
  p->at += p->at < p->end ? 2 : 0;
  return NULL;
}

/* Places in the text: ^ $ \A \z \b \B. *OUT NULL if there is none here. */
static tn_error *place(parser *p, tn_regex_tree **out) {
  char c = *p->at, e = c == '\\' && p->end - p->at >= 2 ? p->at[1] : 0;
  tn_regex_kind kind;
  *out = NULL;
  if (c == '^')
    kind = p->f.lines ? TN_REGEX_LINE_BEGIN : TN_REGEX_TEXT_BEGIN;
  else if (c == '$')
    kind = p->f.lines ? TN_REGEX_LINE_END : TN_REGEX_TEXT_END;
  else if (e == 'A')
    kind = TN_REGEX_TEXT_BEGIN;
  else if (e == 'z')
    kind = TN_REGEX_TEXT_END;
  else if (e == 'b' || e == 'B')
    kind = e == 'b' ? TN_REGEX_WORD : TN_REGEX_NOT_WORD;
  else
    return NULL;
  p->at += e ? 2 : 1;
  return new_tree(p, kind, out);
}

static tn_error *atom(parser *p, tn_regex_tree **out) {
  TN_TRY(place(p, out));
  if (*out) return NULL;
  switch (*p->at) {
  case '(': p->at++; return group(p, out);
  case '[': p->at++; return bracket(p, out);
  case '*':
  case '+':
  case '?': return wrong(p, "no argument for repetition operator");
  default: break;
  }
  if (p->end - p->at >= 2 && p->at[0] == '\\' && p->at[1] == 'Q') return quoted(p, out);
  TN_TRY(new_tree(p, TN_REGEX_SET, out));
  if (*p->at == '.') {
    p->at++;
    if (p->f.dot_all) return add_range(p, &(*out)->set, 0, TN_MAX_RUNE);
    TN_TRY(add_range(p, &(*out)->set, 0, '\n' - 1));
    return add_range(p, &(*out)->set, '\n' + 1, TN_MAX_RUNE);
  }
  bool found;
  TN_TRY(perl_class(p, &(*out)->set, &found));
  if (found) return NULL;
  int32_t rune;
  TN_TRY(character(p, &rune));
  return add_folded(p, &(*out)->set, rune, rune);
}

/* --- repetitions --- */

static bool number(const char **at, const char *end, int *out) {
  int value = 0;
  const char *begin = *at;
  for (; *at < end && **at >= '0' && **at <= '9'; (*at)++)
    if (value <= MAX_REPEAT) value = value * 10 + **at - '0';
  *out = value;
  return *at > begin;
}

/* "{2,3}" at P; where it is no repetition the brace is a plain character. */
static bool braces(parser *p, int *min, int *max) {
  const char *at = p->at + 1;
  if (!number(&at, p->end, min)) return false;
  *max = *min;
  if (at < p->end && *at == ',') {
    at++;
    if (!number(&at, p->end, max)) *max = -1;
  }
  if (at == p->end || *at != '}') return false;
  p->at = at + 1;
  return true;
}

static bool repetition(parser *p, int *min, int *max) {
  if (p->at == p->end) return false;
  char c = *p->at;
  if (c == '{') return braces(p, min, max);
  if (c != '*' && c != '+' && c != '?') return false;
  *min = c == '+' ? 1 : 0;
  *max = c == '?' ? 1 : -1;
  p->at++;
  return true;
}

static tn_error *repeated(parser *p, tn_regex_tree **out) {
  int min, max, again;
  TN_TRY(atom(p, out));
  if (!repetition(p, &min, &max)) return NULL;
  if (min > MAX_REPEAT || max > MAX_REPEAT || (max >= 0 && max < min)) return wrong(p, "bad repetition size");
  bool lazy = p->f.lazy;
  if (p->at < p->end && *p->at == '?') {
    lazy = !lazy;
    p->at++;
  }
  if (repetition(p, &again, &again)) return wrong(p, "bad repetition operator");
  tn_regex_tree *repeat;
  TN_TRY(new_tree(p, TN_REGEX_REPEAT, &repeat));
  repeat->min = min;
  repeat->max = max;
  repeat->lazy = lazy;
  add_child(repeat, *out);
  *out = repeat;
  return NULL;
}

static tn_error *alternatives(parser *p, tn_regex_tree **out) {
  TN_TRY(new_tree(p, TN_REGEX_EITHER, out));
  for (;;) {
    tn_regex_tree *join, *one;
    TN_TRY(new_tree(p, TN_REGEX_JOIN, &join));
    while (p->at < p->end && *p->at != '|' && *p->at != ')') {
      TN_TRY(repeated(p, &one));
      add_child(join, one);
    }
    add_child(*out, join);
    if (p->at == p->end || *p->at != '|') return NULL;
    p->at++;
  }
}

tn_error *tn_regex_parse(tn_arena *arena, const char *pattern, size_t size, tn_regex_tree **out, int *groups) {
  parser p = {.arena = arena, .at = pattern, .begin = pattern, .end = pattern + size};
  TN_TRY(alternatives(&p, out));
  *groups = p.groups;
  return p.at == p.end ? NULL : wrong(&p, "unexpected )");
}
