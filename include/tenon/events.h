/* Writing event files, which TensorBoard shows. */
#ifndef TENON_EVENTS_H
#define TENON_EVENTS_H

#include <stddef.h>
#include <stdint.h>
#include <tenon/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An event file being written. One thread at a time may use it. */
typedef struct tn_event_writer tn_event_writer;

/* Starts the file events.out.tfevents.SECONDS.HOST and SUFFIX (may be "") in FOLDER, which is made if need be. Where
 * that name is taken the writer takes another one. */
TN_API tn_error *tn_event_writer_open(const char *folder, const char *suffix, tn_event_writer **out) TN_MUST_USE;
/* Flushes, closes and frees it; NULL is allowed. */
TN_API tn_error *tn_event_writer_close(tn_event_writer *writer) TN_MUST_USE;
/* The file's name; lives as long as the writer. */
TN_API const char *tn_event_writer_path(const tn_event_writer *writer);
/* Puts what was written so far where readers see it. */
TN_API tn_error *tn_event_writer_flush(tn_event_writer *writer) TN_MUST_USE;
/* Writes a serialised tensorflow.Event of SIZE bytes. */
TN_API tn_error *tn_event_writer_event(tn_event_writer *writer, const void *event, size_t size) TN_MUST_USE;
/* Writes the number VALUE of step STEP, shown under TAG. */
TN_API tn_error *tn_event_writer_scalar(tn_event_writer *writer, int64_t step, const char *tag,
                                        float value) TN_MUST_USE;
/* Writes a serialised tensorflow.Summary of step STEP, as summary ops give it. */
TN_API tn_error *tn_event_writer_summary(tn_event_writer *writer, int64_t step, const void *summary,
                                         size_t size) TN_MUST_USE;
/* Writes a serialised tensorflow.GraphDef. */
TN_API tn_error *tn_event_writer_graph(tn_event_writer *writer, const void *graph, size_t size) TN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
