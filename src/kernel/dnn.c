/* The wrapper around oneDNN: descriptors, primitives for one thread, and the arguments of a run, kept for the next one.
 */
#include "kernel/dnn.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "kernel/dnn_version.h"

/* The number of threads that oneDNN sees when it makes and runs a primitive. */
int omp_get_max_threads(void);
void omp_set_num_threads(int threads);

enum { MAX_ARGS = 4, SLOTS = 16 };

/* Memory objects for one run of one primitive. */
typedef struct call {
  int n;
  dnnl_stream_t stream;
  dnnl_exec_arg_t args[MAX_ARGS];
} call;

/* A primitive and the calls that wait for its next runs. */
typedef struct unit {
  dnnl_primitive_t primitive;
  int n;
  int kinds[MAX_ARGS]; /* DNNL_ARG_* */
  tn_md descs[MAX_ARGS];
  size_t scratch;
  _Atomic(call *) slots[SLOTS];
} unit;

struct tn_dnn {
  unit main, pack, unpack;
  size_t filter_bytes;
};

static dnnl_engine_t engine;
static dnnl_status_t engine_status;
static pthread_once_t engine_once = PTHREAD_ONCE_INIT;
static void make_engine(void) { engine_status = dnnl_engine_create(&engine, dnnl_cpu, 0); }

/* Lets oneDNN see one thread; returns what it saw before. */
static int one_thread(void) {
  const int threads = omp_get_max_threads();
  if (threads != 1) omp_set_num_threads(1);
  return threads;
}
static void restore_threads(int threads) {
  if (threads != 1) omp_set_num_threads(threads);
}

static tn_error *check(dnnl_status_t status, const char *what) {
  if (status == dnnl_success) return NULL;
  if (status == dnnl_out_of_memory) return tn_out_of_memory();
  const tn_code code =
      status == dnnl_unimplemented || status == dnnl_invalid_arguments ? TN_UNIMPLEMENTED : TN_INTERNAL;
  return tn_errorf(code, "oneDNN: %s failed with status %d", what, (int)status);
}

static void call_free(call *c) {
  if (!c) return;
  for (int i = 0; i < c->n; i++) dnnl_memory_destroy(c->args[i].memory);
  if (c->stream) dnnl_stream_destroy(c->stream);
  tn_free(c);
}

static tn_error *call_new(const unit *u, call **out) {
  call *c = tn_calloc(1, sizeof *c);
  if (!c) return tn_out_of_memory();
  tn_error *error = check(dnnl_stream_create(&c->stream, engine, dnnl_stream_default_flags), "making a stream");
  for (int i = 0; i < u->n && !error; i++) {
    c->args[i].arg = u->kinds[i];
    error = check(dnnl_memory_create(&c->args[i].memory, tn_md_of(&u->descs[i]), engine, DNNL_MEMORY_NONE),
                  "making a memory object");
    if (!error) c->n++;
  }
  if (error) {
    call_free(c);
    return error;
  }
  *out = c;
  return NULL;
}

/* A call that nobody else uses: one that an earlier run left, or a new one. */
static tn_error *call_take(unit *u, call **out) {
  for (int i = 0; i < SLOTS; i++) {
    if (!atomic_load_explicit(&u->slots[i], memory_order_relaxed)) continue;
    call *c = atomic_exchange_explicit(&u->slots[i], NULL, memory_order_acquire);
    if (c) {
      *out = c;
      return NULL;
    }
  }
  return call_new(u, out);
}

static void call_give(unit *u, call *c) {
  for (int i = 0; i < SLOTS; i++) {
    call *empty = NULL;
    if (atomic_compare_exchange_strong_explicit(&u->slots[i], &empty, c, memory_order_release, memory_order_relaxed))
      return;
  }
  call_free(c);
}

static void unit_free(unit *u) {
  for (int i = 0; i < SLOTS; i++) call_free(atomic_load(&u->slots[i]));
  if (u->primitive) dnnl_primitive_destroy(u->primitive);
  for (int i = 0; i < u->n; i++) tn_md_clear(&u->descs[i]);
}

void tn_dnn_free(tn_dnn *d) {
  if (!d) return;
  unit_free(&d->main);
  unit_free(&d->pack);
  unit_free(&d->unpack);
  tn_free(d);
}

/* Makes calls until N wait for runs. */
static tn_error *unit_fill(unit *u, int n) {
  for (int i = 0; i < n && i < SLOTS; i++) {
    call *c = atomic_load(&u->slots[i]);
    if (!c) TN_TRY(call_new(u, &c));
    atomic_store(&u->slots[i], c);
  }
  return NULL;
}

