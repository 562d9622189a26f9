/* Splitting a graph. A constant goes into every part that uses it, and so does what is fed; a tensor crosses once for
 * each part that wants it; a control edge crosses as an empty tensor. */
#include "compile/partition.h"

#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "graph/function.h"
#include "graph/graph_internal.h"
#include "graph/proto.h"
#include "kernel/rendezvous.h"

/* A part while it is made. */
typedef struct draft {
  tn_str def;   /* nodes of the graph */
  tn_str extra; /* transfers and copies */
} draft;

typedef struct splitter {
  const tn_partition_request *request;
  const tn_step_signature *signature;
  tn_subgraph *graph;
  tn_map *items; /* node -> item + 1 */
  tn_map *fed;   /* (node, output) -> feed + 1 */
  tn_map *done;  /* (node, output, part): what crosses or was copied already */
  draft *drafts;
  tn_partition *made;
  int *depth; /* per item: how many crossings lie before it at most */
  int part;   /* of the node that is written now */
  tn_error *error;
} splitter;

typedef struct crossing {
  const tn_node *node;
  int64_t index, part;
} crossing;

static int part_of(const splitter *s, const tn_node *node) { return s->request->part_of(s->request->argument, node); }

static int fed_index(const splitter *s, const tn_node *node, int index) {
  crossing key = {node, index, 0};
  return (int)(intptr_t)tn_map_get(s->fed, &key, sizeof key) - 1;
}

/* True the first time that it is called for these. */
static bool first_time(splitter *s, const tn_node *node, int index, int part) {
  crossing key = {node, index, part};
  if (tn_map_get(s->done, &key, sizeof key)) return false;
  if (!s->error) s->error = tn_map_set(s->done, &key, sizeof key, s, NULL);
  return true;
}

/* --- nodes that the graph doesn't have --- */

static void put_attr(tn_str *out, const char *name, const tn_attr *attr) {
  size_t mark = tn_proto_begin(out, 5);
  tn_proto_put_string(out, 1, name);
  tn_error *error = tn_proto_put_attr(out, 2, attr);
  if (error) out->failed = true; /* plain attributes fail for lack of memory alone */
  tn_error_free(error);
  tn_proto_end(out, mark);
}

static tn_attr text_attr(const char *text) {
  return (tn_attr){.kind = TN_ATTR_STRING, .string = {(char *)text, strlen(text)}};
}

/* One end of a transfer. */
typedef struct end {
  const char *op, *node_name, *input; /* INPUT NULL: none */
  const char *name;                   /* the tensor's */
  tn_dtype dtype;
  int from, to; /* parts */
  int depth;    /* of what is received */
  bool client;  /* the other end is whoever runs the step */
} end;

static void put_end(splitter *s, int part, const end *e) {
  const tn_part_device *from = &s->request->devices[e->from], *to = &s->request->devices[e->to];
  tn_str *out = &s->drafts[part].extra;
  size_t mark = tn_proto_begin(out, 1);
  tn_proto_put_string(out, 1, e->node_name);
  tn_proto_put_string(out, 2, e->op);
  if (e->input) tn_proto_put_string(out, 3, e->input);
  tn_proto_put_string(out, 4, s->request->devices[part].name);
  put_attr(out, e->input ? "T" : "tensor_type", &(tn_attr){.kind = TN_ATTR_TYPE, .type = e->dtype});
  tn_attr name = text_attr(e->name), sender = text_attr(from->name), receiver = text_attr(to->name);
  put_attr(out, "tensor_name", &name);
  put_attr(out, "send_device", &sender);
  put_attr(out, "send_device_incarnation", &(tn_attr){.kind = TN_ATTR_INT, .i = (int64_t)from->incarnation});
  put_attr(out, "recv_device", &receiver);
  put_attr(out, "client_terminated", &(tn_attr){.kind = TN_ATTR_BOOL, .b = e->client});
  if (!e->input) put_attr(out, TN_DEPTH_ATTR, &(tn_attr){.kind = TN_ATTR_INT, .i = e->depth});
  tn_proto_end(out, mark);
}

/* An empty tensor that is there when NODE has run. */
static void put_signal(splitter *s, int part, const tn_node *node, const char *name) {
  tn_str *out = &s->drafts[part].extra;
  size_t mark = tn_proto_begin(out, 1);
  tn_proto_put_string(out, 1, name);
  tn_proto_put_string(out, 2, "Const");
  size_t input = tn_proto_begin(out, 3);
  tn_str_addf(out, "^%s", node->name);
  tn_proto_end(out, input);
  tn_proto_put_string(out, 4, s->request->devices[part].name);
  tn_shape none = tn_shape_of(1, &(int64_t){0});
  tn_tensor empty = {.dtype = TN_FLOAT, .shape = none};
  put_attr(out, "dtype", &(tn_attr){.kind = TN_ATTR_TYPE, .type = TN_FLOAT});
  put_attr(out, "value", &(tn_attr){.kind = TN_ATTR_TENSOR, .tensor = &empty});
  tn_proto_end(out, mark);
}

