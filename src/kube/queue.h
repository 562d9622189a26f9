/* A queue of keys with times: each key is in it at most once, at the earliest time that was asked for. */
#ifndef TN_KUBE_QUEUE_H
#define TN_KUBE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <tenon/error.h>

typedef struct tn_work_queue tn_work_queue;
tn_error *tn_work_queue_new(tn_work_queue **out) TN_MUST_USE;
void tn_work_queue_free(tn_work_queue *queue);
/* KEY comes out at AT_NS or later. */
tn_error *tn_work_queue_add(tn_work_queue *queue, const char *key, int64_t at_ns) TN_MUST_USE;
/* Takes out a key whose time has come: true, and KEY (512 bytes). */
bool tn_work_queue_take(tn_work_queue *queue, int64_t now_ns, char key[512]);
/* When the next one is due; INT64_MAX: none is there. */
int64_t tn_work_queue_next(const tn_work_queue *queue);
int tn_work_queue_size(const tn_work_queue *queue);

/* How long to wait after the NTH failure in a row (from 1 on), in nanoseconds: 100 ms doubled each time, up to 60 s. */
int64_t tn_backoff_ns(int nth);

#endif
