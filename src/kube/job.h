/* A job as its manifest says it, of either kind, with all defaults put in: what the rest of the operator works on. */
#ifndef TN_KUBE_JOB_H
#define TN_KUBE_JOB_H

#include "kube/json.h"

/* What a replica is for. Master is an old name of Chief. */
typedef enum tn_role { TN_ROLE_CHIEF, TN_ROLE_PS, TN_ROLE_WORKER, TN_ROLE_EVALUATOR, TN_N_ROLES } tn_role;

typedef enum tn_restart_policy {
  TN_RESTART_EXIT_CODE, /* 128 and more, and disruptions, start again; 1 to 127 fail the job */
  TN_RESTART_NEVER,
  TN_RESTART_ON_FAILURE,
  TN_RESTART_ALWAYS
} tn_restart_policy;

typedef enum tn_clean_policy { TN_CLEAN_RUNNING, TN_CLEAN_ALL, TN_CLEAN_NONE } tn_clean_policy;

/* What a kind of job calls things. There are two, in kinds.c. */
typedef struct tn_job_kind {
  const char *kind, *api_version, *group, *version, *plural;
  const char *label_prefix;      /* "tenon.dev/" */
  const char *operator_name;     /* the label operator-name's value, and the only managedBy that is ours */
  const char *container;         /* the one that gets TF_CONFIG and whose exit code counts */
  const char *port_name;         /* of the port that tasks listen on */
  const char *replicas_path;     /* "spec.replicas" */
  const char *policy_path;       /* "spec.runPolicy" */
  const char *roles[TN_N_ROLES]; /* the keys there */
  const char *event_prefix;      /* of the reasons of conditions and events: "TFJob" in "TFJobSucceeded" */
  bool service_per_replica;      /* a Service for each pod; else one for the whole job */
} tn_job_kind;

extern const tn_job_kind tn_tenon_job, tn_tf_job;
/* The role's name in names and labels: "ps". */
const char *tn_role_name(tn_role role);
/* The kind of OBJECT by its apiVersion and kind; NULL if it is neither. */
const tn_job_kind *tn_job_kind_of(const json_t *object);

typedef struct tn_replicas {
  int count; /* 0: the role is not there */
  tn_restart_policy restart;
  json_t
      *template; /* a pod template; borrowed from the job's object, or owned by the job where the short form made it */
} tn_replicas;

#define TN_NO_LIMIT (-1)

/* Who sees to it that the pods of a job that asks for it (with a schedulingPolicy) start together or not at all. */
typedef enum tn_gang {
  TN_GANG_NONE,
  TN_GANG_BUILTIN, /* the operator: it makes no pods before all of them fit the free capacity of the nodes */
  TN_GANG_PLUGINS, /* the scheduler plugins' coscheduling, by a PodGroup of scheduling.x-k8s.io */
  TN_GANG_VOLCANO, /* Volcano, by a PodGroup of scheduling.volcano.sh */
} tn_gang;

/* What is asked of the tasks themselves: the port at which they tell how they are (0: they do not), after how many
 * seconds without a step one hangs (0: never), at which step the training ends (0: unknown), and whether the kubelet is
 * to ask too. */
typedef struct tn_monitoring {
  int64_t port, hang_s, total_steps;
  bool probes;
} tn_monitoring;

typedef struct tn_job {
  const tn_job_kind *kind;
  json_t *object; /* a reference */
  json_t *made;   /* templates that came of the short form; NULL: none */
  const char *name, *ns, *uid;
  tn_replicas roles[TN_N_ROLES];
  tn_clean_policy clean;
  int64_t ttl, deadline; /* seconds; TN_NO_LIMIT */
  int64_t restart_budget;
  bool suspend, all_workers, group_restart, elastic;
  bool generations;            /* pods carry their restart generation: the whole group may start again */
  const json_t *failure_rules; /* NULL: none */
  int64_t min_workers;         /* of an elastic job */
  const char *managed_by;      /* NULL: us */
  const json_t *scheduling;    /* the schedulingPolicy; NULL: it need not start as one */
  int64_t min_available;       /* pods that have to start together */
  tn_monitoring monitoring;
  const json_t *claims;      /* the volumeClaimTemplates; NULL: there are none */
  bool claims_go;            /* the claims are deleted with the job */
  const json_t *tensorboard; /* what spec.tensorboard says; NULL: there is none */
  tn_gang gang;              /* NONE where the job does not ask for it; set by tn_job_set_gang */
} tn_job;

/* Reads OBJECT. INVALID_ARGUMENT says in one sentence what is wrong with it. OUT is filled as far as it goes also then:
 * its names are there. Free with tn_job_clear. */
tn_error *tn_job_read(json_t *object, tn_job *out) TN_MUST_USE;
void tn_job_clear(tn_job *job);
/* Notes who starts JOB as one, if it asks for it. */
void tn_job_set_gang(tn_job *job, tn_gang gang);
int tn_job_total(const tn_job *job);
/* The role whose replica 0 decides: the chief if there is one, else the workers; else any that is there. */
tn_role tn_job_leader(const tn_job *job);
/* "NAME-worker-1"; fits in 256 bytes. */
const char *tn_replica_name(const tn_job *job, tn_role role, int index, char name[256]);
/* The port that a role's tasks listen on. */
int tn_job_port(const tn_job *job, tn_role role);

#endif
