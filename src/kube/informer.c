/* Lists, watches, and what they bring. */
#include "kube/informer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/thread.h"

enum { PAGE = 100, WATCH_S = 290 };
#define FIRST_WAIT_NS 200000000LL
#define MOST_WAIT_NS  10000000000LL

/* The objects of one index key. */
typedef struct group {
  size_t n, capacity;
  json_t **objects;
} group;

struct tn_informer {
  tn_api *api;
  tn_informer_options o;
  tn_map *objects, *groups; /* "ns/name" to object, of which a reference is held; index key to group */
  char version[64];         /* to go on from; "": list first */
  char *next_page;          /* of a list that goes on */
  json_t *listed;           /* the keys that a list has brought so far */
  bool waits, synced;
  tn_api_call *watch;
  int64_t again_at, wait;
  char trouble[256];
  tn_code code;
};

static void key_of(const json_t *object, char key[512]) {
  const char *ns = tn_json_text(object, "metadata.namespace"), *name = tn_json_text(object, "metadata.name");
  snprintf(key, 512, "%.250s/%.250s", ns ? ns : "", name ? name : "");
}

static void leave_group(tn_informer *informer, json_t *object) {
  char key[512];
  if (!informer->o.index || !informer->o.index(object, key)) return;
  group *g = tn_map_find(informer->groups, key);
  for (size_t i = 0; g && i < g->n; i++)
    if (g->objects[i] == object) {
      g->objects[i] = g->objects[--g->n];
      break;
    }
  if (!g || g->n) return;
  tn_map_remove(informer->groups, key, strlen(key));
  tn_free(g->objects);
  tn_free(g);
}

static bool join_group(tn_informer *informer, json_t *object) {
  char key[512];
  if (!informer->o.index || !informer->o.index(object, key)) return true;
  group *g = tn_map_find(informer->groups, key);
  if (!g) {
    tn_error *error = (g = tn_calloc(1, sizeof *g)) ? tn_map_put(informer->groups, key, g) : NULL;
    if (!g || error) {
      tn_error_free(error);
      tn_free(g);
      return false;
    }
  }
  if (g->n == g->capacity) {
    size_t more = g->capacity ? 2 * g->capacity : 4;
    json_t **objects = tn_realloc(g->objects, more * sizeof *objects);
    if (!objects) return false;
    g->objects = objects;
    g->capacity = more;
  }
  g->objects[g->n++] = object;
  return true;
}

/* Puts NOW in the place of what is under its key; NULL takes it away. */
static void put(tn_informer *informer, const char *key, json_t *now) {
  json_t *before = tn_map_find(informer->objects, key);
  if (before) leave_group(informer, before);
  bool kept = false;
  if (now) {
    tn_error *error = tn_map_put(informer->objects, key, json_incref(now));
    kept = !error && join_group(informer, now);
    tn_error_free(error);
  } else {
    tn_map_remove(informer->objects, key, strlen(key));
  }
  if (now && !kept) informer->version[0] = 0; /* memory ran out: list again */
  if (before || now) informer->o.changed(informer->o.argument, before, now);
  json_decref(before);
}

static unsigned long long version_of(const json_t *object) {
  const char *text = tn_json_text(object, "metadata.resourceVersion");
  return text ? strtoull(text, NULL, 10) : 0;
}

/* Versions of one resource grow, as etcd's revisions do. */
static void came(tn_informer *informer, json_t *object) {
  char key[512];
  key_of(object, key);
  json_t *there = tn_map_find(informer->objects, key);
  if (there && version_of(there) >= version_of(object)) return;
  json_object_del(json_object_get(object, "metadata"), "managedFields");
  if (informer->o.trim) informer->o.trim(object);
  put(informer, key, object);
}

/* What is not there, and older than what the watch has brought, was there in between and is gone. */
void tn_informer_saw(tn_informer *informer, json_t *object) {
  char key[512];
  key_of(object, key);
  if (tn_map_find(informer->objects, key) || version_of(object) > strtoull(informer->version, NULL, 10))
    came(informer, object);
}

void tn_informer_gone(tn_informer *informer, json_t *object) {
  char key[512];
  key_of(object, key);
  json_t *there = tn_map_find(informer->objects, key);
  const char *uid = tn_json_text(object, "metadata.uid"), *other = tn_json_text(there, "metadata.uid");
  if (there && (!uid || !other || !strcmp(uid, other))) put(informer, key, NULL);
}

static void note_version(tn_informer *informer, const json_t *object) {
  const char *version = tn_json_text(object, "metadata.resourceVersion");
  if (version) snprintf(informer->version, sizeof informer->version, "%s", version);
}

static void fail(tn_informer *informer, tn_error *error) {
  informer->code = tn_error_code(error);
  snprintf(informer->trouble, sizeof informer->trouble, "%s: %s", informer->o.path, tn_error_message(error));
  informer->wait = informer->wait ? 2 * informer->wait : FIRST_WAIT_NS;
  if (informer->wait > MOST_WAIT_NS) informer->wait = MOST_WAIT_NS;
  informer->again_at = tn_now_ns() + informer->wait;
  if (informer->code == TN_OUT_OF_RANGE) {
    informer->version[0] = 0;
    informer->again_at = 0;
  }
  tn_error_free(error);
}

static void line_came(void *argument, json_t *line) {
  tn_informer *informer = argument;
  const char *type = tn_json_text(line, "type");
  json_t *object = json_object_get(line, "object");
  char key[512];
  if (!type || !object) return;
  if (!strcmp(type, "ERROR")) {
    /* The watch can't go on from where it was: list anew. */
    informer->version[0] = 0;
    return;
  }
  note_version(informer, object);
  informer->wait = 0;
  if (!strcmp(type, "BOOKMARK")) return;
  key_of(object, key);
  if (!strcmp(type, "DELETED"))
    tn_informer_gone(informer, object);
  else
    came(informer, object);
}

