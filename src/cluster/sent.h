/* Tensors that were sent and are kept, so that they need not be sent again while they are as they were. Who holds a
 * variable's buffer keeps it from being overwritten, so one buffer is one value. A receiver asks for it, each time
 * anew, and says the number that its value came with the next time. Thread-safe. */
#ifndef TN_CLUSTER_SENT_H
#define TN_CLUSTER_SENT_H

#include "cluster/messages/messages.h"

/* What a receiver knows of a tensor that it asks for: nothing; nothing, but wants to; more are the numbers of values.
 */
enum { TN_SENT_NOTHING, TN_SENT_WANTED, TN_SENT_FIRST };

typedef struct tn_sent tn_sent;
tn_error *tn_sent_new(tn_sent **out) TN_MUST_USE;
void tn_sent_free(tn_sent *sent); /* NULL is allowed */
/* ANSWER, which has its value, goes to a receiver that knows KNOWN: takes the value out where it is the same, keeps and
 * numbers it where that is wanted. */
void tn_sent_exchange(tn_sent *sent, int64_t known, tn_recv_tensor_reply *answer);
/* Lets go of all. */
void tn_sent_clear(tn_sent *sent);

/* Large floats go as bfloat16, rounded. */
tn_error *tn_narrow_answer(tn_recv_tensor_reply *answer) TN_MUST_USE;
/* The same back. INTERNAL: it is no bfloat16. */
tn_error *tn_widen_answer(tn_recv_tensor_reply *answer) TN_MUST_USE;

#endif
