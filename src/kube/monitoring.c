/* Pods whose tasks can be watched, and the progress that they tell. */
#include "kube/monitoring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LAST_WORD "{\"tenonProgress\":"

bool tn_container_variable(json_t *container, const char *name, json_t *value) {
  if (tn_json_find(container, "env", "name", name)) {
    json_decref(value);
    return true;
  }
  json_t *list = json_object_get(container, "env");
  if (!list) {
    list = json_array();
    if (json_object_set_new(container, "env", list)) return json_decref(value), false;
  }
  return json_array_append_new(list, json_pack("{ss,so}", "name", name, "value", value)) == 0;
}

static json_t *number(int64_t value) { return tn_json_textf("%lld", (long long)value); }

static bool put_environment(const tn_job *job, bool leads, json_t *container) {
  const tn_monitoring *m = &job->monitoring;
  const char *path = tn_json_text(container, "terminationMessagePath");
  bool done = tn_container_variable(container, "TENON_METRICS_PORT", number(m->port));
  done &= tn_container_variable(container, "TENON_METRICS_ADDRESS", json_string("*"));
  if (leads)
    done &= tn_container_variable(container, "TENON_LAST_WORD", json_string(path ? path : "/dev/termination-log"));
  if (m->hang_s) done &= tn_container_variable(container, "TENON_HANG_SECONDS", number(m->hang_s));
  if (m->total_steps) done &= tn_container_variable(container, "TENON_TOTAL_STEPS", number(m->total_steps));
  return done;
}

static bool put_port(const tn_job *job, json_t *container) {
  json_t *list = json_object_get(container, "ports"), *port;
  size_t i;
  json_array_foreach(list, i, port) {
    const char *name = tn_json_text(port, "name");
    if ((name && !strcmp(name, "metrics")) || tn_json_int(port, "containerPort", 0) == job->monitoring.port)
      return true;
  }
  if (!list && json_object_set_new(container, "ports", list = json_array())) return false;
  return !json_array_append_new(
      list, json_pack("{sI,ss}", "containerPort", (json_int_t)job->monitoring.port, "name", "metrics"));
}

/* A probe of PATH; how often it is made follows from how long a task may hang. */
static bool put_probe(const tn_job *job, json_t *container, const char *name, const char *path, int64_t failures) {
  if (json_object_get(container, name)) return true;
  int64_t hang = job->monitoring.hang_s, every = !hang || hang > 50 ? 10 : hang < 10 ? 2 : hang / 5;
  return !json_object_set_new(container, name,
                              json_pack("{s{ss,sI},sI,si,sI}", "httpGet", "path", path, "port",
                                        (json_int_t)job->monitoring.port, "periodSeconds", (json_int_t)every,
                                        "timeoutSeconds", 5, "failureThreshold", (json_int_t)failures));
}

static bool put_annotations(const tn_job *job, json_t *metadata) {
  json_t *notes = json_object_get(metadata, "annotations");
  if (!notes && json_object_set_new(metadata, "annotations", notes = json_object())) return false;
  if (json_object_get(notes, "prometheus.io/scrape")) return true;
  bool done = !json_object_set_new(notes, "prometheus.io/scrape", json_string("true"));
  done &= !json_object_set_new(notes, "prometheus.io/port", number(job->monitoring.port));
  return done & !json_object_set_new(notes, "prometheus.io/path", json_string("/metrics"));
}

bool tn_monitoring_put(const tn_job *job, tn_role role, int index, json_t *pod, json_t *container) {
  if (!job->monitoring.port) return true;
  bool done = put_environment(job, index == 0 && role == tn_job_leader(job), container);
  done = done && put_port(job, container) && put_annotations(job, json_object_get(pod, "metadata"));
  if (!job->monitoring.probes) return done;
  done = done && put_probe(job, container, "readinessProbe", "/readyz", 3);
  if (!job->monitoring.hang_s) return done;
  /* Before the first answer a program may load for ten minutes. */
  done = done && put_probe(job, container, "startupProbe", "/healthz", 300);
  return done && put_probe(job, container, "livenessProbe", "/healthz", 2);
}

json_t *tn_last_word(const char *message) {
  if (!message || strncmp(message, LAST_WORD, sizeof LAST_WORD - 1) != 0) return NULL;
  json_t *word = json_loads(message, 0, NULL), *told = json_incref(json_object_get(word, "tenonProgress"));
  json_decref(word);
  return told;
}

json_t *tn_progress_status(const json_t *told, int64_t now) {
  int64_t step = tn_json_int(told, "step", -1), total = tn_json_int(told, "total", 0);
  if (step < 0) return NULL;
  char time[32];
  const char *loss = tn_json_text(told, "loss");
  double rate = json_number_value(json_object_get(told, "stepsPerSecond"));
  const json_t *rest = json_object_get(told, "remainingSeconds");
  json_t *status =
      json_pack("{sI,so,ss}", "step", (json_int_t)step, "steps", number(step), "updateTime", tn_time_text(now, time));
  if (total > 0) {
    tn_json_put(status, "totalSteps", json_integer(total));
    tn_json_put(status, "steps", tn_json_textf("%lld/%lld", (long long)step, (long long)total));
    tn_json_put(status, "percent", tn_json_textf("%lld%%", (long long)(step >= total ? 100 : step * 100 / total)));
  }
  if (loss) tn_json_put(status, "loss", json_string(loss));
  if (rate > 0) tn_json_put(status, "stepsPerSecond", tn_json_textf("%.4g", rate));
  if (rest && step < total && json_number_value(rest) < 1e9)
    tn_json_put(status, "estimatedEnd", json_string(tn_time_text(now + (int64_t)json_number_value(rest), time)));
  return status;
}
