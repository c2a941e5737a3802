#define _GNU_SOURCE
#include "filesystem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 4096 };

/* Writes all the bytes, however many calls it takes: 0 or a negated errno. */
static int write_all(int file, const char *bytes, size_t size) {
  while (size > 0) {
    ssize_t written = write(file, bytes, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return -errno;
    bytes += written;
    size -= (size_t)written;
  }
  return 0;
}

/* Syncs the folder that holds `path`, without which a rename may be forgotten. */
static int sync_parent(const char *path) {
  char folder[PATH_SIZE];
  const char *slash = strrchr(path, '/');
  size_t length = slash ? (size_t)(slash - path) : 0;
  if (length >= sizeof folder) return -ENAMETOOLONG;
  memcpy(folder, path, length);
  folder[length] = '\0';
  int file = open(length ? folder : slash ? "/" : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return -errno;
  int status = fsync(file) < 0 && errno != EINVAL ? -errno : 0;
  close(file);
  return status;
}

/* Gives the new file the owner of the one it replaces. */
static int keep_owner(int file, const char *path) {
  struct stat old;
  if (stat(path, &old) < 0) return errno == ENOENT ? 0 : -errno;
  return fchown(file, old.st_uid, old.st_gid) < 0 && errno != EPERM ? -errno : 0;
}

/* Fills and syncs the open temporary file and closes it. */
static int fill(int file, const char *path, const void *bytes, size_t size, mode_t mode) {
  int status = write_all(file, bytes, size);
  if (status == 0) status = keep_owner(file, path);
  if (status == 0 && fchmod(file, mode) < 0) status = -errno;
  if (status == 0 && fsync(file) < 0) status = -errno;
  if (close(file) < 0 && status == 0) status = -errno;
  return status;
}

int eni6_filesystem_replace(const char *path, const void *bytes, size_t size, mode_t mode,
                            struct eni6_error *error) {
  char temporary[PATH_SIZE];
  if (snprintf(temporary, sizeof temporary, "%s.eni6-XXXXXX", path) >= (int)sizeof temporary)
    return eni6_error_system(error, ENAMETOOLONG, "cannot write %s", path);
  int file = mkostemp(temporary, O_CLOEXEC);
  if (file < 0) return eni6_error_system(error, errno, "cannot write %s", path);
  int status = fill(file, path, bytes, size, mode);
  if (status == 0 && rename(temporary, path) < 0) status = -errno;
  if (status < 0) unlink(temporary);
  if (status == 0) status = sync_parent(path);
  return status == 0 ? 0 : eni6_error_system(error, -status, "cannot write %s", path);
}

int eni6_filesystem_append(const char *path, const void *bytes, size_t size, mode_t mode,
                           struct eni6_error *error) {
  int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, mode);
  if (file < 0) return eni6_error_system(error, errno, "cannot write %s", path);
  int status = write_all(file, bytes, size);
  if (status == 0 && fsync(file) < 0) status = -errno;
  if (close(file) < 0 && status == 0) status = -errno;
  if (status == 0) status = sync_parent(path);
  return status == 0 ? 0 : eni6_error_system(error, -status, "cannot write %s", path);
}

int eni6_filesystem_remove(const char *path, struct eni6_error *error) {
  int status = unlink(path) < 0 ? -errno : sync_parent(path);
  return status == 0 ? 0 : eni6_error_system(error, -status, "cannot remove %s", path);
}

/* mkdir that is content with a folder that is there. */
static int make_one(const char *path, mode_t mode) {
  struct stat found;
  if (mkdir(path, mode) == 0) return 0;
  int status = -errno;
  if (status == -EEXIST && stat(path, &found) == 0 && S_ISDIR(found.st_mode)) return 0;
  return status == -EEXIST ? -ENOTDIR : status;
}

int eni6_filesystem_make_directory(const char *path, mode_t mode, struct eni6_error *error) {
  char folder[PATH_SIZE];
  int status = 0;
  if (snprintf(folder, sizeof folder, "%s", path) >= (int)sizeof folder) status = -ENAMETOOLONG;
  for (char *slash = strchr(folder + (*folder == '/'), '/'); slash && status == 0;
       slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    status = make_one(folder, mode);
    *slash = '/';
  }
  if (status == 0) status = make_one(folder, mode);
  return status == 0 ? 0 : eni6_error_system(error, -status, "cannot make the folder %s", path);
}

int eni6_filesystem_lock(const char *path, struct eni6_error *error) {
  int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return eni6_error_system(error, errno, "cannot open the lock %s", path);
  if (flock(file, LOCK_EX | LOCK_NB) == 0) return file;
  int number = errno;
  close(file);
  if (number == EWOULDBLOCK)
    return eni6_error_set(error, -EAGAIN, "%s is locked: another eni6 works there; wait for it",
                          path);
  return eni6_error_system(error, number, "cannot lock %s", path);
}
