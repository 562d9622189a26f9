/* Records of a traced step, written as a StepStats message and as JSON for chrome://tracing. */
#include "runtime/trace.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/thread.h"
#include "base/wire.h"

#define OUTPUTS 4 /* of which dtype and shape are kept */

typedef struct record {
  const tn_node *node;
  int64_t start_ns, end_ns;
  int64_t bytes;
  int thread, n;
  tn_dtype dtypes[OUTPUTS];
  tn_shape shapes[OUTPUTS];
} record;

struct tn_trace {
  const char *device;
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
  trace->device = "/job:localhost/replica:0/task:0/device:CPU:0";
  *out = trace;
  return NULL;
}

void tn_trace_set_device(tn_trace *trace, const char *device) { trace->device = device; }

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

static int64_t bytes_of(tn_dtype dtype, const tn_shape *shape) {
  return tn_shape_elements(shape) * (int64_t)tn_dtype_size(tn_dtype_base(dtype));
}

void tn_trace_add(tn_trace *trace, const tn_node *node, const int64_t span_ns[2], int n,
                  const tn_tensor *const *outputs) {
  record made = {.node = node, .start_ns = span_ns[0], .end_ns = span_ns[1]};
  for (int i = 0; i < n; i++) {
    if (outputs[i]->dtype == TN_INVALID || outputs[i]->shape.rank < 0) continue;
    made.bytes += bytes_of(outputs[i]->dtype, &outputs[i]->shape);
    if (i >= OUTPUTS) continue;
    made.n = i + 1;
    made.dtypes[i] = outputs[i]->dtype;
    made.shapes[i] = outputs[i]->shape;
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
    made.thread = thread_number(trace);
    trace->records[trace->n++] = made;
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

/* --- StepStats, as TensorFlow's step_stats.proto has it --- */

static void put_text(tn_str *out, uint32_t number, const char *text) {
  tn_wire_put_bytes(out, number, text, strlen(text));
}

/* Puts the message INNER, which is used up. */
static void put_message(tn_str *out, uint32_t number, tn_str *inner) {
  tn_wire_put_bytes(out, number, inner->data ? inner->data : "", inner->size);
  out->failed = out->failed || inner->failed;
  tn_str_clear(inner);
}

static void put_shape(tn_str *out, uint32_t number, const tn_shape *shape) {
  tn_str message = {0};
  for (int i = 0; i < shape->rank; i++) {
    tn_str dim = {0};
    tn_wire_put_int(&dim, 1, shape->dims[i]);
    put_message(&message, 2, &dim);
  }
  put_message(out, number, &message);
}

/* A NodeOutput. */
static void put_output(tn_str *out, uint32_t number, const record *r, int i) {
  tn_str message = {0}, description = {0}, allocation = {0};
  tn_wire_put_int(&allocation, 1, bytes_of(r->dtypes[i], &r->shapes[i]));
  put_text(&allocation, 3, "cpu");
  tn_wire_put_int(&description, 1, (int64_t)r->dtypes[i]);
  put_shape(&description, 2, &r->shapes[i]);
  put_message(&description, 4, &allocation);
  tn_wire_put_int(&message, 1, i);
  put_message(&message, 3, &description);
  put_message(out, number, &message);
}

/* A NodeExecStats. */
static void put_record(tn_str *out, uint32_t number, const record *r) {
  tn_str message = {0}, label = {0};
  int64_t micros = (r->end_ns - r->start_ns + 500) / 1000;
  put_text(&message, 1, r->node->name);
  tn_wire_put_int(&message, 2, r->start_ns / 1000);
  tn_wire_put_int(&message, 4, micros);
  tn_wire_put_int(&message, 5, micros);
  for (int i = 0; i < r->n; i++) put_output(&message, 7, r, i);
  tn_str_addf(&label, "%s = %s()", r->node->name, r->node->op->name);
  put_message(&message, 8, &label);
  tn_wire_put_int(&message, 9, r->start_ns / 1000);
  tn_wire_put_int(&message, 10, r->thread);
  tn_wire_put_int(&message, 13, r->start_ns);
  tn_wire_put_int(&message, 15, r->end_ns - r->start_ns);
  tn_wire_put_int(&message, 16, r->end_ns - r->start_ns);
  tn_wire_put_int(&message, 17, r->start_ns);
  put_message(out, number, &message);
}

static tn_error *write_stats(const tn_trace *trace, char **out, size_t *size) {
  tn_str stats = {0}, device = {0};
  put_text(&device, 1, trace->device);
  for (size_t i = 0; i < trace->n; i++) put_record(&device, 2, &trace->records[i]);
  put_message(&stats, 1, &device);
  return tn_str_take(&stats, out, size);
}

tn_error *tn_trace_write(tn_trace *trace, tn_run_metadata *metadata) {
  char *json = NULL, *stats = NULL;
  size_t size = 0;
  TN_TRY(write_json(trace, &json));
  tn_error *error = write_stats(trace, &stats, &size);
  if (error) {
    tn_free(json);
    return error;
  }
  tn_run_metadata_clear(metadata);
  *metadata = (tn_run_metadata){stats, size, json};
  return NULL;
}
