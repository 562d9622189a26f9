/* All and Any. */
#include "ops/reduce/reducers.h"

#define AND(a, b)  ((a) & (b))
#define OR(a, b)   ((a) | (b))
#define IS_TRUE(v) ((v) != 0)
TN_REDUCER(all_bool, uint8_t, uint8_t, 1, IS_TRUE, AND, TN_AS_IS);
TN_REDUCER(any_bool, uint8_t, uint8_t, 0, IS_TRUE, OR, TN_AS_IS);
static tn_reducer_table alls = {[TN_BOOL] = &all_bool}, anys = {[TN_BOOL] = &any_bool};

static tn_error *all_prepare(tn_prepare *p) { return tn_reduce_prepare(p, alls); }
static tn_error *any_prepare(tn_prepare *p) { return tn_reduce_prepare(p, anys); }

static const tn_kernel_def all_kernels[] = {{.name = "reference", .prepare = all_prepare, .run = tn_reduce_run}, {0}};
static const tn_kernel_def any_kernels[] = {{.name = "reference", .prepare = any_prepare, .run = tn_reduce_run}, {0}};

TN_OP(All, .inputs = "input: bool, reduction_indices: Tidx", .outputs = "output: bool",
      .attrs = "keep_dims: bool = false; Tidx: indextype = DT_INT32",
      .doc = "Whether all elements over the given axes are true.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .value_inputs = 1 << 1, .shape = tn_shape_reduction, .kernels = all_kernels);

TN_OP(Any, .inputs = "input: bool, reduction_indices: Tidx", .outputs = "output: bool",
      .attrs = "keep_dims: bool = false; Tidx: indextype = DT_INT32",
      .doc = "Whether any element over the given axes is true.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .value_inputs = 1 << 1, .shape = tn_shape_reduction, .kernels = any_kernels);
