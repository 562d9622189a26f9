/* What the parts of the monitor share. */
#ifndef TN_MONITOR_IMPL_H
#define TN_MONITOR_IMPL_H

#include <stddef.h>

#include "base/str.h"
#include "monitor/monitor.h"

/* --- pages.c --- */

/* What a path is answered with; TEXT is added to. Returns the HTTP status. */
int tn_monitor_page(const char *path, tn_str *text, const char **type);
/* Looks whether the training hangs, and prints the stacks if it has begun to. */
void tn_monitor_watch(void);
/* Before the thread begins. */
void tn_monitor_set_up(const tn_monitor_options *options);

/* --- http.c --- */

/* Listens on ADDRESS and PORT; *OUT is a descriptor. */
tn_error *tn_monitor_listen(const char *address, int port, int *out, int *port_out) TN_MUST_USE;
/* Serves on LISTENER until WAKE can be read. */
void tn_monitor_serve(int listener, int wake);

/* --- stacks.c --- */

/* Before any thread's stack is asked for. */
void tn_stacks_set_up(void);
/* Adds a paragraph for each thread but the calling one. */
void tn_stacks_add(tn_str *out);

/* --- symbols.c --- */

/* The code that the process has mapped, to name functions in. */
typedef struct tn_symbols tn_symbols;
tn_symbols *tn_symbols_new(void); /* NULL when memory is out */
void tn_symbols_free(tn_symbols *symbols);
/* Adds "function+0x12 (file)", or as much of that as is known. */
void tn_symbols_add(tn_symbols *symbols, const void *address, tn_str *out);
/* Whether ADDRESS lies in a file's code, behind a call. */
bool tn_symbols_returns_to(const tn_symbols *symbols, const void *address);

#endif
