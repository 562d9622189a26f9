/* PodGroups for the schedulers that know of gangs, and the room on nodes for when there is none. */
#include "kube/gang.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "kube/objects.h"
#include "kube/pass.h"

enum { RETRY_S = 5 };

const char *tn_gang_group_version(tn_gang gang) {
  return gang == TN_GANG_PLUGINS   ? "scheduling.x-k8s.io/v1alpha1"
         : gang == TN_GANG_VOLCANO ? "scheduling.volcano.sh/v1beta1"
                                   : NULL;
}

/* A value at a key of an object inside the metadata that may not be there yet. */
static bool put_in(json_t *pod, const char *where, const char *key, const char *value) {
  json_t *metadata = json_object_get(pod, "metadata"), *map = json_object_get(metadata, where);
  if (!map && json_object_set_new(metadata, where, map = json_object())) return false;
  return json_object_set_new(map, key, json_string(value)) == 0;
}

bool tn_gang_mark(const tn_job *job, json_t *pod) {
  json_t *spec = json_object_get(pod, "spec");
  bool named = json_object_get(spec, "schedulerName") != NULL;
  if (job->gang == TN_GANG_PLUGINS) {
    if (!named && json_object_set_new(spec, "schedulerName", json_string("scheduler-plugins-scheduler"))) return false;
    return put_in(pod, "labels", "scheduling.x-k8s.io/pod-group", job->name);
  }
  if (job->gang == TN_GANG_VOLCANO) {
    if (!named && json_object_set_new(spec, "schedulerName", json_string("volcano"))) return false;
    return put_in(pod, "annotations", "scheduling.k8s.io/group-name", job->name);
  }
  return true;
}

tn_error *tn_pod_group_make(const tn_job *job, json_t **out) {
  static const char *const volcano[] = {"queue", "priorityClass", "minResources", NULL};
  static const char *const plugins[] = {"scheduleTimeoutSeconds", "minResources", NULL};
  const char *const *copied = job->gang == TN_GANG_VOLCANO ? volcano : plugins;
  json_t *spec = json_pack("{sI}", "minMember", (json_int_t)job->min_available);
  for (; spec && *copied; copied++) {
    json_t *value = json_object_get(job->scheduling, *copied);
    if (value) json_object_set(spec, strcmp(*copied, "priorityClass") ? *copied : "priorityClassName", value);
  }
  *out = json_pack("{ss,ss,s{ss,ss,s[o]},so}", "apiVersion", tn_gang_group_version(job->gang), "kind", "PodGroup",
                   "metadata", "name", job->name, "namespace", job->ns, "ownerReferences", tn_owner_reference(job),
                   "spec", spec);
  return *out ? NULL : tn_out_of_memory();
}

static bool wait_for_room(tn_pass *pass) {
  if (tn_condition_is(pass->status, TN_ADMITTED)) return true;
  if (pass->observed->fits) {
    tn_pass_condition(pass, TN_ADMITTED, true, "Admitted", "there is room for all replicas");
    return true;
  }
  tn_pass_condition(pass, TN_ADMITTED, false, "WaitingForCapacity", "there is no room for all replicas yet");
  tn_pass_again(pass, pass->observed->now + RETRY_S);
  return false;
}

bool tn_step_admission(tn_pass *pass) {
  if (pass->job.gang == TN_GANG_NONE) return true;
  if (pass->job.gang == TN_GANG_BUILTIN) return wait_for_room(pass);
  if (!pass->observed->pod_group) {
    json_t *group = NULL;
    tn_error *error = tn_pod_group_make(&pass->job, &group);
    pass->failed |= error != NULL;
    tn_error_free(error);
    if (group) tn_pass_act(pass, TN_ACT_CREATE, group);
    json_decref(group);
    return pass->job.gang == TN_GANG_PLUGINS;
  }
  const char *phase = tn_json_text(pass->observed->pod_group, "status.phase");
  return pass->job.gang == TN_GANG_PLUGINS || (phase && strcmp(phase, "Pending"));
}

bool tn_quantity(const char *text, double scale, double *out) {
  static const struct {
    const char *suffix;
    double factor;
  } units[] = {{"", 1},     {"m", 1e-3}, {"k", 1e3},   {"M", 1e6},      {"G", 1e9},      {"T", 1e12},
               {"P", 1e15}, {"E", 1e18}, {"Ki", 1024}, {"Mi", 1 << 20}, {"Gi", 1 << 30}, {"Ti", 1099511627776.0}};
  char *end;
  double value = text ? strtod(text, &end) : -1;
  if (!text || end == text || value < 0) return false;
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    if (!strcmp(units[i].suffix, end)) {
      *out = value * units[i].factor * scale;
      return true;
    }
  return false;
}

