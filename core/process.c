#define _GNU_SOURCE /* pipe2, setns, memfd_create */

#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system.h"

extern char **environ;

/* What the child was doing when it failed. */
enum stage { STAGE_GROUP, STAGE_PARENT, STAGE_NETNS, STAGE_DIRECTORY, STAGE_STREAMS, STAGE_EXEC };

/* What the child writes into the report pipe before it gives up. */
struct report {
  enum stage stage;
  int number; /* errno */
};

/* All that the child needs, made ready by the parent. */
struct plan {
  const struct eni6_process_options *options;
  char **environment;
  char **candidates; /* the paths to try, in order */
  int ends[3];       /* the child's streams, all above 2; -1: inherit */
  int parent_ends[3];
  int netns;
  int report[2];
  pid_t parent;
};

static void close_fd(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

static void free_list(char **list) {
  for (char **item = list; item && *item; item++)
    free(*item);
  free(list);
}

/* --- the environment and the paths to try ------------------------------------- */

static size_t list_length(const char *const *list) {
  size_t length = 0;
  while (list && list[length])
    length++;
  return length;
}

/* Whether two entries, "NAME=value" or "NAME", have the same name. */
static bool same_name(const char *left, const char *right) {
  size_t length = strcspn(left, "=");
  return length == strcspn(right, "=") && strncmp(left, right, length) == 0;
}

static bool is_named(const char *const *list, const char *entry) {
  for (; list && *list; list++)
    if (same_name(*list, entry)) return true;
  return false;
}

/* The caller's environment with the changes applied; NULL without memory. */
static char **merge_environment(const struct eni6_process_options *options) {
  const char *const *changes = options->environment;
  const char *const *base = options->clear_environment ? NULL : (const char *const *)environ;
  char **merged = calloc(list_length(base) + list_length(changes) + 1, sizeof *merged);
  if (!merged) return NULL;
  size_t used = 0;
  for (; base && *base; base++) {
    if (is_named(changes, *base)) continue;
    if (!(merged[used++] = strdup(*base))) goto failed;
  }
  for (; changes && *changes; changes++) {
    if (!strchr(*changes, '=')) continue;
    if (!(merged[used++] = strdup(*changes))) goto failed;
  }
  return merged;
failed:
  free_list(merged);
  return NULL;
}

static const char *search_path(char **environment) {
  for (; *environment; environment++)
    if (strncmp(*environment, "PATH=", 5) == 0) return *environment + 5;
  return "/usr/local/bin:/usr/bin:/bin";
}

/* directory/program in memory of its own; an empty directory is the current one. */
static char *join(const char *directory, size_t length, const char *program) {
  size_t rest = strlen(program) + 1;
  char *path = malloc(length + 1 + rest);
  if (!path) return NULL;
  memcpy(path, directory, length);
  if (length > 0) path[length++] = '/';
  memcpy(path + length, program, rest);
  return path;
}

/* The program itself if it has a slash, else one path for each part of PATH. */
static char **find_candidates(const char *program, char **environment) {
  const char *path = strchr(program, '/') ? "" : search_path(environment);
  size_t parts = 1;
  for (const char *p = path; *p; p++)
    parts += *p == ':';
  char **list = calloc(parts + 1, sizeof *list);
  for (size_t i = 0; list && i < parts; i++) {
    size_t length = strcspn(path, ":");
    if (!(list[i] = join(path, length, program))) {
      free_list(list);
      return NULL;
    }
    path += length + 1;
  }
  return list;
}

/* --- the streams -------------------------------------------------------------- */

/* Moves a descriptor out of the way of 0, 1 and 2, which dup2 will overwrite.
 * Takes ownership of `fd`; passes on a negative one with its errno. */
static int above_standard(int fd) {
  if (fd < 0 || fd > 2) return fd;
  int moved = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  int saved = errno;
  close(fd);
  errno = saved;
  return moved;
}

/* A file in memory that holds the bytes, to be read from its start. */
static int open_data(const char *bytes, size_t size) {
  int fd = memfd_create("stdin", MFD_CLOEXEC);
  for (size_t done = 0; fd >= 0 && done < size;) {
    ssize_t count = write(fd, bytes + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      int saved = errno;
      close_fd(&fd);
      errno = saved;
    } else {
      done += (size_t)count;
    }
  }
  if (fd >= 0) lseek(fd, 0, SEEK_SET);
  return fd;
}

/* Makes a pipe: the child's end blocks, ours does not. */
static int open_pipe(int *child, int *parent, bool child_reads) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return -1;
  *child = above_standard(ends[child_reads ? 0 : 1]);
  *parent = ends[child_reads ? 1 : 0];
  if (*child < 0) return -1;
  return fcntl(*parent, F_SETFL, O_NONBLOCK);
}

