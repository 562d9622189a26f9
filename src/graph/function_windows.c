/* Images of which a function's body uses only a part are decoded only there: DecodeJpeg, whose pixels go through one
 * Slice and whose shape may be asked for, becomes _ImageShape (the header alone) and _ImageWindow. */
#include <string.h>

#include "graph/function.h"
#include "graph/graph_internal.h"

enum { MOST = 16 };

/* What hangs on a DecodeJpeg. */
typedef struct finding {
  tn_function_body *body;
  size_t n_rets;
  tn_node *decode;
  int n_same, n_shapes, n_slices;
  tn_node *same[MOST]; /* the decoded image: the DecodeJpeg, and Identities of it */
  tn_node *shapes[MOST], *slice;
} finding;

static bool is(const tn_node *node, const char *op) { return strcmp(node->op->name, op) == 0; }

static bool is_same(const finding *f, const tn_node *node) {
  for (int i = 0; i < f->n_same; i++) {
    if (f->same[i] == node) return true;
  }
  return false;
}

/* False if NODE makes of the image something that needs all of it. */
static bool note_use(finding *f, tn_node *node, int input) {
  if (is(node, "Identity") && f->n_same < MOST) {
    f->same[f->n_same++] = node;
    return true;
  }
  if (is(node, "Shape") && f->n_shapes < MOST) {
    f->shapes[f->n_shapes++] = node;
    return true;
  }
  if (!is(node, "Slice") || input != 0) return false;
  f->slice = node;
  return ++f->n_slices == 1;
}

static bool kept(const finding *f) {
  const tn_function_body *body = f->body;
  for (size_t i = 0; i < f->n_rets; i++) {
    if (is_same(f, body->rets[i].node)) return true;
  }
  for (size_t i = 0; i < body->n_targets; i++) {
    if (is_same(f, body->targets[i]) || body->targets[i] == f->slice) return true;
  }
  return false;
}

/* True if the image is used for its shape and for one part only. Nodes come after what they take. */
static bool find(finding *f) {
  f->same[f->n_same++] = f->decode;
  for (size_t i = (size_t)f->decode->id + 1, n = tn_graph_n_nodes(f->body->graph); i < n; i++) {
    tn_node *node = tn_graph_node(f->body->graph, i);
    for (int k = 0; k < node->n_controls; k++) {
      if (is_same(f, node->controls[k])) return false;
    }
    for (int k = 0; k < node->n_inputs; k++) {
      if (is_same(f, node->inputs[k].node) && !note_use(f, node, k)) return false;
    }
  }
  return f->n_slices == 1 && !kept(f);
}

/* Nodes that took OLD's output, or waited for it, take NEW's. */
static void replace(const finding *f, const tn_node *old, tn_node *new) {
  tn_graph *graph = f->body->graph;
  for (size_t i = 0, n = tn_graph_n_nodes(graph); i < n; i++) {
    tn_node *node = tn_graph_node(graph, i);
    for (int k = 0; k < node->n_inputs; k++) {
      if (node->inputs[k].node == old) node->inputs[k].node = new;
    }
    for (int k = 0; k < node->n_controls; k++) {
      if (node->controls[k] == old) node->controls[k] = new;
    }
  }
  for (size_t i = 0; i < f->n_rets; i++) {
    if (f->body->rets[i].node == old) f->body->rets[i].node = new;
  }
}

/* A node of OP in the place of OLD: with the image's bytes, then OLD's inputs but the first, and the options of the
 * decoder. WAITS: also for all that the image waited for. */
static tn_error *stand_in(const finding *f, const char *op, tn_node *old, bool waits) {
  tn_node_builder *b = tn_node_begin(f->body->graph, op, old->name);
  tn_node *made = NULL;
  tn_node_input(b, f->decode->inputs[0]);
  for (int i = 1; i < old->n_inputs; i++) tn_node_input(b, old->inputs[i]);
  for (int i = 0; i < f->decode->n_attrs; i++) {
    const tn_named_attr *attr = &f->decode->attrs[i];
    if (attr->name[0] != '_') tn_builder_attr(b, attr->name, &attr->value);
  }
  if (is(old, "Shape")) tn_node_attr_type(b, "out_type", old->output_types[0]);
  for (int i = 0; i < old->n_controls; i++) tn_node_control(b, old->controls[i]);
  for (int i = 0; waits && i < f->n_same; i++) {
    for (int k = 0; k < f->same[i]->n_controls; k++) tn_node_control(b, f->same[i]->controls[k]);
  }
  TN_TRY(tn_node_finish(b, &made));
  made->output_shapes[0] = old->output_shapes[0];
  replace(f, old, made);
  return NULL;
}

tn_error *tn_function_windows(tn_function_body *body, size_t n_rets) {
  for (size_t i = 0, n = tn_graph_n_nodes(body->graph); i < n; i++) {
    tn_node *node = tn_graph_node(body->graph, i);
    if (!is(node, "DecodeJpeg") || tn_node_get_int(node, "ratio") != 1 || !tn_op_find("_ImageWindow")) continue;
    finding f = {.body = body, .n_rets = n_rets, .decode = node};
    if (!find(&f)) continue;
    for (int k = 0; k < f.n_shapes; k++) TN_TRY(stand_in(&f, "_ImageShape", f.shapes[k], false));
    TN_TRY(stand_in(&f, "_ImageWindow", f.slice, true));
  }
  return NULL;
}
