/* Signs a request, and prints the headers with which to send it.
 *
 *   cc sign.c -o sign $(pkg-config --cflags --libs eni6)
 *   ./sign GET '/?Action=DescribeRegions&Version=2016-11-15' ec2.us-east-1.amazonaws.com us-east-1
 * ec2
 *
 * Credentials are AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <eni6/sigv4.h>

static struct eni6_text text(const char *string) {
  struct eni6_text text = {string ? string : "", string ? strlen(string) : 0};
  return text;
}

static void print_header(const char *name, struct eni6_text value) {
  if (value.size > 0) printf("%s: %.*s\n", name, (int)value.size, value.data);
}

int main(int argc, char **argv) {
  if (argc != 6) return fprintf(stderr, "usage: sign METHOD PATH HOST REGION SERVICE\n"), 2;
  struct eni6_credentials credentials = {
      .access_key_id = text(getenv("AWS_ACCESS_KEY_ID")),
      .secret_access_key = text(getenv("AWS_SECRET_ACCESS_KEY")),
      .session_token = text(getenv("AWS_SESSION_TOKEN")),
      .region = text(argv[4]),
      .service = text(argv[5]),
  };
  struct eni6_header host = {text("Host"), text(argv[3])};
  struct eni6_sigv4_request request = {
      .method = text(argv[1]),
      .uri = text(argv[2]),
      .headers = &host,
      .header_count = 1,
      .time = time(NULL),
  };
  struct eni6_signer signer = {0}; /* keep it: it remembers the keys that it derives */
  struct eni6_signed result;
  struct eni6_error error;
  int status = eni6_signer_open(&signer, &credentials, &error);
  if (status == 0) status = eni6_signer_sign(&signer, &request, &result, &error);
  if (status == 0) {
    print_header("Host", result.host);
    print_header("X-Amz-Date", result.timestamp);
    print_header("X-Amz-Security-Token", result.session_token);
    print_header("Authorization", result.authorization);
  } else {
    fprintf(stderr, "sign: %s (%s)\n", error.message, error.code);
  }
  eni6_signer_close(&signer);
  return status != 0;
}
