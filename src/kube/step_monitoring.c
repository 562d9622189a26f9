/* The progress of a job and its TensorBoard. */
#include <string.h>

#include "kube/monitoring.h"
#include "kube/objects.h"
#include "kube/pass.h"

void tn_step_progress(tn_pass *pass) {
  tn_role leader = tn_job_leader(&pass->job);
  const tn_slot *slot = &pass->slots[leader][0];
  json_t *word = slot->pod ? tn_last_word(slot->state.last_word) : NULL;
  json_t *made = tn_progress_status(word ? word : pass->observed->progress, pass->observed->now);
  const json_t *old = json_object_get(pass->status, "progress");
  /* The time of a step that was told before says nothing new. */
  const char *loss = tn_json_text(made, "loss"), *before = tn_json_text(old, "loss");
  bool same = made && tn_json_int(old, "step", -1) == tn_json_int(made, "step", -1) &&
              !strcmp(loss ? loss : "", before ? before : "");
  if (made && !same) json_object_set(pass->status, "progress", made);
  if (same && word && json_object_get(old, "estimatedEnd"))
    json_object_del(json_object_get(pass->status, "progress"), "estimatedEnd");
  json_decref(made);
  json_decref(word);
}

static json_t *find(json_t *const *objects, size_t n, const char *name) {
  for (size_t i = 0; i < n; i++) {
    const char *other = tn_json_text(objects[i], "metadata.name");
    if (other && !strcmp(other, name)) return objects[i];
  }
  return NULL;
}

static void create(tn_pass *pass, tn_error *error, json_t *object) {
  pass->failed |= error != NULL;
  tn_error_free(error);
  if (object) tn_pass_act(pass, TN_ACT_CREATE, object);
  json_decref(object);
}

/* One that nobody is deleting yet is deleted. */
static void end(tn_pass *pass, json_t *object) {
  bool orphan;
  if (object && tn_object_owned(&pass->job, object, &orphan) && !tn_json_at(object, "metadata.deletionTimestamp"))
    tn_pass_act(pass, TN_ACT_DELETE, object);
}

void tn_step_tensorboard(tn_pass *pass) {
  const tn_observed *o = pass->observed;
  char name[256];
  tn_tensorboard_name(&pass->job, name);
  json_t *pod = find(o->pods, o->n_pods, name), *service = find(o->services, o->n_services, name), *made = NULL;
  bool over = tn_status_finished(pass->status);
  if (!pass->job.tensorboard || pass->job.suspend || (over && pass->job.clean == TN_CLEAN_ALL)) {
    end(pass, pod);
    end(pass, service);
    return;
  }
  const char *phase = tn_json_text(pod, "status.phase");
  if (phase && !strcmp(phase, "Failed")) end(pass, pod);
  if (over) return;
  if (!pod) {
    tn_error *error = tn_tensorboard_pod(&pass->job, &made);
    create(pass, error, made);
  }
  made = NULL;
  if (!service) {
    tn_error *error = tn_tensorboard_service(&pass->job, &made);
    create(pass, error, made);
  }
}
