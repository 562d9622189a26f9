/* Which apiserver to talk to, and as whom. */
#ifndef TN_KUBE_CONFIG_H
#define TN_KUBE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <tenon/error.h>

/* Bytes in memory, or the path of a file that holds them: files are read again for each connection, so that they can be
 * replaced while the program runs. All zero: not given. */
typedef struct tn_credential {
  char *data;
  size_t size;
  char *path;
} tn_credential;

typedef struct tn_kube_config {
  char *server; /* "https://HOST:PORT" */
  char *ns;     /* the namespace to work in */
  tn_credential ca, certificate, key, token;
  char *server_name; /* that the apiserver's certificate is for, if not the host; NULL */
  bool insecure;     /* the certificate is not checked */
} tn_kube_config;

/* Reads a kubeconfig: PATH, or $KUBECONFIG (the first file that exists), or ~/.kube/config; without any of them the
 * service account of the pod that this runs in. CONTEXT NULL: the current one. NOT_FOUND says where it looked;
 * UNIMPLEMENTED for users that need a plug-in. Free with tn_kube_config_clear. */
tn_error *tn_kube_config_load(const char *path, const char *context, tn_kube_config *out) TN_MUST_USE;
void tn_kube_config_clear(tn_kube_config *config);

#endif
