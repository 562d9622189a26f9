/* Reads kubeconfig files and service accounts. */
#include "kube/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "base/str.h"
#include "io/file.h"
#include "kube/yaml.h"

#define ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount/"

static tn_error *copy(const char *text, char **out) {
  if (!text) return NULL;
  *out = tn_strdup(text);
  return *out ? NULL : tn_out_of_memory();
}

/* PATH as it is seen from the folder that the file BASE lies in. */
static tn_error *beside(const char *base, const char *path, char **out) {
  const char *slash = strrchr(base, '/');
  if (*path == '/' || !slash) return copy(path, out);
  tn_str s = {0};
  tn_str_addf(&s, "%.*s/%s", (int)(slash - base), base, path);
  return tn_str_take(&s, out, NULL);
}

/* The credential NAME of OBJECT: in NAME-data in base64, or in the file that NAME says. */
static tn_error *read_credential(const json_t *object, const char *name, const char *file, tn_credential *out) {
  char key[64];
  snprintf(key, sizeof key, "%s-data", name);
  const char *data = json_string_value(json_object_get(object, key)),
             *path = json_string_value(json_object_get(object, name));
  if (!data) return path ? beside(file, path, &out->path) : NULL;
  tn_str bytes = {0};
  if (tn_base64_decode(&bytes, tn_base64_standard, data, strlen(data)))
    return tn_str_take(&bytes, &out->data, &out->size);
  tn_str_clear(&bytes);
  return tn_errorf(TN_INVALID_ARGUMENT, "%s is not base64", key);
}

/* The part of the named element of a list: users are {name, user}. */
static tn_error *find_named(const json_t *config, const char *list, const char *part, const char *name, json_t **out) {
  json_t *found = tn_json_find(config, list, "name", name ? name : "");
  *out = json_object_get(found, part);
  return *out ? NULL : tn_errorf(TN_NOT_FOUND, "there is no %s called '%s'", part, name ? name : "");
}

static tn_error *read_user(const json_t *user, const char *file, tn_kube_config *out) {
  if (json_object_get(user, "exec") || json_object_get(user, "auth-provider"))
    return tn_errorf(TN_UNIMPLEMENTED,
                     "the user gets its credentials from a plug-in (exec or auth-provider), which is not supported: "
                     "use a client certificate or a token, for example of `kubectl create token`");
  TN_TRY(read_credential(user, "client-certificate", file, &out->certificate));
  TN_TRY(read_credential(user, "client-key", file, &out->key));
  const char *token = tn_json_text(user, "token"), *path = tn_json_text(user, "tokenFile");
  if (path) return beside(file, path, &out->token.path);
  if (!token) return NULL;
  out->token.size = strlen(token);
  return copy(token, &out->token.data);
}

static tn_error *read_cluster(const json_t *cluster, const char *file, tn_kube_config *out) {
  const char *server = tn_json_text(cluster, "server");
  if (!server) return tn_errorf(TN_INVALID_ARGUMENT, "the cluster has no server");
  TN_TRY(copy(server, &out->server));
  for (size_t n = strlen(out->server); n > 0 && out->server[n - 1] == '/'; n--) out->server[n - 1] = 0;
  TN_TRY(copy(tn_json_text(cluster, "tls-server-name"), &out->server_name));
  out->insecure = tn_json_flag(cluster, "insecure-skip-tls-verify", false);
  return read_credential(cluster, "certificate-authority", file, &out->ca);
}

static tn_error *read_config(const json_t *config, const char *file, const char *name, tn_kube_config *out) {
  json_t *context, *cluster, *user;
  if (!name) name = tn_json_text(config, "current-context");
  if (!name) return tn_errorf(TN_NOT_FOUND, "no current-context is set: name one with --context");
  TN_TRY(find_named(config, "contexts", "context", name, &context));
  TN_TRY(find_named(config, "clusters", "cluster", tn_json_text(context, "cluster"), &cluster));
  TN_TRY(find_named(config, "users", "user", tn_json_text(context, "user"), &user));
  const char *ns = tn_json_text(context, "namespace");
  TN_TRY(copy(ns ? ns : "default", &out->ns));
  TN_TRY(read_cluster(cluster, file, out));
  return read_user(user, file, out);
}

/* What a pod finds of its service account. */
static tn_error *read_account(tn_kube_config *out) {
  const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");
  if (!host || !port)
    return tn_errorf(TN_NOT_FOUND,
                     "no cluster is configured: there is neither --kubeconfig, nor $KUBECONFIG, nor ~/.kube/config, "
                     "and this does not run in a pod");
  tn_str server = {0};
  tn_str_addf(&server, strchr(host, ':') ? "https://[%s]:%s" : "https://%s:%s", host, port);
  TN_TRY(tn_str_take(&server, &out->server, NULL));
  size_t size;
  tn_error *error = tn_file_read(ACCOUNT "namespace", &out->ns, &size);
  tn_error_free(error);
  if (error) TN_TRY(copy("default", &out->ns));
  TN_TRY(copy(ACCOUNT "ca.crt", &out->ca.path));
  return copy(ACCOUNT "token", &out->token.path);
}

/* The kubeconfig that is to be used; *OUT is NULL if there is none. */
static tn_error *find_file(const char *path, char **out) {
  const char *all = getenv("KUBECONFIG"), *home = getenv("HOME");
  if (path) return copy(path, out);
  for (const char *rest = all; rest && *rest;) {
    size_t size = strcspn(rest, ":");
    char *one = tn_strndup(rest, size);
    if (!one) return tn_out_of_memory();
    if (size && tn_file_exists(one)) {
      *out = one;
      return NULL;
    }
    tn_free(one);
    rest += size + (rest[size] == ':');
  }
  tn_str s = {0};
  tn_str_addf(&s, "%s/.kube/config", home ? home : "");
  TN_TRY(tn_str_take(&s, out, NULL));
  if (tn_file_exists(*out)) return NULL;
  tn_free(*out);
  *out = NULL;
  return NULL;
}

static tn_error *load(const char *path, const char *context, tn_kube_config *out) {
  char *file = NULL;
  TN_TRY(find_file(path, &file));
  if (!file) return read_account(out);
  json_t *documents = NULL;
  tn_error *error = tn_yaml_read(file, &documents);
  if (!error) error = tn_error_context(read_config(json_array_get(documents, 0), file, context, out), "%s", file);
  json_decref(documents);
  tn_free(file);
  return error;
}

tn_error *tn_kube_config_load(const char *path, const char *context, tn_kube_config *out) {
  tn_kube_config config = {0};
  tn_error *error = load(path, context, &config);
  if (error) {
    tn_kube_config_clear(&config);
    return error;
  }
  *out = config;
  return NULL;
}

static void clear_credential(tn_credential *credential) {
  tn_free(credential->data);
  tn_free(credential->path);
}

void tn_kube_config_clear(tn_kube_config *config) {
  tn_free(config->server);
  tn_free(config->ns);
  tn_free(config->server_name);
  clear_credential(&config->ca);
  clear_credential(&config->certificate);
  clear_credential(&config->key);
  clear_credential(&config->token);
  *config = (tn_kube_config){0};
}
