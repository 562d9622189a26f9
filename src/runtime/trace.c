/* Records of a traced step, written as JSON for chrome://tracing. */
#include "runtime/trace.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/thread.h"

typedef struct record {
  const tn_node *node;
  int64_t start_ns, end_ns;
  int64_t bytes;
  int thread;
} record;

struct tn_trace {
  pthread_mutex_t mutex;
  size_t n, capacity;
  record *records;
  int n_threads;
  pthread_t threads[64];
};

tn_error *tn_trace_new(tn_trace **out) {
  tn_trace *trace = tn_calloc(1, sizeof *trace);
  if (!trace) return tn_out_of_memory();
  pthread_mutex_init(&trace->mutex, NULL);
  *out = trace;
  return NULL;
}

void tn_trace_free(tn_trace *trace) {
  if (!trace) return;
  pthread_mutex_destroy(&trace->mutex);
  tn_free(trace->records);
  tn_free(trace);
}

/* A small number for the calling thread. */
static int thread_number(tn_trace *trace) {
  pthread_t self = pthread_self();
  int i = 0;
  while (i < trace->n_threads && !pthread_equal(trace->threads[i], self)) i++;
  if (i == trace->n_threads && i < 63) trace->threads[trace->n_threads++] = self;
  return i;
}

void tn_trace_add(tn_trace *trace, const tn_node *node, const int64_t span_ns[2], int n,
                  const tn_tensor *const *outputs) {
  int64_t bytes = 0;
  for (int i = 0; i < n; i++) {
    if (outputs[i]->dtype == TN_INVALID || outputs[i]->shape.rank < 0) continue;
    bytes += tn_shape_elements(&outputs[i]->shape) * (int64_t)tn_dtype_size(tn_dtype_base(outputs[i]->dtype));
  }
  tn_lock(&trace->mutex);
  if (trace->n == trace->capacity) {
    size_t capacity = trace->capacity ? 2 * trace->capacity : 256;
    record *records = tn_realloc(trace->records, capacity * sizeof *records);
    if (records) {
      trace->records = records;
      trace->capacity = capacity;
    }
  }
  if (trace->n < trace->capacity) {
    trace->records[trace->n++] = (record){node, span_ns[0], span_ns[1], bytes, thread_number(trace)};
  }
  tn_unlock(&trace->mutex);
}

/* TEXT as the inside of a JSON string. */
static void add_json(tn_str *out, const char *text) {
  for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
    if (*c == '"' || *c == '\\') {
      tn_str_addf(out, "\\%c", *c);
    } else if (*c < 0x20) {
      tn_str_addf(out, "\\u%04x", *c);
    } else {
      tn_str_add_bytes(out, c, 1);
    }
  }
}

static tn_error *write_json(const tn_trace *trace, char **out) {
  tn_str text = {0};
  tn_str_add(&text, "{\"traceEvents\": [\n");
  for (size_t i = 0; i < trace->n; i++) {
    const record *r = &trace->records[i];
    tn_str_add(&text, i ? ",\n{\"name\": \"" : "{\"name\": \"");
    add_json(&text, r->node->op->name);
    tn_str_add(&text, "\", \"cat\": \"Op\", \"ph\": \"X\", \"pid\": 0, ");
    tn_str_addf(&text, "\"tid\": %d, \"ts\": %lld.%03lld, \"dur\": %lld.%03lld, \"args\": {\"name\": \"", r->thread,
                (long long)(r->start_ns / 1000), (long long)(r->start_ns % 1000),
                (long long)((r->end_ns - r->start_ns) / 1000), (long long)((r->end_ns - r->start_ns) % 1000));
    add_json(&text, r->node->name);
    tn_str_addf(&text, "\", \"output_bytes\": %lld}}", (long long)r->bytes);
  }
  tn_str_add(&text, "\n]}\n");
  return tn_str_take(&text, out, NULL);
}

tn_error *tn_trace_write(tn_trace *trace, tn_run_metadata *metadata) {
  char *json = NULL;
  TN_TRY(write_json(trace, &json));
  tn_free(metadata->chrome_trace);
  metadata->chrome_trace = json;
  return NULL;
}
