/* The order of the passes, and running them. */
#include "compile/passes.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/testing.h>

static const tn_pass passes[] = {
    {"fold", tn_pass_fold},
    {"simplify", tn_pass_simplify},
    {"cse", tn_pass_cse},
    {"fuse_products", tn_pass_fuse_products},
    /* What fuses elementwise nodes with others comes before this: it takes all that are left. */
    {"fuse_elementwise", tn_pass_fuse_elementwise},
    {"fuse_updates", tn_pass_fuse_updates},
};

/* Passes that are no functions from graph to graph, but can be turned off and count what they did all the same. */
static const char *const later[] = {"order", "memory"};

enum { N_PASSES = sizeof passes / sizeof *passes, N_LATER = sizeof later / sizeof *later };

static atomic_uint_fast64_t fired[N_PASSES + N_LATER];

const char *tn_pass_name(int i) {
  if (i >= 0 && i < N_PASSES) return passes[i].name;
  return i >= N_PASSES && i < N_PASSES + N_LATER ? later[i - N_PASSES] : NULL;
}

static int index_of(const char *name) {
  for (int i = 0; i < N_PASSES + N_LATER; i++) {
    if (strcmp(tn_pass_name(i), name) == 0) return i;
  }
  return -1;
}

uint64_t tn_pass_fired(const char *name) {
  int i = index_of(name);
  return i < 0 ? 0 : atomic_load(&fired[i]);
}

void tn_pass_count(const char *pass, int n) {
  int i = index_of(pass);
  if (i >= 0 && n > 0) atomic_fetch_add(&fired[i], (uint64_t)n);
}

/* True if NAME is one of the words of LIST, which commas separate. */
static bool listed(const char *list, const char *name) {
  size_t size = strlen(name);
  for (const char *at = list; at && *at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
    size_t word = strcspn(at, ",");
    if (word == size && memcmp(at, name, size) == 0) return true;
  }
  return false;
}

bool tn_pass_disabled(const char *disabled, const char *pass) {
  return disabled && (listed(disabled, pass) || listed(disabled, "all"));
}

bool tn_dump_wanted(const char *what) {
  const char *wanted = getenv("TENON_DUMP");
  return wanted && (listed(wanted, what) || listed(wanted, "all"));
}

tn_error *tn_run_passes(tn_ir *ir, const char *disabled) {
  tn_ir_dump(ir, "import");
  for (int i = 0; i < N_PASSES; i++) {
    if (tn_pass_disabled(disabled, passes[i].name)) continue;
    int changes = 0;
    TN_TRY(passes[i].run(ir, &changes));
    if (changes) TN_TRY(tn_ir_sweep(ir));
    tn_pass_count(passes[i].name, changes);
    tn_ir_dump(ir, passes[i].name);
    if (tn_dump_wanted("pass")) tn_ir_dump(ir, "pass");
  }
  return NULL;
}
