/* From a pruned subgraph to a plan graph: nodes, edges, and what is known from the shapes that are fed. */
#include "compile/import.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "kernel/step.h"

/* Items in the order in which their nodes were added to the graph: that is nearly the order in which they can run. */
typedef struct place {
  int node, item;
} place;

static int by_node(const void *a, const void *b) {
  const place *x = a, *y = b;
  return x->node != y->node ? (x->node > y->node) - (x->node < y->node) : (x->item > y->item) - (x->item < y->item);
}

/* The resource that NODE hands out; it stays the same as long as nobody drops it. */
static tn_error *look_up_handle(tn_ir *ir, tn_ir_node *made) {
  tn_kernel *kernel = NULL;
  tn_kernel_request request = {.node = made->node, .session = ir->session, .threads = 1};
  tn_step step;
  tn_step_init(&step, ir->session);
  tn_tensor handle = {0};
  tn_error *error = tn_kernel_new(&request, &kernel);
  if (!error) error = tn_kernel_run(kernel, NULL, NULL, &step, &handle);
  tn_kernel_unref(kernel);
  tn_step_finish(&step);
  if (error) {
    ir->refused = "a handle can't be made";
    tn_error_free(error);
    return NULL;
  }
  tn_tensor *boxed = NULL;
  error = tn_tensor_box(&handle, &boxed);
  tn_tensor_clear(&handle);
  if (!error) error = tn_ir_keep(ir, boxed);
  if (error) return error;
  made->handle = boxed;
  made->object = tn_elements(boxed) == 1 ? TN_DATA(tn_object *, boxed)[0] : NULL;
  if (!made->object) {
    ir->refused = "a handle is empty";
  } else if (strcmp(made->object->type, TN_VARIABLE_TYPE) == 0) {
    made->variable = tn_variable_of(made->object);
  }
  made->outputs[0].shape = tn_shape_scalar();
  return NULL;
}

/* The plan graph's node for ITEM, without its edges. */
static tn_error *add_item(tn_ir *ir, const tn_ir_source *source, int item_index, tn_ir_node **out) {
  const tn_item *item = &source->subgraph->items[item_index];
  const tn_node *node = item->node;
  tn_ir_kind kind = TN_IR_KERNEL;
  if (item->kind == TN_ITEM_FEED) {
    kind = TN_IR_FEED;
  } else if (strcmp(node->op->name, "Const") == 0) {
    kind = TN_IR_CONST;
  } else if (tn_hands_out_handle(node)) {
    kind = TN_IR_HANDLE;
  }
  TN_TRY(tn_ir_new_node(ir, kind, node, kind == TN_IR_KERNEL ? node->n_inputs : 0, out));
  tn_ir_output *output = &(*out)->outputs[0];
  if (kind == TN_IR_FEED) {
    (*out)->feed = item_index;
    output->dtype = source->feeds[item_index]->dtype;
    output->shape = source->feeds[item_index]->shape;
  } else if (kind == TN_IR_CONST) {
    tn_tensor *value = tn_node_get_tensor(node, "value");
    TN_TRY(tn_ir_keep(ir, tn_tensor_ref(value)));
    *output = (tn_ir_output){.dtype = value->dtype, .shape = value->shape, .constant = value};
  } else if (kind == TN_IR_HANDLE) {
    output->dtype = node->output_types[0];
    return look_up_handle(ir, *out);
  }
  return NULL;
}

static tn_error *connect(tn_ir *ir, const tn_subgraph *g, tn_ir_node *const *of_item) {
  for (int i = 0; i < g->n_items; i++) {
    const tn_item *item = &g->items[i];
    for (int e = item->first_edge; e < item->first_edge + item->n_edges; e++) {
      const tn_edge *edge = &g->edges[e];
      tn_ir_node *to = of_item[edge->to];
      if (edge->to_input < 0) {
        TN_TRY(tn_ir_add_control(ir, of_item[i], to));
      } else {
        to->inputs[edge->to_input] = (tn_ir_value){of_item[i], edge->from_output};
      }
    }
  }
  return NULL;
}

