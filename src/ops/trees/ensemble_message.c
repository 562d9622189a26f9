/* The message tensorflow.boosted_trees.TreeEnsemble, read and written: what checkpoints hold of an ensemble.
 * Fields: core/kernels/boosted_trees/boosted_trees.proto of TensorFlow. */
#include <string.h>

#include "base/alloc.h"
#include "base/wire.h"
#include "ops/trees/ensemble.h"

/* --- reading --- */

static float as_float(uint64_t bits) {
  uint32_t word = (uint32_t)bits;
  float value;
  memcpy(&value, &word, sizeof value);
  return value;
}

static tn_wire_in inside(const tn_wire_field *f) {
  return tn_wire_bytes(f->data, f->type == TN_WIRE_BYTES ? f->size : 0);
}

/* Adds the floats of F, packed or one, to *VALUES, which has *N. */
static tn_error *read_floats(const tn_wire_field *f, int *n, float **values) {
  size_t more = f->type == TN_WIRE_BYTES ? f->size / 4 : 1;
  if (f->type == TN_WIRE_BYTES && f->size % 4) return tn_errorf(TN_DATA_LOSS, "packed floats end inside a number");
  if (more > (size_t)(INT32_MAX - *n)) return tn_errorf(TN_DATA_LOSS, "too many numbers");
  float *grown = tn_realloc(*values, ((size_t)*n + more + 1) * sizeof *grown);
  if (!grown) return tn_out_of_memory();
  *values = grown;
  for (size_t i = 0; i < more; i++) {
    grown[*n + (int)i] = as_float(f->type == TN_WIRE_BYTES ? tn_get_u32(f->data + 4 * i) : f->value);
  }
  *n += (int)more;
  return NULL;
}

static tn_error *read_vector(tn_wire_in in, tn_tree_leaf *leaf) {
  tn_wire_field f;
  bool more;
  for (;;) {
    TN_TRY(tn_wire_next(&in, &f, &more));
    if (!more) return NULL;
    if (f.number == 1) TN_TRY(read_floats(&f, &leaf->n, &leaf->values));
  }
}

static tn_error *read_leaf(tn_wire_in in, tn_tree_leaf *leaf) {
  tn_wire_field f;
  bool more;
  for (;;) {
    TN_TRY(tn_wire_next(&in, &f, &more));
    if (!more) return NULL;
    if (f.number == 1) {
      leaf->vector = true;
      TN_TRY(read_vector(inside(&f), leaf));
    } else if (f.number == 2) {
      return tn_errorf(TN_UNIMPLEMENTED, "a leaf is a sparse vector, which no op writes or reads");
    } else if (f.number == 3) {
      leaf->scalar = as_float(f.value);
    }
  }
}

static tn_error *read_split(tn_wire_in in, tn_tree_node *node) {
  tn_wire_field f;
  bool more;
  for (;;) {
    TN_TRY(tn_wire_next(&in, &f, &more));
    if (!more) return NULL;
    int32_t value = (int32_t)f.value;
    switch (f.number) {
    case 1: node->feature = value; break;
    case 2: node->threshold = value; break;
    case 3: node->left = value; break;
    case 4: node->right = value; break;
    case 5: node->dimension = value; break;
    case 6: node->default_right = value != 0; break;
    default: break;
    }
  }
}

static tn_error *read_metadata(tn_wire_in in, tn_tree_node *node) {
  tn_wire_field f;
  bool more;
  node->has_metadata = true;
  for (;;) {
    TN_TRY(tn_wire_next(&in, &f, &more));
    if (!more) return NULL;
    if (f.number == 1) node->gain = as_float(f.value);
    if (f.number == 2) {
      node->has_original = true;
      TN_TRY(read_leaf(inside(&f), &node->original));
    }
  }
}

static tn_error *read_node(tn_wire_in in, tn_tree_node *node, bool *known) {
  tn_wire_field f;
  bool more;
  for (;;) {
    TN_TRY(tn_wire_next(&in, &f, &more));
    if (!more) return NULL;
    if (f.number == 1) {
      node->kind = TN_TREE_LEAF;
      TN_TRY(read_leaf(inside(&f), &node->leaf));
    } else if (f.number == 2 || f.number == 3) {
      node->kind = f.number == 2 ? TN_TREE_BUCKETS : TN_TREE_CATEGORY;
      TN_TRY(read_split(inside(&f), node));
    } else if (f.number == 777) {
      TN_TRY(read_metadata(inside(&f), node));
    }
    *known |= f.number <= 3;
  }
}

static tn_error *read_tree(tn_wire_in in, tn_tree *tree) {
  tn_wire_field f;
  bool more, known = false;
  for (;;) {
    TN_TRY(tn_wire_next(&in, &f, &more));
    if (!more) return NULL;
    if (f.number != 1) continue;
    TN_TRY(tn_tree_grow(tree, 1));
    known = false;
    TN_TRY(read_node(inside(&f), &tree->nodes[tree->n - 1], &known));
    if (!known) return tn_errorf(TN_INVALID_ARGUMENT, "node %d is neither a leaf nor a split", (int)tree->n - 1);
  }
}

