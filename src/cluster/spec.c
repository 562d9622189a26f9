/* Cluster specifications. */
#include "cluster/spec.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "base/wire.h"

static bool good_job(const char *job) {
  if (!isalpha((unsigned char)job[0])) return false;
  for (const char *c = job; *c; c++) {
    if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-') return false;
  }
  return strlen(job) < TN_DEVICE_WORD;
}

static tn_error *add_task(tn_spec *spec, const char *job, int64_t index, const char *address) {
  if (!good_job(job)) return tn_errorf(TN_INVALID_ARGUMENT, "'%.100s' is not the name of a job", job);
  if (index < 0 || index > 1000000) {
    return tn_errorf(TN_INVALID_ARGUMENT, "job '%s' can't have a task %lld", job, (long long)index);
  }
  if (!address[0]) return tn_errorf(TN_INVALID_ARGUMENT, "task %lld of job '%s' has no address", (long long)index, job);
  for (size_t i = 0; i < spec->n; i++) {
    const tn_spec_task *t = &spec->tasks[i];
    if (strcmp(t->job, job) == 0 && t->index == index) {
      return tn_errorf(TN_INVALID_ARGUMENT, "job '%s' has two tasks %lld", job, (long long)index);
    }
    if (strcmp(t->address, address) == 0) {
      return tn_errorf(TN_INVALID_ARGUMENT, "%s and task %lld of job '%s' have one address, '%s'", t->name,
                       (long long)index, job, address);
    }
  }
  if ((spec->n & (spec->n - 1)) == 0) { /* room for a power of two */
    tn_spec_task *more = tn_arena_alloc(spec->arena, (spec->n ? 2 * spec->n : 1) * sizeof *more);
    if (!more) return tn_out_of_memory();
    if (spec->n) memcpy(more, spec->tasks, spec->n * sizeof *more);
    spec->tasks = more;
  }
  tn_str name = {0};
  tn_str_addf(&name, "/job:%s/replica:0/task:%lld", job, (long long)index);
  tn_spec_task *t = &spec->tasks[spec->n];
  *t = (tn_spec_task){.job = tn_arena_strdup(spec->arena, job),
                      .address = tn_arena_strdup(spec->arena, address),
                      .name = name.failed ? NULL : tn_arena_strdup(spec->arena, name.data),
                      .index = (int)index};
  tn_str_clear(&name);
  if (!t->job || !t->address || !t->name) return tn_out_of_memory();
  spec->n++;
  return NULL;
}

void tn_spec_clear(tn_spec *spec) {
  tn_arena_free(spec->arena);
  *spec = (tn_spec){0};
}

/* --- ClusterDef --- */

/* A JobDef.tasks entry: key 1, value 2. */
static tn_error *read_task(tn_spec *spec, const char *job, tn_wire_in in) {
  int64_t index = 0;
  const char *address = "";
  for (;;) {
    tn_wire_field field;
    bool more = false;
    TN_TRY(tn_wire_next(&in, &field, &more));
    if (!more) break;
    if (field.number == 1 && field.type == TN_WIRE_VARINT) index = (int64_t)field.value;
    if (field.number == 2 && field.type == TN_WIRE_BYTES) {
      address = tn_arena_strndup(spec->arena, field.data, field.size);
      if (!address) return tn_out_of_memory();
    }
  }
  return add_task(spec, job, index, address);
}

static tn_error *read_job(tn_spec *spec, tn_wire_in in) {
  const char *job = "";
  tn_wire_in again = in;
  for (int pass = 0; pass < 2; pass++, in = again) {
    for (;;) {
      tn_wire_field field;
      bool more = false;
      TN_TRY(tn_wire_next(&in, &field, &more));
      if (!more) break;
      if (field.type != TN_WIRE_BYTES) continue;
      if (pass == 0 && field.number == 1) {
        job = tn_arena_strndup(spec->arena, field.data, field.size);
        if (!job) return tn_out_of_memory();
      }
      if (pass == 1 && field.number == 2) TN_TRY(read_task(spec, job, tn_wire_bytes(field.data, field.size)));
    }
  }
  return NULL;
}

