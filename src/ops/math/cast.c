/* Conversion between dtypes: Cast. Numbers out of range become what x86 makes of them, as TensorFlow's CPU kernels do:
 * floats go through int32 or int64, where too large, too small and NaN give the smallest integer. */
#include "base/parallel.h"
#include "ops/math/grad.h"
#include "ops/math/loops.h"

static inline int32_t to_i32(double x) { return x > -2147483649.0 && x < 2147483648.0 ? (int32_t)x : INT32_MIN; }
static inline int64_t to_i64(double x) { return x >= -0x1p63 && x < 0x1p63 ? (int64_t)x : INT64_MIN; }
static inline uint64_t to_u64(double x) { return x >= 0x1p63 && x < 0x1p64 ? (uint64_t)x : (uint64_t)to_i64(x); }

/* How each dtype is written from a real X; integers pass unchanged. */
#define REAL_OR(X, FUNCTION) _Generic((X), float : FUNCTION((double)(X)), double : FUNCTION((double)(X)), default : (X))
#define PUT_f32(X)           ((float)(X))
#define PUT_f64(X)           ((double)(X))
#define PUT_f16(X)           tn_float_to_half((float)(X))
#define PUT_bf16(X)          tn_float_to_bfloat16((float)(X))
#define PUT_c64(X)           ((float complex)(float)(X))
#define PUT_c128(X)          ((double complex)(double)(X))
#define PUT_b8(X)            ((X) != 0)
#define PUT_i8(X)            ((int8_t)REAL_OR(X, to_i32))
#define PUT_i16(X)           ((int16_t)REAL_OR(X, to_i32))
#define PUT_i32(X)           ((int32_t)REAL_OR(X, to_i32))
#define PUT_i64(X)           ((int64_t)REAL_OR(X, to_i64))
#define PUT_u8(X)            ((uint8_t)REAL_OR(X, to_i32))
#define PUT_u16(X)           ((uint16_t)REAL_OR(X, to_i32))
#define PUT_u32(X)           ((uint32_t)REAL_OR(X, to_i64))
#define PUT_u64(X)           ((uint64_t)REAL_OR(X, to_u64))
/* How each dtype is read as a real. */
#define GET_c64(V)  crealf(V)
#define GET_c128(V) creal(V)

#define CAST_LOOP_WITH(TO, FROM, GET)                                                                                  \
  static void cast_##FROM##_##TO(void *out, const void *const *in, const int64_t *step, int64_t n, double parameter) { \
    const ST_##FROM *a = in[0];                                                                                        \
    ST_##TO *z = out;                                                                                                  \
    (void)parameter, (void)step;                                                                                       \
    for (int64_t i = 0; i < n; i++) z[i] = PUT_##TO(GET(a[i]));                                                        \
  }
#define CAST_LOOP(TO, FROM)         CAST_LOOP_WITH(TO, FROM, LD_##FROM)
#define CAST_LOOP_COMPLEX(TO, FROM) CAST_LOOP_WITH(TO, FROM, GET_##FROM)
#define CAST_ROW(TO, FROM)          {DT_##TO, cast_##FROM##_##TO},

/* Every real dtype and bool as the source, and every dtype as the target. */
#define EACH_TARGET(X, FROM) EACH_REALS(X, FROM) EACH_BOOL(X, FROM)
#define CASTS(FROM, NAME)                                                                                              \
  EACH_TARGET(CAST_LOOP, FROM)                                                                                         \
  CAST_LOOP(c64, FROM)                                                                                                 \
  CAST_LOOP(c128, FROM)                                                                                                \
  static const tn_loop_row NAME##_##FROM[] = {EACH_TARGET(CAST_ROW, FROM) CAST_ROW(c64, FROM) CAST_ROW(c128, FROM){0}};
CASTS(f32, cast_rows)
CASTS(f64, cast_rows)
CASTS(f16, cast_rows)
CASTS(bf16, cast_rows)
CASTS(i8, cast_rows)
CASTS(i16, cast_rows)
CASTS(i32, cast_rows)
CASTS(i64, cast_rows)
CASTS(u8, cast_rows)
CASTS(u16, cast_rows)
CASTS(u32, cast_rows)
CASTS(u64, cast_rows)
CASTS(b8, cast_rows)

