/* The transport over HTTP/2: its beginning and its end. */
#include "cluster/http2.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cluster/address.h"
#include "cluster/http2_impl.h"

static void destroy(tn_http2 *t) {
  tn_channels_free(t);
  tn_loop_unref(t->loop);
  for (int i = 0; i < TN_SHARE_COPIERS; i++) tn_loop_unref(t->copiers[i]);
  tn_tls_context_free(t->client_tls);
  tn_tls_context_free(t->server_tls);
  tn_pool_free(t->pool);
  tn_free(t->authorization);
  tn_free(t->server_name);
  tn_free(t->input);
  tn_free(t);
}

static void free_http2(tn_transport *transport) {
  tn_http2 *t = (tn_http2 *)transport;
  tn_loop_call(t->loop, tn_http2_end_client, t);
  tn_loop_stop(t->loop);
  for (int i = 0; i < TN_SHARE_COPIERS; i++)
    if (t->copiers[i]) tn_loop_stop(t->copiers[i]);
  destroy(t);
}

static void hold(tn_transport *transport) { tn_loop_hold(((tn_http2 *)transport)->loop); }

static void flush(tn_transport *transport) { tn_loop_flush(((tn_http2 *)transport)->loop); }

static tn_traffic traffic(tn_transport *transport) {
  tn_conn_traffic *t = &((tn_http2 *)transport)->traffic;
  return (tn_traffic){.network_in = atomic_load(&t->network_in),
                      .network_out = atomic_load(&t->network_out),
                      .local_in = atomic_load(&t->local_in),
                      .local_out = atomic_load(&t->local_out),
                      .shared_in = atomic_load(&t->shared_in),
                      .shared_out = atomic_load(&t->shared_out)};
}

static tn_error *set_token(tn_http2 *t, const char *token) {
  tn_str text = {0};
  size_t size;
  for (const char *at = token; *at; at++)
    if (*at < 0x21 || *at > 0x7e)
      return tn_errorf(TN_INVALID_ARGUMENT,
                       "a token may only hold printable ASCII without spaces; byte %zu of this one is not",
                       (size_t)(at - token));
  tn_str_addf(&text, "Bearer %s", token);
  return tn_str_take(&text, &t->authorization, &size);
}

static tn_error *set_up(tn_http2 *t, const tn_http2_options *o) {
  t->silence_ns = o->silence_ns > 0 ? o->silence_ns : (int64_t)5 * 1000000000;
  t->max_message = o->max_message ? o->max_message : (size_t)INT32_MAX;
  t->open = o->open;
  t->network_only = o->network_only;
  if (!t->input) return tn_out_of_memory();
  if (o->token) TN_TRY(set_token(t, o->token));
  if (o->server_name && !(t->server_name = tn_strdup(o->server_name))) return tn_out_of_memory();
  if (o->certificate && !o->key)
    return tn_errorf(TN_INVALID_ARGUMENT, "a certificate, %s, is given without its key", o->certificate);
  if (o->key && !o->certificate)
    return tn_errorf(TN_INVALID_ARGUMENT, "a key, %s, is given without its certificate", o->key);
  if (o->certificate || o->authority)
    TN_TRY(tn_tls_context_new(false, o->certificate, o->key, o->authority, &t->client_tls));
  if (o->certificate) TN_TRY(tn_tls_context_new(true, o->certificate, o->key, o->authority, &t->server_tls));
  TN_TRY(tn_map_new(&t->channels));
  TN_TRY(tn_pool_new(&t->pool));
  return tn_loop_new("tenon-rpc", &t->loop);
}

/* The variable's value; NULL if it is not set, or empty. */
static const char *variable(const char *name) {
  const char *value = getenv(name);
  return value && *value ? value : NULL;
}

tn_error *tn_http2_from_environment(tn_http2_options *out) {
  const char *silence = variable("TENON_SILENCE"), *network = variable("TENON_NETWORK_ONLY");
  char *end = NULL;
  double seconds = silence ? strtod(silence, &end) : 0;
  if (silence && (*end || !(seconds >= 0.01 && seconds <= 86400)))
    return tn_errorf(TN_INVALID_ARGUMENT, "TENON_SILENCE is '%.40s'; expected seconds from 0.01 to 86400", silence);
  *out = (tn_http2_options){.token = variable("TENON_TOKEN"),
                            .certificate = variable("TENON_CERTIFICATE"),
                            .key = variable("TENON_KEY"),
                            .authority = variable("TENON_AUTHORITY"),
                            .silence_ns = (int64_t)(seconds * 1e9),
                            .network_only = network && !strcmp(network, "1")};
  return NULL;
}

tn_error *tn_http2_new(const tn_http2_options *options, tn_transport **out) {
  const tn_http2_options defaults = {0};
  tn_http2 *t = tn_calloc(1, sizeof *t);
  if (!t) return tn_out_of_memory();
  t->input = tn_malloc(TN_HTTP2_INPUT);
  tn_error *error = set_up(t, options ? options : &defaults);
  if (error) {
    destroy(t);
    return error;
  }
  t->base = (tn_transport){.clock = tn_loop_clock(t->loop),
                           .call = tn_http2_start_call,
                           .listen = tn_http2_listen,
                           .traffic = traffic,
                           .hold = hold,
                           .flush = flush,
                           .free = free_http2};
  *out = &t->base;
  return NULL;
}

tn_conn_settings tn_http2_settings(tn_http2 *t, const tn_conn_role *role, void *user, const char *peer, int fd) {
  bool shares = !t->network_only && tn_socket_is_unix(fd);
  for (int i = 0; i < TN_SHARE_COPIERS && shares; i++) {
    tn_error *error = t->copiers[i] ? NULL : tn_loop_new("tenon-copy", &t->copiers[i]);
    shares = !error;
    tn_error_free(error); /* without these threads all goes over the sockets */
  }
  return (tn_conn_settings){.loop = t->loop,
                            .copiers = shares ? t->copiers : NULL,
                            .traffic = &t->traffic,
                            .pool = t->pool,
                            .role = role,
                            .user = user,
                            .peer = peer,
                            .silence_ns = t->silence_ns,
                            .max_message = t->max_message,
                            .input = t->input,
                            .input_size = TN_HTTP2_INPUT};
}
