/* State that outlives a step: variables and other named resources of a session, and per-node state. */
#ifndef TN_KERNEL_RESOURCE_H
#define TN_KERNEL_RESOURCE_H

#include "tensor/tensor.h"

/* Named objects: (container, name) to object. Thread-safe. */
typedef struct tn_resources tn_resources;
tn_error *tn_resources_new(tn_resources **out) TN_MUST_USE;
void tn_resources_free(tn_resources *resources);
/* Finds the object; makes it with CREATE(ARGUMENT) if there is none (CREATE NULL: NOT_FOUND). *OUT is a new reference.
 * INVALID_ARGUMENT if an object of another TYPE has the name. */
tn_error *tn_resources_get(tn_resources *resources, const char *container, const char *name, const char *type,
                           tn_error *(*create)(void *argument, tn_object **out), void *argument,
                           tn_object **out) TN_MUST_USE;
/* Drops one; NOT_FOUND if it isn't there. */
tn_error *tn_resources_delete(tn_resources *resources, const char *container, const char *name) TN_MUST_USE;
/* Drops all of CONTAINER ("" is the default one). */
void tn_resources_clear(tn_resources *resources, const char *container);
/* Drops all of all containers. */
void tn_resources_clear_all(tn_resources *resources);
/* Grows when an object is dropped: plans that hold objects compare it. */
uint64_t tn_resources_epoch(const tn_resources *resources);

/* A variable, of the reference or the resource kind. VALUE has dtype TN_INVALID until it is initialised.
 * Reading and replacing go through the functions below. An update in place happens only while nobody but the variable
 * (and idle plans that are bound to it, counted in BINDINGS) holds the buffer; else the buffer is copied first.
 * A running plan reads a bound buffer without a reference of its own: it pins the variable for the step, and an
 * update by anybody else then copies. */
typedef struct tn_variable {
  tn_object object;  /* type "Variable" */
  atomic_uint state; /* the highest bit: somebody holds the variable; the rest: how many running steps pin it */
  tn_dtype dtype;
  tn_shape shape; /* as declared; may be partly unknown */
  tn_tensor value;
  int bindings;                 /* plan slots that hold VALUE's buffer; guarded by the highest bit of STATE */
  atomic_uint_fast64_t version; /* grows when VALUE gets another buffer or shape: bound plans compare it */
  char *name;                   /* for messages */
} tn_variable;

#define TN_VARIABLE_TYPE "Variable"
tn_error *tn_variable_new(const char *name, tn_dtype dtype, const tn_shape *shape, tn_variable **out) TN_MUST_USE;
static inline tn_variable *tn_variable_of(tn_object *object) { return (tn_variable *)object; }
bool tn_variable_initialized(tn_variable *v);
/* OUT shares the buffer. FAILED_PRECONDITION "... uninitialized value NAME". */
tn_error *tn_variable_read(tn_variable *v, tn_tensor *out) TN_MUST_USE;
/* Replaces the value by VALUE's buffer if that is shareable (buffer non-NULL and no one else may write it), else by a
 * copy. VALIDATE_SHAPE: INVALID_ARGUMENT if the shape differs from the declared (or, for references, current) one. */
tn_error *tn_variable_assign(tn_variable *v, const tn_tensor *value, bool validate_shape) TN_MUST_USE;
/* Opens the value for writing in place (after a copy if it is shared) and holds the lock until tn_variable_end.
 * OUT borrows the bytes. FAILED_PRECONDITION if uninitialised: then nothing is held. */
tn_error *tn_variable_begin(tn_variable *v, tn_tensor *out) TN_MUST_USE;
void tn_variable_end(tn_variable *v);
/* Takes the value away: V is uninitialised as it was made. */
void tn_variable_reset(tn_variable *v);
/* The same for N variables at once, locked in address order so that two steps can't wait for each other. */
tn_error *tn_variables_begin(int n, tn_variable *const *v, tn_tensor *out) TN_MUST_USE;
void tn_variables_end(int n, tn_variable *const *v);

/* --- for plans --- */
/* SLOT shares the buffer and counts as a binding; *VERSION is that of the value. FAILED_PRECONDITION if uninitialised.
 */
tn_error *tn_variable_bind(tn_variable *v, tn_tensor *slot, uint64_t *version) TN_MUST_USE;
/* Takes the binding back; SLOT is cleared. */
void tn_variable_unbind(tn_variable *v, tn_tensor *slot, uint64_t version);
/* Until tn_variable_unpin, others copy before they update. False, and no pin, if the version is not VERSION any more.
 */
bool tn_variable_pin(tn_variable *v, uint64_t version);
void tn_variable_unpin(tn_variable *v);
/* The variables that the running step of this thread pins, sorted by address: its own updates ignore those pins. */
void tn_variable_set_own_pins(size_t n, tn_variable *const *pinned);

/* The state of a session: its resources and the persistent state of its nodes. */
typedef struct tn_session_state tn_session_state;
tn_error *tn_session_state_new(tn_session_state **out) TN_MUST_USE;
void tn_session_state_free(tn_session_state *state);
tn_resources *tn_session_state_resources(tn_session_state *state);
/* SIZE zeroed bytes kept for KEY (a node's name), made on the first call. OUT is a void **. INTERNAL if the size
 * differs. */
tn_error *tn_session_state_get(tn_session_state *state, const char *key, size_t size, void *out) TN_MUST_USE;
/* Where random ops of the session draw: zero-initialised, it is where the steps before have left off. */
typedef struct tn_random_address {
  atomic_bool given; /* what is drawn is a function of the ops' seeds and of WORDS */
  uint64_t words[2];
} tn_random_address;
/* Valid as long as STATE. */
const tn_random_address *tn_session_state_address(tn_session_state *state);
/* All random ops begin anew at ADDRESS. No step may run. */
void tn_session_state_set_address(tn_session_state *state, const uint64_t address[2]);
/* Calls VISIT for every key in byte order: savers write these as extra checkpoint keys. */
tn_error *tn_session_state_visit(tn_session_state *state,
                                 tn_error *(*visit)(void *argument, const char *key, void *data, size_t size),
                                 void *argument) TN_MUST_USE;

#endif
