/* Accounts: what one of several users of a process (a session of a server) holds of its memory, and may hold. Each
 * thread works for at most one account at a time; threads that it starts work for the same. */
#ifndef TN_BASE_ACCOUNT_H
#define TN_BASE_ACCOUNT_H

#include <stddef.h>
#include <tenon/error.h>

typedef struct tn_account tn_account;

/* An account with a LIMIT in bytes; NAME, which errors tell, is copied. */
tn_error *tn_account_new(const char *name, size_t limit, tn_account **out) TN_MUST_USE;
tn_account *tn_account_ref(tn_account *account); /* NULL is allowed, as below */
void tn_account_unref(tn_account *account);

/* The calling thread works for ACCOUNT from now on (a reference is the caller's to keep); returns whom it worked for.
 */
tn_account *tn_account_enter(tn_account *account);
tn_account *tn_account_current(void);

/* Charges SIZE bytes to whom the thread works for; *OUT, NULL for nobody, is whom to discharge. RESOURCE_EXHAUSTED over
 * the limit. */
tn_error *tn_account_charge(size_t size, tn_account **out) TN_MUST_USE;
void tn_account_discharge(tn_account *account, size_t size);
size_t tn_account_used(const tn_account *account);

#endif
