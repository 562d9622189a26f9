/* Accounts of memory: what is charged, to whom, and that all of it comes back. */
#include <pthread.h>

#include "base/account.h"
#include "runtime/builder.h"
#include "runtime/threads.h"

static tn_error *take(size_t floats, tn_tensor **out) {
  const int64_t dims[] = {(int64_t)floats};
  return tn_tensor_new(TN_FLOAT, 1, dims, out);
}

static void buffers_are_charged(void **state) {
  (void)state;
  tn_account *account;
  tn_tensor *a, *b, *c;
  ok(tn_account_new("somebody", 1000, &account));
  ok(take(200, &a)); /* nobody's */
  assert_null(tn_account_enter(account));
  assert_ptr_equal(tn_account_current(), account);
  ok(take(200, &b));
  assert_int_equal(tn_account_used(account), 800);
  fails(take(51, &c), TN_RESOURCE_EXHAUSTED,
        "204 bytes asked for with 800 in use would pass the memory limit of somebody, 1000 bytes");
  ok(take(50, &c));
  assert_int_equal(tn_account_used(account), 1000);
  assert_ptr_equal(tn_account_enter(NULL), account);
  tn_tensor_free(a);
  tn_tensor_free(b);
  assert_int_equal(tn_account_used(account), 200);
  tn_account_unref(account);
  tn_tensor_free(c); /* holds the account until now */
}

typedef struct job {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  bool done;
  const tn_account *account;
} job;

static void note(void *argument) {
  job *j = argument;
  pthread_mutex_lock(&j->mutex);
  j->account = tn_account_current();
  j->done = true;
  pthread_cond_signal(&j->changed);
  pthread_mutex_unlock(&j->mutex);
}

static const tn_account *account_of_a_thread(void) {
  job j = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
  ok(tn_background(note, &j));
  pthread_mutex_lock(&j.mutex);
  while (!j.done) pthread_cond_wait(&j.changed, &j.mutex);
  pthread_mutex_unlock(&j.mutex);
  return j.account;
}

static void threads_work_for_who_started_them(void **state) {
  (void)state;
  tn_account *account;
  ok(tn_account_new("somebody", 1000, &account));
  for (int i = 0; i < 3; i++) {
    tn_account_enter(account);
    assert_ptr_equal(account_of_a_thread(), account);
    tn_account_enter(NULL);
    assert_null(account_of_a_thread());
  }
  tn_account_unref(account);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(buffers_are_charged),
                                     cmocka_unit_test(threads_work_for_who_started_them)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