/* Opens what stream `index` of the child leads to; 0, or -1 with errno. */
static int open_stream(struct plan *plan, int index) {
  const struct eni6_process_stream *stream = &plan->options->streams[index];
  int flags = index == 0 ? O_RDONLY : O_WRONLY | O_CREAT | O_APPEND;
  int *end = &plan->ends[index];
  switch (stream->kind) {
  case ENI6_PROCESS_INHERIT:
  case ENI6_PROCESS_STDOUT: return 0;
  case ENI6_PROCESS_PIPE: return open_pipe(end, &plan->parent_ends[index], index == 0);
  case ENI6_PROCESS_NULL: *end = above_standard(open("/dev/null", O_RDWR | O_CLOEXEC)); break;
  case ENI6_PROCESS_FILE: *end = above_standard(open(stream->text, flags | O_CLOEXEC, 0666)); break;
  case ENI6_PROCESS_DATA: *end = above_standard(open_data(stream->text, stream->size)); break;
  case ENI6_PROCESS_DESCRIPTOR: *end = fcntl(stream->descriptor, F_DUPFD_CLOEXEC, 3); break;
  }
  return *end < 0 ? -1 : 0;
}

/* --- the child ------------------------------------------------------------------
 * From here to exec only async-signal-safe calls, and no write to any memory
 * that the parent will look at: after vfork it is the parent's own. */

/* Every descriptor above 2 closes at exec, also those that a host left open. */
static void close_on_exec_above_2(void) {
#ifdef SYS_close_range
  const unsigned cloexec = 1U << 2; /* CLOSE_RANGE_CLOEXEC of linux/close_range.h, 5.11 */
  if (syscall(SYS_close_range, 3U, ~0U, cloexec) == 0) return;
#endif
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > 65536) limit.rlim_cur = 65536;
  for (int fd = 3; fd < (int)limit.rlim_cur; fd++)
    fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* All signals back to their defaults, then none blocked. */
static void reset_signals(void) {
  struct sigaction action = {.sa_handler = SIG_DFL};
  sigset_t none;
  for (int number = 1; number < NSIG; number++)
    sigaction(number, &action, NULL);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Dies with the parent; also when it went before this was asked for. */
static int tie_to_parent(pid_t parent) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return -1;
  if (getppid() != parent) _exit(127);
  return 0;
}

static int place_streams(const struct plan *plan) {
  for (int i = 0; i < 3; i++)
    if (plan->ends[i] >= 0 && dup2(plan->ends[i], i) < 0) return -1;
  if (plan->options->streams[2].kind == ENI6_PROCESS_STDOUT) return dup2(1, 2);
  return 0;
}

/* Tries each path as execvp does: a file that may not be run is remembered,
 * one that is not there is passed over. Returns only on failure, with errno. */
static void try_exec(const struct plan *plan) {
  int number = ENOENT;
  for (char **path = plan->candidates; *path; path++) {
    execve(*path, (char *const *)plan->options->argv, plan->environment);
    if (errno == EACCES) number = EACCES;
    if (errno != EACCES && errno != ENOENT && errno != ENOTDIR) return;
  }
  errno = number;
}

/* Does all that comes before exec; on failure returns what it was doing. */
static enum stage prepare_child(const struct plan *plan) {
  const struct eni6_process_options *options = plan->options;
  if (options->new_group && setpgid(0, 0) < 0) return STAGE_GROUP;
  if (options->die_with_parent && tie_to_parent(plan->parent) < 0) return STAGE_PARENT;
  if (plan->netns >= 0 && setns(plan->netns, CLONE_NEWNET) < 0) return STAGE_NETNS;
  if (options->directory && chdir(options->directory) < 0) return STAGE_DIRECTORY;
  if (place_streams(plan) < 0) return STAGE_STREAMS;
  close_on_exec_above_2();
  reset_signals();
  return STAGE_EXEC;
}

