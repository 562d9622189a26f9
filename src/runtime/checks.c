/* Checks of what a caller feeds and fetches. */
#include "runtime/session.h"

static tn_error *check_output(const tn_session *session, tn_output output, const char *what, int lowest) {
  if (!output.node) return tn_errorf(TN_INVALID_ARGUMENT, "a %s is no tensor of a graph", what);
  if (output.node->graph != session->graph) {
    return tn_errorf(TN_INVALID_ARGUMENT, "the %s '%s' is not in this session's graph", what, output.node->name);
  }
  if (output.index < lowest || output.index >= output.node->n_outputs) {
    return tn_errorf(TN_INVALID_ARGUMENT, "the %s '%s:%d' does not exist: %s has %d outputs", what, output.node->name,
                     output.index, output.node->op->name, output.node->n_outputs);
  }
  return NULL;
}

tn_error *tn_check_signature(const tn_session *session, const tn_step_signature *signature) {
  for (size_t i = 0; i < signature->n_feeds; i++) TN_TRY(check_output(session, signature->feeds[i], "feed", 0));
  for (size_t i = 0; i < signature->n_fetches; i++) TN_TRY(check_output(session, signature->fetches[i], "fetch", -1));
  for (size_t i = 0; i < signature->n_targets; i++) {
    TN_TRY(check_output(session, (tn_output){signature->targets[i], -1}, "target", -1));
  }
  return NULL;
}

tn_error *tn_check_feed(tn_output feed, const tn_tensor *value) {
  const char *name = feed.node->name;
  if (!value) return tn_errorf(TN_INVALID_ARGUMENT, "no value was fed for '%s:%d'", name, feed.index);
  tn_dtype dtype = tn_dtype_base(feed.node->output_types[feed.index]);
  if (value->dtype != dtype) {
    return tn_errorf(TN_INVALID_ARGUMENT, "the value fed for '%s:%d' is %s; expected %s", name, feed.index,
                     tn_dtype_name(value->dtype), tn_dtype_name(dtype));
  }
  const tn_shape *want = &feed.node->output_shapes[feed.index];
  bool fits = want->rank < 0 || want->rank == value->shape.rank;
  for (int i = 0; fits && i < want->rank; i++) fits = want->dims[i] < 0 || want->dims[i] == value->shape.dims[i];
  if (fits) return NULL;
  return tn_errorf(TN_INVALID_ARGUMENT, "the value fed for '%s:%d' has shape %s; expected %s", name, feed.index,
                   TN_SHAPE_STR(&value->shape), TN_SHAPE_STR(want));
}