/* --- feeds and fetches --- */

static tn_error *add_value(splitter *s, int part, bool feed, size_t index, const char *name) {
  tn_part *p = &s->made->parts[part];
  tn_part_value **values = feed ? &p->feeds : &p->fetches;
  size_t *n = feed ? &p->n_feeds : &p->n_fetches;
  tn_part_value *more = tn_realloc(*values, (*n + 1) * sizeof *more);
  if (!more) return tn_out_of_memory();
  *values = more;
  const tn_part_device *device = &s->request->devices[part];
  tn_transfer transfer = {.send_device = device->name,
                          .send_device_size = strlen(device->name),
                          .recv_device = device->name,
                          .recv_device_size = strlen(device->name),
                          .name = name,
                          .name_size = strlen(name),
                          .incarnation = device->incarnation};
  tn_str key = {0};
  tn_rendezvous_key(&transfer, 0, 0, &key);
  size_t size = 0;
  more[*n] = (tn_part_value){.index = index};
  TN_TRY(tn_str_take(&key, &more[*n].key, &size));
  ++*n;
  return NULL;
}

/* The name of the node of PART that brings what is fed, made on first use. */
static void feed_name(splitter *s, int feed, int part, tn_str *text) {
  tn_output o = s->signature->feeds[feed];
  tn_str name = {0}, tensor = {0};
  tn_str_addf(&name, "_recv_%s_%d", o.node->name, o.index);
  tn_str_addf(&tensor, "%s:%d", o.node->name, o.index);
  if (name.failed || tensor.failed) {
    text->failed = true;
  } else {
    if (first_time(s, o.node, -2 - o.index, part)) {
      end e = {.op = "_Recv",
               .node_name = name.data,
               .name = tensor.data,
               .dtype = tn_dtype_base(o.node->output_types[o.index]),
               .from = part,
               .to = part,
               .client = true};
      put_end(s, part, &e);
      if (!s->error) s->error = add_value(s, part, true, (size_t)feed, tensor.data);
    }
    tn_str_add(text, name.data);
  }
  tn_str_clear(&name);
  tn_str_clear(&tensor);
}

/* --- edges --- */

/* The frame in which the value of output I of ITEM flows. */
static int frame_after(const splitter *s, const tn_item *item) {
  if (item->kind == TN_ITEM_ENTER) return item->child_frame;
  if (item->kind == TN_ITEM_EXIT) return s->graph->frames[item->frame].parent;
  return item->frame;
}

static void cross(splitter *s, const tn_output *from, tn_str *text) {
  const tn_item *item = &s->graph->items[(intptr_t)tn_map_find_u64(s->items, (uintptr_t)from->node) - 1];
  int source = part_of(s, from->node);
  bool control = from->index < 0;
  tn_dtype dtype = control ? TN_FLOAT : from->node->output_types[from->index];
  if (!s->error && frame_after(s, item) > 0) {
    s->error = tn_node_errorf(from->node, TN_UNIMPLEMENTED, "a loop can't be split over '%s' and '%s'",
                              s->request->devices[source].name, s->request->devices[s->part].name);
  }
  if (!s->error && (dtype == TN_RESOURCE || dtype == TN_VARIANT)) {
    s->error =
        tn_node_errorf(from->node, TN_INVALID_ARGUMENT, "a %s can't be sent from '%s' to '%s'", tn_dtype_name(dtype),
                       s->request->devices[source].name, s->request->devices[s->part].name);
  }
  tn_str recv = {0}, send = {0}, input = {0}, edge = {0};
  tn_str_addf(&recv, "_recv_%s_%d", from->node->name, from->index);
  tn_str_addf(&send, "_cross_%s_%d_to_%d", from->node->name, from->index, s->part);
  tn_str_addf(&edge, "edge_%d:%d_%s", from->node->id, from->index, from->node->name);
  if (control) {
    tn_str_addf(&input, "_signal_%s", from->node->name);
  } else {
    tn_str_addf(&input, "%s:%d", from->node->name, from->index);
  }
  if (recv.failed || send.failed || input.failed || edge.failed) {
    text->failed = true;
  } else {
    if (first_time(s, from->node, from->index, s->part)) {
      end e = {.op = "_Send",
               .node_name = send.data,
               .input = input.data,
               .name = edge.data,
               .dtype = tn_dtype_base(dtype),
               .from = source,
               .to = s->part,
               .depth = s->depth[item - s->graph->items] + 1};
      if (control && first_time(s, from->node, -1, -1)) put_signal(s, source, from->node, input.data);
      put_end(s, source, &e);
      e.op = "_Recv";
      e.node_name = recv.data;
      e.input = NULL;
      put_end(s, s->part, &e);
      s->made->parts[source].n_sends++;
      s->made->parts[s->part].n_recvs++;
    }
    tn_str_add(text, recv.data);
  }
  tn_str_clear(&recv);
  tn_str_clear(&send);
  tn_str_clear(&input);
  tn_str_clear(&edge);
}