_Noreturn static void run_child(const struct plan *plan) {
  struct report report = {.stage = prepare_child(plan)};
  if (report.stage == STAGE_EXEC) try_exec(plan);
  report.number = errno;
  ssize_t ignored = write(plan->report[1], &report, sizeof report);
  (void)ignored;
  _exit(127);
}

/* vfork, in a frame of its own that the child never leaves. */
__attribute__((noinline)) static pid_t start_child(const struct plan *plan) {
  pid_t pid = vfork();
  if (pid == 0) run_child(plan);
  return pid;
}

/* --- the parent ----------------------------------------------------------------- */

static void plan_release(struct plan *plan) {
  free_list(plan->environment);
  free_list(plan->candidates);
  for (int i = 0; i < 3; i++) {
    close_fd(&plan->ends[i]);
    close_fd(&plan->parent_ends[i]);
  }
  close_fd(&plan->netns);
  close_fd(&plan->report[0]);
  close_fd(&plan->report[1]);
}

static int stream_failed(const struct eni6_process_stream *stream, int index,
                         struct eni6_error *error) {
  static const char *const names[] = {"stdin", "stdout", "stderr"};
  int number = errno;
  if (stream->kind == ENI6_PROCESS_FILE)
    return eni6_error_system(error, number, "cannot open %s for the child's %s", stream->text,
                             names[index]);
  return eni6_error_system(error, number, "cannot make the child's %s", names[index]);
}

/* Opens and allocates everything. What it leaves is plan_release's to free. */
static int plan_prepare(struct plan *plan, struct eni6_error *error) {
  const struct eni6_process_options *options = plan->options;
  plan->environment = merge_environment(options);
  if (plan->environment) plan->candidates = find_candidates(options->argv[0], plan->environment);
  if (!plan->candidates) return eni6_error_set(error, -ENOMEM, "out of memory");
  for (int i = 0; i < 3; i++)
    if (open_stream(plan, i) < 0) return stream_failed(&options->streams[i], i, error);
  if (options->netns) {
    plan->netns = open(options->netns, O_RDONLY | O_CLOEXEC);
    if (plan->netns < 0)
      return eni6_error_system(error, errno, "cannot open the network namespace %s",
                               options->netns);
  }
  if (pipe2(plan->report, O_CLOEXEC) < 0) return eni6_error_system(error, errno, "pipe");
  plan->report[1] = above_standard(plan->report[1]);
  if (plan->report[1] < 0) return eni6_error_system(error, errno, "pipe");
  return 0;
}

/* Starts the child with all signals blocked, so that no handler of the host
 * ever runs in the memory that the two share until exec. */
static pid_t start_quietly(const struct plan *plan) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t pid = start_child(plan);
  int saved = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  errno = saved;
  return pid;
}

static int child_failed(const struct plan *plan, const struct report *report,
                        struct eni6_error *error) {
  const struct eni6_process_options *options = plan->options;
  switch (report->stage) {
  case STAGE_GROUP: return eni6_error_system(error, report->number, "setpgid");
  case STAGE_PARENT: return eni6_error_system(error, report->number, "PR_SET_PDEATHSIG");
  case STAGE_STREAMS: return eni6_error_system(error, report->number, "dup2");
  case STAGE_NETNS:
    return eni6_error_system(error, report->number, "cannot enter the network namespace %s",
                             options->netns);
  case STAGE_DIRECTORY:
    return eni6_error_system(error, report->number, "cannot change to the directory %s",
                             options->directory);
  default: return eni6_error_system(error, report->number, "cannot run %s", options->argv[0]);
  }
}

/* Reads the child's report: 0 if the pipe closed at exec with nothing in it. */
static int await_exec(struct plan *plan, pid_t pid, struct eni6_error *error) {
  struct report report;
  ssize_t got;
  close_fd(&plan->report[1]);
  do
    got = read(plan->report[0], &report, sizeof report);
  while (got < 0 && errno == EINTR);
  if (got != sizeof report) return 0;
  while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
    ;
  return child_failed(plan, &report, error);
}

static int open_pidfd(pid_t pid) {
#ifdef SYS_pidfd_open
  return (int)syscall(SYS_pidfd_open, pid, 0); /* close-on-exec by itself */
#else
  return -1;
#endif
}