static void watch_ended(void *argument, tn_error *error, json_t *reply) {
  tn_informer *informer = argument;
  (void)reply;
  informer->waits = false;
  informer->watch = NULL;
  if (error) fail(informer, error);
}

static void start_watch(tn_informer *informer) {
  char path[768];
  snprintf(path, sizeof path, "%s?watch=1&allowWatchBookmarks=true&resourceVersion=%s&timeoutSeconds=%d%s%s",
           informer->o.path, informer->version, WATCH_S, informer->o.selector ? "&labelSelector=" : "",
           informer->o.selector ? informer->o.selector : "");
  tn_api_watch watch = {.path = path, .line = line_came, .done = watch_ended, .argument = informer};
  tn_error *error = tn_api_stream(informer->api, &watch, &informer->watch);
  informer->waits = !error;
  if (error) fail(informer, error);
}

/* After the last page: what was not in it is gone. */
static void end_list(tn_informer *informer) {
  size_t cursor = 0, size, n = 0;
  const void *key;
  void *value;
  json_t *gone = json_array();
  while (tn_map_next(informer->objects, &cursor, &key, &size, &value)) {
    if (json_object_getn(informer->listed, key, size)) continue;
    json_array_append(gone, value);
    n++;
  }
  for (size_t i = 0; i < n; i++) tn_informer_gone(informer, json_array_get(gone, i));
  json_decref(gone);
  json_decref(informer->listed);
  informer->listed = NULL;
  informer->synced = true;
}

static void page_came(void *argument, tn_error *error, json_t *reply) {
  tn_informer *informer = argument;
  informer->waits = false;
  tn_free(informer->next_page);
  informer->next_page = NULL;
  if (error) {
    json_decref(informer->listed);
    informer->listed = NULL;
    fail(informer, error);
    return;
  }
  size_t i;
  json_t *object;
  json_array_foreach(json_object_get(reply, "items"), i, object) {
    char key[512];
    key_of(object, key);
    json_object_set_new(informer->listed, key, json_true());
    came(informer, object);
  }
  informer->wait = 0;
  informer->trouble[0] = 0;
  informer->code = TN_OK;
  const char *more = tn_json_text(reply, "metadata.continue");
  if (more && *more && (informer->next_page = tn_strdup(more))) return;
  end_list(informer);
  note_version(informer, reply);
}

static void start_list(tn_informer *informer) {
  char path[2048], *more = informer->next_page;
  if (!informer->listed) informer->listed = json_object();
  snprintf(path, sizeof path, "%s?limit=%d%s%s%s%s", informer->o.path, PAGE, more ? "&continue=" : "", more ? more : "",
           informer->o.selector ? "&labelSelector=" : "", informer->o.selector ? informer->o.selector : "");
  tn_api_request request = {.method = "GET", .path = path};
  tn_error *error = tn_api_send(informer->api, &request, page_came, informer);
  informer->waits = !error;
  if (error) fail(informer, error);
}

int64_t tn_informer_step(tn_informer *informer, int64_t now_ns) {
  if (informer->waits) return INT64_MAX;
  if (informer->again_at > now_ns) return informer->again_at;
  informer->again_at = 0;
  if (!informer->version[0] || informer->next_page)
    start_list(informer);
  else
    start_watch(informer);
  return informer->waits ? INT64_MAX : informer->again_at;
}

bool tn_informer_synced(const tn_informer *informer) { return informer->synced; }

const char *tn_informer_trouble(const tn_informer *informer, tn_code *code) {
  *code = informer->code;
  return informer->trouble;
}

json_t *tn_informer_get(const tn_informer *informer, const char *ns, const char *name) {
  char key[512];
  snprintf(key, sizeof key, "%.250s/%.250s", ns ? ns : "", name);
  return tn_map_find(informer->objects, key);
}

json_t *const *tn_informer_find(const tn_informer *informer, const char *key, size_t *n) {
  const group *g = tn_map_find(informer->groups, key);
  *n = g ? g->n : 0;
  return g ? g->objects : NULL;
}

json_t *tn_informer_next(const tn_informer *informer, size_t *cursor) {
  const void *key;
  size_t size;
  void *value;
  return tn_map_next(informer->objects, cursor, &key, &size, &value) ? value : NULL;
}

size_t tn_informer_size(const tn_informer *informer) { return tn_map_size(informer->objects); }

tn_error *tn_informer_new(tn_api *api, const tn_informer_options *options, tn_informer **out) {
  tn_informer *informer = tn_calloc(1, sizeof *informer);
  if (!informer) return tn_out_of_memory();
  informer->api = api;
  informer->o = *options;
  tn_error *error = tn_map_new(&informer->objects);
  if (!error) error = tn_map_new(&informer->groups);
  if (error) {
    tn_informer_free(informer);
    return error;
  }
  *out = informer;
  return NULL;
}

void tn_informer_free(tn_informer *informer) {
  if (!informer) return;
  size_t cursor = 0, size;
  const void *key;
  void *value;
  if (informer->watch) tn_api_stop(informer->api, informer->watch);
  while (informer->objects && tn_map_next(informer->objects, &cursor, &key, &size, &value)) json_decref(value);
  cursor = 0;
  while (informer->groups && tn_map_next(informer->groups, &cursor, &key, &size, &value)) {
    tn_free(((group *)value)->objects);
    tn_free(value);
  }
  if (informer->objects) tn_map_free(informer->objects);
  if (informer->groups) tn_map_free(informer->groups);
  json_decref(informer->listed);
  tn_free(informer->next_page);
  tn_free(informer);
}
