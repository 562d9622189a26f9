/* TLS by OpenSSL, opened when first used. */
#include "cluster/tls.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"

/* All that is used of OpenSSL; those of libcrypto are found through libssl. */
#define FUNCTIONS(F)                                                                                                   \
  F(TLS_client_method)                                                                                                 \
  F(TLS_server_method)                                                                                                 \
  F(SSL_CTX_new)                                                                                                       \
  F(SSL_CTX_free)                                                                                                      \
  F(SSL_CTX_ctrl)                                                                                                      \
  F(SSL_CTX_set_options)                                                                                               \
  F(SSL_CTX_use_certificate_chain_file)                                                                                \
  F(SSL_CTX_use_PrivateKey_file)                                                                                       \
  F(SSL_CTX_check_private_key)                                                                                         \
  F(SSL_CTX_load_verify_locations)                                                                                     \
  F(SSL_CTX_set_default_verify_paths)                                                                                  \
  F(SSL_CTX_set_verify)                                                                                                \
  F(SSL_CTX_set_alpn_protos)                                                                                           \
  F(SSL_CTX_set_alpn_select_cb)                                                                                        \
  F(SSL_new)                                                                                                           \
  F(SSL_free)                                                                                                          \
  F(SSL_ctrl)                                                                                                          \
  F(SSL_set_fd)                                                                                                        \
  F(SSL_set1_host)                                                                                                     \
  F(SSL_get0_param)                                                                                                    \
  F(X509_VERIFY_PARAM_set1_ip_asc)                                                                                     \
  F(SSL_set_connect_state)                                                                                             \
  F(SSL_set_accept_state)                                                                                              \
  F(SSL_do_handshake)                                                                                                  \
  F(SSL_get0_alpn_selected)                                                                                            \
  F(SSL_get_verify_result)                                                                                             \
  F(X509_verify_cert_error_string)                                                                                     \
  F(SSL_read)                                                                                                          \
  F(SSL_write)                                                                                                         \
  F(SSL_get_error)                                                                                                     \
  F(SSL_want)                                                                                                          \
  F(ERR_get_error)                                                                                                     \
  F(ERR_clear_error)                                                                                                   \
  F(ERR_reason_error_string)

#define MEMBER(name) __typeof__(name) *name;
static struct { FUNCTIONS(MEMBER) } ssl;
static const char *missing; /* why it is not there */

