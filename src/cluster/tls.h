/* TLS by OpenSSL, which is loaded when first used: it takes a millisecond that most programs need not spend. */
#ifndef TN_CLUSTER_TLS_H
#define TN_CLUSTER_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <tenon/error.h>

typedef struct tn_tls_context tn_tls_context;
typedef struct tn_tls tn_tls;

/* What one side has: PEM files, each of which may be NULL as tn_http2_options says. INVALID_ARGUMENT names the file. */
tn_error *tn_tls_context_new(bool server, const char *certificate, const char *key, const char *authority,
                             tn_tls_context **out) TN_MUST_USE;
void tn_tls_context_free(tn_tls_context *context);

/* TLS on the connected, not blocking socket FD; a client checks the certificate for HOST. */
tn_error *tn_tls_new(tn_tls_context *context, int fd, const char *host, tn_tls **out) TN_MUST_USE;
void tn_tls_free(tn_tls *tls);
/* *DONE is false where it waits for the peer or (tn_tls_wants_write) for room to write. UNAVAILABLE says why not. */
tn_error *tn_tls_handshake(tn_tls *tls, bool *done) TN_MUST_USE;
bool tn_tls_wants_write(const tn_tls *tls);
/* As read and writev: -1 with errno, EAGAIN where they would wait. */
ssize_t tn_tls_read(tn_tls *tls, void *data, size_t size);
ssize_t tn_tls_write(tn_tls *tls, const struct iovec *parts, int n);

#endif
