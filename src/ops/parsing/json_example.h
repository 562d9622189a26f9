/* tf.Examples in JSON. */
#ifndef TN_OPS_PARSING_JSON_EXAMPLE_H
#define TN_OPS_PARSING_JSON_EXAMPLE_H

#include "base/str.h"
#include "kernel/kernel.h"

/* Adds the serialised Example that S describes to OUT. INVALID_ARGUMENT names the fault and the byte where it is. */
tn_error *tn_example_from_json(tn_string s, tn_str *out) TN_MUST_USE;

#endif
