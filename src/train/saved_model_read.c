/* Reading saved_model.pb. The graphs themselves stay bytes: they are imported when they are loaded. */
#include <stdlib.h>
#include <string.h>

#include "graph/proto.h"
#include "train/saved_model.h"

/* Keys of collections and signatures that TensorFlow's own loader knows. */
#define INIT_OP     "__saved_model_init_op"
#define INTERNAL    "__saved_model_"
#define MAIN_OP     "saved_model_main_op"
#define LEGACY_INIT "legacy_init_op"
#define ASSETS      "saved_model_assets"

typedef struct reader {
  tn_arena *arena;
  tn_model_list *graphs;
  tn_meta_graph *graph;
  tn_model_list tags;   /* of char * */
  tn_model_list legacy; /* of tn_model_asset: assets as old versions have them */
  bool main_op;         /* graph->init_op is the main op, which stands above the legacy one */
} reader;

/* Room for one more item of SIZE bytes at LIST's end, zeroed; NULL when memory is out. */
static void *add(tn_arena *arena, tn_model_list *list, size_t size) {
  void *room = tn_arena_room(arena, list->items, list->n, &list->capacity, size);
  if (!room) return NULL;
  list->items = room;
  return (char *)list->items + size * list->n++;
}

/* --- maps and lists of texts --- */

/* An entry of a map from texts to messages. */
typedef struct entry {
  tn_arena *arena;
  const char *key;
  tn_wire_field value;
} entry;

static tn_error *entry_field(void *state, const tn_wire_field *field) {
  entry *e = state;
  if (field->number == 1) return tn_proto_get_text(e->arena, field, &e->key);
  if (field->number != 2) return NULL;
  e->value = *field;
  return tn_proto_check(field, TN_WIRE_BYTES);
}

static tn_error *read_entry(tn_arena *arena, const tn_wire_field *field, entry *out) {
  *out = (entry){.arena = arena, .key = "", .value = {.type = TN_WIRE_BYTES, .data = ""}};
  return tn_proto_each_in(field, entry_field, out);
}

/* --- signatures --- */

typedef struct tensor_reader {
  tn_arena *arena;
  tn_signature_tensor *tensor;
} tensor_reader;

static tn_error *tensor_field(void *state, const tn_wire_field *field) {
  tensor_reader *t = state;
  if (field->number == 1) return tn_proto_get_text(t->arena, field, &t->tensor->name);
  if (field->number == 2) {
    TN_TRY(tn_proto_check(field, TN_WIRE_VARINT));
    t->tensor->dtype = (tn_dtype)(field->value <= INT32_MAX ? field->value : TN_INVALID);
  }
  if (field->number != 3) return NULL;
  TN_TRY(tn_proto_check(field, TN_WIRE_BYTES));
  return tn_proto_get_shape(field->data, field->size, &t->tensor->shape);
}

static tn_error *read_tensor(tn_arena *arena, const tn_wire_field *bytes, tn_signature_tensor *out) {
  tensor_reader t = {arena, out};
  out->name = "";
  out->shape = (tn_shape){.rank = -1};
  return tn_proto_each_in(bytes, tensor_field, &t);
}

typedef struct signature_reader {
  tn_arena *arena;
  tn_signature *signature;
  tn_model_list inputs, outputs;
} signature_reader;

static tn_error *signature_field(void *state, const tn_wire_field *field) {
  signature_reader *s = state;
  if (field->number == 3) return tn_proto_get_text(s->arena, field, &s->signature->method);
  if (field->number != 1 && field->number != 2) return NULL;
  entry e;
  TN_TRY(read_entry(s->arena, field, &e));
  tn_signature_tensor *tensor = add(s->arena, field->number == 1 ? &s->inputs : &s->outputs, sizeof *tensor);
  if (!tensor) return tn_out_of_memory();
  tensor->key = e.key;
  return tn_error_context(read_tensor(s->arena, &e.value, tensor), "'%.200s'", e.key);
}

static int by_tensor_key(const void *a, const void *b) {
  return strcmp(((const tn_signature_tensor *)a)->key, ((const tn_signature_tensor *)b)->key);
}

static void sort(tn_model_list *list, size_t size, int (*compare)(const void *, const void *)) {
  if (list->n > 1) qsort(list->items, list->n, size, compare);
}

static tn_error *read_signature(reader *r, const tn_wire_field *field) {
  entry e;
  TN_TRY(read_entry(r->arena, field, &e));
  tn_signature found = {.key = e.key, .method = ""};
  signature_reader s = {.arena = r->arena, .signature = &found};
  TN_TRY(tn_error_context(tn_proto_each_in(&e.value, signature_field, &s), "signature '%.200s'", e.key));
  sort(&s.inputs, sizeof(tn_signature_tensor), by_tensor_key);
  sort(&s.outputs, sizeof(tn_signature_tensor), by_tensor_key);
  found.inputs = s.inputs.items;
  found.n_inputs = s.inputs.n;
  found.outputs = s.outputs.items;
  found.n_outputs = s.outputs.n;
  if (!strcmp(e.key, INIT_OP) && found.n_outputs == 1) {
    r->graph->init_op = found.outputs[0].name;
    r->main_op = true;
  }
  if (!strncmp(e.key, INTERNAL, sizeof INTERNAL - 1)) return NULL;
  tn_signature *place = add(r->arena, &r->graph->signatures, sizeof *place);
  if (!place) return tn_out_of_memory();
  *place = found;
  return NULL;
}

/* --- assets --- */

typedef struct asset_reader {
  tn_arena *arena;
  tn_model_asset *asset;
} asset_reader;