/* Takes over the primitive descriptor; KINDS and QUERIES name the arguments. */
static tn_error *unit_init(unit *u, dnnl_primitive_desc_t desc, int n, const int *kinds, const dnnl_query_t *queries) {
  tn_error *error = check(dnnl_primitive_create(&u->primitive, desc), "making a primitive");
  tn_md_view scratch = dnnl_primitive_desc_query_md(desc, dnnl_query_scratchpad_md, 0);
  u->scratch = scratch ? dnnl_memory_desc_get_size(scratch) : 0;
  for (int i = 0; i < n + (u->scratch > 0) && !error; i++) {
    u->kinds[i] = i < n ? kinds[i] : DNNL_ARG_SCRATCHPAD;
    tn_md_view view = i < n ? dnnl_primitive_desc_query_md(desc, queries[i], 0) : scratch;
    error = check(tn_md_copy(&u->descs[i], view), "copying a description");
    if (!error) u->n++;
  }
  dnnl_primitive_desc_destroy(desc);
  return error ? error : unit_fill(u, 1);
}

/* Runs U with POINTERS, one an argument, and SCRATCH. */
static tn_error *unit_run(unit *u, const void *const *pointers, int n, void *scratch) {
  call *c;
  TN_TRY(call_take(u, &c));
  tn_error *error = NULL;
  for (int i = 0; i < c->n && !error; i++) {
    void *data = i < n ? (void *)(uintptr_t)pointers[i] : scratch;
    error = check(dnnl_memory_set_data_handle(c->args[i].memory, data), "setting an argument");
  }
  if (!error) {
    const int threads = one_thread();
    error = check(dnnl_primitive_execute(u->primitive, c->stream, c->n, c->args), "running a primitive");
    restore_threads(threads);
  }
  call_give(u, c);
  return error;
}

size_t tn_dnn_scratch(const tn_dnn *d) { return (d->main.scratch + 63) / 64 * 64; }
bool tn_dnn_same_filter(const tn_dnn *a, const tn_dnn *b) {
  return dnnl_memory_desc_equal(tn_md_of(&a->main.descs[1]), tn_md_of(&b->main.descs[1])) != 0;
}
size_t tn_dnn_filter_bytes(const tn_dnn *d) { return (d->filter_bytes + 63) / 64 * 64; }
size_t tn_dnn_pack_scratch(const tn_dnn *d) {
  const size_t most = d->pack.scratch > d->unpack.scratch ? d->pack.scratch : d->unpack.scratch;
  return (most + 63) / 64 * 64;
}

tn_error *tn_dnn_pack(tn_dnn *d, const void *plain, void *packed, void *scratch) {
  return unit_run(&d->pack, (const void *const[]){plain, packed}, 2, scratch);
}

tn_error *tn_dnn_unpack(tn_dnn *d, const void *packed, void *plain, void *scratch) {
  return unit_run(&d->unpack, (const void *const[]){packed, plain}, 2, scratch);
}

tn_error *tn_dnn_conv_run(tn_dnn *d, const void *image, const void *filter, const void *result, void *scratch) {
  return unit_run(&d->main, (const void *const[]){image, filter, result}, 3, scratch);
}

/* --- convolutions --- */

/* The descriptors of a convolution, and that of the plain filter. */
typedef struct conv_descs {
  tn_md_conv conv;
  tn_md plain;
} conv_descs;

static void forget(conv_descs *d) {
  tn_md_clear(&d->conv.image);
  tn_md_clear(&d->conv.filter);
  tn_md_clear(&d->conv.result);
  tn_md_clear(&d->plain);
}

static tn_error *describe(const tn_dnn_conv *c, conv_descs *d) {
  const int n = c->spatial, g = c->groups > 1;
  dnnl_dims_t image = {c->images, c->in_channels}, result = {c->images, c->out_channels}, filter, steps;
  int at = 0;
  if (g) filter[at++] = c->groups;
  filter[at++] = c->out_channels / c->groups;
  filter[at++] = c->in_channels / c->groups;
  /* The plain filter: output channels last (group by group), input channels before them, then the window. */
  steps[at - 1] = c->out_channels;
  steps[at - 2] = 1;
  if (g) steps[0] = c->out_channels / c->groups;
  int64_t step = c->out_channels * (c->in_channels / c->groups);
  for (int i = n - 1; i >= 0; i--) {
    steps[at + i] = step;
    step *= c->kernel[i];
  }
  for (int i = 0; i < n; i++) {
    image[2 + i] = c->in[i];
    result[2 + i] = c->out[i];
    filter[at + i] = c->kernel[i];
    d->conv.stride[i] = c->stride[i];
    d->conv.dilation[i] = c->dilation[i] - 1;
    d->conv.before[i] = c->before[i];
    d->conv.after[i] = c->after[i];
  }
  const dnnl_format_tag_t last = n == 2 ? dnnl_nhwc : dnnl_ndhwc;
  TN_TRY(check(tn_md_tag(&d->conv.image, n + 2, image, last), "describing images"));
  TN_TRY(check(tn_md_tag(&d->conv.result, n + 2, result, last), "describing results"));
  TN_TRY(check(tn_md_tag(&d->conv.filter, at + n, filter, dnnl_format_tag_any), "describing a filter"));
  return check(tn_md_strides(&d->plain, at + n, filter, steps), "describing a plain filter");
}