static bool is_constant(const tn_node *node) {
  return !node->n_inputs && !node->n_controls && strcmp(node->op->name, "Const") == 0;
}

static tn_error *put_node(splitter *s, tn_str *out, const tn_node *node);

/* How the node that is written now calls its input FROM. */
static void input_text(void *state, const tn_output *from, tn_str *text) {
  splitter *s = state;
  bool control = from->index < 0;
  if (control) tn_str_add(text, "^");
  bool placeholder = strncmp(from->node->op->name, "Placeholder", 11) == 0;
  int feed = !control || placeholder ? fed_index(s, from->node, control ? 0 : from->index) : -1;
  if (feed >= 0) {
    feed_name(s, feed, s->part, text);
    return;
  }
  if (part_of(s, from->node) != s->part && !is_constant(from->node)) {
    cross(s, from, text);
    return;
  }
  if (part_of(s, from->node) != s->part && first_time(s, from->node, 0, s->part)) {
    tn_error *error = put_node(s, &s->drafts[s->part].extra, from->node);
    if (s->error) {
      tn_error_free(error);
    } else {
      s->error = error;
    }
  }
  tn_str_add(text, from->node->name);
  if (from->index > 0) tn_str_addf(text, ":%d", from->index);
}

static tn_error *put_node(splitter *s, tn_str *out, const tn_node *node) {
  size_t mark = tn_proto_begin(out, 1);
  TN_TRY(tn_proto_node_with(out, node, input_text, s));
  tn_proto_end(out, mark);
  return out->failed ? tn_out_of_memory() : NULL;
}

static tn_error *put_fetch(splitter *s, size_t index) {
  tn_output o = s->signature->fetches[index];
  int feed = fed_index(s, o.node, o.index);
  int part = part_of(s, o.node);
  tn_str name = {0}, tensor = {0}, input = {0};
  tn_str_addf(&name, "_send_%s_%d", o.node->name, o.index);
  tn_str_addf(&tensor, "%s:%d%s", o.node->name, o.index, feed >= 0 ? "/fed" : ""); /* another key than the feed has */
  if (feed >= 0) {
    feed_name(s, feed, part, &input);
  } else {
    tn_str_add(&input, tensor.data ? tensor.data : "");
  }
  tn_error *error = name.failed || tensor.failed || input.failed ? tn_out_of_memory() : NULL;
  if (!error) {
    end e = {.op = "_Send",
             .node_name = name.data,
             .input = input.data,
             .name = tensor.data,
             .dtype = tn_dtype_base(o.node->output_types[o.index]),
             .from = part,
             .to = part,
             .client = true};
    put_end(s, part, &e);
    error = add_value(s, part, false, index, tensor.data);
  }
  tn_str_clear(&name);
  tn_str_clear(&tensor);
  tn_str_clear(&input);
  return error;
}

/* --- all of it --- */

/* Depths, in the order of the edges but for those that close loops. */
static tn_error *find_depths(splitter *s) {
  const tn_subgraph *g = s->graph;
  int *waiting = tn_calloc((size_t)g->n_items + 1, sizeof *waiting);
  int *order = tn_calloc((size_t)g->n_items + 1, sizeof *order), n = 0;
  s->depth = tn_calloc((size_t)g->n_items + 1, sizeof *s->depth);
  bool good = waiting && order && s->depth;
  for (int i = 0; good && i < g->n_items; i++) {
    const tn_item *item = &g->items[i];
    if (item->kind == TN_ITEM_NEXT_ITERATION) continue;
    for (int e = item->first_edge; e < item->first_edge + item->n_edges; e++) waiting[g->edges[e].to]++;
  }
  for (int i = 0; good && i < g->n_items; i++) {
    if (!waiting[i]) order[n++] = i;
  }
  for (int at = 0; good && at < n; at++) {
    const tn_item *item = &g->items[order[at]];
    if (item->kind == TN_ITEM_NEXT_ITERATION) continue;
    bool stays = item->kind == TN_ITEM_FEED || is_constant(item->node);
    for (int e = item->first_edge; e < item->first_edge + item->n_edges; e++) {
      int to = g->edges[e].to;
      int depth = s->depth[order[at]] + (!stays && part_of(s, item->node) != part_of(s, g->items[to].node));
      if (depth > s->depth[to]) s->depth[to] = depth;
      if (--waiting[to] == 0) order[n++] = to;
    }
  }
  tn_free(waiting);
  tn_free(order);
  return good ? NULL : tn_out_of_memory();
}

