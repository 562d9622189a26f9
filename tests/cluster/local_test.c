/* The transport inside one process: calls, errors, deadlines, cancellation, closing. */
#include "cluster/local.h"

#include <string.h>

#include "cluster/rpc_cases.h"

static tn_error *make(tn_transport **out) { return tn_local_new(out); }

int main(void) { return rpc_cases_run("local", make, "a:0"); }
