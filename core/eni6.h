/* The public face of the core: version, status codes and the error record. Needs
 * no call to set it up, and takes any number of threads, each with its own objects.
 *
 * Every function of the core that can fail returns 0, or a negative status and
 * a filled struct eni6_error. Nothing prints, nothing exits, nothing is kept in
 * writable globals. */
#ifndef ENI6_H
#define ENI6_H

/* What stands between these two is the library's face: C to a C++ compiler too,
 * and what a shared library exports. ENI6_SHARED is defined while that is made,
 * ENI6_LOCAL where the core goes into a module that exports none of it. */
#if defined(__cplusplus)
#define ENI6_PUBLIC_BEGIN extern "C" {
#define ENI6_PUBLIC_END }
#elif defined(ENI6_SHARED)
#define ENI6_PUBLIC_BEGIN _Pragma("GCC visibility push(default)")
#define ENI6_PUBLIC_END _Pragma("GCC visibility pop")
#elif defined(ENI6_LOCAL)
#define ENI6_PUBLIC_BEGIN _Pragma("GCC visibility push(hidden)")
#define ENI6_PUBLIC_END _Pragma("GCC visibility pop")
#else
#define ENI6_PUBLIC_BEGIN
#define ENI6_PUBLIC_END
#endif

ENI6_PUBLIC_BEGIN

/* Semantic version: of the library, the modules and the commands; nowhere else. */
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

/* ENI6_VERSION as it was when the library was made. */
const char *eni6_version(void);

/* The stable name of a status ("ENOMEM"); "EUNKNOWN" when it has none here. */
const char *eni6_status_name(int status);

ENI6_PUBLIC_END

#endif
