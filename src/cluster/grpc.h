/* gRPC's words over HTTP/2: status codes, messages, timeouts. */
#ifndef TN_CLUSTER_GRPC_H
#define TN_CLUSTER_GRPC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum { TN_GRPC_PREFIX = 5 }; /* a byte for compression and four for the size, before each message */

/* A message as it stands in grpc-message: what is not printable ASCII as %XX. Of a very long one only the beginning, as
 * TensorFlow does it: peers refuse large headers. */
void tn_grpc_encode(tn_str *out, const char *text);
/* Back, in place; what is no %XX stays as it is. */
void tn_grpc_decode(char *text);
/* "1500m" for NS nanoseconds (at least 0): at most eight digits and a unit, rounded up. */
void tn_grpc_put_timeout(int64_t ns, char text[16]);
/* Nanoseconds (saturating) of a timeout's text; false if it is none. */
bool tn_grpc_timeout(const char *text, size_t size, int64_t *ns);
/* The code that a reply without a gRPC status means, from its HTTP status or its HTTP/2 error code. */
tn_code tn_grpc_code_of_http(int status);
tn_code tn_grpc_code_of_reset(uint32_t http2_error);

#endif