/* A target runs even if nobody wants its outputs. */
static void hold_target(tn_ir_node *node) {
  if (node->kind == TN_IR_KERNEL && node->n_outputs > 0) node->effect = TN_IR_ACTS;
}

static tn_error *set_fetches(tn_ir *ir, const tn_ir_source *source, tn_ir_node *const *of_item) {
  const tn_step_signature *signature = source->signature;
  const tn_subgraph *g = source->subgraph;
  ir->n_fetches = signature->n_fetches;
  ir->fetches = tn_arena_alloc(ir->arena, (signature->n_fetches + 1) * sizeof *ir->fetches);
  if (!ir->fetches) return tn_out_of_memory();
  for (int i = 0; i < g->n_items; i++) {
    const tn_item *item = &g->items[i];
    for (int f = item->first_fetch; f < item->first_fetch + item->n_fetches; f++) {
      ir->fetches[g->fetches[f].fetch] = (tn_ir_value){of_item[i], g->fetches[f].output};
    }
    for (size_t k = 0; k < signature->n_targets; k++) {
      if (item->node == signature->targets[k] && item->kind != TN_ITEM_FEED) hold_target(of_item[i]);
    }
    for (size_t k = 0; k < signature->n_fetches; k++) {
      tn_output fetch = signature->fetches[k];
      if (fetch.node == item->node && fetch.index < 0 && item->kind != TN_ITEM_FEED) hold_target(of_item[i]);
    }
  }
  return NULL;
}

static tn_error *add_items(tn_ir *ir, const tn_ir_source *source, place *places, tn_ir_node **of_item) {
  const tn_subgraph *g = source->subgraph;
  for (int i = 0; i < g->n_items; i++) places[i] = (place){g->items[i].node->id, i};
  qsort(places, (size_t)g->n_items, sizeof *places, by_node);
  for (int i = 0; i < g->n_items; i++) TN_TRY(add_item(ir, source, places[i].item, &of_item[places[i].item]));
  TN_TRY(connect(ir, g, of_item));
  return set_fetches(ir, source, of_item);
}

/* Shapes, and values of what is constant. */
static tn_error *infer_all(tn_ir *ir) {
  tn_ir_node **order = NULL;
  int n = 0;
  TN_TRY(tn_ir_sort(ir, &order, &n));
  tn_error *error = NULL;
  for (int i = 0; i < n && !error && !ir->refused; i++) {
    if (order[i]->kind == TN_IR_KERNEL) error = tn_ir_infer(ir, order[i], true);
  }
  tn_free(order);
  return error;
}

static tn_error *import(tn_ir *ir, const tn_ir_source *source) {
  size_t n = (size_t)source->subgraph->n_items + 1;
  tn_ir_node **of_item = tn_calloc(n, sizeof *of_item);
  place *places = tn_malloc(n * sizeof *places);
  tn_error *error = of_item && places ? add_items(ir, source, places, of_item) : tn_out_of_memory();
  tn_free(of_item);
  tn_free(places);
  if (!error && !ir->refused) error = tn_ir_resolve_references(ir);
  if (!error && !ir->refused) error = tn_ir_reduce_controls(ir);
  if (!error && !ir->refused) error = tn_ir_sweep(ir);
  if (!error && !ir->refused) error = infer_all(ir);
  if (!error) tn_ir_refuse_reshaping(ir);
  return error;
}

tn_error *tn_ir_import(const tn_ir_source *source, tn_ir **out) {
  tn_ir *ir = NULL;
  TN_TRY(tn_ir_new_graph(&ir));
  ir->session = source->session;
  ir->threads = source->threads;
  if (source->subgraph->control_flow) ir->refused = "the step has control flow";
  if (source->subgraph->blocking) ir->refused = "a node may wait";
  tn_error *error = ir->refused ? NULL : import(ir, source);
  if (error) {
    tn_ir_free(ir);
    return error;
  }
  *out = ir;
  return NULL;
}