static void load(void) {
  void *library = dlopen("libssl.so.3", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    missing = "libssl.so.3 (OpenSSL 3) is not installed";
    return;
  }
#define FIND(name)                                                                                                     \
  *(void **)&ssl.name = dlsym(library, #name);                                                                         \
  if (!ssl.name) missing = "libssl.so.3 lacks " #name;
  FUNCTIONS(FIND)
}

enum { STAGE = 16384 }; /* the most that one record of TLS holds */

struct tn_tls_context {
  SSL_CTX *ssl;
  bool server;
};

struct tn_tls {
  SSL *ssl;
  /* Bytes that SSL_write has been given and has not taken yet: it wants the same again. */
  size_t staged;
  char stage[STAGE];
};

/* OpenSSL's own words for the last error. */
static const char *reason(void) {
  const char *text = ssl.ERR_reason_error_string(ssl.ERR_get_error());
  ssl.ERR_clear_error();
  return text ? text : "no reason is given";
}

/* --- contexts --- */

static int select_protocol(SSL *s, const unsigned char **out, unsigned char *size, const unsigned char *in,
                           unsigned int in_size, void *argument) {
  (void)s;
  (void)argument;
  for (unsigned int i = 0; i < in_size; i += in[i] + 1u) {
    if (in[i] != 2 || i + 3 > in_size || memcmp(in + i + 1, "h2", 2)) continue;
    *out = in + i + 1;
    *size = 2;
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static tn_error *use_files(tn_tls_context *c, const char *certificate, const char *key, const char *authority) {
  if (certificate && ssl.SSL_CTX_use_certificate_chain_file(c->ssl, certificate) != 1)
    return tn_errorf(TN_INVALID_ARGUMENT, "%s holds no certificate that can be used: %s", certificate, reason());
  if (key && ssl.SSL_CTX_use_PrivateKey_file(c->ssl, key, SSL_FILETYPE_PEM) != 1)
    return tn_errorf(TN_INVALID_ARGUMENT, "%s holds no key that can be used: %s", key, reason());
  if (certificate && ssl.SSL_CTX_check_private_key(c->ssl) != 1)
    return tn_errorf(TN_INVALID_ARGUMENT, "the key %s is not that of the certificate %s", key ? key : "(none)",
                     certificate);
  if (authority && ssl.SSL_CTX_load_verify_locations(c->ssl, authority, NULL) != 1)
    return tn_errorf(TN_INVALID_ARGUMENT, "%s holds no certificate authority: %s", authority, reason());
  if (!authority) ssl.SSL_CTX_set_default_verify_paths(c->ssl);
  return NULL;
}

tn_error *tn_tls_context_new(bool server, const char *certificate, const char *key, const char *authority,
                             tn_tls_context **out) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load);
  if (missing) return tn_errorf(TN_UNIMPLEMENTED, "there is no TLS: %s", missing);
  tn_tls_context *c = tn_calloc(1, sizeof *c);
  if (c) c->ssl = ssl.SSL_CTX_new(server ? ssl.TLS_server_method() : ssl.TLS_client_method());
  if (!c || !c->ssl) {
    tn_free(c);
    return tn_out_of_memory();
  }
  c->server = server;
  ssl.SSL_CTX_ctrl(c->ssl, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, NULL);
  ssl.SSL_CTX_ctrl(c->ssl, SSL_CTRL_MODE, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER, NULL);
  ssl.SSL_CTX_set_options(c->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  if (server)
    ssl.SSL_CTX_set_alpn_select_cb(c->ssl, select_protocol, NULL);
  else
    ssl.SSL_CTX_set_alpn_protos(c->ssl, (const unsigned char *)"\2h2", 3);
  int demand = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  ssl.SSL_CTX_set_verify(c->ssl, server && !authority ? SSL_VERIFY_NONE : demand, NULL);
  tn_error *error = use_files(c, certificate, key, authority);
  if (error)
    tn_tls_context_free(c);
  else
    *out = c;
  return error;
}

void tn_tls_context_free(tn_tls_context *c) {
  if (!c) return;
  ssl.SSL_CTX_free(c->ssl);
  tn_free(c);
}

/* --- connections --- */

static bool is_number(const char *host) {
  char bytes[16];
  return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* The certificate has to be HOST's. */
static bool expect_host(tn_tls *t, const char *host) {
  if (is_number(host)) return ssl.X509_VERIFY_PARAM_set1_ip_asc(ssl.SSL_get0_param(t->ssl), host) == 1;
  ssl.SSL_ctrl(t->ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, (void *)host);
  return ssl.SSL_set1_host(t->ssl, host) == 1;
}

tn_error *tn_tls_new(tn_tls_context *context, int fd, const char *host, tn_tls **out) {
  tn_tls *t = tn_calloc(1, sizeof *t);
  if (!t) return tn_out_of_memory();
  t->ssl = ssl.SSL_new(context->ssl);
  if (!t->ssl || ssl.SSL_set_fd(t->ssl, fd) != 1 || (!context->server && !expect_host(t, host))) {
    tn_tls_free(t);
    return tn_errorf(TN_UNAVAILABLE, "no TLS for '%s': %s", host, reason());
  }
  if (context->server)
    ssl.SSL_set_accept_state(t->ssl);
  else
    ssl.SSL_set_connect_state(t->ssl);
  *out = t;
  return NULL;
}

void tn_tls_free(tn_tls *t) {
  if (!t) return;
  ssl.SSL_free(t->ssl);
  tn_free(t);
}

static tn_error *handshake_error(tn_tls *t, int kind) {
  long verdict = ssl.SSL_get_verify_result(t->ssl);
  if (verdict != X509_V_OK)
    return tn_errorf(TN_UNAVAILABLE, "the peer's certificate is refused: %s",
                     ssl.X509_verify_cert_error_string(verdict));
  if (kind == SSL_ERROR_SYSCALL || kind == SSL_ERROR_ZERO_RETURN)
    return tn_errorf(TN_UNAVAILABLE, "the peer closed the connection while TLS began");
  return tn_errorf(TN_UNAVAILABLE, "TLS could not begin: %s", reason());
}

tn_error *tn_tls_handshake(tn_tls *t, bool *done) {
  ssl.ERR_clear_error();
  int status = ssl.SSL_do_handshake(t->ssl);
  *done = status == 1;
  if (!*done) {
    int kind = ssl.SSL_get_error(t->ssl, status);
    return kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE ? NULL : handshake_error(t, kind);
  }
  const unsigned char *protocol;
  unsigned int size;
  ssl.SSL_get0_alpn_selected(t->ssl, &protocol, &size);
  if (size == 2 && !memcmp(protocol, "h2", 2)) return NULL;
  return tn_errorf(TN_UNAVAILABLE, "the peer's TLS does not offer HTTP/2");
}

bool tn_tls_wants_write(const tn_tls *t) { return ssl.SSL_want(t->ssl) == SSL_WRITING; }

/* The result of SSL_read or SSL_write as read's. */
static ssize_t result(tn_tls *t, int n) {
  if (n > 0) return n;
  switch (ssl.SSL_get_error(t->ssl, n)) {
  case SSL_ERROR_WANT_READ:
  case SSL_ERROR_WANT_WRITE: errno = EAGAIN; return -1;
  case SSL_ERROR_ZERO_RETURN: return 0;
  case SSL_ERROR_SYSCALL:
    if (!errno) errno = ECONNRESET;
    return -1;
  default:
    ssl.ERR_clear_error();
    errno = EPROTO;
    return -1;
  }
}

ssize_t tn_tls_read(tn_tls *t, void *data, size_t size) {
  ssl.ERR_clear_error();
  errno = 0;
  return result(t, ssl.SSL_read(t->ssl, data, size > (1 << 30) ? 1 << 30 : (int)size));
}

/* Puts the beginning of PARTS, after what is there already, into the stage. */
static void fill(tn_tls *t, const struct iovec *parts, int n) {
  size_t at = 0;
  for (int i = 0; i < n && t->staged < STAGE; i++) {
    size_t end = at + parts[i].iov_len;
    if (end > t->staged) {
      size_t skip = t->staged > at ? t->staged - at : 0, left = parts[i].iov_len - skip;
      if (left > STAGE - t->staged) left = STAGE - t->staged;
      memcpy(t->stage + t->staged, (const char *)parts[i].iov_base + skip, left);
      t->staged += left;
    }
    at = end;
  }
}

ssize_t tn_tls_write(tn_tls *t, const struct iovec *parts, int n) {
  fill(t, parts, n);
  ssl.ERR_clear_error();
  errno = 0;
  ssize_t written = result(t, ssl.SSL_write(t->ssl, t->stage, (int)t->staged));
  if (written <= 0) {
    if (!written) errno = EPIPE;
    return -1;
  }
  t->staged -= (size_t)written;
  memmove(t->stage, t->stage + written, t->staged);
  return written;
}
