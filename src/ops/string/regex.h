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

#endif
