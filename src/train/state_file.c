/* The `checkpoint` state file: CheckpointState as protobuf text. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "io/file.h"
#include "train/saver.h"

tn_error *tn_checkpoint_list_add(tn_checkpoint_list *list, const char *name) {
  if (list->n == list->capacity) {
    size_t capacity = list->capacity ? 2 * list->capacity : 8;
    char **larger = tn_realloc(list->names, capacity * sizeof *larger);
    if (!larger) return tn_out_of_memory();
    list->names = larger;
    list->capacity = capacity;
  }
  char *copy = tn_strdup(name);
  if (!copy) return tn_out_of_memory();
  list->names[list->n++] = copy;
  return NULL;
}

void tn_checkpoint_list_remove(tn_checkpoint_list *list, size_t i) {
  tn_free(list->names[i]);
  memmove(list->names + i, list->names + i + 1, (--list->n - i) * sizeof *list->names);
}

void tn_checkpoint_list_clear(tn_checkpoint_list *list) {
  for (size_t i = 0; i < list->n; i++) tn_free(list->names[i]);
  tn_free(list->names);
  *list = (tn_checkpoint_list){0};
}

tn_error *tn_checkpoint_path(const char *folder, const char *name, char **out) {
  tn_str path = {0};
  if (!tn_path_is_absolute(name)) tn_str_addf(&path, "%s/", folder);
  tn_str_add(&path, name);
  return tn_str_take(&path, out, NULL);
}

/* --- writing --- */

static void add_field(tn_str *text, const char *field, const char *value) {
  tn_str_addf(text, "%s: \"", field);
  for (const unsigned char *c = (const unsigned char *)value; *c; c++) {
    if (*c == '"' || *c == '\\') {
      tn_str_addf(text, "\\%c", *c);
    } else if (*c < 32 || *c >= 127) {
      tn_str_addf(text, "\\%03o", *c);
    } else {
      tn_str_add_bytes(text, c, 1);
    }
  }
  tn_str_add(text, "\"\n");
}

tn_error *tn_state_file_write(const char *folder, const tn_checkpoint_list *list) {
  tn_str text = {0};
  char *path, *data;
  size_t size;
  if (list->n) add_field(&text, "model_checkpoint_path", list->names[list->n - 1]);
  for (size_t i = 0; i < list->n; i++) add_field(&text, "all_model_checkpoint_paths", list->names[i]);
  TN_TRY(tn_str_take(&text, &data, &size));
  tn_error *error = tn_checkpoint_path(folder, "checkpoint", &path);
  if (!error) {
    error = tn_file_replace(path, data, size);
    tn_free(path);
  }
  tn_free(data);
  return error;
}

/* --- reading --- */

static char octal(const char **at) {
  int value = 0;
  for (int i = 0; i < 3 && **at >= '0' && **at <= '7'; i++) value = 8 * value + *(*at)++ - '0';
  return (char)value;
}

/* The quoted string that begins at *AT; NULL if there is none. *AT moves behind it. To be freed. */
static char *read_quoted(const char **at) {
  while (**at == ' ' || **at == '\t' || **at == ':') ++*at;
  char quote = **at;
  if (quote != '"' && quote != '\'') return NULL;
  char *text = tn_malloc(strlen(++*at) + 1), *end = text;
  while (text && **at && **at != '\n' && **at != quote) {
    if (**at == '\\' && (*at)[1] >= '0' && (*at)[1] <= '7') {
      ++*at;
      *end++ = octal(at);
    } else {
      if (**at == '\\' && (*at)[1]) ++*at;
      *end++ = *(*at)++;
    }
  }
  if (text) *end = 0;
  if (!text || **at != quote) {
    tn_free(text);
    return NULL;
  }
  ++*at;
  return text;
}

/* Makes NEWEST the last of LIST. */
static tn_error *put_last(tn_checkpoint_list *list, const char *newest) {
  for (size_t i = 0; i < list->n; i++) {
    if (!strcmp(list->names[i], newest)) tn_checkpoint_list_remove(list, i--);
  }
  return tn_checkpoint_list_add(list, newest);
}

static tn_error *parse(const char *path, const char *text, tn_checkpoint_list *list) {
  char *newest = NULL;
  tn_error *error = NULL;
  for (const char *at = text; *at && !error;) {
    while (isspace((unsigned char)*at)) at++;
    size_t word = strcspn(at, ": \t\n");
    bool model = word == 21 && !strncmp(at, "model_checkpoint_path", word);
    bool all = word == 26 && !strncmp(at, "all_model_checkpoint_paths", word);
    at += word;
    char *value = model || all ? read_quoted(&at) : NULL;
    if ((model || all) && !value) error = tn_errorf(TN_DATA_LOSS, "%s: a name is not in quotes", path);
    if (value && all) error = tn_checkpoint_list_add(list, value);
    if (value && model) {
      tn_free(newest);
      newest = value;
    } else {
      tn_free(value);
    }
    at += strcspn(at, "\n");
  }
  if (!error && newest) error = put_last(list, newest);
  tn_free(newest);
  return error;
}

tn_error *tn_state_file_read(const char *folder, tn_checkpoint_list *list) {
  char *path, *text = NULL;
  size_t size;
  TN_TRY(tn_checkpoint_path(folder, "checkpoint", &path));
  tn_error *error = tn_file_read(path, &text, &size);
  if (!error) error = parse(path, text, list);
  tn_free(text);
  tn_free(path);
  return error;
}

tn_error *tn_latest_checkpoint(const char *folder, char **out) {
  tn_checkpoint_list list = {0};
  tn_error *error = tn_state_file_read(folder, &list);
  if (!error && !list.n) error = tn_errorf(TN_NOT_FOUND, "%s/checkpoint names no checkpoint", folder);
  if (!error) error = tn_checkpoint_path(folder, list.names[list.n - 1], out);
  tn_checkpoint_list_clear(&list);
  return error;
}
