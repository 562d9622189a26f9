/* Plan graphs as text, for TENON_DUMP. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/str.h"
#include "compile/passes.h"

static const char *kind_name(tn_ir_kind kind) {
  static const char *const names[] = {"kernel", "feed", "const", "handle", "read"};
  return names[kind];
}

static void dump_value(tn_ir_value value, tn_str *text) {
  if (!value.node) {
    tn_str_add(text, "-");
    return;
  }
  tn_str_addf(text, "%%%d", value.node->id);
  if (value.index) tn_str_addf(text, ":%d", value.index);
}

void tn_ir_dump_node(const tn_ir_node *node, tn_str *text) {
  static const char *const effects[] = {"", " reads", " acts"};
  tn_str_addf(text, "%%%d = %s", node->id, node->kind == TN_IR_KERNEL ? node->node->op->name : kind_name(node->kind));
  tn_str_add(text, "(");
  for (int i = 0; i < node->n_inputs; i++) {
    if (i) tn_str_add(text, ", ");
    dump_value(node->inputs[i], text);
  }
  tn_str_add(text, ")");
  for (int i = 0; i < node->n_outputs; i++) {
    tn_str_addf(text, " %s%s%s", tn_dtype_name(node->outputs[i].dtype), TN_SHAPE_STR(&node->outputs[i].shape),
                node->outputs[i].constant ? "=" : "");
  }
  tn_str_add(text, effects[node->effect]);
  for (int i = 0; i < node->n_controls; i++) tn_str_addf(text, " ^%%%d", node->controls[i]->id);
  tn_str_addf(text, "  # %s", node->node->name);
}

void tn_ir_dump(const tn_ir *ir, const char *what) {
  if (!tn_dump_wanted(what)) return;
  tn_str text = {0};
  tn_str_addf(&text, "--- plan graph after %s%s%s\n", what, ir->refused ? ": no plan: " : "",
              ir->refused ? ir->refused : "");
  for (int i = 0; i < ir->n_nodes; i++) {
    if (ir->nodes[i]->dead) continue;
    tn_ir_dump_node(ir->nodes[i], &text);
    tn_str_add(&text, "\n");
  }
  tn_str_add(&text, "fetches:");
  for (size_t i = 0; i < ir->n_fetches; i++) {
    tn_str_add(&text, " ");
    dump_value(ir->fetches[i], &text);
  }
  tn_str_add(&text, "\n");
  char *all = NULL;
  tn_error *error = tn_str_take(&text, &all, NULL);
  if (!error) fputs(all, stderr);
  tn_error_free(error);
  tn_free(all);
}