static tn_error *index_graph(splitter *s) {
  TN_TRY(tn_map_new(&s->items));
  TN_TRY(tn_map_new(&s->fed));
  TN_TRY(tn_map_new(&s->done));
  for (size_t i = 0; i < s->signature->n_feeds; i++) {
    crossing key = {s->signature->feeds[i].node, s->signature->feeds[i].index, 0};
    TN_TRY(tn_map_set(s->fed, &key, sizeof key, (void *)(intptr_t)(i + 1), NULL));
  }
  for (int i = s->graph->n_feeds; i < s->graph->n_items; i++) {
    TN_TRY(tn_map_put_u64(s->items, (uintptr_t)s->graph->items[i].node, (void *)(intptr_t)(i + 1)));
  }
  return NULL;
}

/* The library and the version of GRAPH. */
static void put_rest(tn_str *out, const tn_graph *graph) {
  if (!tn_library_empty(graph->library)) {
    size_t mark = tn_proto_begin(out, 2);
    tn_library_write(graph->library, out);
    tn_proto_end(out, mark);
  }
  size_t mark = tn_proto_begin(out, 4);
  if (graph->producer) tn_wire_put_int(out, 1, graph->producer);
  if (graph->min_consumer) tn_wire_put_int(out, 2, graph->min_consumer);
  tn_proto_end(out, mark);
}

static tn_error *finish(splitter *s, const tn_graph *graph) {
  for (int i = 0; i < s->made->n; i++) {
    draft *d = &s->drafts[i];
    if (d->def.failed || d->extra.failed) return tn_out_of_memory();
    if (d->def.size + d->extra.size == 0) continue;
    tn_str_add_bytes(&d->def, d->extra.data, d->extra.size);
    put_rest(&d->def, graph);
    TN_TRY(tn_str_take(&d->def, &s->made->parts[i].def, &s->made->parts[i].size));
  }
  return NULL;
}

static tn_error *split(splitter *s) {
  TN_TRY(index_graph(s));
  TN_TRY(find_depths(s));
  const tn_graph *graph = NULL;
  for (int i = s->graph->n_feeds; i < s->graph->n_items; i++) {
    const tn_item *item = &s->graph->items[i];
    graph = item->node->graph;
    s->part = part_of(s, item->node);
    if (s->part < 0 || s->part >= s->made->n) {
      return tn_node_errorf(item->node, TN_INTERNAL, "it was placed on part %d of %d", s->part, s->made->n);
    }
    if (item->kind != TN_ITEM_KERNEL) s->made->parts[s->part].control_flow = true;
    TN_TRY(put_node(s, &s->drafts[s->part].def, item->node));
    if (s->error) return s->error;
  }
  for (size_t i = 0; i < s->signature->n_fetches; i++) {
    if (s->signature->fetches[i].index < 0) continue;
    graph = s->signature->fetches[i].node->graph;
    TN_TRY(put_fetch(s, i));
    if (s->error) return s->error;
  }
  return graph ? finish(s, graph) : NULL;
}

tn_error *tn_partition_new(const tn_partition_request *request, tn_partition **out) {
  splitter s = {.request = request, .signature = request->signature};
  s.made = tn_calloc(1, sizeof *s.made);
  s.drafts = tn_calloc((size_t)request->n_parts + 1, sizeof *s.drafts);
  if (s.made) s.made->parts = tn_calloc((size_t)request->n_parts + 1, sizeof *s.made->parts);
  tn_error *error = s.made && s.drafts && s.made->parts ? NULL : tn_out_of_memory();
  if (!error) s.made->n = request->n_parts;
  if (!error) error = tn_subgraph_new(request->signature, &s.graph);
  if (!error) error = split(&s);
  for (int i = 0; s.drafts && i < request->n_parts; i++) {
    tn_str_clear(&s.drafts[i].def);
    tn_str_clear(&s.drafts[i].extra);
  }
  tn_free(s.drafts);
  tn_free(s.depth);
  tn_map_free(s.items);
  tn_map_free(s.fed);
  tn_map_free(s.done);
  tn_subgraph_free(s.graph);
  if (error) {
    tn_partition_free(s.made);
    return error;
  }
  *out = s.made;
  return NULL;
}

static void free_values(tn_part_value *values, size_t n) {
  for (size_t i = 0; i < n; i++) tn_free(values[i].key);
  tn_free(values);
}

void tn_partition_free(tn_partition *partition) {
  if (!partition) return;
  for (int i = 0; partition->parts && i < partition->n; i++) {
    tn_part *p = &partition->parts[i];
    tn_free(p->def);
    free_values(p->feeds, p->n_feeds);
    free_values(p->fetches, p->n_fetches);
  }
  tn_free(partition->parts);
  tn_free(partition);
}
