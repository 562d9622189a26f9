/* `tenon image`: an OCI image of the runtime and a program, without a daemon. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/sha256.h"
#include "cli/cli.h"
#include "cli/image_files.h"
#include "io/file.h"
#include "kube/json.h"

enum { MOST_LAYERS = 3 };

typedef struct settings {
  const char *output, *name, *python, *packages;
  bool with_python;
  const char *program; /* NULL: none */
} settings;

typedef struct image {
  cli_layer layer; /* what is being put together */
  cli_blob layers[MOST_LAYERS];
  const char *titles[MOST_LAYERS];
  int n;
} image;

static const char *architecture(void) {
#if defined(__aarch64__)
  return "arm64";
#else
  return "amd64";
#endif
}

static tn_error *pack(image *i, const char *title) {
  i->titles[i->n] = title;
  TN_TRY(cli_layer_pack(&i->layer, &i->layers[i->n]));
  i->n++;
  return NULL;
}

/* Python's files, with their bytecode in a folder that is gone afterwards. */
static tn_error *pack_python(const settings *s, image *i) {
  char scratch[] = "/tmp/tenon-image-XXXXXX", remove[64];
  if (!mkdtemp(scratch)) return tn_errorf(TN_UNAVAILABLE, "there is no room for a folder in /tmp");
  tn_error *error = cli_image_python(&i->layer, s->python, s->packages, scratch);
  if (!error) error = pack(i, "Python and NumPy");
  snprintf(remove, sizeof remove, "rm -rf '%s'", scratch);
  if (system(remove) && !error) error = tn_errorf(TN_UNAVAILABLE, "%s could not be removed", scratch);
  return error;
}

static tn_error *pack_all(const settings *s, image *i) {
  TN_TRY(cli_image_runtime(&i->layer));
  TN_TRY(pack(i, "runtime"));
  if (s->with_python) TN_TRY(pack_python(s, i));
  if (!s->program) return NULL;
  TN_TRY(cli_image_program(&i->layer, s->program));
  return pack(i, "program");
}

/* What a container runs if nobody says otherwise. */
static json_t *command_of(const settings *s) {
  const char *name = s->program ? strrchr(s->program, '/') : NULL;
  name = name ? name + 1 : s->program;
  size_t size = name ? strlen(name) : 0;
  if (size > 3 && !strcmp(name + size - 3, ".py"))
    return json_pack("[ssso]", "python", "-m", "tenon.compat", tn_json_textf(CLI_IMAGE_PROGRAMS "/%s", name));
  return json_pack("[ss]", "tenon", "--help");
}

/* The configuration; times are left at the beginning of time, so that the same content is the same image. */
static json_t *config_of(const settings *s, const image *i) {
  static const char start[] = "1970-01-01T00:00:00Z";
  json_t *ids = json_array(), *history = json_array();
  for (int k = 0; k < i->n; k++) {
    json_array_append_new(ids, tn_json_textf("sha256:%s", i->layers[k].diff_id));
    json_array_append_new(history, json_pack("{ss,ss}", "created", start, "created_by", i->titles[k]));
  }
  return json_pack("{ss,ss,ss,s{ss,s[sssss],so,ss},s{ss,so},so}", "architecture", architecture(), "os", "linux",
                   "created", start, "config", "User", "65532:65532", "Env", "PATH=/usr/local/bin:/usr/bin:/bin",
                   "PYTHONPATH=" CLI_IMAGE_PACKAGES, "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1", "HOME=/tmp",
                   "Cmd", command_of(s), "WorkingDir", "/", "rootfs", "type", "layers", "diff_ids", ids, "history",
                   history);
}

static json_t *descriptor(const char *type, const char *digest, size_t size) {
  return json_pack("{ss,so,sI}", "mediaType", type, "digest", tn_json_textf("sha256:%s", digest), "size",
                   (json_int_t)size);
}

static json_t *manifest_of(const image *i, const char *config_digest, size_t config_size) {
  json_t *layers = json_array();
  for (int k = 0; k < i->n; k++)
    json_array_append_new(
        layers, descriptor("application/vnd.oci.image.layer.v1.tar+gzip", i->layers[k].digest, i->layers[k].size));
  return json_pack("{si,ss,so,so}", "schemaVersion", 2, "mediaType", "application/vnd.oci.image.manifest.v1+json",
                   "config", descriptor("application/vnd.oci.image.config.v1+json", config_digest, config_size),
                   "layers", layers);
}

/* NAME with a tag; free with tn_free. */
static char *with_tag(const char *name) {
  const char *slash = strrchr(name, '/');
  tn_str text = {0};
  char *out = NULL;
  size_t size;
  tn_str_addf(&text, "%s%s", name, strchr(slash ? slash : name, ':') ? "" : ":latest");
  tn_error *error = tn_str_take(&text, &out, &size);
  tn_error_free(error);
  return error ? NULL : out;
}

/* Appends a file of the archive. */
static void put(tn_str *out, const char *name, const char *data, size_t size) {
  cli_tar_add(out, &(cli_layer_entry){.target = (char *)name, .source = "", .type = '0', .mode = 0644}, size);
  tn_str_add_bytes(out, data, size);
  cli_tar_pad(out, size);
}

static void put_blob(tn_str *out, const char *digest, const char *data, size_t size) {
  char name[96];
  snprintf(name, sizeof name, "blobs/sha256/%s", digest);
  put(out, name, data, size);
}

