/* Datasets as tf.data has them: a source describes a sequence of elements, a cursor goes through it once. An element is
 * one tensor per component. Sources are immutable and travel in variant tensors; what moves is in cursors alone. */
#ifndef TN_DATA_SOURCE_H
#define TN_DATA_SOURCE_H

#include "graph/shape.h"
#include "kernel/call.h"
#include "kernel/prepared.h"
#include "kernel/step.h"

#define TN_SOURCE_TYPE   "Dataset"
#define TN_SIZE_INFINITE (-1)
#define TN_SIZE_UNKNOWN  (-2)

typedef struct tn_source tn_source;
typedef struct tn_cursor tn_cursor;

/* A kind of dataset. SOURCE_SIZE and CURSOR_SIZE are the bytes of its records, which begin with tn_source and tn_cursor
 * and start zeroed. */
typedef struct tn_source_kind {
  const char *name;
  size_t source_size, cursor_size;
  int n_inputs;                                   /* the op's first so many arguments are datasets */
  tn_error *(*make)(tn_run *r, tn_source *s);     /* reads the other arguments; NULL: there are none */
  void (*drop)(tn_source *s);                     /* frees what MAKE made, as far as it came; NULL: nothing */
  int64_t (*size)(const tn_source *s);            /* elements, or one of TN_SIZE_; NULL: as many as input 0 has */
  tn_error *(*open)(tn_cursor *c, tn_step *step); /* NULL: opens input 0 if there is one */
  /* Fills OUT, one clear slot per component, or sets *END. The caller clears OUT after an error. */
  tn_error *(*next)(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end);
  void (*close)(tn_cursor *c); /* frees what OPEN made, as far as it came; the cursor INPUT is closed afterwards */
} tn_source_kind;

struct tn_source {
  tn_object object;
  const tn_source_kind *kind;
  char *name; /* the node's, for messages */
  int n;      /* components */
  tn_dtype *types;
  tn_shape *shapes;
  int n_inputs;
  tn_source **inputs;
  struct tn_seeds *seeds; /* what a shuffle draws its seeds from; else NULL */
};

struct tn_cursor {
  const tn_source_kind *kind;
  tn_source *source;
  tn_cursor *input;
};

/* --- elements --- */
tn_error *tn_element_new(int n, tn_tensor **out) TN_MUST_USE; /* N clear slots */
void tn_element_clear(int n, tn_tensor *element);
void tn_element_free(int n, tn_tensor *element);
static inline void tn_element_move(int n, tn_tensor *to, tn_tensor *from) {
  for (int i = 0; i < n; i++) {
    to[i] = from[i];
    from[i] = (tn_tensor){0};
  }
}
static inline void tn_element_share(int n, tn_tensor *to, const tn_tensor *from) {
  for (int i = 0; i < n; i++) tn_tensor_set(&to[i], &from[i]);
}

/* --- sources --- */
static inline tn_source *tn_source_ref(tn_source *s) { return (tn_source *)tn_object_ref(&s->object); }
static inline void tn_source_unref(tn_source *s) {
  if (s) tn_object_unref(&s->object);
}
int64_t tn_source_size(const tn_source *s);
/* The source behind a variant. INVALID_ARGUMENT if it is none. Borrowed. */
tn_error *tn_source_of(const tn_tensor *variant, tn_source **out) TN_MUST_USE;
/* The variant of SOURCE, whose reference it takes over. */
tn_error *tn_source_wrap(tn_source *source, tn_tensor *out) TN_MUST_USE;
/* A source of KIND that no op makes, with the components of LIKE. */
tn_error *tn_source_new(const tn_source_kind *kind, const tn_source *like, tn_source **out) TN_MUST_USE;

/* --- cursors --- */
tn_error *tn_cursor_open(tn_source *source, tn_step *step, tn_cursor **out) TN_MUST_USE;
/* The next element in OUT, clear slots, which stay so at the end and on an error. */
tn_error *tn_cursor_next(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) TN_MUST_USE;
void tn_cursor_close(tn_cursor *c); /* NULL is allowed */
/* The seeds of SOURCE and of the datasets that it is made of, in a fixed order: up to MOST in OUT. Returns how many
 * there are. */
int tn_source_seeds(const tn_source *source, int most, struct tn_seeds **out);
/* An error that begins with the dataset's op and node. */
#define tn_cursor_errorf(c, code, format, ...)                                                                         \
  tn_errorf((code), "%s '%s': " format, (c)->kind->name, (c)->source->name, ##__VA_ARGS__)

/* --- functions of datasets, with what they captured --- */
typedef struct tn_capture {
  tn_function *function;
  size_t n;
  tn_tensor *values;
} tn_capture;
/* The function of attribute NAME with the inputs of argument ARGUMENT of the op. */
tn_error *tn_capture_init(tn_run *r, const char *name, int argument, tn_capture *out) TN_MUST_USE;
void tn_capture_clear(tn_capture *capture);
/* Calls it on N tensors, which stay the caller's. RESULTS holds as many clear slots as the function has results. */
tn_error *tn_capture_call(const tn_capture *capture, tn_step *step, size_t n, const tn_tensor *arguments,
                          tn_tensor *results) TN_MUST_USE;
/* The same for a function with one result, a scalar of TYPE. */
tn_error *tn_capture_scalar(const tn_capture *capture, tn_step *step, size_t n, const tn_tensor *arguments,
                            tn_dtype type, void *out) TN_MUST_USE;

/* --- for ops --- */
/* The first input of argument ARGUMENT as a scalar. INVALID_ARGUMENT if it is none. */
tn_error *tn_run_int(const tn_run *r, int argument, int64_t *out) TN_MUST_USE;
tn_error *tn_run_bool(const tn_run *r, int argument, bool *out) TN_MUST_USE;
tn_error *tn_run_string(const tn_run *r, int argument, tn_string *out) TN_MUST_USE;
const tn_tensor *tn_run_argument(const tn_run *r, int argument);
/* PREPARE and RUN of ops whose one output is a dataset; RUN is called with the kind. */
tn_error *tn_source_prepare(tn_prepare *p) TN_MUST_USE;
tn_error *tn_source_run(tn_run *r, const tn_source_kind *kind) TN_MUST_USE;

/* Kernels of a dataset op of kind KIND, as NAME. */
#define TN_SOURCE_KERNELS(NAME, KIND)                                                                                  \
  static tn_error *run_##NAME(tn_run *r) { return tn_source_run(r, &KIND); }                                           \
  static const tn_kernel_def NAME##_kernels[] = {                                                                      \
      {.name = "reference", .prepare = tn_source_prepare, .run = run_##NAME}, {0}}
#define TN_SOURCE_FLAGS (TN_OP_DYNAMIC_SHAPE | TN_OP_CALLS | TN_OP_GRADIENT_UNREGISTERED)
#define TN_SOURCE_ATTRS "output_types: list(type) >= 1; output_shapes: list(shape) >= 1"

#endif