/* From complex numbers: the real part, but to complex both. */
#define CASTS_COMPLEX(FROM)                                                                                            \
  EACH_TARGET(CAST_LOOP_COMPLEX, FROM)                                                                                 \
  static void cast_##FROM##_c64(void *out, const void *const *in, const int64_t *step, int64_t n, double parameter) {  \
    (void)parameter, (void)step;                                                                                       \
    for (int64_t i = 0; i < n; i++) ((float complex *)out)[i] = (float complex)((const ST_##FROM *)in[0])[i];          \
  }                                                                                                                    \
  static void cast_##FROM##_c128(void *out, const void *const *in, const int64_t *step, int64_t n, double parameter) { \
    (void)parameter, (void)step;                                                                                       \
    for (int64_t i = 0; i < n; i++) ((double complex *)out)[i] = (double complex)((const ST_##FROM *)in[0])[i];        \
  }                                                                                                                    \
  static const tn_loop_row cast_rows_##FROM[] = {EACH_TARGET(CAST_ROW, FROM) CAST_ROW(c64, FROM)                       \
                                                     CAST_ROW(c128, FROM){0}};
CASTS_COMPLEX(c64)
CASTS_COMPLEX(c128)

static const struct {
  tn_dtype dtype;
  const tn_loop_row *rows;
} sources[] = {
    {TN_FLOAT, cast_rows_f32},     {TN_DOUBLE, cast_rows_f64},    {TN_HALF, cast_rows_f16},
    {TN_BFLOAT16, cast_rows_bf16}, {TN_INT8, cast_rows_i8},       {TN_INT16, cast_rows_i16},
    {TN_INT32, cast_rows_i32},     {TN_INT64, cast_rows_i64},     {TN_UINT8, cast_rows_u8},
    {TN_UINT16, cast_rows_u16},    {TN_UINT32, cast_rows_u32},    {TN_UINT64, cast_rows_u64},
    {TN_BOOL, cast_rows_b8},       {TN_COMPLEX64, cast_rows_c64}, {TN_COMPLEX128, cast_rows_c128},
};

/* With Truncate, wider floats are cut to the precision of the target before they are converted. */
#define CUT(FROM, TYPE, BITS, LOW)                                                                                     \
  static inline TYPE cut_##FROM##_##LOW(TYPE x) {                                                                      \
    union {                                                                                                            \
      TYPE f;                                                                                                          \
      BITS u;                                                                                                          \
    } v = {.f = x};                                                                                                    \
    if (isfinite(x)) v.u &= ~(BITS)0 << (LOW);                                                                         \
    return v.f;                                                                                                        \
  }
