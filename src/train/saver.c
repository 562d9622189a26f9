/* Savers: all variables and the random counters of a session into a bundle, and back. */
#include "train/saver.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "io/file.h"
#include "kernel/resource.h"
#include "runtime/session.h"

#define STATE_KEY TN_EXTRA_KEY "state/"

struct tn_saver {
  char *folder, *base;
  size_t max_to_keep;
  tn_checkpoint_list kept;
};

tn_error *tn_saver_new(const char *folder, const char *base, int max_to_keep, bool continues, tn_saver **out) {
  TN_TRY(tn_make_folders(folder));
  tn_saver *made = tn_calloc(1, sizeof *made);
  if (!made) return tn_out_of_memory();
  made->folder = tn_strdup(folder);
  made->base = tn_strdup(base ? base : "model.ckpt");
  made->max_to_keep = max_to_keep > 0 ? (size_t)max_to_keep : 5;
  tn_error *error = made->folder && made->base ? NULL : tn_out_of_memory();
  if (!error && continues) {
    error = tn_state_file_read(folder, &made->kept);
    if (error && tn_error_code(error) == TN_NOT_FOUND) {
      tn_error_free(error);
      error = NULL;
    }
  }
  if (error) {
    tn_saver_free(made);
    return error;
  }
  *out = made;
  return NULL;
}

void tn_saver_free(tn_saver *saver) {
  if (!saver) return;
  tn_checkpoint_list_clear(&saver->kept);
  tn_free(saver->folder);
  tn_free(saver->base);
  tn_free(saver);
}

/* The variable behind V in SESSION; a new reference. */
static tn_error *variable_of(const tn_net_variable *v, tn_session *session, tn_variable **out) {
  tn_object *object = NULL;
  TN_TRY(
      tn_resources_get(tn_session_state_resources(session->state), "", v->name, TN_VARIABLE_TYPE, NULL, NULL, &object));
  *out = tn_variable_of(object);
  return NULL;
}

/* --- saving --- */

static tn_error *add_variable(tn_bundle_writer *writer, const tn_net_variable *v, tn_session *session) {
  tn_variable *variable = NULL;
  tn_tensor value = {0};
  TN_TRY(variable_of(v, session, &variable));
  tn_error *error = tn_variable_read(variable, &value);
  tn_object_unref(&variable->object);
  if (error) return error;
  error = tn_bundle_add(writer, v->name, &value);
  tn_tensor_clear(&value);
  return error;
}

static tn_error *add_state(void *argument, const char *key, void *data, size_t size) {
  tn_str name = {0};
  char *full;
  tn_tensor *bytes;
  tn_str_addf(&name, STATE_KEY "%s", key);
  TN_TRY(tn_str_take(&name, &full, NULL));
  tn_error *error = tn_tensor_copy_of(TN_UINT8, 1, (const int64_t[]){(int64_t)size}, data, &bytes);
  if (!error) {
    error = tn_bundle_add(argument, full, bytes);
    tn_tensor_free(bytes);
  }
  tn_free(full);
  return error;
}

static tn_error *add_all(tn_bundle_writer *writer, const tn_net *net, tn_session *session, size_t n,
                         const tn_extra *extras) {
  for (size_t i = 0; i < tn_net_n_variables(net); i++)
    TN_TRY(add_variable(writer, tn_net_variable_at(net, i), session));
  for (size_t i = 0; i < n; i++) TN_TRY(tn_bundle_add(writer, extras[i].key, extras[i].value));
  return tn_session_state_visit(session->state, add_state, writer);
}

static tn_error *write_bundle(const char *prefix, const tn_net *net, tn_session *session, size_t n,
                              const tn_extra *extras) {
  tn_bundle_writer *writer;
  TN_TRY(tn_bundle_create(prefix, &writer));
  tn_error *error = add_all(writer, net, session, n, extras);
  if (error) {
    tn_bundle_abandon(writer);
    return error;
  }
  return tn_bundle_finish(writer);
}

/* Removes the files of the checkpoint NAME; that one is gone already is no error. */
static void remove_files(const tn_saver *saver, const char *name) {
  static const char *const endings[] = {".index", ".data-00000-of-00001", ".meta"};
  char *prefix;
  tn_error *error = tn_checkpoint_path(saver->folder, name, &prefix);
  for (int i = 0; i < 3 && !error; i++) {
    char *path = NULL;
    if (asprintf(&path, "%s%s", prefix, endings[i]) >= 0) tn_error_free(tn_path_remove(path));
    free(path);
  }
  if (!error) tn_free(prefix);
  tn_error_free(error);
}

/* Names the new checkpoint in the state file, then removes what is too old. */
static tn_error *record(tn_saver *saver, const char *name) {
  tn_checkpoint_list next = {0};
  tn_error *error = NULL;
  size_t first = 0, same = 0;
  for (size_t i = 0; i < saver->kept.n; i++) same += !strcmp(saver->kept.names[i], name);
  size_t n = saver->kept.n - same + 1;
  first = n > saver->max_to_keep ? n - saver->max_to_keep : 0;
  size_t place = 0;
  for (size_t i = 0; i < saver->kept.n && !error; i++) {
    if (!strcmp(saver->kept.names[i], name)) continue;
    if (place++ >= first) error = tn_checkpoint_list_add(&next, saver->kept.names[i]);
  }
  if (!error) error = tn_checkpoint_list_add(&next, name);
  if (!error) error = tn_state_file_write(saver->folder, &next);
  if (error) {
    tn_checkpoint_list_clear(&next);
    return error;
  }
  place = 0;
  for (size_t i = 0; i < saver->kept.n; i++) {
    if (!strcmp(saver->kept.names[i], name)) continue;
    if (place++ < first) remove_files(saver, saver->kept.names[i]);
  }
  tn_checkpoint_list_clear(&saver->kept);
  saver->kept = next;
  return NULL;
}

