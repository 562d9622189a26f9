/* Ctrl-C while a step runs: the signal handler cancels the step's token, then lets Python's own handler note the
 * signal. */
#include <signal.h>
#include <stdatomic.h>

#include "core.h"

static _Atomic(tn_cancellation *) running; /* the token of the main thread's step, for the handler */
static atomic_bool fired;
static struct sigaction previous;  /* what was installed before ours: Python's handler */
static tn_cancellation *own_token; /* used where the caller has none; replaced once it was cancelled */
static unsigned long main_thread;

static void on_interrupt(int number) {
  tn_cancellation *token = atomic_load(&running);
  if (token) {
    atomic_store(&fired, true);
    tn_cancellation_cancel(token);
  }
  previous.sa_handler(number);
}

/* True if Python would answer Ctrl-C with KeyboardInterrupt: a program with a handler of its own wants its step to end
 * well. */
static bool default_handler_is_set(void) {
  PyObject *module = PyImport_ImportModule("signal"), *current = NULL, *wanted = NULL;
  if (module) current = PyObject_CallMethod(module, "getsignal", "i", SIGINT);
  if (current) wanted = PyObject_GetAttrString(module, "default_int_handler");
  bool same = wanted && current == wanted;
  Py_XDECREF(module);
  Py_XDECREF(current);
  Py_XDECREF(wanted);
  if (PyErr_Occurred()) PyErr_Clear();
  return same;
}

/* Python calls sigaction for every signal.signal, so that ours being there means that nothing changed since. */
static bool install(void) {
  struct sigaction now;
  if (sigaction(SIGINT, NULL, &now) < 0) return false;
  if (!(now.sa_flags & SA_SIGINFO) && now.sa_handler == on_interrupt) return true;
  if (now.sa_flags & SA_SIGINFO || now.sa_handler == SIG_DFL || now.sa_handler == SIG_IGN) return false;
  if (!default_handler_is_set()) return false;
  previous = now;
  now.sa_handler = on_interrupt;
  return sigaction(SIGINT, &now, NULL) == 0;
}

static bool on_main_thread(void) {
  if (!main_thread) {
    PyObject *module = PyImport_ImportModule("threading"), *thread = NULL, *id = NULL;
    if (module) thread = PyObject_CallMethod(module, "main_thread", NULL);
    if (thread) id = PyObject_GetAttrString(thread, "ident");
    if (id) main_thread = PyLong_AsUnsignedLong(id);
    Py_XDECREF(module);
    Py_XDECREF(thread);
    Py_XDECREF(id);
    if (PyErr_Occurred()) PyErr_Clear();
  }
  return main_thread == PyThread_get_thread_ident();
}

tn_cancellation *tn_py_interrupt_begin(tn_cancellation *token) {
  if (!on_main_thread() || atomic_load(&running)) return token;
  install(); /* where Ctrl-C means nothing, the step can be cancelled by tn_py_cancel_step all the same */
  if (!token && !own_token) {
    tn_error *error = tn_cancellation_new(&own_token);
    if (error) {
      tn_error_free(error);
      return NULL;
    }
  }
  if (!token) token = own_token;
  atomic_store(&fired, false);
  atomic_store(&running, token);
  return token;
}

PyObject *tn_py_cancel_step(PyObject *self, PyObject *nothing) {
  (void)self, (void)nothing;
  tn_cancellation *token = atomic_load(&running);
  if (token) {
    atomic_store(&fired, true);
    tn_cancellation_cancel(token);
  }
  return PyBool_FromLong(token != NULL);
}

bool tn_py_interrupt_end(void) {
  if (!on_main_thread() || !atomic_load(&running)) return false;
  tn_cancellation *token = atomic_exchange(&running, NULL);
  if (!atomic_exchange(&fired, false)) return false;
  if (token == own_token) {
    tn_cancellation_free(own_token);
    own_token = NULL;
  }
  return true;
}
