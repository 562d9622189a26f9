/* Attribute values: what NodeDef's AttrValue holds. */
#ifndef TN_GRAPH_ATTR_H
#define TN_GRAPH_ATTR_H

#include "tensor/tensor.h"

typedef enum tn_attr_kind {
  TN_ATTR_NONE,
  TN_ATTR_INT,
  TN_ATTR_FLOAT,
  TN_ATTR_BOOL,
  TN_ATTR_STRING,
  TN_ATTR_TYPE,
  TN_ATTR_SHAPE,
  TN_ATTR_TENSOR,
  TN_ATTR_FUNC
} tn_attr_kind;

/* One value. For lists IS_LIST is set and the array member of KIND holds N elements. Owned deeply by whoever holds it.
 */
typedef struct tn_attr {
  tn_attr_kind kind;
  bool is_list;
  size_t n;
  union {
    int64_t i;
    float f;
    bool b;
    tn_dtype type;
    tn_shape shape;
    tn_string string; /* also the name of a function */
    tn_tensor *tensor;
    int64_t *ints;
    float *floats;
    bool *bools;
    tn_dtype *types;
    tn_shape *shapes;
    tn_string *strings; /* also names of functions */
    tn_tensor **tensors;
  };
} tn_attr;

void tn_attr_clear(tn_attr *attr);
tn_error *tn_attr_copy(const tn_attr *source, tn_attr *out) TN_MUST_USE;
bool tn_attr_equal(const tn_attr *a, const tn_attr *b);

/* An attribute with its name, as nodes keep them and as tn_build takes them. */
typedef struct tn_named_attr {
  const char *name;
  tn_attr value;
} tn_named_attr;

#endif
