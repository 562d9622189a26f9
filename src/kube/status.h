/* The status of a job: conditions, counts per role, what has been counted. */
#ifndef TN_KUBE_STATUS_H
#define TN_KUBE_STATUS_H

#include "kube/job.h"

#define TN_CREATED    "Created"
#define TN_RUNNING    "Running"
#define TN_RESTARTING "Restarting"
#define TN_SUSPENDED  "Suspended"
#define TN_ADMITTED   "Admitted"
#define TN_WAITING    "Waiting"
#define TN_SUCCEEDED  "Succeeded"
#define TN_FAILED     "Failed"

/* Whether the condition TYPE is there and True. */
bool tn_condition_is(const json_t *status, const char *type);
/* Sets it, making the list and the condition where they are missing. True if it was not like this before. */
bool tn_condition_set(json_t *status, const char *type, bool value, const char *reason, const char *message,
                      int64_t now);
/* The one word for how the job is: the first of the conditions that hold, those that end a job first; "Pending" if none
 * does. */
const char *tn_status_state(const json_t *status);
/* Succeeded or Failed: final. */
bool tn_status_finished(const json_t *status);

/* The uids of pods whose end has been counted, and that are still there: a list in the status, so that an operator that
 * starts anew counts nothing twice. */
bool tn_counted(const json_t *status, const char *uid);
bool tn_count(json_t *status, const char *uid);
/* Adds to a counter of the status; what it is then. */
int64_t tn_status_add(json_t *status, const char *counter, int64_t n);

#endif
