/* Makes pod templates of a TenonJob's short form. */
#include "kube/short_form.h"

#include "base/alloc.h"
#include "kube/job.h"

/* One volume of `spec.volumes`, a list of {claim or template, path, readOnly}: into the pod and into the container. Of
 * a template the pod gets a volume of that name when it is made. */
static bool add_volume(json_t *pod, json_t *container, const json_t *volume, size_t i) {
  json_t *template = json_object_get(volume, "template");
  json_t *name = template ? json_incref(template) : tn_json_textf("volume-%zu", i);
  json_t *claim = json_object_get(volume, "claim"), *path = json_object_get(volume, "path");
  json_t *read_only = json_boolean(tn_json_flag(volume, "readOnly", false));
  json_t *mount = json_pack("{sO, sO, sO}", "name", name, "mountPath", path, "readOnly", read_only);
  bool done = true;
  if (!template)
    done = !json_array_append_new(json_object_get(pod, "volumes"),
                                  json_pack("{sO, s{sO}}", "name", name, "persistentVolumeClaim", "claimName", claim));
  done &= !json_array_append_new(json_object_get(container, "volumeMounts"), mount);
  json_decref(name);
  json_decref(read_only);
  return done;
}

/* What `spec.storage` says, {checkpoints, logs, secret}: the addresses and what is in the Secret become environment
 * variables of the tasks. */
static bool add_storage(json_t *container, const json_t *storage) {
  static const struct {
    const char *key, *variable;
  } addresses[] = {{"checkpoints", "TENON_CHECKPOINTS"}, {"logs", "TENON_LOGS"}};
  const char *secret = tn_json_text(storage, "secret");
  json_t *env = json_deep_copy(json_object_get(container, "env")), *from;
  from = json_deep_copy(json_object_get(container, "envFrom"));
  if (!env) env = json_array();
  if (!from) from = json_array();
  bool done = true;
  for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
    const char *value = tn_json_text(storage, addresses[i].key);
    if (value) /* first: the variables that follow may name it */
      done &= !json_array_insert_new(env, i < json_array_size(env) ? i : json_array_size(env),
                                     json_pack("{ss,ss}", "name", addresses[i].variable, "value", value));
  }
  if (secret) done &= !json_array_append_new(from, json_pack("{s{ss}}", "secretRef", "name", secret));
  done &= !json_object_set_new(container, "env", env);
  return done && !json_object_set_new(container, "envFrom", from);
}

static json_t *make_template(const json_t *spec) {
  static const char *const copied[] = {"image",   "imagePullPolicy", "command",    "args", "env",
                                       "envFrom", "resources",       "workingDir", NULL};
  json_t *container = json_pack("{ss, s[]}", "name", tn_tenon_job.container, "volumeMounts");
  json_t *pod = json_pack("{s[O], s[]}", "containers", container, "volumes");
  json_t *template = json_pack("{sO}", "spec", pod);
  for (int i = 0; copied[i]; i++) {
    json_t *value = json_object_get(spec, copied[i]);
    if (value) json_object_set(container, copied[i], value);
  }
  size_t i;
  json_t *volume;
  bool done = template != NULL;
  json_array_foreach(json_object_get(spec, "volumes"), i, volume) done &= add_volume(pod, container, volume, i);
  const json_t *storage = json_object_get(spec, "storage");
  if (storage) done &= add_storage(container, storage);
  json_t *account = json_object_get(spec, "serviceAccountName");
  if (account) json_object_set(pod, "serviceAccountName", account);
  json_decref(container);
  json_decref(pod);
  if (done) return template;
  json_decref(template);
  return NULL;
}

tn_error *tn_short_form(const json_t *job, json_t **out) {
  /* In the order of tn_role. */
  static const struct {
    const char *key, *role;
    int otherwise;
  } counts[] = {{"chief", "chief", 0}, {"ps", "ps", 0}, {"workers", "worker", 1}, {"evaluator", "evaluator", 0}};
  const json_t *spec = tn_json_at(job, "spec");
  if (!tn_json_text(spec, "image"))
    return tn_errorf(TN_INVALID_ARGUMENT, "the job has neither spec.replicas nor spec.image");
  json_t *replicas = json_object(), *policy = json_object_get(spec, "restartPolicy");
  for (int i = 0; i < TN_N_ROLES; i++) {
    int64_t count = tn_json_int(spec, counts[i].key, counts[i].otherwise);
    if (!count) continue;
    json_t *role = json_pack("{sI, so}", "replicas", (json_int_t)count, "template", make_template(spec));
    if (role && policy) json_object_set(role, "restartPolicy", policy);
    if (json_object_set_new(replicas, counts[i].role, role)) {
      json_decref(replicas);
      return tn_out_of_memory();
    }
  }
  *out = replicas;
  return NULL;
}
