/* Printing while a graph runs. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "graph/build.h"
#include "graph/shape.h"
#include "ops/flow/summary.h"

/* How often the node printed; kept over plans and steps. */
typedef struct printing {
  _Atomic int64_t *printed;
} printing;

static tn_error *prepare_print(tn_prepare *p) {
  printing *state;
  TN_TRY(tn_prepare_state(p, sizeof *state, &state));
  TN_TRY(tn_prepare_persistent(p, sizeof *state->printed, &state->printed));
  return tn_prepare_alias(p, 0, 0, &p->inputs[0].shape);
}

static tn_error *run_print(tn_run *r) {
  const printing *state = r->state;
  int64_t first_n = tn_node_get_int(r->node, "first_n"), summarize = tn_node_get_int(r->node, "summarize");
  if (first_n >= 0 && atomic_fetch_add(state->printed, 1) >= first_n) return NULL;
  tn_string message = tn_node_get_string(r->node, "message");
  tn_str line = {0};
  tn_str_add_bytes(&line, message.data, message.size);
  for (int i = 1; i < r->n_inputs; i++) {
    tn_str_add(&line, "[");
    tn_summary_add(&line, r->inputs[i], summarize);
    tn_str_add(&line, "]");
  }
  tn_str_add(&line, "\n");
  char *text;
  size_t size;
  TN_TRY(tn_str_take(&line, &text, &size));
  fwrite(text, 1, size, stderr);
  tn_free(text);
  return NULL;
}

static tn_error *prepare_v2(tn_prepare *p) {
  if (p->inputs[0].shape.rank != 0) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "the input is expected to be a scalar, but got %s",
                             TN_SHAPE_STR(&p->inputs[0].shape));
  }
  static const char *const streams[] = {"stdout", "stderr", "log(info)", "log(warning)", "log(error)"};
  tn_string stream = tn_node_get_string(p->node, "output_stream");
  if (stream.size >= 7 && !memcmp(stream.data, "file://", 7)) return NULL;
  for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
    if (tn_node_string_is(p->node, "output_stream", streams[i])) return NULL;
  }
  return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                           "output_stream is %.*s, expected stdout, stderr, log(...) or file://PATH", (int)stream.size,
                           stream.data);
}

/* Appends to the file that "file://PATH" names. */
static tn_error *append_to_file(const tn_run *r, tn_string stream, const tn_string *text, const tn_string *end) {
  char *path = tn_strndup(stream.data + 7, stream.size - 7);
  if (!path) return tn_out_of_memory();
  FILE *file = fopen(path, "ab");
  tn_error *error = NULL;
  bool written = file && fwrite(text->data, 1, text->size, file) == text->size &&
                 fwrite(end->data, 1, end->size, file) == end->size;
  if (file && fclose(file)) written = false;
  if (!written) error = tn_run_errorf(r, TN_UNKNOWN, "can't write to %s", path);
  tn_free(path);
  return error;
}

static tn_error *run_v2(tn_run *r) {
  tn_string stream = tn_node_get_string(r->node, "output_stream"), end = tn_node_get_string(r->node, "end");
  const tn_string *text = TN_DATA(const tn_string, r->inputs[0]);
  if (stream.size >= 7 && !memcmp(stream.data, "file://", 7)) return append_to_file(r, stream, text, &end);
  FILE *file = tn_node_string_is(r->node, "output_stream", "stdout") ? stdout : stderr;
  flockfile(file);
  fwrite(text->data, 1, text->size, file);
  fwrite(end.data, 1, end.size, file);
  fflush(file);
  funlockfile(file);
  return NULL;
}

static const tn_kernel_def print_kernels[] = {{.name = "reference", .prepare = prepare_print, .run = run_print}, {0}};
static const tn_kernel_def v2_kernels[] = {{.name = "reference", .prepare = prepare_v2, .run = run_v2}, {0}};

static tn_error *shape_v2(tn_shape_ctx *c) {
  tn_shape scalar;
  return tn_shape_with_rank(c, 0, 0, &scalar);
}

static tn_error *gradient_print(tn_gradient_ctx *c) {
  c->grad_in[0] = c->grad_out[0];
  return NULL;
}

TN_OP(Print, .inputs = "input: T, data: U", .outputs = "output: T",
      .attrs = "T: type; U: list(type) >= 0; message: string = ''; first_n: int = -1; summarize: int = 3",
      .doc = "Passes its input on and prints data to the standard error stream.", .flags = TN_OP_STATEFUL | TN_OP_DEBUG,
      .shape = tn_shape_unchanged, .gradient = gradient_print, .kernels = print_kernels);

TN_OP(PrintV2, .inputs = "input: string", .outputs = "",
      .attrs = "output_stream: string = 'stderr'; end: string = '\n'", .doc = "Prints a string.",
      .flags = TN_OP_FILES | TN_OP_STATEFUL | TN_OP_DEBUG | TN_OP_GRADIENT_UNREGISTERED, .shape = shape_v2,
      .kernels = v2_kernels);
