/* `tenon submit`: starts a job on Kubernetes, from a manifest or from a program. */
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "cli/kube.h"
#include "io/file.h"
#include "kube/apply.h"
#include "kube/job.h"
#include "kube/yaml.h"

enum { MOST_PROGRAM = 900 << 10 }; /* a ConfigMap holds a megabyte */
#define PROGRAM_FOLDER "/tenon/program"

typedef struct settings {
  cli_kube kube;
  const char *file, *name, *image, *claim, *path;
  int64_t workers, ps, chief;
  bool print;
} settings;

/* Creates OBJECT; prints what it is called. */
static tn_error *create(settings *s, const json_t *object, json_t **out) {
  char path[768], strict[800];
  if (s->print) {
    char *text = json_dumps(object, JSON_INDENT(2));
    if (text) printf("---\n%s\n", text);
    free(text);
    return NULL;
  }
  TN_TRY(tn_manifest_path(object, s->kube.ns, path));
  *strrchr(path, '/') = 0;
  snprintf(strict, sizeof strict, "%s?fieldValidation=Strict", path);
  json_t *made = NULL;
  TN_TRY(tn_error_context(tn_api_do(s->kube.api, "POST", strict, object, &made), "%s %s", tn_json_text(object, "kind"),
                          tn_json_text(object, "metadata.name")));
  printf("%s %s\n", tn_json_text(object, "kind"), tn_json_text(made, "metadata.name"));
  if (out)
    *out = made;
  else
    json_decref(made);
  return NULL;
}

/* What the operator would find wrong is told at once. */
static tn_error *check(json_t *object) {
  tn_job job;
  if (!tn_job_kind_of(object)) return NULL;
  tn_error *error = tn_job_read(object, &job);
  tn_job_clear(&job);
  return error;
}

static tn_error *submit_file(settings *s) {
  json_t *documents, *object;
  size_t i;
  TN_TRY(tn_yaml_read(s->file, &documents));
  tn_error *error = json_array_size(documents) ? NULL : tn_errorf(TN_INVALID_ARGUMENT, "%s holds no manifest", s->file);
  json_array_foreach(documents, i, object) {
    if (!error) error = tn_error_context(check(object), "%s", s->file);
    if (!error) error = create(s, object, NULL);
  }
  json_decref(documents);
  return error;
}

/* The ConfigMap with the program, which belongs to the job once that is there. */
static tn_error *program_map(const char *program, const char *name, json_t **out) {
  char *text;
  size_t size;
  TN_TRY(tn_file_read(program, &text, &size));
  char *copy = tn_strdup(program);
  json_t *content = size <= MOST_PROGRAM ? json_stringn(text, size) : NULL;
  tn_free(text);
  if (!copy || !content) {
    tn_free(copy);
    json_decref(content);
    return tn_errorf(TN_INVALID_ARGUMENT,
                     "%s can't be packed into the job: it has to be a text of at most %d bytes; put it into an image",
                     program, MOST_PROGRAM);
  }
  *out = json_pack("{ss,ss,s{ss},s{so}}", "apiVersion", "v1", "kind", "ConfigMap", "metadata", "name", name, "data",
                   basename(copy), content);
  tn_free(copy);
  return *out ? NULL : tn_out_of_memory();
}

static json_t *pod_template(const settings *s, const char *map, const char *program, int argc, char **argv) {
  char *copy = tn_strdup(program);
  json_t *command = json_pack("[sss]", "python", "-m", "tenon.compat");
  json_array_append_new(command, tn_json_textf("%s/%s", PROGRAM_FOLDER, copy ? basename(copy) : ""));
  for (int i = 0; i < argc; i++) json_array_append_new(command, json_string(argv[i]));
  tn_free(copy);
  json_t *mounts = json_pack("[{ss,ss,sb}]", "name", "program", "mountPath", PROGRAM_FOLDER, "readOnly", 1);
  json_t *volumes = json_pack("[{ss,s{ss}}]", "name", "program", "configMap", "name", map);
  if (s->claim) {
    json_array_append_new(mounts, json_pack("{ss,ss}", "name", "storage", "mountPath", s->path));
    json_array_append_new(volumes,
                          json_pack("{ss,s{ss}}", "name", "storage", "persistentVolumeClaim", "claimName", s->claim));
  }
  return json_pack("{s{s[{ss,ss,so,so}],so}}", "spec", "containers", "name", tn_tenon_job.container, "image", s->image,
                   "command", command, "volumeMounts", mounts, "volumes", volumes);
}

