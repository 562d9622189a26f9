/* Masters and those that replace them; sockets that are connected to themselves. */
#include "cluster/masters.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cluster/address.h"
#include "runtime/builder.h"

static void admit(tn_masters *masters, const char *name, uint64_t incarnation, bool expected) {
  bool replaces = !expected;
  ok(tn_masters_admit(masters, name, incarnation, &replaces));
  assert_int_equal(replaces, expected);
}

static void test_replaced(void **state) {
  (void)state;
  tn_masters *masters = NULL;
  ok(tn_masters_new(&masters));
  admit(masters, "/job:worker/replica:0/task:0", 7, false);
  admit(masters, "/job:worker/replica:0/task:1", 8, false);
  admit(masters, "/job:worker/replica:0/task:0", 7, false);
  admit(masters, "/job:worker/replica:0/task:0", 9, true);
  bool replaces = false;
  fails(tn_masters_admit(masters, "/job:worker/replica:0/task:0", 7, &replaces), TN_FAILED_PRECONDITION,
        "was /job:worker/replica:0/task:0 until another process took its place");
  admit(masters, "/job:worker/replica:0/task:0", 9, false);
  admit(masters, "/job:worker/replica:0/task:1", 8, false);
  tn_masters_free(masters);
  tn_masters_free(NULL);
}

static void test_own_socket(void **state) {
  (void)state;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM, 0), peer = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
  assert_false(tn_socket_is_own(fd));
  assert_int_equal(connect(fd, (struct sockaddr *)&address, size), 0);
  assert_true(tn_socket_is_own(fd));
  close(fd);
  fd = socket(AF_INET, SOCK_STREAM, 0);
  address.sin_port = 0;
  assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
  assert_int_equal(listen(fd, 1), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
  assert_int_equal(connect(peer, (struct sockaddr *)&address, size), 0);
  assert_false(tn_socket_is_own(peer));
  close(peer);
  close(fd);
}

/* Who calls a task may have got the port of another one that starts later: that one listens at it nevertheless. */
static void test_port_of_a_caller(void **state) {
  (void)state;
  int server = -1, later = -1;
  char *real = NULL, *again = NULL, own[64];
  ok(tn_socket_listen("127.0.0.1:0", false, &server, &real));
  tn_socket_address to = {.size = sizeof to.storage};
  assert_int_equal(getsockname(server, (struct sockaddr *)&to.storage, &to.size), 0);
  int caller = tn_socket_connect(&to);
  assert_true(caller >= 0);
  struct sockaddr_in from;
  socklen_t size = sizeof from;
  assert_int_equal(getsockname(caller, (struct sockaddr *)&from, &size), 0);
  snprintf(own, sizeof own, "127.0.0.1:%d", ntohs(from.sin_port));
  ok(tn_socket_listen(own, false, &later, &again));
  assert_string_equal(again, own);
  close(later);
  close(caller);
  close(server);
  tn_free(real);
  tn_free(again);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_replaced), cmocka_unit_test(test_own_socket),
                                     cmocka_unit_test(test_port_of_a_caller)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