tn_error *tn_saver_save_with(tn_saver *saver, const tn_net *net, tn_session *session, int64_t step, size_t n,
                             const tn_extra *extras) {
  tn_str text = {0};
  char *name, *prefix;
  tn_str_addf(&text, "%s-%lld", saver->base, (long long)step);
  TN_TRY(tn_str_take(&text, &name, NULL));
  tn_error *error = tn_checkpoint_path(saver->folder, name, &prefix);
  if (!error) {
    error = write_bundle(prefix, net, session, n, extras);
    tn_free(prefix);
  }
  if (!error) error = record(saver, name);
  tn_free(name);
  return tn_error_context(error, "saving step %lld", (long long)step);
}

tn_error *tn_saver_save(tn_saver *saver, const tn_net *net, tn_session *session, int64_t step) {
  return tn_saver_save_with(saver, net, session, step, 0, NULL);
}

/* --- restoring --- */

tn_error *tn_bundle_extra(tn_bundle *bundle, const char *key, tn_tensor **out) {
  *out = NULL;
  if (!tn_bundle_find(bundle, key)) return NULL;
  tn_tensor value = {0};
  TN_TRY(tn_bundle_read(bundle, key, &value));
  tn_error *error = tn_tensor_box(&value, out);
  tn_tensor_clear(&value);
  return error;
}

/* What is read, before any of it is assigned. */
typedef struct restoring {
  tn_bundle *bundle;
  tn_session *session;
  size_t n;
  tn_variable **variables;
  tn_tensor *values;
} restoring;

static tn_error *read_variable(restoring *r, const tn_net_variable *v) {
  const tn_bundle_entry *entry = tn_bundle_find(r->bundle, v->name);
  if (!entry) return tn_errorf(TN_NOT_FOUND, "it has no variable '%s'", v->name);
  tn_shape shape = tn_output_shape(v->ref);
  tn_dtype dtype = (tn_dtype)(tn_output_dtype(v->ref) % TN_REF);
  if (entry->dtype != dtype || !tn_shape_equal(&shape, &entry->shape))
    return tn_errorf(TN_INVALID_ARGUMENT, "variable '%s' is %s %s there, but %s %s in this network", v->name,
                     tn_dtype_name(entry->dtype), TN_SHAPE_STR(&entry->shape), tn_dtype_name(dtype),
                     TN_SHAPE_STR(&shape));
  TN_TRY(variable_of(v, r->session, &r->variables[r->n]));
  tn_error *error = tn_bundle_read(r->bundle, v->name, &r->values[r->n]);
  if (error) {
    tn_object_unref(&r->variables[r->n]->object);
    return error;
  }
  r->n++;
  return NULL;
}

static tn_error *restore_state(const restoring *r) {
  for (size_t i = 0; i < tn_bundle_size(r->bundle); i++) {
    const tn_bundle_entry *entry = tn_bundle_at(r->bundle, i);
    if (strncmp(entry->key, STATE_KEY, strlen(STATE_KEY)) != 0 || entry->dtype != TN_UINT8) continue;
    tn_tensor value = {0};
    void *data;
    TN_TRY(tn_bundle_read(r->bundle, entry->key, &value));
    size_t size = (size_t)tn_shape_elements(&value.shape);
    tn_error *error = tn_session_state_get(r->session->state, entry->key + strlen(STATE_KEY), size, &data);
    if (!error) memcpy(data, value.data, size);
    tn_tensor_clear(&value);
    if (error) return error;
  }
  return NULL;
}

static tn_error *restore_all(restoring *r, const tn_net *net) {
  size_t n = tn_net_n_variables(net);
  r->variables = tn_calloc(n + 1, sizeof *r->variables);
  r->values = tn_calloc(n + 1, sizeof *r->values);
  if (!r->variables || !r->values) return tn_out_of_memory();
  for (size_t i = 0; i < n; i++) TN_TRY(read_variable(r, tn_net_variable_at(net, i)));
  for (size_t i = 0; i < n; i++) TN_TRY(tn_variable_assign(r->variables[i], &r->values[i], true));
  return restore_state(r);
}

tn_error *tn_net_restore(const tn_net *net, tn_session *session, const char *prefix) {
  restoring r = {.session = session};
  TN_TRY(tn_bundle_open(prefix, &r.bundle));
  tn_error *error = restore_all(&r, net);
  for (size_t i = 0; i < r.n; i++) {
    tn_object_unref(&r.variables[i]->object);
    tn_tensor_clear(&r.values[i]);
  }
  tn_free(r.variables);
  tn_free(r.values);
  tn_bundle_close(r.bundle);
  return tn_error_context(error, "checkpoint %s", prefix);
}