/* Refuses the slow, general implementations: DESC is given back then. */
static tn_error *judge(dnnl_primitive_desc_t desc) {
  const char *name = "";
  (void)dnnl_primitive_desc_query(desc, dnnl_query_impl_info_str, 0, &name);
  if (strncmp(name, "ref", 3) != 0 && strncmp(name, "simple", 6) != 0) return NULL;
  tn_error *error = tn_errorf(TN_UNIMPLEMENTED, "oneDNN: only %s does this", name);
  dnnl_primitive_desc_destroy(desc);
  return error;
}

static tn_error *conv_desc(tn_dnn_kind kind, const tn_md_conv *c, const_dnnl_primitive_attr_t attr,
                           dnnl_primitive_desc_t *out) {
  static const char what[] = "choosing a convolution";
  dnnl_primitive_desc_t hint = NULL, desc = NULL;
  if (kind == TN_DNN_FORWARD) {
    TN_TRY(check(tn_md_forward(c, attr, engine, &desc), what));
  } else {
    TN_TRY(check(tn_md_forward(c, NULL, engine, &hint), what));
    tn_error *error = check(kind == TN_DNN_BACK_INPUT ? tn_md_back_input(c, attr, engine, hint, &desc)
                                                      : tn_md_back_filter(c, attr, engine, hint, &desc),
                            what);
    dnnl_primitive_desc_destroy(hint);
    if (error) return error;
  }
  TN_TRY(judge(desc));
  *out = desc;
  return NULL;
}

static tn_error *reorder_init(unit *u, tn_md_view from, tn_md_view to, const_dnnl_primitive_attr_t attr) {
  static const int kinds[] = {DNNL_ARG_FROM, DNNL_ARG_TO};
  static const dnnl_query_t queries[] = {dnnl_query_src_md, dnnl_query_dst_md};
  dnnl_primitive_desc_t desc = NULL;
  TN_TRY(check(dnnl_reorder_primitive_desc_create(&desc, from, engine, to, engine, attr), "choosing a reorder"));
  return unit_init(u, desc, 2, kinds, queries);
}

static tn_error *conv_init(const tn_dnn_conv *conv, const_dnnl_primitive_attr_t attr, conv_descs *descs, tn_dnn *d) {
  static const int kinds[][3] = {{DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST},
                                 {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST},
                                 {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST}};
  static const dnnl_query_t queries[][3] = {{dnnl_query_src_md, dnnl_query_weights_md, dnnl_query_dst_md},
                                            {dnnl_query_diff_src_md, dnnl_query_weights_md, dnnl_query_diff_dst_md},
                                            {dnnl_query_src_md, dnnl_query_diff_weights_md, dnnl_query_diff_dst_md}};
  dnnl_primitive_desc_t desc = NULL;
  TN_TRY(describe(conv, descs));
  TN_TRY(conv_desc(conv->kind, &descs->conv, attr, &desc));
  TN_TRY(unit_init(&d->main, desc, 3, kinds[conv->kind], queries[conv->kind]));
  TN_TRY(unit_fill(&d->main, conv->runs));
  const tn_md_view filter = tn_md_of(&d->main.descs[1]), plain = tn_md_of(&descs->plain);
  d->filter_bytes = dnnl_memory_desc_get_size(filter);
  if (conv->kind != TN_DNN_BACK_FILTER) return reorder_init(&d->pack, plain, filter, attr);
  return reorder_init(&d->unpack, filter, plain, attr);
}

tn_error *tn_dnn_conv_new(const tn_dnn_conv *conv, tn_dnn **out) {
  pthread_once(&engine_once, make_engine);
  TN_TRY(check(engine_status, "making the engine"));
  tn_dnn *d = tn_calloc(1, sizeof *d);
  if (!d) return tn_out_of_memory();
  dnnl_primitive_attr_t attr = NULL;
  const int threads = one_thread();
  tn_error *error = check(dnnl_primitive_attr_create(&attr), "making attributes");
  if (!error)
    error = check(dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user), "setting attributes");
  conv_descs descs;
  memset(&descs, 0, sizeof descs);
  if (!error) error = conv_init(conv, attr, &descs, d);
  forget(&descs);
  if (attr) dnnl_primitive_attr_destroy(attr);
  restore_threads(threads);
  if (error) {
    tn_dnn_free(d);
    return error;
  }
  *out = d;
  return NULL;
}
