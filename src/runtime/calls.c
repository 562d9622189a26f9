/* Running functions: each body is a program of its own, made when it is first called in its scope. */
#include "base/alloc.h"
#include "base/map.h"
#include "base/thread.h"
#include "kernel/call.h"
#include "runtime/program.h"

/* A function as one scope runs it. */
typedef struct callee {
  tn_session *session;
  tn_program *program;
} callee;

typedef struct calls {
  tn_caller caller;
  const tn_session *root; /* the session, for its options; it owns all callers, if not directly */
  tn_session_state *state;
  int threads;
  pthread_mutex_t mutex;
  tn_map *callees; /* function -> callee */
} calls;

static void free_callee(callee *c) {
  if (!c) return;
  tn_program_unref(c->program);
  tn_session_unref(c->session);
  tn_free(c);
}

static void destroy(tn_caller *caller) {
  calls *self = (calls *)caller;
  size_t cursor = 0;
  void *value = NULL;
  while (self->callees && tn_map_next(self->callees, &cursor, NULL, NULL, &value)) free_callee(value);
  tn_map_free(self->callees);
  pthread_mutex_destroy(&self->mutex);
  tn_free(self);
}

static tn_error *new_callee(const calls *self, tn_function *function, callee **out) {
  const tn_function_body *body = NULL;
  TN_TRY(tn_function_get_body(function, &body));
  callee *made = tn_calloc(1, sizeof *made);
  if (!made) return tn_out_of_memory();
  tn_step_signature signature = {.n_feeds = function->n_inputs,
                                 .n_fetches = function->n_outputs,
                                 .n_targets = body->n_targets,
                                 .feeds = body->args,
                                 .fetches = body->rets,
                                 .targets = body->targets};
  tn_error *error = tn_session_new_body(self->root, body->graph, self->state, self->threads, &made->session);
  if (!error) error = tn_program_new(made->session, &signature, &made->program);
  if (error) {
    free_callee(made);
    return error;
  }
  *out = made;
  return NULL;
}

/* With the lock held. */
static tn_error *find_callee(calls *self, tn_function *function, callee **out) {
  callee *found = tn_map_find_u64(self->callees, (uintptr_t)function);
  if (!found) {
    TN_TRY(new_callee(self, function, &found));
    tn_error *error = tn_map_put_u64(self->callees, (uintptr_t)function, found);
    if (error) {
      free_callee(found);
      return error;
    }
  }
  *out = found;
  return NULL;
}

static tn_error *call(tn_caller *caller, tn_function *function, tn_step *step, const tn_tensor *inputs,
                      tn_tensor *outputs) {
  calls *self = (calls *)caller;
  callee *found = NULL;
  tn_lock(&self->mutex);
  tn_error *error = find_callee(self, function, &found);
  tn_unlock(&self->mutex);
  if (error) return error;
  return tn_program_run_island(found->program, step, NULL, inputs, outputs);
}

static tn_error *new_calls(const tn_session *root, tn_session_state *state, int threads);

static tn_error *fork_calls(tn_caller *caller, tn_session_state *state) {
  return new_calls(((calls *)caller)->root, state, 1);
}

static tn_error *new_calls(const tn_session *root, tn_session_state *state, int threads) {
  calls *self = tn_calloc(1, sizeof *self);
  if (!self) return tn_out_of_memory();
  tn_error *error = tn_map_new(&self->callees);
  if (error) {
    tn_free(self);
    return error;
  }
  pthread_mutex_init(&self->mutex, NULL);
  self->caller = (tn_caller){.call = call, .fork = fork_calls, .destroy = destroy};
  self->root = root;
  self->state = state;
  self->threads = threads;
  tn_session_state_set_caller(state, &self->caller);
  return NULL;
}

tn_error *tn_session_add_caller(tn_session *session) { return new_calls(session, session->state, session->threads); }
