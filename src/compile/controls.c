/* Control edges: of the graph's many, those between nodes with an effect that say the same. */
#include <string.h>

#include "base/alloc.h"
#include "compile/import.h"

/* For every node the nodes with an effect that run before it, as a set of bits. */
typedef struct ancestors {
  size_t words; /* per node */
  uint64_t *bits;
  tn_ir_node **numbered; /* the nodes with an effect, in order */
  int n;
} ancestors;

static uint64_t *bits_of(const ancestors *a, const tn_ir_node *node) { return a->bits + (size_t)node->id * a->words; }

static bool has(const uint64_t *bits, int64_t i) { return bits[i / 64] >> (i % 64) & 1; }

/* ORDER lists all nodes; marks become the numbers of those with an effect. */
static tn_error *number(const tn_ir *ir, tn_ir_node *const *order, int n, ancestors *a) {
  a->numbered = tn_malloc(((size_t)n + 1) * sizeof *a->numbered);
  if (!a->numbered) return tn_out_of_memory();
  for (int i = 0; i < n; i++) {
    order[i]->mark = -1;
    if (order[i]->effect == TN_IR_PURE) continue;
    order[i]->mark = a->n;
    a->numbered[a->n++] = order[i];
  }
  a->words = ((size_t)a->n + 63) / 64;
  a->bits = tn_calloc((size_t)ir->n_nodes * a->words + 1, sizeof *a->bits);
  return a->bits ? NULL : tn_out_of_memory();
}

static void inherit(const ancestors *a, const tn_ir_node *from, tn_ir_node *to) {
  uint64_t *target = bits_of(a, to);
  const uint64_t *source = bits_of(a, from);
  for (size_t w = 0; w < a->words; w++) target[w] |= source[w];
  if (from->mark >= 0) target[from->mark / 64] |= (uint64_t)1 << (from->mark % 64);
}

/* The control edges of NODE become those to its nearest ancestors with an effect. */
static tn_error *rewrite(tn_ir *ir, const ancestors *a, tn_ir_node *node, uint64_t *covered) {
  node->n_controls = 0;
  node->controls = NULL;
  if (node->mark < 0) return NULL;
  const uint64_t *before = bits_of(a, node);
  memset(covered, 0, a->words * sizeof *covered);
  for (int64_t p = node->mark - 1; p >= 0; p--) {
    if (!has(before, p) || has(covered, p)) continue;
    TN_TRY(tn_ir_add_control(ir, a->numbered[p], node));
    const uint64_t *further = bits_of(a, a->numbered[p]);
    for (size_t w = 0; w < a->words; w++) covered[w] |= further[w];
  }
  return NULL;
}

tn_error *tn_ir_reduce_controls(tn_ir *ir) {
  tn_ir_node **order = NULL;
  int n = 0;
  ancestors a = {0};
  TN_TRY(tn_ir_sort(ir, &order, &n));
  tn_error *error = number(ir, order, n, &a);
  for (int i = 0; i < n && !error; i++) {
    for (int k = 0; k < order[i]->n_inputs; k++) inherit(&a, order[i]->inputs[k].node, order[i]);
    for (int k = 0; k < order[i]->n_controls; k++) inherit(&a, order[i]->controls[k], order[i]);
  }
  uint64_t *covered = tn_malloc((a.words + 1) * sizeof *covered);
  if (!covered && !error) error = tn_out_of_memory();
  for (int i = 0; i < n && !error; i++) error = rewrite(ir, &a, order[i], covered);
  tn_free(covered);
  tn_free(a.bits);
  tn_free(a.numbered);
  tn_free(order);
  return error;
}
