/* Starting other programs: arguments without a shell, pipes, a pollable wait.
 *
 * Safe in a threaded host: between vfork and exec the child makes only
 * async-signal-safe calls, with every signal blocked, and everything it needs
 * has been prepared by the parent. A failed exec comes back as an errno. */
#ifndef ENI6_PROCESS_H
#define ENI6_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "eni6.h"

ENI6_PUBLIC_BEGIN

/* Where one of the child's three standard streams leads. */
enum eni6_process_kind {
  ENI6_PROCESS_INHERIT,    /* the caller's own stream */
  ENI6_PROCESS_NULL,       /* /dev/null */
  ENI6_PROCESS_PIPE,       /* a pipe, whose other end is struct eni6_process's */
  ENI6_PROCESS_FILE,       /* `text` is a path: read from, or created and appended to */
  ENI6_PROCESS_DATA,       /* stdin only: the bytes of `text`, held in memory */
  ENI6_PROCESS_DESCRIPTOR, /* a duplicate of `descriptor` */
  ENI6_PROCESS_STDOUT,     /* stderr only: wherever stdout leads */
};

struct eni6_process_stream {
  enum eni6_process_kind kind;
  const char *text;
  size_t size; /* of `text`, for ENI6_PROCESS_DATA */
  int descriptor;
};

struct eni6_process_options {
  const char *const *argv;               /* ends with NULL; argv[0] is searched in PATH */
  const char *const *environment;        /* NULL, or a list that ends with NULL: "NAME=value"
                                            adds or replaces, "NAME" alone removes */
  bool clear_environment;                /* start from nothing, not from the caller's */
  const char *directory;                 /* NULL: the caller's */
  const char *netns;                     /* path of a network namespace to run in, or NULL */
  bool die_with_parent;                  /* SIGKILL when the calling thread ends */
  bool new_group;                        /* a process group of its own, which kill reaches whole */
  struct eni6_process_stream streams[3]; /* stdin, stdout, stderr */
};

struct eni6_process {
  pid_t pid;      /* 0: nothing was started */
  int pidfd;      /* readable once the child has ended; -1 where the kernel has none */
  int streams[3]; /* our ends of the pipes (not blocking), or -1 */
  bool grouped;   /* started with new_group */
  bool ended;     /* reaped; `status` or `signal` is set */
  int status;     /* exit status */
  int signal;     /* the signal that ended it, or 0 */
};

/* An object that owns nothing: what close leaves, and what spawn starts from. */
#define ENI6_PROCESS_CLOSED                                                                        \
  {                                                                                                \
    .pid = 0, .pidfd = -1, .streams = { -1, -1, -1 }                                               \
  }

/* Starts a program. On failure the process stays as it was: closed. */
int eni6_process_spawn(struct eni6_process *process, const struct eni6_process_options *options,
                       struct eni6_error *error);

/* Asks, without waiting, whether the child has ended: 1 (see `status` and
 * `signal`), 0 while it runs, or negative. -ECHILD: somebody else has reaped it. */
int eni6_process_reap(struct eni6_process *process, struct eni6_error *error);

/* Sends a signal to the child, or to its group if it has its own. */
int eni6_process_kill(struct eni6_process *process, int signal, struct eni6_error *error);

/* Reads from the child's stdout (1) or stderr (2) what is there: *got is 0 at
 * its end. -EAGAIN: nothing yet. */
int eni6_process_read(struct eni6_process *process, int stream, void *bytes, size_t size,
                      size_t *got, struct eni6_error *error);

/* Writes to the child's stdin what fits. -EAGAIN: the pipe is full; -EPIPE: the
 * child no longer reads. Never raises SIGPIPE. */
int eni6_process_write(struct eni6_process *process, const void *bytes, size_t size, size_t *done,
                       struct eni6_error *error);

/* Closes our end of one pipe; the child sees the end of its stdin. */
void eni6_process_close_stream(struct eni6_process *process, int stream);

/* Closes the descriptors, and reaps the child if it has ended. A child that
 * still runs goes on; it stays a zombie from its end until the caller's. */
void eni6_process_close(struct eni6_process *process);

ENI6_PUBLIC_END

#endif
