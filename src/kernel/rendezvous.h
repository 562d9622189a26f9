/* Where tensors change hands between the parts of one step: a table of values that were sent and of receivers that
 * wait, by key. Thread-safe; nothing here waits. */
#ifndef TN_KERNEL_RENDEZVOUS_H
#define TN_KERNEL_RENDEZVOUS_H

#include "base/str.h"
#include "tensor/tensor.h"

typedef struct tn_rendezvous tn_rendezvous;

/* What was received: VALUE (dtype TN_INVALID where it is dead) is the callee's, as ERROR is. Called once, from any
 * thread or from within tn_rendezvous_recv; must not block. */
typedef void (*tn_rendezvous_done)(void *argument, tn_error *error, tn_tensor *value, bool is_dead);

/* Receives what other processes send. */
typedef struct tn_rendezvous_remote {
  /* True: KEY comes from elsewhere, and this will call DONE. False: it is sent here. */
  bool (*recv)(void *argument, const char *key, tn_rendezvous_done done, void *done_argument);
  /* The step has failed: ends all receptions soon. May come more than once. */
  void (*abort)(void *argument, const tn_error *error);
  void (*release)(void *argument); /* with the rendezvous */
  void *argument;
} tn_rendezvous_remote;

/* REMOTE may be NULL: all is sent here. */
tn_error *tn_rendezvous_new(const tn_rendezvous_remote *remote, tn_rendezvous **out) TN_MUST_USE;
tn_rendezvous *tn_rendezvous_ref(tn_rendezvous *rendezvous);
void tn_rendezvous_unref(tn_rendezvous *rendezvous); /* NULL is allowed */

/* Hands VALUE (shared, not copied) to who asks for KEY, now or later. The error of tn_rendezvous_abort after that;
 * ABORTED if a value lies under KEY already. */
tn_error *tn_rendezvous_send(tn_rendezvous *rendezvous, const char *key, const tn_tensor *value,
                             bool is_dead) TN_MUST_USE;
/* Asks for KEY, from wherever it is sent. */
void tn_rendezvous_recv(tn_rendezvous *rendezvous, const char *key, tn_rendezvous_done done, void *argument);
/* Asks for KEY, which is sent in this process: for those who bring it to another one. */
void tn_rendezvous_recv_local(tn_rendezvous *rendezvous, const char *key, tn_rendezvous_done done, void *argument);
/* The step has failed with ERROR, of which a copy is kept: who waits gets it, and who comes later. Only the first
 * counts. */
void tn_rendezvous_abort(tn_rendezvous *rendezvous, const tn_error *error);

/* One transfer as the attributes of its two nodes name it. */
typedef struct tn_transfer {
  const char *send_device, *recv_device, *name;
  size_t send_device_size, recv_device_size, name_size;
  uint64_t incarnation; /* of the sending device */
} tn_transfer;

/* Appends TensorFlow's key for it: "send_device;incarnation;recv_device;name;frame:iteration". */
void tn_rendezvous_key(const tn_transfer *transfer, uint64_t frame, int64_t iteration, tn_str *key);
/* The sending device of KEY and its incarnation. INVALID_ARGUMENT: not a key. */
tn_error *tn_rendezvous_parse(const char *key, tn_transfer *out) TN_MUST_USE;

#endif