static tn_error *read_move(tn_wire_in in, tn_tree *tree) {
  tn_wire_field f;
  bool more;
  tn_tree_move *grown = tn_realloc(tree->moves, ((size_t)tree->n_moves + 1) * sizeof *grown);
  if (!grown) return tn_out_of_memory();
  tree->moves = grown;
  tn_tree_move *move = &grown[tree->n_moves++];
  *move = (tn_tree_move){0};
  for (;;) {
    TN_TRY(tn_wire_next(&in, &f, &more));
    if (!more) return NULL;
    if (f.number == 1) move->node = (int32_t)f.value;
    if (f.number == 2) TN_TRY(read_floats(&f, &move->n, &move->change));
  }
}

static tn_error *read_tree_metadata(tn_wire_in in, tn_tree *tree) {
  tn_wire_field f;
  bool more;
  for (;;) {
    TN_TRY(tn_wire_next(&in, &f, &more));
    if (!more) return NULL;
    if (f.number == 2) tree->layers = (int32_t)f.value;
    if (f.number == 3) tree->finalized = f.value != 0;
    if (f.number == 4) TN_TRY(read_move(inside(&f), tree));
  }
}

static tn_error *read_growing(tn_wire_in in, tn_forest *forest) {
  tn_wire_field f;
  bool more;
  forest->has_growing = true;
  for (;;) {
    TN_TRY(tn_wire_next(&in, &f, &more));
    if (!more) return NULL;
    if (f.number == 1) forest->trees_attempted = (int64_t)f.value;
    if (f.number == 2) forest->layers_attempted = (int64_t)f.value;
    if (f.number == 3) forest->layer_begin = (int32_t)f.value;
    if (f.number == 4) forest->layer_end = (int32_t)f.value;
  }
}

/* How many weights and metadata the message has, which go to the trees in their order. */
typedef struct counts {
  int n_weights, n_metadata;
  float *weights;
} counts;

static tn_error *read_trees(tn_wire_in in, tn_forest *forest, counts *c) {
  tn_wire_field f;
  bool more;
  float none = 0;
  for (;;) {
    TN_TRY(tn_wire_next(&in, &f, &more));
    if (!more) return NULL;
    if (f.number == 1) {
      TN_TRY(tn_forest_add(forest, 1, &none));
      tn_tree *tree = &forest->trees[forest->n - 1];
      tn_tree_clear(tree);
      TN_TRY(read_tree(inside(&f), tree));
    } else if (f.number == 2) {
      TN_TRY(read_floats(&f, &c->n_weights, &c->weights));
    } else if (f.number == 4) {
      TN_TRY(read_growing(inside(&f), forest));
    }
  }
}

static tn_error *read_trees_metadata(tn_wire_in in, tn_forest *forest, counts *c) {
  tn_wire_field f;
  bool more;
  for (;;) {
    TN_TRY(tn_wire_next(&in, &f, &more));
    if (!more) return NULL;
    if (f.number != 3) continue;
    if (c->n_metadata < forest->n) TN_TRY(read_tree_metadata(inside(&f), &forest->trees[c->n_metadata]));
    c->n_metadata++;
  }
}

/* Whoever walks down the tree arrives at a leaf. */
static tn_error *check_tree(const tn_tree *tree, int32_t number) {
  if (tree->n == 0) return tn_errorf(TN_INVALID_ARGUMENT, "tree %d has no nodes", (int)number);
  for (int32_t i = 0; i < tree->n; i++) {
    const tn_tree_node *node = &tree->nodes[i];
    if (node->kind == TN_TREE_LEAF) continue;
    if (node->left <= i || node->right <= i || node->left >= tree->n || node->right >= tree->n)
      return tn_errorf(TN_INVALID_ARGUMENT, "node %d of tree %d has the children %d and %d: they must be in (%d, %d)",
                       (int)i, (int)number, (int)node->left, (int)node->right, (int)i, (int)tree->n);
    if (node->feature < 0 || node->dimension < 0)
      return tn_errorf(TN_INVALID_ARGUMENT, "node %d of tree %d splits feature %d, dimension %d", (int)i, (int)number,
                       (int)node->feature, (int)node->dimension);
  }
  for (int32_t i = 0; i < tree->n_moves; i++) {
    if (tree->moves[i].node < 0 || tree->moves[i].node >= tree->n)
      return tn_errorf(TN_INVALID_ARGUMENT, "pruned node %d of tree %d went to node %d of %d", (int)i, (int)number,
                       (int)tree->moves[i].node, (int)tree->n);
  }
  return NULL;
}

static tn_error *finish(tn_forest *forest, const counts *c) {
  if (c->n_weights != forest->n || c->n_metadata != forest->n)
    return tn_errorf(TN_INVALID_ARGUMENT, "%d trees have %d weights and %d metadata", (int)forest->n, c->n_weights,
                     c->n_metadata);
  for (int32_t i = 0; i < forest->n; i++) {
    forest->trees[i].weight = c->weights[i];
    TN_TRY(check_tree(&forest->trees[i], i));
  }
  return NULL;
}

