#include "eni6.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *eni6_status_name(int status) {
  switch (status) {
  case ENI6_OK: return "OK";
  case ENI6_ERESOLVE: return "ERESOLVE";
  case ENI6_ETLS: return "ETLS";
  case -E2BIG: return "E2BIG";
  case -EACCES: return "EACCES";
  case -EADDRINUSE: return "EADDRINUSE";
  case -EADDRNOTAVAIL: return "EADDRNOTAVAIL";
  case -EAFNOSUPPORT: return "EAFNOSUPPORT";
  case -EAGAIN: return "EAGAIN";
  case -EALREADY: return "EALREADY";
  case -EBADF: return "EBADF";
  case -EBADMSG: return "EBADMSG";
  case -EBUSY: return "EBUSY";
  case -ECANCELED: return "ECANCELED";
  case -ECHILD: return "ECHILD";
  case -ECONNABORTED: return "ECONNABORTED";
  case -ECONNREFUSED: return "ECONNREFUSED";
  case -ECONNRESET: return "ECONNRESET";
  case -EDOM: return "EDOM";
  case -EEXIST: return "EEXIST";
  case -EFAULT: return "EFAULT";
  case -EFBIG: return "EFBIG";
  case -EHOSTDOWN: return "EHOSTDOWN";
  case -EHOSTUNREACH: return "EHOSTUNREACH";
  case -EINPROGRESS: return "EINPROGRESS";
  case -EINTR: return "EINTR";
  case -EINVAL: return "EINVAL";
  case -EIO: return "EIO";
  case -EISCONN: return "EISCONN";
  case -EISDIR: return "EISDIR";
  case -ELOOP: return "ELOOP";
  case -EMFILE: return "EMFILE";
  case -EMLINK: return "EMLINK";
  case -EMSGSIZE: return "EMSGSIZE";
  case -ENAMETOOLONG: return "ENAMETOOLONG";
  case -ENETDOWN: return "ENETDOWN";
  case -ENETRESET: return "ENETRESET";
  case -ENETUNREACH: return "ENETUNREACH";
  case -ENFILE: return "ENFILE";
  case -ENOBUFS: return "ENOBUFS";
  case -ENODATA: return "ENODATA";
  case -ENODEV: return "ENODEV";
  case -ENOENT: return "ENOENT";
  case -ENOEXEC: return "ENOEXEC";
  case -ENOMEM: return "ENOMEM";
  case -ENOPROTOOPT: return "ENOPROTOOPT";
  case -ENOSPC: return "ENOSPC";
  case -ENOSYS: return "ENOSYS";
  case -ENOTCONN: return "ENOTCONN";
  case -ENOTDIR: return "ENOTDIR";
  case -ENOTEMPTY: return "ENOTEMPTY";
  case -ENOTSUP: return "ENOTSUP";
  case -ENOTTY: return "ENOTTY";
  case -ENXIO: return "ENXIO";
  case -EOVERFLOW: return "EOVERFLOW";
  case -EPERM: return "EPERM";
  case -EPIPE: return "EPIPE";
  case -EPROTO: return "EPROTO";
  case -EPROTONOSUPPORT: return "EPROTONOSUPPORT";
  case -ERANGE: return "ERANGE";
  case -EROFS: return "EROFS";
  case -ESPIPE: return "ESPIPE";
  case -ESRCH: return "ESRCH";
  case -ESTALE: return "ESTALE";
  case -ETIME: return "ETIME";
  case -ETIMEDOUT: return "ETIMEDOUT";
  case -ETXTBSY: return "ETXTBSY";
  case -EXDEV: return "EXDEV";
  default: return "EUNKNOWN";
  }
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
