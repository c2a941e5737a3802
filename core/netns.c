#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* setns, unshare */
#endif
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define OWN "/proc/thread-self/ns/net"

enum { PATH_SIZE = 64 + NAME_MAX };

static int bad_name(const char *name, struct eni6_error *error) {
  return eni6_error_set(error, -EINVAL,
                        "\"%s\" cannot name a network namespace: give a file name without slashes",
                        name);
}

/* Writes the path of a named namespace; the name must be a plain file name. */
static int path_of(const char *name, char path[PATH_SIZE], struct eni6_error *error) {
  size_t size = strlen(name);
  if (size == 0 || size > NAME_MAX || strchr(name, '/')) return bad_name(name, error);
  if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return bad_name(name, error);
  snprintf(path, PATH_SIZE, "%s/%s", ENI6_NETNS_DIRECTORY, name);
  return 0;
}

static int open_path(const char *path, struct eni6_error *error) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd >= 0) return fd;
  return eni6_error_system(error, errno, "cannot open the network namespace %s", path);
}

int eni6_netns_open(const char *where, struct eni6_error *error) {
  char path[PATH_SIZE];
  if (!where) return open_path(OWN, error);
  if (strchr(where, '/')) return open_path(where, error);
  int status = path_of(where, path, error);
  return status < 0 ? status : open_path(path, error);
}

int eni6_netns_open_process(int pid, struct eni6_error *error) {
  char path[PATH_SIZE];
  snprintf(path, sizeof path, "/proc/%d/ns/net", pid);
  return open_path(path, error);
}

/* --- doing something in another namespace ------------------------------------------- */

/* Takes the calling thread into the namespace. Returns a descriptor of the one
 * it left, for leave(). */
static int enter(int netns, struct eni6_error *error) {
  int own = open_path(OWN, error);
  if (own < 0) return own;
  if (setns(netns, CLONE_NEWNET) == 0) return own;
  int number = errno;
  close(own);
  return eni6_error_system(error, number, "cannot enter the network namespace (run as root)");
}

/* Goes back. That fails only if the rights were lost meanwhile; what was opened
 * is then closed, so that nobody goes on in the wrong place unknowingly. */
static int leave(int own, int opened, struct eni6_error *error) {
  int number = setns(own, CLONE_NEWNET) == 0 ? 0 : errno;
  close(own);
  if (number == 0) return opened;
  if (opened >= 0) close(opened);
  return eni6_error_system(error, number,
                           "this thread is left in another network namespace: cannot return");
}

int eni6_netns_socket(int netns, int domain, int type, int protocol, struct eni6_error *error) {
  int own = netns < 0 ? -1 : enter(netns, error);
  if (netns >= 0 && own < 0) return own;
  int fd = socket(domain, type | SOCK_CLOEXEC, protocol);
  int status = fd >= 0 ? fd : eni6_error_system(error, errno, "cannot open a socket");
  return own < 0 ? status : leave(own, status, error);
}

int eni6_netns_file(int netns, const char *path, int flags, struct eni6_error *error) {
  int own = netns < 0 ? -1 : enter(netns, error);
  if (netns >= 0 && own < 0) return own;
  int fd = open(path, flags | O_CLOEXEC);
  int status = fd >= 0 ? fd : eni6_error_system(error, errno, "cannot open %s", path);
  return own < 0 ? status : leave(own, status, error);
}

/* --- named namespaces -------------------------------------------------------------- */

/* Makes the directory a mount point whose mounts other mount namespaces see, as
 * iproute2 does, under the lock that iproute2 takes. Returns the lock. */
static int prepare_directory(struct eni6_error *error) {
  const char *directory = ENI6_NETNS_DIRECTORY;
  if (mkdir(directory, 0755) < 0 && errno != EEXIST)
    return eni6_error_system(error, errno, "cannot make %s", directory);
  int lock = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock < 0 || flock(lock, LOCK_EX) < 0) {
    int number = errno;
    if (lock >= 0) close(lock);
    return eni6_error_system(error, number, "cannot lock %s", directory);
  }
  if (mount("", directory, "none", MS_SHARED | MS_REC, NULL) == 0) return lock;
  if (errno == EINVAL && mount(directory, directory, "none", MS_BIND | MS_REC, NULL) == 0 &&
      mount("", directory, "none", MS_SHARED | MS_REC, NULL) == 0)
    return lock;
  int number = errno;
  close(lock);
  return eni6_error_system(error, number, "cannot mount %s (run as root)", directory);
}

struct birth {
  const char *path;
  int number; /* errno, or 0 */
};

/* Runs in a thread of its own, which ends in the new namespace. */
static void *give_birth(void *argument) {
  struct birth *birth = argument;
  if (unshare(CLONE_NEWNET) < 0 || mount(OWN, birth->path, "none", MS_BIND, NULL) < 0)
    birth->number = errno;
  return NULL;
}

/* Runs give_birth to its end, with all signals kept for the other threads. */
static int run_birth(struct birth *birth) {
  pthread_t thread;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int number = pthread_create(&thread, NULL, give_birth, birth);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (number != 0) return number;
  pthread_join(thread, NULL);
  return birth->number;
}

int eni6_netns_create(const char *name, struct eni6_error *error) {
  char path[PATH_SIZE];
  int status = path_of(name, path, error);
  if (status < 0) return status;
  int lock = prepare_directory(error);
  if (lock < 0) return lock;
  int file = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);
  if (file < 0) {
    int number = errno;
    close(lock);
    return eni6_error_system(error, number, "cannot make the network namespace %s", name);
  }
  close(file);
  struct birth birth = {path, 0};
  int number = run_birth(&birth);
  if (number != 0) unlink(path);
  close(lock);
  if (number == 0) return 0;
  return eni6_error_system(error, number, "cannot make the network namespace %s", name);
}

int eni6_netns_delete(const char *name, struct eni6_error *error) {
  char path[PATH_SIZE];
  int status = path_of(name, path, error);
  if (status < 0) return status;
  /* EINVAL: nothing is mounted there, only the file was left. */
  if (umount2(path, MNT_DETACH) < 0 && errno != EINVAL)
    return eni6_error_system(error, errno, "cannot unmount the network namespace %s", name);
  if (unlink(path) == 0) return 0;
  return eni6_error_system(error, errno, "cannot remove the network namespace %s", name);
}
