/* Accounts of memory. */
#include "base/account.h"

#include <stdatomic.h>

#include "base/alloc.h"

struct tn_account {
  atomic_int refs;
  atomic_size_t used;
  size_t limit;
  char *name;
};

static __thread tn_account *current;

tn_error *tn_account_new(const char *name, size_t limit, tn_account **out) {
  tn_account *made = tn_calloc(1, sizeof *made);
  if (!made) return tn_out_of_memory();
  atomic_init(&made->refs, 1);
  made->limit = limit;
  made->name = tn_strdup(name);
  if (!made->name) {
    tn_free(made);
    return tn_out_of_memory();
  }
  *out = made;
  return NULL;
}

tn_account *tn_account_ref(tn_account *account) {
  if (account) atomic_fetch_add_explicit(&account->refs, 1, memory_order_relaxed);
  return account;
}

void tn_account_unref(tn_account *account) {
  if (!account || atomic_fetch_sub_explicit(&account->refs, 1, memory_order_acq_rel) != 1) return;
  tn_free(account->name);
  tn_free(account);
}

tn_account *tn_account_enter(tn_account *account) {
  tn_account *before = current;
  current = account;
  return before;
}

tn_account *tn_account_current(void) { return current; }

tn_error *tn_account_charge(size_t size, tn_account **out) {
  tn_account *account = current;
  *out = NULL;
  if (!account) return NULL;
  size_t before = atomic_fetch_add_explicit(&account->used, size, memory_order_relaxed);
  if (size > account->limit || before > account->limit - size) {
    atomic_fetch_sub_explicit(&account->used, size, memory_order_relaxed);
    return tn_errorf(TN_RESOURCE_EXHAUSTED,
                     "%zu bytes asked for with %zu in use would pass the memory limit of %s, %zu bytes", size, before,
                     account->name, account->limit);
  }
  *out = tn_account_ref(account);
  return NULL;
}

void tn_account_discharge(tn_account *account, size_t size) {
  if (!account) return;
  atomic_fetch_sub_explicit(&account->used, size, memory_order_relaxed);
  tn_account_unref(account);
}

size_t tn_account_used(const tn_account *account) { return account ? atomic_load(&account->used) : 0; }
