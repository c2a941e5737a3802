/* The public face of the core: version, status codes and the error record.
 *
 * Every function of the core that can fail returns 0, or a negative status and
 * a filled struct eni6_error. Nothing prints, nothing exits, nothing is kept in
 * writable globals. */
#ifndef ENI6_H
#define ENI6_H

#ifdef __cplusplus
extern "C" {
#endif

#define ENI6_VERSION "0.1.0"

/* A status is 0, a negated errno value, or one of these, which errno lacks. */
enum eni6_status {
  ENI6_OK = 0,
  ENI6_ERESOLVE = -10001, /* a host name has no address */
  ENI6_ETLS = -10002,     /* the TLS handshake or the certificate check failed */
};

enum { ENI6_CODE_SIZE = 24, ENI6_MESSAGE_SIZE = 256 };

struct eni6_error {
  int status;                      /* what the function returned */
  char code[ENI6_CODE_SIZE];       /* stable name of the status: "EINVAL", "ETLS", ... */
  char message[ENI6_MESSAGE_SIZE]; /* one sentence for a person, with the remedy */
};

#if defined(__GNUC__)
#define ENI6_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define ENI6_PRINTF(text, first)
#endif

/* Fills *error (which may be NULL) and returns status, so that a caller can
 * `return eni6_error_set(error, -EINVAL, "…")`. */
int eni6_error_set(struct eni6_error *error, int status, const char *format, ...) ENI6_PRINTF(3, 4);

/* The same for a failed system call: the message gets strerror's text appended.
 * `number` is a positive errno value, saved by the caller before anything else. */
int eni6_error_system(struct eni6_error *error, int number, const char *format, ...)
    ENI6_PRINTF(3, 4);

/* The stable name of a status ("ENOMEM"); "EUNKNOWN" when it has none here. */
const char *eni6_status_name(int status);

#ifdef __cplusplus
}
#endif

#endif
