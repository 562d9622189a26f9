/* Saving and restoring a model: its variables, its notes, and where its training is. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "io/file.h"
#include "tensor/tensor.h"
#include "train/model.h"

#define POSITION_KEY TN_EXTRA_KEY "position"
#define TOTALS_KEY   TN_EXTRA_KEY "totals"
#define NOTE_KEY     TN_EXTRA_KEY "note/"

enum { N_INTEGERS = 6, N_TOTALS = 2 + 2 * TN_MAX_METRICS };

static tn_error *position_tensors(const tn_position *p, tn_tensor **integers, tn_tensor **totals) {
  const int64_t values[N_INTEGERS] = {p->epoch, p->batch, p->seed, p->batch_size, p->examples, p->in_order};
  TN_TRY(tn_tensor_copy_of(TN_INT64, 1, (const int64_t[]){N_INTEGERS}, values, integers));
  tn_error *error = tn_tensor_copy_of(TN_DOUBLE, 1, (const int64_t[]){N_TOTALS}, &p->totals, totals);
  if (error) tn_tensor_free(*integers);
  return error;
}

static tn_error *note_extra(const tn_note *note, char **key, tn_extra *extra) {
  tn_str text = {0};
  tn_string element = {note->text, strlen(note->text)};
  tn_str_addf(&text, NOTE_KEY "%s", note->key);
  TN_TRY(tn_str_take(&text, key, NULL));
  extra->key = *key;
  return tn_tensor_strings(0, NULL, &element, &extra->value);
}

static tn_error *save_extras(tn_model *model, tn_saver *saver, const tn_position *position, char **keys,
                             tn_extra *extras) {
  size_t n = 0;
  for (size_t i = 0; i < model->n_notes; i++, n++) TN_TRY(note_extra(&model->notes[i], &keys[i], &extras[n]));
  if (position) {
    extras[n].key = POSITION_KEY;
    extras[n + 1].key = TOTALS_KEY;
    TN_TRY(position_tensors(position, &extras[n].value, &extras[n + 1].value));
    n += 2;
  }
  return tn_saver_save_with(saver, model->net, model->session, model->steps, n, extras);
}

tn_error *tn_model_save_at(tn_model *model, tn_saver *saver, const tn_position *position) {
  char **keys = tn_calloc(model->n_notes + 1, sizeof *keys);
  tn_extra *extras = tn_calloc(model->n_notes + 2, sizeof *extras);
  tn_error *error = keys && extras ? save_extras(model, saver, position, keys, extras) : tn_out_of_memory();
  for (size_t i = 0; keys && i < model->n_notes; i++) tn_free(keys[i]);
  for (size_t i = 0; extras && i < model->n_notes + 2; i++) tn_tensor_free(extras[i].value);
  tn_free(keys);
  tn_free(extras);
  return error;
}

void tn_model_save(tn_model *model, const char *folder) {
  if (tn_model_failed(model)) return;
  tn_saver *saver = NULL;
  tn_error *error = NULL;
  if (!model->session) error = tn_errorf(TN_FAILED_PRECONDITION, "compile the model before it is saved");
  if (!error) error = tn_saver_new(folder, NULL, 0, true, &saver);
  if (!error) error = tn_model_save_at(model, saver, NULL);
  tn_saver_free(saver);
  tn_model_fail(model, error);
}

/* --- restoring --- */

static tn_error *read_position(const char *prefix, tn_position *position, int64_t *steps) {
  tn_bundle *bundle;
  tn_tensor *integers = NULL, *totals = NULL, *step = NULL;
  TN_TRY(tn_bundle_open(prefix, &bundle));
  tn_error *error = tn_bundle_extra(bundle, POSITION_KEY, &integers);
  if (!error) error = tn_bundle_extra(bundle, TOTALS_KEY, &totals);
  if (!error) error = tn_bundle_extra(bundle, "global_step", &step);
  if (!error && step && step->dtype == TN_INT64 && step->shape.rank == 0) *steps = *(const int64_t *)step->data;
  bool whole = integers && integers->dtype == TN_INT64 && tn_tensor_elements(integers) == N_INTEGERS && totals &&
               totals->dtype == TN_DOUBLE && tn_tensor_elements(totals) == N_TOTALS;
  if (!error && whole && position) {
    const int64_t *v = integers->data;
    *position = (tn_position){.epoch = v[0], .batch = v[1], .seed = v[2], .batch_size = v[3]};
    position->examples = v[4];
    position->in_order = v[5];
    memcpy(&position->totals, totals->data, sizeof position->totals);
  }
  tn_tensor_free(integers);
  tn_tensor_free(totals);
  tn_tensor_free(step);
  tn_bundle_close(bundle);
  return error;
}

tn_error *tn_model_restore_at(tn_model *model, const char *prefix, tn_position *position) {
  tn_position read = position ? *position : (tn_position){0};
  int64_t steps = model->steps;
  TN_TRY(read_position(prefix, &read, &steps));
  TN_TRY(tn_net_restore(model->net, model->session, prefix));
  model->steps = steps;
  if (position) *position = read;
  return NULL;
}

/* The checkpoint that FOLDER stands for: the newest one in it, or the one whose files begin so. */
static tn_error *find_checkpoint(const char *folder, char **out) {
  tn_str index = {0};
  tn_str_addf(&index, "%s.index", folder);
  bool prefix = index.data && tn_file_exists(index.data);
  tn_str_clear(&index);
  if (!prefix) return tn_latest_checkpoint(folder, out);
  *out = tn_strdup(folder);
  return *out ? NULL : tn_out_of_memory();
}

void tn_model_restore(tn_model *model, const char *folder) {
  if (tn_model_failed(model)) return;
  char *prefix = NULL;
  tn_error *error = NULL;
  if (!model->session) error = tn_errorf(TN_FAILED_PRECONDITION, "compile the model before it is restored");
  if (!error) error = find_checkpoint(folder, &prefix);
  if (!error) error = tn_model_restore_at(model, prefix, NULL);
  tn_free(prefix);
  tn_model_fail(model, error);
}
