/* What op records say of themselves, for the tests of completeness. */
#include <tenon/testing.h>

#include "graph/op.h"

const char *tn_op_doc(const char *op) {
  const tn_op_def *def = tn_op_find(op);
  return def ? def->doc : NULL;
}

char tn_op_gradient_kind(const char *op) {
  const tn_op_def *def = tn_op_find(op);
  if (!def) return 0;
  if (def->gradient) return 'y';
  if (def->flags & TN_OP_NO_GRADIENT) return 'n';
  return def->flags & TN_OP_GRADIENT_UNREGISTERED ? 'u' : '?';
}
