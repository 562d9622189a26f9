/* The text cursor with which the parsers of op definitions work. */
#ifndef TN_GRAPH_OP_PARSE_H
#define TN_GRAPH_OP_PARSE_H

#include "base/alloc.h"
#include "graph/op.h"

typedef struct tn_op_parser {
  const tn_op_def *op;
  const char *text; /* the field that is being read, for messages */
  const char *p;
  tn_arena *arena; /* owns all that the parsers make */
} tn_op_parser;

/* INTERNAL: what was expected, and the text from the cursor on. */
tn_error *tn_op_parse_error(const tn_op_parser *s, const char *expected) TN_MUST_USE;
void tn_op_skip_space(tn_op_parser *s);
/* Skips space, then takes TOKEN if it comes next. */
bool tn_op_take(tn_op_parser *s, const char *token);
tn_error *tn_op_expect(tn_op_parser *s, const char *token) TN_MUST_USE;
/* A name of letters, digits and '_'. */
tn_error *tn_op_parse_name(tn_op_parser *s, const char **out) TN_MUST_USE;
/* "float", "int32", "DT_FLOAT". */
tn_error *tn_op_parse_type(tn_op_parser *s, tn_dtype *out) TN_MUST_USE;
/* Text in single or double quotes, with \n \t \\ \' \" \xHH. */
tn_error *tn_op_parse_string(tn_op_parser *s, tn_string *out) TN_MUST_USE;
tn_error *tn_op_parse_int(tn_op_parser *s, int64_t *out) TN_MUST_USE;
/* A default of the kind that ATTR says: "3", "[DT_INT32, DT_FLOAT]", "'SAME'", "unknown", ... */
tn_error *tn_op_parse_default(tn_op_parser *s, tn_attr_def *attr) TN_MUST_USE;
/* The whole definition of op S->op. */
tn_error *tn_op_parse(tn_op_parser *s, tn_op_schema *out) TN_MUST_USE;

#endif