CUT(f32, float, uint32_t, 13)
CUT(f32, float, uint32_t, 16)
CUT(f64, double, uint64_t, 42)
CUT(f64, double, uint64_t, 45)
CUT(f64, double, uint64_t, 29)
#define TRUNCATE_LOOP(FROM, TO, LOW)                                                                                   \
  static void truncate_##FROM##_##TO(void *out, const void *const *in, const int64_t *step, int64_t n,                 \
                                     double parameter) {                                                               \
    (void)parameter, (void)step;                                                                                       \
    for (int64_t i = 0; i < n; i++) ((ST_##TO *)out)[i] = PUT_##TO(cut_##FROM##_##LOW(((const ST_##FROM *)in[0])[i])); \
  }
TRUNCATE_LOOP(f32, f16, 13)
TRUNCATE_LOOP(f32, bf16, 16)
TRUNCATE_LOOP(f64, f16, 42)
TRUNCATE_LOOP(f64, bf16, 45)
TRUNCATE_LOOP(f64, f32, 29)

/* Quantised integers are stored as plain ones. */
static tn_dtype stored_as(tn_dtype dtype) {
  switch (dtype) {
  case TN_QINT8: return TN_INT8;
  case TN_QUINT8: return TN_UINT8;
  case TN_QINT16: return TN_INT16;
  case TN_QUINT16: return TN_UINT16;
  case TN_QINT32: return TN_INT32;
  default: return dtype;
  }
}

static tn_loop_fn truncating(tn_dtype from, tn_dtype to) {
  if (from == TN_FLOAT) return to == TN_HALF ? truncate_f32_f16 : to == TN_BFLOAT16 ? truncate_f32_bf16 : NULL;
  if (from != TN_DOUBLE) return NULL;
  return to == TN_HALF       ? truncate_f64_f16
         : to == TN_BFLOAT16 ? truncate_f64_bf16
         : to == TN_FLOAT    ? truncate_f64_f32
                             : NULL;
}

static tn_loop_fn loop_of(tn_dtype from, tn_dtype to, bool truncate) {
  tn_loop_fn special = truncate ? truncating(from, to) : NULL;
  if (special) return special;
  for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
    if (sources[i].dtype != from) continue;
    for (const tn_loop_row *row = sources[i].rows; row->loop; row++)
      if (row->dtype == to) return row->loop;
  }
  return NULL;
}

enum { GRAIN = 16384 };

typedef struct cast_state {
  tn_loop_fn loop;
  int64_t elements, chunks;
} cast_state;

static tn_error *cast_prepare(tn_prepare *p) {
  tn_dtype from = tn_dtype_base(p->inputs[0].dtype), to = tn_dtype_base(p->outputs[0].dtype);
  const tn_shape *shape = &p->inputs[0].shape;
  if (from == to) return tn_prepare_alias(p, 0, 0, shape);
  tn_loop_fn loop = loop_of(stored_as(from), stored_as(to), tn_node_get_bool(p->node, "Truncate"));
  if (!loop)
    return tn_prepare_errorf(p, TN_UNIMPLEMENTED, "Cast %s to %s is not supported", tn_dtype_name(from),
                             tn_dtype_name(to));
  TN_TRY(tn_prepare_output(p, 0, shape));
  cast_state *state = NULL;
  TN_TRY(tn_prepare_state(p, sizeof *state, &state));
  *state = (cast_state){loop, tn_shape_elements(shape), tn_chunks(tn_shape_elements(shape), GRAIN)};
  return NULL;
}

static void cast_chunk(void *argument, int64_t i) {
  static const int64_t step[] = {1};
  const tn_run *r = argument;
  const cast_state *state = r->state;
  int64_t begin, end;
  tn_chunk(state->elements, state->chunks, i, 64, &begin, &end);
  if (begin >= end) return;
  const tn_tensor *x = r->inputs[0], *z = r->outputs[0];
  const void *in[] = {(const char *)x->data + (size_t)begin * tn_dtype_size(x->dtype)};
  state->loop((char *)z->data + (size_t)begin * tn_dtype_size(z->dtype), in, step, end - begin, 0);
}

static tn_error *cast_run(tn_run *r) {
  const cast_state *state = r->state;
  if (state && state->elements > 0) tn_parallel(state->chunks, cast_chunk, r);
  return NULL;
}

/* Between the dtypes that tapes know, a tape without steps converts. */
#define VECTOR_TYPES (TN_TAPE_TYPES | TN_BIT(TN_INT32) | TN_BIT(TN_BOOL))
static bool is_vector(const tn_prepare *p) {
  tn_dtype from = p->inputs[0].dtype, to = p->outputs[0].dtype;
  return from != to && (VECTOR_TYPES >> to & 1) && !tn_node_get_bool(p->node, "Truncate");
}

static tn_error *cast_vector_prepare(tn_prepare *p) {
  tn_tape tape = {.n_inputs = 1, .n_outputs = 1, .input_types = {(uint8_t)p->inputs[0].dtype}};
  tape.outputs[0] = (tn_tape_output){.value = 0, .dtype = (uint8_t)p->outputs[0].dtype};
  return tn_tape_kernel_prepare_with(p, &tape);
}

static const tn_kernel_def cast_kernels[] = {{.name = "vector",
                                              .types = VECTOR_TYPES,
                                              .supports = is_vector,
                                              .prepare = cast_vector_prepare,
                                              .run = tn_tape_kernel_run},
                                             {.name = "reference", .prepare = cast_prepare, .run = cast_run},
                                             {0}};

/* Only between floats (real or complex) is there a gradient. */
static tn_error *cast_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output x = tn_grad_x(c, 0), grad = tn_grad_dense(c, 0);
  if (s->error) return s->error;
  tn_dtype from = tn_dtype_base(tn_output_dtype(x)), to = tn_dtype_base(tn_output_dtype(grad));
  tn_dtype_mask floats = TN_FLOATS | TN_COMPLEXES;
  if ((floats & TN_BIT(from)) && (floats & TN_BIT(to))) tn_grad_set(c, 0, tn_build_cast(s, grad, from));
  return s->error;
}

TN_OP(Cast, .inputs = "x: SrcT", .outputs = "y: DstT", .attrs = "SrcT: type; DstT: type; Truncate: bool = false",
      .doc = "x as another dtype.", .flags = TN_OP_ELEMENTWISE, .shape = tn_shape_unchanged, .gradient = cast_gradient,
      .kernels = cast_kernels);
