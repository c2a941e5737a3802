#include "eni6.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The statuses that have a name here. */
static const struct {
  int status;
  const char *name;
} names[] = {
    {ENI6_OK, "OK"},
    {ENI6_ERESOLVE, "ERESOLVE"},
    {ENI6_ETLS, "ETLS"},
    {-E2BIG, "E2BIG"},
    {-EACCES, "EACCES"},
    {-EADDRINUSE, "EADDRINUSE"},
    {-EADDRNOTAVAIL, "EADDRNOTAVAIL"},
    {-EAFNOSUPPORT, "EAFNOSUPPORT"},
    {-EAGAIN, "EAGAIN"},
    {-EALREADY, "EALREADY"},
    {-EBADF, "EBADF"},
    {-EBADMSG, "EBADMSG"},
    {-EBUSY, "EBUSY"},
    {-ECANCELED, "ECANCELED"},
    {-ECHILD, "ECHILD"},
    {-ECONNABORTED, "ECONNABORTED"},
    {-ECONNREFUSED, "ECONNREFUSED"},
    {-ECONNRESET, "ECONNRESET"},
    {-EDOM, "EDOM"},
    {-EEXIST, "EEXIST"},
    {-EFAULT, "EFAULT"},
    {-EFBIG, "EFBIG"},
    {-EHOSTDOWN, "EHOSTDOWN"},
    {-EHOSTUNREACH, "EHOSTUNREACH"},
    {-EINPROGRESS, "EINPROGRESS"},
    {-EINTR, "EINTR"},
    {-EINVAL, "EINVAL"},
    {-EIO, "EIO"},
    {-EISCONN, "EISCONN"},
    {-EISDIR, "EISDIR"},
    {-ELOOP, "ELOOP"},
    {-EMFILE, "EMFILE"},
    {-EMLINK, "EMLINK"},
    {-EMSGSIZE, "EMSGSIZE"},
    {-ENAMETOOLONG, "ENAMETOOLONG"},
    {-ENETDOWN, "ENETDOWN"},
    {-ENETRESET, "ENETRESET"},
    {-ENETUNREACH, "ENETUNREACH"},
    {-ENFILE, "ENFILE"},
    {-ENOBUFS, "ENOBUFS"},
    {-ENODATA, "ENODATA"},
    {-ENODEV, "ENODEV"},
    {-ENOENT, "ENOENT"},
    {-ENOEXEC, "ENOEXEC"},
    {-ENOMEM, "ENOMEM"},
    {-ENOPROTOOPT, "ENOPROTOOPT"},
    {-ENOSPC, "ENOSPC"},
    {-ENOSYS, "ENOSYS"},
    {-ENOTCONN, "ENOTCONN"},
    {-ENOTDIR, "ENOTDIR"},
    {-ENOTEMPTY, "ENOTEMPTY"},
    {-ENOTSUP, "ENOTSUP"},
    {-ENOTTY, "ENOTTY"},
    {-ENXIO, "ENXIO"},
    {-EOVERFLOW, "EOVERFLOW"},
    {-EPERM, "EPERM"},
    {-EPIPE, "EPIPE"},
    {-EPROTO, "EPROTO"},
    {-EPROTONOSUPPORT, "EPROTONOSUPPORT"},
    {-ERANGE, "ERANGE"},
    {-EROFS, "EROFS"},
    {-ESPIPE, "ESPIPE"},
    {-ESRCH, "ESRCH"},
    {-ESTALE, "ESTALE"},
    {-ETIME, "ETIME"},
    {-ETIMEDOUT, "ETIMEDOUT"},
    {-ETXTBSY, "ETXTBSY"},
    {-EXDEV, "EXDEV"},
};

const char *eni6_version(void) {
  return ENI6_VERSION;
}

const char *eni6_status_name(int status) {
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (names[i].status == status) return names[i].name;
  return "EUNKNOWN";
}

/* Writes status, code and message; the message is cut, never overrun. */
static void fill(struct eni6_error *error, int status, const char *format, va_list arguments) {
  error->status = status;
  snprintf(error->code, sizeof error->code, "%s", eni6_status_name(status));
  vsnprintf(error->message, sizeof error->message, format, arguments);
}

int eni6_error_set(struct eni6_error *error, int status, const char *format, ...) {
  if (error) {
    va_list arguments;
    va_start(arguments, format);
    fill(error, status, format, arguments);
    va_end(arguments);
  }
  return status;
}

int eni6_error_system(struct eni6_error *error, int number, const char *format, ...) {
  if (error) {
    char reason[96];
    va_list arguments;
    va_start(arguments, format);
    fill(error, -number, format, arguments);
    va_end(arguments);
#if defined(__GLIBC__) && defined(_GNU_SOURCE)
    const char *text = strerror_r(number, reason, sizeof reason);
#else
    const char *text = strerror_r(number, reason, sizeof reason) == 0 ? reason : "unknown error";
#endif
    size_t used = strlen(error->message);
    snprintf(error->message + used, sizeof error->message - used, ": %s", text);
  }
  return -number;
}