static tn_error *put_json(tn_str *out, const char *name, json_t *value) {
  char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
  json_decref(value);
  if (!text) return tn_out_of_memory();
  put(out, name, text, strlen(text));
  free(text);
  return NULL;
}

/* As TEXT with its checksum; free TEXT with free(). */
static tn_error *dump(json_t *value, char **text, char digest[65]) {
  *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
  json_decref(value);
  if (!*text) return tn_out_of_memory();
  tn_sha256(*text, strlen(*text), digest);
  return NULL;
}

/* The archive's lists, for those that read OCI's layout and for those that read Docker's. */
static tn_error *put_lists(tn_str *out, const image *i, const char *name, const char *config, json_t *manifest) {
  json_t *layers = json_array();
  for (int k = 0; k < i->n; k++) json_array_append_new(layers, tn_json_textf("blobs/sha256/%s", i->layers[k].digest));
  json_object_set_new(manifest, "annotations", json_pack("{ss}", "io.containerd.image.name", name));
  TN_TRY(put_json(out, "index.json", json_pack("{si,s[o]}", "schemaVersion", 2, "manifests", manifest)));
  TN_TRY(put_json(out, "manifest.json",
                  json_pack("[{so,s[s],so}]", "Config", tn_json_textf("blobs/sha256/%s", config), "RepoTags", name,
                            "Layers", layers)));
  return put_json(out, "oci-layout", json_pack("{ss}", "imageLayoutVersion", "1.0.0"));
}

/* Fills OUT with the image as an archive; DIGEST: the manifest's, which names the image. */
static tn_error *assemble(const settings *s, const image *i, tn_str *out, char digest[65]) {
  char *config = NULL, *manifest = NULL, *name = with_tag(s->name), config_digest[65];
  tn_error *error = name ? NULL : tn_out_of_memory();
  if (!error) error = dump(config_of(s, i), &config, config_digest);
  if (!error) error = dump(manifest_of(i, config_digest, strlen(config)), &manifest, digest);
  if (!error) {
    for (int k = 0; k < i->n; k++) put_blob(out, i->layers[k].digest, i->layers[k].data, i->layers[k].size);
    put_blob(out, config_digest, config, strlen(config));
    put_blob(out, digest, manifest, strlen(manifest));
    error = put_lists(out, i, name, config_digest,
                      descriptor("application/vnd.oci.image.manifest.v1+json", digest, strlen(manifest)));
    cli_tar_end(out);
  }
  free(config);
  free(manifest);
  tn_free(name);
  return error;
}

static tn_error *make(const settings *s, image *i) {
  tn_str archive = {0};
  char *data = NULL, text[32], digest[65];
  size_t size = 0, total = 0;
  TN_TRY(pack_all(s, i));
  tn_error *error = assemble(s, i, &archive, digest);
  if (!error) error = tn_str_take(&archive, &data, &size);
  if (!error) error = tn_file_replace(s->output, data, size);
  tn_str_clear(&archive);
  tn_free(data);
  if (error) return error;
  for (int k = 0; k < i->n; k++) {
    printf("%-18s %s\n", i->titles[k], cli_bytes((double)i->layers[k].size, text));
    total += i->layers[k].size;
  }
  printf("%-18s %s as pulled\n%s sha256:%s\n", s->name, cli_bytes((double)total, text), s->output, digest);
  return NULL;
}

static int run(const cli_command *command, int argc, char **argv) {
  settings s = {.output = "image.tar", .name = "tenon:latest", .python = "python3"};
  const cli_option options[] = {
      {"output", CLI_TEXT, &s.output, "FILE", "the archive to write; docker load, ctr import and skopeo read it"},
      {"name", CLI_TEXT, &s.name, "NAME:TAG", "what the image is called, with its registry"},
      {"with-python", CLI_FLAG, &s.with_python, NULL,
       "put in Python, NumPy and Tenon's package; a .py program asks for it"},
      {"python", CLI_TEXT, &s.python, "PROGRAM", "the interpreter; it has to have NumPy and Tenon"},
      {"packages", CLI_TEXT, &s.packages, "A,B", "more packages of its"},
      {.name = NULL}};
  int n, code = cli_parse(command, options, argc, argv, &n);
  if (code >= 0) return code;
  if (n > 1) return cli_usage(command, "give it one program or folder, not %d", n);
  if (n) s.program = argv[0];
  size_t size = n ? strlen(argv[0]) : 0;
  s.with_python |= s.packages || (size > 3 && !strcmp(argv[0] + size - 3, ".py"));
  image i = {.n = 0};
  bool there = !s.program || !access(s.program, R_OK);
  tn_error *error = there ? make(&s, &i) : tn_file_error(errno, "read", s.program);
  cli_layer_clear(&i.layer);
  for (int k = 0; k < i.n; k++) tn_free(i.layers[k].data);
  return error ? cli_fail(error) : CLI_OK;
}

const cli_command cli_image = {
    .name = "image",
    .arguments = "[options] [PROGRAM.py | FOLDER]",
    .summary = "Make a container image of the runtime and a program.",
    .details =
        "It holds what this machine has: the tenon command, its libraries and, for Python, the interpreter with\n"
        "NumPy. Programs lie in /programs. It runs as user 65532 and works with a read-only root. The same\n"
        "content is the same image, bit for bit. No daemon is needed, and nothing is fetched.",
    .run = run,
};