static tn_error *read_def(tn_spec *spec, tn_wire_in in) {
  TN_TRY(tn_arena_new(&spec->arena));
  for (;;) {
    tn_wire_field field;
    bool more = false;
    TN_TRY(tn_wire_next(&in, &field, &more));
    if (!more) return NULL;
    if (field.number == 1 && field.type == TN_WIRE_BYTES) {
      TN_TRY(read_job(spec, tn_wire_bytes(field.data, field.size)));
    }
  }
}

tn_error *tn_spec_read(const char *def, size_t size, tn_spec *out) {
  tn_spec spec = {0};
  tn_error *error = read_def(&spec, tn_wire_bytes(def, size));
  if (error) {
    tn_spec_clear(&spec);
    return tn_error_context(error, "ClusterDef");
  }
  *out = spec;
  return NULL;
}

static void write_task(const tn_spec_task *task, tn_str *out) {
  tn_str entry = {0};
  tn_wire_put_int(&entry, 1, task->index);
  tn_wire_put_bytes(&entry, 2, task->address, strlen(task->address));
  out->failed = out->failed || entry.failed;
  tn_wire_put_bytes(out, 2, entry.data, entry.size);
  tn_str_clear(&entry);
}

void tn_spec_write(const tn_spec *spec, tn_str *out) {
  for (size_t i = 0; i < spec->n;) {
    const char *job = spec->tasks[i].job;
    tn_str def = {0};
    tn_wire_put_bytes(&def, 1, job, strlen(job));
    for (; i < spec->n && strcmp(spec->tasks[i].job, job) == 0; i++) write_task(&spec->tasks[i], &def);
    out->failed = out->failed || def.failed;
    tn_wire_put_bytes(out, 1, def.data, def.size);
    tn_str_clear(&def);
  }
}

/* --- text --- */

/* "job=address,address;job=address". */
static tn_error *read_plain(tn_spec *spec, char *text) {
  char *rest = NULL;
  for (char *job = strtok_r(text, ";", &rest); job; job = strtok_r(NULL, ";", &rest)) {
    char *equals = strchr(job, '='), *more = NULL;
    if (!equals) return tn_errorf(TN_INVALID_ARGUMENT, "'%s' is not JOB=ADDRESS,...", job);
    *equals = 0;
    int64_t index = 0;
    for (char *address = strtok_r(equals + 1, ",", &more); address; address = strtok_r(NULL, ",", &more)) {
      TN_TRY(add_task(spec, job, index++, address));
    }
  }
  return NULL;
}

tn_error *tn_spec_parse(const char *text, tn_spec *out) {
  tn_spec spec = {0};
  TN_TRY(tn_arena_new(&spec.arena));
  char *copy = tn_strdup(text);
  tn_error *error = copy ? read_plain(&spec, copy) : tn_out_of_memory();
  tn_free(copy);
  if (!error && !spec.n) error = tn_errorf(TN_INVALID_ARGUMENT, "it has no tasks");
  if (error) {
    tn_spec_clear(&spec);
    return tn_error_context(error, "cluster specification");
  }
  *out = spec;
  return NULL;
}

/* --- looking --- */

const tn_spec_task *tn_spec_find(const tn_spec *spec, const char *job, int index) {
  for (size_t i = 0; i < spec->n; i++) {
    if (spec->tasks[i].index == index && strcmp(spec->tasks[i].job, job) == 0) return &spec->tasks[i];
  }
  return NULL;
}

const tn_spec_task *tn_spec_of_device(const tn_spec *spec, const char *device, size_t size) {
  for (size_t i = 0; i < spec->n; i++) {
    size_t n = strlen(spec->tasks[i].name);
    if (n <= size && memcmp(spec->tasks[i].name, device, n) == 0 && (n == size || device[n] == '/')) {
      return &spec->tasks[i];
    }
  }
  return NULL;
}
