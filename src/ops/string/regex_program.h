/* What a regular expression is compiled to, and the tree between. */
#ifndef TN_OPS_STRING_REGEX_PROGRAM_H
#define TN_OPS_STRING_REGEX_PROGRAM_H

#include "base/alloc.h"
#include "ops/string/regex.h"

#define TN_MAX_RUNE 0x10ffff

/* A set of code points: RANGES pairs, first to last, both inside. */
typedef struct tn_rune_set {
  int n, capacity;
  int32_t *ranges; /* in the regex's arena */
} tn_rune_set;

typedef enum tn_regex_kind {
  TN_REGEX_EMPTY,
  TN_REGEX_SET,
  TN_REGEX_JOIN,   /* the children one after the other */
  TN_REGEX_EITHER, /* one of the children */
  TN_REGEX_REPEAT, /* the child MIN to MAX (-1: any number of) times */
  TN_REGEX_TEXT_BEGIN,
  TN_REGEX_TEXT_END,
  TN_REGEX_LINE_BEGIN,
  TN_REGEX_LINE_END,
  TN_REGEX_WORD,
  TN_REGEX_NOT_WORD,
  TN_REGEX_GROUP /* the child, whose place is kept as that of group MIN */
} tn_regex_kind;

typedef struct tn_regex_tree {
  tn_regex_kind kind;
  int min, max;
  bool lazy; /* a repeat: as few as it takes */
  tn_rune_set set;
  struct tn_regex_tree *child, *last, *next;
} tn_regex_tree;

typedef enum tn_regex_code {
  TN_CODE_SET,
  TN_CODE_FORK,
  TN_CODE_GO,
  TN_CODE_ASSERT,
  TN_CODE_MATCH,
  TN_CODE_SAVE
} tn_regex_code;

typedef struct tn_regex_step {
  tn_regex_code code;
  tn_regex_kind assertion;
  int a, b; /* where to go on, A first; SET and ASSERT go on with the next step; SAVE keeps the place as number A */
  const tn_rune_set *set;
} tn_regex_step;

struct tn_regex {
  tn_arena *arena;
  int n, capacity;
  int groups; /* in parentheses */
  int work;   /* trees compiled: repeats of nothing make no steps, but take time */
  tn_regex_step *steps;
};

/* Parses PATTERN into a tree in ARENA; *GROUPS counts its parentheses. */
tn_error *tn_regex_parse(tn_arena *arena, const char *pattern, size_t size, tn_regex_tree **out,
                         int *groups) TN_MUST_USE;
/* The code point at TEXT (SIZE > 0) and its number of bytes; -1 and 1 where the bytes are no UTF-8. */
int32_t tn_rune_at(const char *text, size_t size, int *length);

/* What assertions look at: TEXT around place AT. */
bool tn_regex_holds(tn_regex_kind assertion, const char *text, size_t size, size_t at);
bool tn_rune_in(const tn_rune_set *set, int32_t rune);

#endif
