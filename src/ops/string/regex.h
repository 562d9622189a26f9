/* Regular expressions in RE2's syntax, matched in time linear in the text. What is there: literals, '.', classes with
 * ranges, \d \s \w and POSIX names, groups (all kinds), alternatives, * + ? {n,m} and their lazy forms, ^ $ \A \z \b
 * \B, \Q..\E, the flags i (of ASCII letters), m, s and U. What is not: \p{..} and \C, which are errors. Text is UTF-8;
 * broken bytes match nothing. */
#ifndef TN_OPS_STRING_REGEX_H
#define TN_OPS_STRING_REGEX_H

#include <tenon/tensor.h>

typedef struct tn_regex tn_regex;

/* Compiles PATTERN. INVALID_ARGUMENT says what is wrong where. */
tn_error *tn_regex_new(const char *pattern, size_t size, tn_regex **out) TN_MUST_USE;
void tn_regex_free(tn_regex *regex);
/* Bytes of scratch (8-byte aligned) that matching needs. */
size_t tn_regex_scratch(const tn_regex *regex);
/* True if the whole of TEXT matches. */
bool tn_regex_full_match(const tn_regex *regex, const char *text, size_t size, void *scratch);

enum { TN_REGEX_GROUPS = 10 };
/* Where groups 0 (all of it) to 9 of a match begin and end; -1: nowhere. */
typedef struct tn_regex_places {
  int64_t at[2 * TN_REGEX_GROUPS];
} tn_regex_places;

/* What searching needs beside the expression; one thread at a time may use it. */
typedef struct tn_regex_searcher tn_regex_searcher;
tn_error *tn_regex_searcher_new(const tn_regex *regex, tn_regex_searcher **out) TN_MUST_USE;
void tn_regex_searcher_free(tn_regex_searcher *searcher);
/* The leftmost match at or behind byte FROM; as RE2 it prefers what is written first. False: there is none. */
bool tn_regex_search(tn_regex_searcher *searcher, const tn_string *text, size_t from, tn_regex_places *out);
/* The number of parentheses that keep their place. */
int tn_regex_groups(const tn_regex *regex);

#endif