static json_t *job_of(const settings *s, const char *name, json_t *template) {
  const struct {
    const char *role;
    int64_t count;
  } roles[] = {{"chief", s->chief}, {"ps", s->ps}, {"worker", s->workers}};
  json_t *replicas = json_object();
  for (int i = 0; i < 3; i++)
    if (roles[i].count)
      json_object_set_new(replicas, roles[i].role,
                          json_pack("{sI,sO}", "replicas", (json_int_t)roles[i].count, "template", template));
  json_decref(template);
  return json_pack("{ss,ss,s{ss},s{so}}", "apiVersion", tn_tenon_job.api_version, "kind", tn_tenon_job.kind, "metadata",
                   "name", name, "spec", "replicas", replicas);
}

/* Makes the ConfigMap the job's, so that it goes with it. */
static tn_error *give_to(settings *s, const char *map, const json_t *job) {
  char path[768];
  json_t *owner = json_pack("{s{s[{ss,ss,ss,ss}]}}", "metadata", "ownerReferences", "apiVersion",
                            tn_tenon_job.api_version, "kind", tn_tenon_job.kind, "name",
                            tn_json_text(job, "metadata.name"), "uid", tn_json_text(job, "metadata.uid"));
  snprintf(path, sizeof path, "/api/v1/namespaces/%s/configmaps/%s", s->kube.ns, map);
  tn_error *error = tn_api_ask(
      s->kube.api, &(tn_api_request){.method = "PATCH", .path = path, .body = owner, .content_type = TN_MERGE_PATCH},
      NULL);
  json_decref(owner);
  return error;
}

/* A name of the program's own: "train.py" makes "train-x7k2". */
static void make_name(const char *program, char name[64]) {
  char *copy = tn_strdup(program), *base = copy ? basename(copy) : NULL;
  size_t n = 0;
  for (const char *c = base; c && *c && *c != '.' && n < 40; c++)
    name[n++] = (char)((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') ? *c
                       : *c >= 'A' && *c <= 'Z'                             ? *c + 32
                                                                            : '-');
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  snprintf(name + n, 64 - n, "%s%05lx", n ? "-" : "job-",
           (unsigned long)(now.tv_sec * 1000 + now.tv_nsec / 1000000) & 0xfffff);
  tn_free(copy);
}

static tn_error *submit_program(settings *s, int argc, char **argv) {
  char name[64], map[80];
  if (s->name)
    snprintf(name, sizeof name, "%s", s->name);
  else
    make_name(argv[0], name);
  snprintf(map, sizeof map, "%s-program", name);
  json_t *program = NULL, *made = NULL;
  TN_TRY(program_map(argv[0], map, &program));
  json_t *job = job_of(s, name, pod_template(s, map, argv[0], argc - 1, argv + 1));
  tn_error *error = job ? check(job) : tn_out_of_memory();
  if (!error) error = create(s, program, NULL);
  if (!error) error = create(s, job, &made);
  if (!error && made) error = give_to(s, map, made);
  json_decref(program);
  json_decref(job);
  json_decref(made);
  return error;
}

static int run(const cli_command *command, int argc, char **argv) {
  settings s = {.image = "tenon-python:latest", .path = "/storage", .workers = 1};
  const cli_option options[] = {{"file", CLI_TEXT, &s.file, "FILE", "manifests to submit, in YAML or JSON (-f)"},
                                {"name", CLI_TEXT, &s.name, "NAME", "of the job; made from the program's if not given"},
                                {"image", CLI_TEXT, &s.image, "IMAGE", "what the program runs in"},
                                {"workers", CLI_INT, &s.workers, "N", "workers"},
                                {"ps", CLI_INT, &s.ps, "N", "parameter servers"},
                                {"chief", CLI_INT, &s.chief, "N", "1: a chief beside the workers"},
                                {"storage", CLI_TEXT, &s.claim, "CLAIM", "a volume claim that every task mounts"},
                                {"storage-path", CLI_TEXT, &s.path, "PATH", "where"},
                                {"print", CLI_FLAG, &s.print, NULL, "print the manifests instead of submitting them"},
                                CLI_KUBE_OPTIONS(&s.kube),
                                {.name = NULL}};
  int n, code = cli_parse(command, options, argc, argv, &n);
  if (code >= 0) return code;
  if (!s.file == !n) return cli_usage(command, "give it either a manifest (-f FILE) or a program (-- PROGRAM.py)");
  tn_error *error = s.print ? NULL : cli_kube_open(&s.kube);
  if (error) return cli_fail(error);
  if (s.print && !s.kube.ns) s.kube.ns = "default";
  error = s.file ? submit_file(&s) : submit_program(&s, n, argv);
  if (!s.print) cli_kube_close(&s.kube);
  return error ? cli_fail(error) : CLI_OK;
}

const cli_command cli_submit = {
    .name = "submit",
    .arguments = "-f FILE | [options] -- PROGRAM.py [ARGUMENT...]",
    .summary = "Start a job on Kubernetes.",
    .details = "A program is packed into the job and runs under tenon.compat in every task, with TF_CONFIG set.",
    .run = run,
};
