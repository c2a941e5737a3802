#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "eni6.h"

static void fills_status_code_and_message(void **state) {
  (void)state;
  struct eni6_error error;
  assert_int_equal(eni6_error_set(&error, -EINVAL, "the port is %d", 70000), -EINVAL);
  assert_int_equal(error.status, -EINVAL);
  assert_string_equal(error.code, "EINVAL");
  assert_string_equal(error.message, "the port is 70000");
}

static void cuts_a_long_message(void **state) {
  (void)state;
  struct eni6_error error;
  char text[1000];
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  eni6_error_system(&error, ENOENT, "%s", text);
  assert_int_equal(strlen(error.message), ENI6_MESSAGE_SIZE - 1);
}

static void appends_the_reason_of_a_system_call(void **state) {
  (void)state;
  struct eni6_error error;
  assert_int_equal(eni6_error_system(&error, ENOENT, "open %s", "/x"), -ENOENT);
  assert_string_equal(error.message, "open /x: No such file or directory");
  assert_string_equal(error.code, "ENOENT");
}

static void accepts_no_error_record(void **state) {
  (void)state;
  assert_int_equal(eni6_error_set(NULL, ENI6_ETLS, "%s", ""), ENI6_ETLS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fills_status_code_and_message),
      cmocka_unit_test(cuts_a_long_message),
      cmocka_unit_test(appends_the_reason_of_a_system_call),
      cmocka_unit_test(accepts_no_error_record),
  };
  return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
