/* Files that must survive a crash: whole or not at all, and on the disk before
 * the next step is taken. */
#ifndef ENI6_FILESYSTEM_H
#define ENI6_FILESYSTEM_H

#include <stddef.h>
#include <sys/types.h>

#include "eni6.h"

ENI6_PUBLIC_BEGIN

/* Replaces the file at `path` by these bytes: a temporary file beside it is
 * written, synced and renamed over it, so that a reader or a crash sees the old
 * or the new content. An existing file keeps its owner. */
int eni6_filesystem_replace(const char *path, const void *bytes, size_t size, mode_t mode,
                            struct eni6_error *error);

/* Appends bytes and waits until they are on the disk. Makes the file with `mode`. */
int eni6_filesystem_append(const char *path, const void *bytes, size_t size, mode_t mode,
                           struct eni6_error *error);

/* Removes a file and syncs its folder. A missing file is -ENOENT. */
int eni6_filesystem_remove(const char *path, struct eni6_error *error);

/* Makes a folder and those above it that are missing. */
int eni6_filesystem_make_directory(const char *path, mode_t mode, struct eni6_error *error);

/* Opens (and makes) a lock file and takes it for this process alone, without
 * waiting: the descriptor, -EAGAIN when another process holds it, or an error.
 * Closing the descriptor, or the death of the process, gives it back. */
int eni6_filesystem_lock(const char *path, struct eni6_error *error);

ENI6_PUBLIC_END

#endif