tn_error *tn_forest_read(const char *data, size_t size, tn_forest *out) {
  tn_forest forest = {0};
  counts c = {0};
  tn_error *error = read_trees(tn_wire_bytes(data, size), &forest, &c);
  if (!error) error = read_trees_metadata(tn_wire_bytes(data, size), &forest, &c);
  if (!error) error = finish(&forest, &c);
  tn_free(c.weights);
  if (!error) {
    *out = forest;
    return NULL;
  }
  tn_forest_clear(&forest);
  if (tn_error_code(error) != TN_DATA_LOSS) return tn_error_context(error, "Unable to parse tree ensemble proto");
  tn_error *bad = tn_errorf(TN_INVALID_ARGUMENT, "Unable to parse tree ensemble proto: %s", tn_error_message(error));
  tn_error_free(error);
  return bad;
}

/* --- writing: fields in the order of their numbers, none where the value is zero --- */

static void put_int(tn_str *out, uint32_t number, int64_t value) {
  if (value) tn_wire_put_int(out, number, value);
}

static uint32_t bits_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static void put_float(tn_str *out, uint32_t number, float value) {
  if (bits_of(value)) tn_wire_put_fixed32(out, number, bits_of(value));
}

static void put_floats(tn_str *out, uint32_t number, int n, const float *values) {
  if (n == 0) return;
  tn_wire_put_key(out, number, TN_WIRE_BYTES);
  tn_wire_put_varint(out, (uint64_t)n * 4);
  for (int i = 0; i < n; i++) tn_put_u32(out, bits_of(values[i]));
}

/* Writes PART as field NUMBER and empties it. */
static void put_message(tn_str *out, uint32_t number, tn_str *part) {
  out->failed |= part->failed;
  tn_wire_put_bytes(out, number, part->size ? part->data : "", part->size);
  tn_str_clear(part);
}

static void put_leaf(tn_str *out, uint32_t number, const tn_tree_leaf *leaf) {
  tn_str part = {0}, vector = {0};
  if (leaf->vector) {
    put_floats(&vector, 1, leaf->n, leaf->values);
    put_message(&part, 1, &vector);
  }
  put_float(&part, 3, leaf->scalar);
  put_message(out, number, &part);
}

static void put_split(tn_str *out, uint32_t number, const tn_tree_node *node) {
  tn_str part = {0};
  const int32_t fields[] = {node->feature, node->threshold, node->left, node->right, node->dimension};
  for (uint32_t i = 0; i < 5; i++) put_int(&part, i + 1, fields[i]);
  if (node->kind == TN_TREE_BUCKETS) put_int(&part, 6, node->default_right);
  put_message(out, number, &part);
}

static void put_node(tn_str *out, const tn_tree_node *node) {
  tn_str part = {0}, metadata = {0};
  if (node->kind == TN_TREE_LEAF) {
    put_leaf(&part, 1, &node->leaf);
  } else {
    put_split(&part, node->kind == TN_TREE_BUCKETS ? 2 : 3, node);
  }
  if (node->has_metadata) {
    put_float(&metadata, 1, node->gain);
    if (node->has_original) put_leaf(&metadata, 2, &node->original);
    put_message(&part, 777, &metadata);
  }
  put_message(out, 1, &part);
}

static void put_tree_metadata(tn_str *out, const tn_tree *tree) {
  tn_str part = {0}, move = {0};
  put_int(&part, 2, tree->layers);
  put_int(&part, 3, tree->finalized);
  for (int32_t i = 0; i < tree->n_moves; i++) {
    put_int(&move, 1, tree->moves[i].node);
    put_floats(&move, 2, tree->moves[i].n, tree->moves[i].change);
    put_message(&part, 4, &move);
  }
  put_message(out, 3, &part);
}

void tn_forest_write(const tn_forest *forest, tn_str *out) {
  tn_str part = {0};
  for (int32_t i = 0; i < forest->n; i++) {
    for (int32_t j = 0; j < forest->trees[i].n; j++) put_node(&part, &forest->trees[i].nodes[j]);
    put_message(out, 1, &part);
  }
  if (forest->n > 0) {
    tn_wire_put_key(out, 2, TN_WIRE_BYTES);
    tn_wire_put_varint(out, (uint64_t)forest->n * 4);
    for (int32_t i = 0; i < forest->n; i++) tn_put_u32(out, bits_of(forest->trees[i].weight));
  }
  for (int32_t i = 0; i < forest->n; i++) put_tree_metadata(out, &forest->trees[i]);
  if (!forest->has_growing) return;
  put_int(&part, 1, forest->trees_attempted);
  put_int(&part, 2, forest->layers_attempted);
  put_int(&part, 3, forest->layer_begin);
  put_int(&part, 4, forest->layer_end);
  put_message(out, 4, &part);
}
