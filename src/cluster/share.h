/* Messages through shared memory, beside a connection over a Unix socket. The sender copies a message into a segment
 * (a memfd that cannot shrink), which the receiver has mapped since its descriptor came over the socket; a header,
 * TN_SHARE_HEADER, says which one and how many bytes. The receiver's message lies in the segment; when it is freed, a
 * word in the segment says so, and the sender fills it anew. Only between processes of one user. All but the copying is
 * done on the loop's thread. */
#ifndef TN_CLUSTER_SHARE_H
#define TN_CLUSTER_SHARE_H

#include <sys/socket.h>

#include "cluster/loop.h"

#define TN_SHARE_HEADER "tenon-shared"
/* Smaller messages go over the socket. */
enum { TN_SHARE_LEAST = 128 << 10 };

typedef struct tn_share tn_share; /* of one connection */
typedef struct tn_share_job tn_share_job;

/* A job has ended: LOST says that the connection was lost first; else *JOB can be asked for its header. */
typedef void tn_shared_fn(void *user, tn_share_job *job, const tn_error *lost);

/* LOOP is where DONE is called, COPIERS where bytes are copied. */
enum { TN_SHARE_COPIERS = 2 };
tn_error *tn_share_new(tn_loop *loop, tn_loop *const copiers[TN_SHARE_COPIERS], tn_share **out) TN_MUST_USE;
/* Ends all jobs with LOST; what was received stays valid. */
void tn_share_free(tn_share *share, const tn_error *lost);

/* --- sending --- */

/* Copies MESSAGE (a reference is taken) into a segment, then calls DONE. *OUT is valid until then. */
tn_error *tn_share_start(tn_share *share, tn_message *message, tn_shared_fn *done, void *user,
                         tn_share_job **out) TN_MUST_USE;
/* DONE will not be called. NULL: nothing. */
void tn_share_abandon(tn_share_job *job);
/* In DONE: the header's value, NULL if there was no memory: send it over the socket. */
const char *tn_share_header(const tn_share_job *job);
/* In DONE: the segment's number; it belongs to stream ID from now on. */
uint32_t tn_share_take(tn_share_job *job, int32_t id);
/* The receiver of stream ID never got to know of the segment. */
void tn_share_untake(tn_share *share, uint32_t segment, int32_t id);
/* Descriptors that go with the next bytes: sets MESSAGE's control data (in CONTROL); and forgets them when they have
 * gone. */
enum { TN_SHARE_FDS = 16, TN_SHARE_CONTROL = CMSG_SPACE(TN_SHARE_FDS * sizeof(int)) };
void tn_share_attach(tn_share *share, struct msghdr *message, char control[TN_SHARE_CONTROL]);
void tn_share_attached(tn_share *share);

/* --- receiving --- */

/* Takes the descriptors that came with a read. */
tn_error *tn_share_receive(tn_share *share, struct msghdr *message) TN_MUST_USE;
/* The message that a header's value names. */
tn_error *tn_share_open(tn_share *share, const char *header, size_t most, tn_message **out) TN_MUST_USE;
/* Unmaps what the sender does not use any more, and gives up segments that were not used for long. Now and then. */
void tn_share_tidy(tn_share *share);

#endif