/* Fills the process and takes over our ends of the pipes. */
static void adopt(struct eni6_process *process, struct plan *plan, pid_t pid) {
  *process = (struct eni6_process)ENI6_PROCESS_CLOSED;
  process->pid = pid;
  process->pidfd = open_pidfd(pid);
  process->grouped = plan->options->new_group;
  for (int i = 0; i < 3; i++) {
    process->streams[i] = plan->parent_ends[i];
    plan->parent_ends[i] = -1;
  }
}

int eni6_process_spawn(struct eni6_process *process, const struct eni6_process_options *options,
                       struct eni6_error *error) {
  struct plan plan = {
      .options = options,
      .ends = {-1, -1, -1},
      .parent_ends = {-1, -1, -1},
      .netns = -1,
      .report = {-1, -1},
      .parent = getpid(),
  };
  int status = plan_prepare(&plan, error);
  if (status == 0) {
    pid_t pid = start_quietly(&plan);
    if (pid < 0)
      status = eni6_error_system(error, errno, "cannot start a process");
    else
      status = await_exec(&plan, pid, error);
    if (status == 0) adopt(process, &plan, pid);
  }
  plan_release(&plan);
  return status;
}

int eni6_process_reap(struct eni6_process *process, struct eni6_error *error) {
  int word;
  if (process->ended) return 1;
  pid_t pid = waitpid(process->pid, &word, WNOHANG);
  if (pid == 0 || (pid < 0 && errno == EINTR)) return 0;
  if (pid < 0 && errno == ECHILD)
    return eni6_error_set(error, -ECHILD,
                          "the status of process %ld is lost: something else in this program "
                          "ignores SIGCHLD or waits for every child",
                          (long)process->pid);
  if (pid < 0) return eni6_error_system(error, errno, "waitpid %ld", (long)process->pid);
  process->ended = true;
  process->status = WIFEXITED(word) ? WEXITSTATUS(word) : 0;
  process->signal = WIFSIGNALED(word) ? WTERMSIG(word) : 0;
  return 1;
}

/* Signals through the pidfd where there is one: a pid that somebody else
 * reaped may by now belong to a stranger. */
static int send_signal(const struct eni6_process *process, int signal) {
  if (process->grouped) return kill(-process->pid, signal);
#ifdef SYS_pidfd_send_signal
  if (process->pidfd >= 0)
    return (int)syscall(SYS_pidfd_send_signal, process->pidfd, signal, NULL, 0);
#endif
  return kill(process->pid, signal);
}

int eni6_process_kill(struct eni6_process *process, int signal, struct eni6_error *error) {
  if (process->ended)
    return eni6_error_set(error, -ESRCH, "process %ld has ended", (long)process->pid);
  if (send_signal(process, signal) < 0)
    return eni6_error_system(error, errno, "cannot signal process %ld", (long)process->pid);
  return 0;
}

int eni6_process_read(struct eni6_process *process, int stream, void *bytes, size_t size,
                      size_t *got, struct eni6_error *error) {
  ssize_t count;
  do
    count = read(process->streams[stream], bytes, size);
  while (count < 0 && errno == EINTR);
  if (count < 0) return eni6_error_system(error, errno, "cannot read the child's output");
  *got = (size_t)count;
  return 0;
}

int eni6_process_write(struct eni6_process *process, const void *bytes, size_t size, size_t *done,
                       struct eni6_error *error) {
  struct eni6_sigpipe guard;
  ssize_t count;
  eni6_sigpipe_block(&guard);
  do
    count = write(process->streams[0], bytes, size);
  while (count < 0 && errno == EINTR);
  int number = errno;
  eni6_sigpipe_restore(&guard);
  if (count < 0) return eni6_error_system(error, number, "cannot write to the child's stdin");
  *done = (size_t)count;
  return 0;
}

void eni6_process_close_stream(struct eni6_process *process, int stream) {
  close_fd(&process->streams[stream]);
}

void eni6_process_close(struct eni6_process *process) {
  for (int i = 0; i < 3; i++)
    close_fd(&process->streams[i]);
  close_fd(&process->pidfd);
  if (process->pid > 0) eni6_process_reap(process, NULL);
}
