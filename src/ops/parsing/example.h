/* tf.Example and tf.SequenceExample read in place: features are found in the bytes and decoded straight into tensors.
 */
#ifndef TN_OPS_PARSING_EXAMPLE_H
#define TN_OPS_PARSING_EXAMPLE_H

#include "base/map.h"
#include "base/wire.h"
#include "ops/string/string_array.h"

typedef enum tn_feature_kind { TN_FEATURE_SPARSE, TN_FEATURE_DENSE, TN_FEATURE_RAGGED } tn_feature_kind;

/* One feature that is asked for. */
typedef struct tn_feature_spec {
  tn_string key;
  tn_feature_kind kind;
  tn_dtype dtype;
  const tn_tensor *fallback; /* dense: the default, without elements where there is none */
  const tn_shape *shape;     /* dense: of one example */
  bool variable;             /* dense: the first dimension is free */
  bool missing_is_empty;     /* lists of dense features: may be absent */
  int64_t stride;            /* dense: elements, but for the free dimension */
} tn_feature_spec;

/* The features that are asked for; the map goes from key to place plus one. */
typedef struct tn_feature_table {
  const tn_node *node;
  int n;
  tn_feature_spec *specs;
  tn_map *map;
} tn_feature_table;

/* A feature found: where its message lies, then (by tn_feature_open) the list inside it. */
typedef struct tn_feature {
  const char *data; /* NULL: not found */
  size_t size;
  tn_dtype dtype; /* TN_INVALID: nothing is in it */
  int64_t count;  /* values */
  int64_t at;     /* for whoever decodes: where they go */
} tn_feature;

/* Room for N features asked of NODE; frees with tn_feature_table_free, also after a failure. */
tn_error *tn_feature_table_new(const tn_node *node, int n, tn_feature_table *out) TN_MUST_USE;
/* Makes the map, once the specs are filled in. */
tn_error *tn_feature_table_index(tn_feature_table *t) TN_MUST_USE;
void tn_feature_table_free(tn_feature_table *t);
/* Checks a dense feature's shape and default, and sets variable and stride. */
tn_error *tn_feature_spec_check(const tn_node *node, int i, tn_feature_spec *s) TN_MUST_USE;

/* Finds the features of T in the map<string, message> that is field 1 of field NUMBER of a message; the last one of a
 * name counts. FOUND, T->n of them, is cleared first. False: the bytes are broken. */
bool tn_features_find(const tn_feature_table *t, uint32_t number, tn_string message, tn_feature *found);
/* Looks into a Feature message: which list, how many values. False: the bytes are broken. */
bool tn_feature_open(tn_feature *f);
/* Decodes the values to OUT, an array of f->dtype. */
tn_error *tn_feature_decode(const tn_feature *f, void *out) TN_MUST_USE;
/* Reads the next Feature of a FeatureList's bytes and opens it; *MORE is false at the end. False: broken. */
bool tn_feature_list_next(tn_wire_in *in, tn_feature *f, bool *more);
/* "float", "int64" or "bytes": as messages call the lists. */
const char *tn_feature_list_name(tn_dtype dtype);

/* Where an op has its arguments: the outputs are, in this order, indices, values and shapes of sparse features, dense
 * ones, values and splits of ragged ones. */
typedef struct tn_parse_layout {
  int n_sparse, n_dense, n_ragged; /* features */
  int defaults;                    /* the first default, as a flattened input */
  bool all_dynamic;                /* fixed dense outputs are allocated, too */
  bool batch;                      /* the outputs have a first dimension for the examples */
  const tn_tensor *names;          /* of the examples, for messages; NULL or empty: none */
} tn_parse_layout;

/* Parses the features of T in the strings of input 0 into the first outputs; fixed dense ones are allocated. */
tn_error *tn_parse_features(tn_run *r, const tn_parse_layout *l, const tn_feature_table *t) TN_MUST_USE;
/* The same for feature lists: outputs FIRST and on, where the dense ones of a batch are followed by their lengths, and
 * ragged ones have outer and inner splits. */
tn_error *tn_parse_feature_lists(tn_run *r, const tn_parse_layout *l, const tn_feature_table *t, int first) TN_MUST_USE;
/* The name of example I. */
static inline tn_string tn_parse_name(const tn_tensor *names, int64_t i) {
  return names && tn_elements(names) > i ? tn_strings_of(names)[i] : (tn_string){(char *)"<unknown>", 9};
}
/* The arguments of "%.*s". */
#define TN_TEXT(s) (int)(s).size, (s).data

#endif