static void add_requests(json_t *total, const json_t *container) {
  const char *key;
  json_t *value, *requests = tn_json_at(container, "resources.requests");
  if (!requests) requests = tn_json_at(container, "resources.limits");
  json_object_foreach(requests, key, value) {
    double amount;
    char text[32];
    const char *words = json_string_value(value);
    if (json_is_number(value)) {
      char *dump = json_dumps(value, JSON_ENCODE_ANY);
      words = dump ? strncpy(text, dump, sizeof text - 1) : NULL;
      text[sizeof text - 1] = 0;
      tn_free(dump);
    }
    if (!tn_quantity(words, strcmp(key, "cpu") ? 1 : 1000, &amount)) continue;
    json_object_set_new(total, key, json_real(amount + json_number_value(json_object_get(total, key))));
  }
}

json_t *tn_requests(const json_t *spec) {
  json_t *total = json_object(), *container;
  size_t i;
  json_array_foreach(json_object_get(spec, "containers"), i, container) add_requests(total, container);
  json_object_set_new(total, "pods", json_real(1));
  return total;
}

/* A node and what is free on it. */
typedef struct place {
  const json_t *node; /* borrowed */
  json_t *free;
} place;

struct tn_room {
  size_t n, capacity;
  place *places;
};

tn_error *tn_room_new(tn_room **out) {
  *out = tn_calloc(1, sizeof **out);
  return *out ? NULL : tn_out_of_memory();
}

void tn_room_free(tn_room *room) {
  for (size_t i = 0; i < room->n; i++) json_decref(room->places[i].free);
  tn_free(room->places);
  tn_free(room);
}

static bool takes_pods(const json_t *node) {
  const char *ready = tn_json_text(tn_json_find(node, "status.conditions", "type", "Ready"), "status");
  return ready && !strcmp(ready, "True") && !tn_json_flag(node, "spec.unschedulable", false);
}

tn_error *tn_room_add_node(tn_room *room, const json_t *node) {
  if (!takes_pods(node)) return NULL;
  if (room->n == room->capacity) {
    size_t more = room->capacity ? 2 * room->capacity : 16;
    place *places = tn_realloc(room->places, more * sizeof *places);
    if (!places) return tn_out_of_memory();
    room->places = places;
    room->capacity = more;
  }
  json_t *wrapped =
      json_pack("{s[{s{sO}}]}", "containers", "resources", "requests", tn_json_at(node, "status.allocatable"));
  json_t *free = tn_requests(wrapped);
  double pods = 0;
  if (tn_quantity(tn_json_text(node, "status.allocatable.pods"), 1, &pods))
    json_object_set_new(free, "pods", json_real(pods));
  json_decref(wrapped);
  room->places[room->n++] = (place){node, free};
  return NULL;
}

static void take(place *p, const json_t *requests) {
  const char *key;
  json_t *amount;
  json_object_foreach((json_t *)requests, key, amount) json_object_set_new(
      p->free, key, json_real(json_number_value(json_object_get(p->free, key)) - json_number_value(amount)));
}

void tn_room_take(tn_room *room, const char *name, const json_t *requests) {
  for (size_t i = 0; i < room->n; i++) {
    const char *other = tn_json_text(room->places[i].node, "metadata.name");
    if (other && !strcmp(other, name)) take(&room->places[i], requests);
  }
}

static bool is_tolerated(const json_t *spec, const json_t *taint) {
  size_t i;
  json_t *toleration;
  const char *key = tn_json_text(taint, "key");
  json_array_foreach(json_object_get(spec, "tolerations"), i, toleration) {
    const char *own = tn_json_text(toleration, "key"), *operator= tn_json_text(toleration, "operator");
    if (own && key && strcmp(own, key)) continue;
    const char *value = tn_json_text(toleration, "value"), *wanted = tn_json_text(taint, "value");
    if ((operator&& !strcmp(operator, "Exists")) || !strcmp(value ? value : "", wanted ? wanted : "")) return true;
  }
  return false;
}

/* Whether the pod may be on the node, room aside. */
static bool may_be(const json_t *spec, const json_t *node) {
  const char *key;
  json_t *value, *taint;
  size_t i;
  json_object_foreach(json_object_get(spec, "nodeSelector"), key, value) {
    const char *label = tn_json_label(node, key), *wanted = json_string_value(value);
    if (!label || !wanted || strcmp(label, wanted)) return false;
  }
  json_array_foreach(tn_json_at(node, "spec.taints"), i, taint) {
    const char *effect = tn_json_text(taint, "effect");
    if (effect && strcmp(effect, "PreferNoSchedule") && !is_tolerated(spec, taint)) return false;
  }
  return true;
}

static bool has_room(const place *p, const json_t *requests) {
  const char *key;
  json_t *amount;
  json_object_foreach((json_t *)requests, key,
                      amount) if (json_number_value(amount) >
                                  json_number_value(json_object_get(p->free, key))) return false;
  return true;
}

bool tn_room_place(tn_room *room, const json_t *spec, const json_t *requests) {
  for (size_t i = 0; i < room->n; i++) {
    if (!may_be(spec, room->places[i].node) || !has_room(&room->places[i], requests)) continue;
    take(&room->places[i], requests);
    return true;
  }
  return false;
}
