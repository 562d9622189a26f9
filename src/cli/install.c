/* `tenon install`: puts the CRDs and the operator into a cluster. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/kube.h"
#include "kube/apply.h"
#include "kube/yaml.h"

/* The files of deploy/manifests, put in by the build. */
extern const unsigned char tn_manifests_crd_tenonjob[], tn_manifests_crd_tfjob[], tn_manifests_operator[];
extern const size_t tn_manifests_crd_tenonjob_size, tn_manifests_crd_tfjob_size, tn_manifests_operator_size;

typedef struct settings {
  cli_kube kube;
  const char *image, *target; /* target: the operator's namespace */
  bool crds_only, print;
} settings;

/* Puts the namespace and the image in. */
static void adapt(const settings *s, json_t *manifest) {
  const char *kind = tn_json_text(manifest, "kind");
  json_t *first;
  size_t i;
  json_t *subject;
  if (!strcmp(kind, "Namespace")) tn_json_put(manifest, "metadata.name", json_string(s->target));
  if (tn_json_text(manifest, "metadata.namespace")) tn_json_put(manifest, "metadata.namespace", json_string(s->target));
  json_array_foreach(tn_json_at(manifest, "subjects"), i, subject)
      json_object_set_new(subject, "namespace", json_string(s->target));
  first = json_array_get(tn_json_at(manifest, "spec.template.spec.containers"), 0);
  if (first && s->image) json_object_set_new(first, "image", json_string(s->image));
}

static tn_error *apply_one(settings *s, json_t *manifest) {
  if (s->print) {
    puts("---");
    char *text = json_dumps(manifest, JSON_INDENT(2));
    if (text) puts(text);
    free(text);
    return NULL;
  }
  TN_TRY(tn_apply(s->kube.api, manifest, s->target, NULL));
  printf("%s %s\n", tn_json_text(manifest, "kind"), tn_json_text(manifest, "metadata.name"));
  if (strcmp(tn_json_text(manifest, "kind"), "CustomResourceDefinition")) return NULL;
  return tn_wait_established(s->kube.api, tn_json_text(manifest, "metadata.name"));
}

static tn_error *apply_file(settings *s, const char *name, const unsigned char *text, size_t size) {
  json_t *documents, *manifest;
  size_t i;
  TN_TRY(tn_yaml_parse(name, (const char *)text, size, &documents));
  tn_error *error = NULL;
  json_array_foreach(documents, i, manifest) {
    adapt(s, manifest);
    if (!error) error = apply_one(s, manifest);
  }
  json_decref(documents);
  return error;
}

static tn_error *install(settings *s) {
  TN_TRY(apply_file(s, "crd-tenonjob.yaml", tn_manifests_crd_tenonjob, tn_manifests_crd_tenonjob_size));
  TN_TRY(apply_file(s, "crd-tfjob.yaml", tn_manifests_crd_tfjob, tn_manifests_crd_tfjob_size));
  return s->crds_only ? NULL : apply_file(s, "operator.yaml", tn_manifests_operator, tn_manifests_operator_size);
}

static int run(const cli_command *command, int argc, char **argv) {
  settings s = {.target = "tenon-system"};
  const cli_option options[] = {{"image", CLI_TEXT, &s.image, "IMAGE", "the image that the operator runs"},
                                {"operator-namespace", CLI_TEXT, &s.target, "NS", "where the operator runs"},
                                {"crds-only", CLI_FLAG, &s.crds_only, NULL, "leave the operator out"},
                                {"print", CLI_FLAG, &s.print, NULL, "print the manifests instead of applying them"},
                                CLI_KUBE_OPTIONS(&s.kube),
                                {.name = NULL}};
  int n, code = cli_parse(command, options, argc, argv, &n);
  if (code >= 0) return code;
  if (n) return cli_usage(command, "there is no argument '%s'", argv[0]);
  tn_error *error = s.print ? NULL : cli_kube_open(&s.kube);
  if (error) return cli_fail(error);
  error = install(&s);
  if (!s.print) cli_kube_close(&s.kube);
  return error ? cli_fail(error) : CLI_OK;
}

const cli_command cli_install = {
    .name = "install",
    .arguments = "[options]",
    .summary = "Install the job types and the operator into a Kubernetes cluster.",
    .details = "Applying them again brings them up to date.",
    .run = run,
};
