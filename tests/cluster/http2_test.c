/* The transport over HTTP/2: the cases of all transports over TCP and a Unix socket. */
#include "cluster/http2.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cluster/rpc_cases.h"

static tn_error *make(tn_transport **out) { return tn_http2_new(NULL, out); }

int main(void) {
  char path[64];
  snprintf(path, sizeof path, "unix:/tmp/tenon-test-%d", (int)getpid());
  return rpc_cases_run("tcp", make, "127.0.0.1:0") + rpc_cases_run("ipv6", make, "[::1]:0") +
         rpc_cases_run("unix", make, path);
}