static tn_error *asset_field(void *state, const tn_wire_field *field) {
  asset_reader *a = state;
  if (field->number == 2) return tn_proto_get_text(a->arena, field, &a->asset->filename);
  if (field->number != 1) return NULL;
  tn_signature_tensor tensor = {0};
  TN_TRY(read_tensor(a->arena, field, &tensor));
  a->asset->tensor = tensor.name;
  return NULL;
}

static tn_error *read_asset(tn_arena *arena, const tn_wire_field *bytes, tn_model_list *assets) {
  tn_model_asset *asset = add(arena, assets, sizeof *asset);
  if (!asset) return tn_out_of_memory();
  *asset = (tn_model_asset){"", ""};
  asset_reader a = {arena, asset};
  return tn_proto_each_in(bytes, asset_field, &a);
}

/* --- collections: the first node of a list of nodes, and assets in google.protobuf.Any --- */

static tn_error *first_text(void *state, const tn_wire_field *field) {
  entry *e = state;
  return field->number == 1 && !e->key[0] ? tn_proto_get_text(e->arena, field, &e->key) : NULL;
}

static tn_error *node_list(void *state, const tn_wire_field *field) {
  return field->number == 1 ? tn_proto_each_in(field, first_text, state) : NULL;
}

static tn_error *any_value(void *state, const tn_wire_field *field) {
  reader *r = state;
  return field->number == 2 ? read_asset(r->arena, field, &r->legacy) : NULL;
}

static tn_error *any_item(void *state, const tn_wire_field *field) {
  return field->number == 1 ? tn_proto_each_in(field, any_value, state) : NULL;
}

static tn_error *any_list(void *state, const tn_wire_field *field) {
  return field->number == 5 ? tn_proto_each_in(field, any_item, state) : NULL;
}

static tn_error *read_collection(reader *r, const tn_wire_field *field) {
  entry e;
  TN_TRY(read_entry(r->arena, field, &e));
  if (!strcmp(e.key, ASSETS)) return tn_proto_each_in(&e.value, any_list, r);
  bool main_op = !strcmp(e.key, MAIN_OP);
  if (!main_op && (strcmp(e.key, LEGACY_INIT) != 0 || r->main_op)) return NULL;
  entry node = {.arena = r->arena, .key = ""};
  TN_TRY(tn_proto_each_in(&e.value, node_list, &node));
  r->graph->init_op = node.key;
  r->main_op = r->main_op || main_op;
  return NULL;
}

/* --- MetaGraphDef --- */

static tn_error *info_field(void *state, const tn_wire_field *field) {
  reader *r = state;
  if (field->number != 4) return NULL;
  const char **tag = add(r->arena, &r->tags, sizeof *tag);
  if (!tag) return tn_out_of_memory();
  *tag = "";
  return tn_proto_get_text(r->arena, field, tag);
}

static tn_error *saver_field(void *state, const tn_wire_field *field) {
  reader *r = state;
  if (field->number == 1) return tn_proto_get_text(r->arena, field, &r->graph->filename_tensor);
  return field->number == 3 ? tn_proto_get_text(r->arena, field, &r->graph->restore_op) : NULL;
}

static tn_error *graph_field(void *state, const tn_wire_field *field) {
  reader *r = state;
  switch (field->number) {
  case 1: return tn_proto_each_in(field, info_field, r);
  case 2:
    r->graph->graph_def = field->data;
    r->graph->graph_def_size = field->size;
    return tn_proto_check(field, TN_WIRE_BYTES);
  case 3: return tn_proto_each_in(field, saver_field, r);
  case 4: return read_collection(r, field);
  case 5: return read_signature(r, field);
  case 6: return read_asset(r->arena, field, &r->graph->assets);
  default: return NULL;
  }
}

static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static int by_signature_key(const void *a, const void *b) {
  return strcmp(((const tn_signature *)a)->key, ((const tn_signature *)b)->key);
}

static tn_error *join_tags(reader *r) {
  tn_str joined = {0};
  char *whole;
  size_t size;
  sort(&r->tags, sizeof(char *), by_text);
  for (size_t i = 0; i < r->tags.n; i++) {
    if (i > 0) tn_str_add(&joined, ",");
    tn_str_add(&joined, ((char **)r->tags.items)[i]);
  }
  TN_TRY(tn_str_take(&joined, &whole, &size));
  r->graph->tags = tn_arena_strndup(r->arena, whole, size);
  tn_free(whole);
  return r->graph->tags ? NULL : tn_out_of_memory();
}

static tn_error *model_field(void *state, const tn_wire_field *field) {
  reader *r = state;
  if (field->number != 2) return NULL;
  tn_meta_graph *graph = add(r->arena, r->graphs, sizeof *graph);
  if (!graph) return tn_out_of_memory();
  *graph = (tn_meta_graph){.tags = "", .graph_def = "", .filename_tensor = "", .restore_op = "", .init_op = ""};
  *r = (reader){.arena = r->arena, .graphs = r->graphs, .graph = graph};
  TN_TRY(tn_error_context(tn_proto_each_in(field, graph_field, r), "graph %zu", r->graphs->n - 1));
  if (graph->assets.n == 0) graph->assets = r->legacy;
  sort(&graph->signatures, sizeof(tn_signature), by_signature_key);
  return join_tags(r);
}

tn_error *tn_saved_model_read(const char *bytes, size_t size, tn_arena *arena, tn_model_list *graphs) {
  reader r = {.arena = arena, .graphs = graphs};
  return tn_proto_each(bytes, size, model_field, &r);
}
