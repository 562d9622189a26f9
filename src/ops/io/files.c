/* Whole files: ReadFile, WriteFile, MatchingFiles. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "graph/shape.h"
#include "io/file.h"
#include "kernel/kernel.h"

/* Element I of T as C text, to be freed. A name with a NUL in it is none. */
static tn_error *text_at(const tn_run *r, const tn_tensor *t, int64_t i, char **out) {
  const tn_string *s = &TN_DATA(const tn_string, t)[i];
  if (s->size && memchr(s->data, 0, s->size)) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "a file name has a NUL character in it");
  }
  *out = tn_strndup(s->size ? s->data : "", s->size);
  return *out ? NULL : tn_out_of_memory();
}

static tn_error *check_scalars(const tn_prepare *p) {
  for (int i = 0; i < p->n_inputs; i++) {
    if (p->inputs[i].shape.rank == 0) continue;
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Input %s tensor must be scalar, but had shape: %s",
                             i ? "contents" : "filename", TN_SHAPE_STR(&p->inputs[i].shape));
  }
  return NULL;
}

/* --- one file --- */

static tn_error *prepare_read(tn_prepare *p) {
  tn_shape scalar = tn_shape_scalar();
  TN_TRY(check_scalars(p));
  return tn_prepare_output(p, 0, &scalar);
}

static tn_error *run_read(tn_run *r) {
  char *path, *data;
  size_t size;
  TN_TRY(text_at(r, r->inputs[0], 0, &path));
  tn_error *error = tn_file_read(path, &data, &size);
  tn_free(path);
  if (error) return tn_error_context(error, "%s '%s'", r->node->op->name, r->node->name);
  error = tn_string_set(TN_DATA(tn_string, r->outputs[0]), data, size);
  tn_free(data);
  return error;
}

static tn_error *write_file(char *path, const tn_string *contents) {
  char *slash = strrchr(path, '/');
  if (slash && slash != path) {
    *slash = 0;
    tn_error *error = tn_make_folders(path);
    *slash = '/';
    if (error) return error;
  }
  return tn_file_replace(path, contents->size ? contents->data : "", contents->size);
}

static tn_error *run_write(tn_run *r) {
  char *path;
  TN_TRY(text_at(r, r->inputs[0], 0, &path));
  tn_error *error = write_file(path, TN_DATA(const tn_string, r->inputs[1]));
  tn_free(path);
  return tn_error_context(error, "%s '%s'", r->node->op->name, r->node->name);
}

static tn_error *prepare_write(tn_prepare *p) { return check_scalars(p); }

/* --- patterns --- */

static tn_error *prepare_match(tn_prepare *p) {
  if (p->inputs[0].shape.rank > 1) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "Input patterns tensor must be scalar or vector, but had shape: %s",
                             TN_SHAPE_STR(&p->inputs[0].shape));
  }
  tn_prepare_dynamic(p, 0);
  return NULL;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* A pattern that names no folder before its first wildcard matches "./NAME", as in TensorFlow. */
static tn_error *with_folder(char **pattern) {
  if (tn_path_is_remote(*pattern)) return NULL;
  size_t fixed = strcspn(*pattern, "*?[\\");
  if (memchr(*pattern, '/', fixed)) return NULL;
  tn_str text = {0};
  tn_str_add(&text, "./");
  tn_str_add(&text, *pattern);
  tn_free(*pattern);
  *pattern = NULL;
  return tn_str_take(&text, pattern, NULL);
}

static tn_error *match_all(const tn_run *r, tn_names *found) {
  for (int64_t i = 0; i < tn_elements(r->inputs[0]); i++) {
    char *pattern;
    TN_TRY(text_at(r, r->inputs[0], i, &pattern));
    TN_TRY(with_folder(&pattern));
    tn_names some = {0};
    tn_error *error = tn_path_glob(pattern, &some);
    tn_free(pattern);
    for (size_t k = 0; k < some.n && !error; k++) error = tn_names_add(found, some.names[k], strlen(some.names[k]));
    tn_names_clear(&some);
    if (error) return tn_error_context(error, "%s '%s'", r->node->op->name, r->node->name);
  }
  return NULL;
}

static tn_error *run_match(tn_run *r) {
  tn_names found = {0};
  tn_error *error = match_all(r, &found);
  int64_t n = (int64_t)found.n;
  tn_shape shape = tn_shape_of(1, &n);
  if (!error) error = tn_run_allocate(r, 0, &shape);
  if (n > 0) qsort(found.names, (size_t)n, sizeof *found.names, by_name);
  for (int64_t i = 0; i < n && !error; i++) {
    error = tn_string_set(&TN_DATA(tn_string, r->outputs[0])[i], found.names[i], strlen(found.names[i]));
  }
  tn_names_clear(&found);
  return error;
}

static const tn_kernel_def reads[] = {{.name = "reference", .prepare = prepare_read, .run = run_read}, {0}};
static const tn_kernel_def writes[] = {{.name = "reference", .prepare = prepare_write, .run = run_write}, {0}};
static const tn_kernel_def matches[] = {{.name = "reference", .prepare = prepare_match, .run = run_match}, {0}};

static tn_error *shape_read(tn_shape_ctx *c) { return tn_shape_with_rank(c, 0, 0, &c->out[0]); }

static tn_error *shape_write(tn_shape_ctx *c) {
  tn_shape unused;
  TN_TRY(tn_shape_with_rank(c, 0, 0, &unused));
  return tn_shape_with_rank(c, 1, 0, &unused);
}

static tn_error *shape_match(tn_shape_ctx *c) {
  if (c->in[0].rank > 1) {
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "Shape must be at most rank 1 but is rank %d", c->in[0].rank);
  }
  c->out[0] = tn_shape_unknown_of_rank(1);
  return NULL;
}

/* What a file holds is nothing that the graph alone tells: these are never folded or merged. */
TN_OP(ReadFile, .inputs = "filename: string", .outputs = "contents: string", .attrs = "", .doc = "What a file holds.",
      .flags = TN_OP_FILES | TN_OP_DEBUG | TN_OP_GRADIENT_UNREGISTERED, .shape = shape_read, .kernels = reads);

TN_OP(WriteFile, .inputs = "filename: string, contents: string", .outputs = "", .attrs = "",
      .doc = "Makes a file, and the folders that it needs.",
      .flags = TN_OP_FILES | TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = shape_write, .kernels = writes);

TN_OP(MatchingFiles, .inputs = "pattern: string", .outputs = "filenames: string", .attrs = "",
      .doc = "The files that match a glob pattern, sorted.",
      .flags = TN_OP_FILES | TN_OP_DEBUG | TN_OP_DYNAMIC_SHAPE | TN_OP_GRADIENT_UNREGISTERED, .shape = shape_match,
      .kernels = matches);
