/* Tells of pods that wait for what may never come: an image that is misspelled, a volume that is not there, room. */
#include <stdio.h>
#include <string.h>

#include "kube/pass.h"

/* What a kubelet or the scheduler gives as a reason, what we call it, and what to do. */
static const struct {
  const char *reason, *ours, *advice;
} known[] = {
    {"ErrImagePull", "NoImage", "does the image exist, and may the nodes pull it?"},
    {"ImagePullBackOff", "NoImage", "does the image exist, and may the nodes pull it?"},
    {"ErrImageNeverPull", "NoImage", "the image is not on the node, and its policy is never to pull it"},
    {"InvalidImageName", "NoImage", "the image's name is not well-formed"},
    {"CreateContainerConfigError", "NoContainer", "a ConfigMap, a Secret or a user that the pod names is missing"},
    {"CreateContainerError", "NoContainer", "the container can't be made on its node"},
    {"RunContainerError", "NoContainer", "is the command there, and may it be run?"},
    {"Unschedulable", "NoRoom", "no node has room for it, or may take it"},
};

/* The reason of a pod that waits; -1: it does not, or only as long as usual. */
static int reason_of(const tn_slot *slot, const char **message) {
  const char *reason = slot->state.reason;
  *message = slot->state.message;
  const json_t *scheduled = tn_json_find(slot->pod, "status.conditions", "type", "PodScheduled");
  if (!reason && (reason = tn_json_text(scheduled, "reason"))) *message = tn_json_text(scheduled, "message");
  for (int i = 0; reason && i < (int)(sizeof known / sizeof *known); i++)
    if (!strcmp(known[i].reason, reason)) return i;
  return -1;
}

void tn_step_waiting(tn_pass *pass) {
  bool was = tn_condition_is(pass->status, TN_WAITING);
  bool open = !tn_status_finished(pass->status) && !pass->job.suspend;
  for (int role = 0; open && role < TN_N_ROLES; role++)
    for (int i = 0; i < pass->job.roles[role].count; i++) {
      const tn_slot *slot = &pass->slots[role][i];
      const char *message;
      int why = slot->pod && slot->state.phase == TN_POD_PENDING ? reason_of(slot, &message) : -1;
      if (why < 0) continue;
      char name[256], text[1024];
      snprintf(text, sizeof text, "%s waits (%s): %s%s%.500s", tn_replica_name(&pass->job, (tn_role)role, i, name),
               known[why].reason, known[why].advice, message ? " " : "", message ? message : "");
      tn_pass_condition(pass, TN_WAITING, true, known[why].ours, text);
      return;
    }
  if (was) tn_pass_condition(pass, TN_WAITING, false, "Began", "no pod waits any more");
}
