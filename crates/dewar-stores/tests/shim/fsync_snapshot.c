/* A power cut for one folder, to be preloaded into a process.
 *
 * The model: what was synced is what survives. At every fsync and fdatasync the file's contents at
 * that moment become its image; a sync of the folder makes its present names the surviving ones.
 * The disk itself is not asked, so a test is as fast as a copy.
 *
 *   DEWAR_SHIM_FOLDER    the folder, without links in its path
 *   DEWAR_SHIM_IMAGE     where the images go: names, files/NAME, and syncs, one byte for each
 *   DEWAR_SHIM_DELAY_US  what a sync takes, beyond the copy
 *
 * Faults, as long as such a file is in DEWAR_SHIM_IMAGE:
 *   full                 writes into the folder fail with ENOSPC
 *   broken               syncs fail with EIO
 *   slow                 reads from the folder take 30 ms
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static ssize_t plain_write(int fd, const void *bytes, size_t count) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "write");
    return real(fd, bytes, count);
}

/* The name of fd in the folder, "" for the folder itself, or NULL. */
static const char *name_of(int fd, char path[PATH_MAX]) {
    const char *folder = getenv("DEWAR_SHIM_FOLDER");
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = folder ? readlink(link, path, PATH_MAX - 1) : -1;
    if (length < 0) return NULL;
    path[length] = 0;
    size_t prefix = strlen(folder);
    if (strncmp(path, folder, prefix) != 0) return NULL;
    if (path[prefix] == 0) return "";
    return path[prefix] == '/' && !strchr(path + prefix + 1, '/') ? path + prefix + 1 : NULL;
}

static void in_image(char path[PATH_MAX], const char *folder, const char *name) {
    snprintf(path, PATH_MAX, "%s/%s%s", getenv("DEWAR_SHIM_IMAGE"), folder, name);
}

static int is_set(const char *fault) {
    char path[PATH_MAX];
    in_image(path, "", fault);
    return access(path, F_OK) == 0;
}

static void must(int is_true, const char *what) {
    if (is_true) return;
    perror(what);
    abort();
}

static int create(const char *path, int flags) {
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
    must(fd >= 0, path);
    return fd;
}

/* Through fd itself: opening the file and closing it again would give up the process' locks. */
static void keep_file(int fd, const char *name) {
    char path[PATH_MAX], next[PATH_MAX];
    static char block[1 << 20];
    in_image(path, "files/", name);
    in_image(next, "", "next");
    int copy = create(next, O_TRUNC);
    ssize_t count;
    for (off_t at = 0; (count = pread(fd, block, sizeof block, at)) > 0; at += count)
        must(plain_write(copy, block, count) == count, next);
    must(count == 0 && close(copy) == 0 && rename(next, path) == 0, path);
}

static void keep_names(void) {
    char path[PATH_MAX], next[PATH_MAX];
    in_image(path, "", "names");
    in_image(next, "", "next");
    DIR *folder = opendir(getenv("DEWAR_SHIM_FOLDER"));
    must(folder != NULL, "opendir");
    FILE *names = fdopen(create(next, O_TRUNC), "w");
    for (struct dirent *entry; (entry = readdir(folder));)
        if (entry->d_name[0] != '.') fprintf(names, "%s\n", entry->d_name);
    closedir(folder);
    must(fclose(names) == 0 && rename(next, path) == 0, path);
}

static int synced(int fd, const char *real_name) {
    char path[PATH_MAX];
    const char *name = name_of(fd, path);
    if (!name) {
        int (*real)(int);
        *(void **)&real = dlsym(RTLD_NEXT, real_name);
        return real(fd);
    }
    if (is_set("broken")) {
        errno = EIO;
        return -1;
    }
    const char *delay = getenv("DEWAR_SHIM_DELAY_US");
    if (delay) usleep(atoi(delay));
    pthread_mutex_lock(&one_at_a_time);
    if (*name) keep_file(fd, name);
    else keep_names();
    char counter[PATH_MAX];
    in_image(counter, "", "syncs");
    int count = create(counter, O_APPEND);
    must(plain_write(count, ".", 1) == 1, counter);
    close(count);
    pthread_mutex_unlock(&one_at_a_time);
    return 0;
}

int fsync(int fd) { return synced(fd, "fsync"); }

int fdatasync(int fd) { return synced(fd, "fdatasync"); }

static int is_full(int fd) {
    char path[PATH_MAX];
    return getenv("DEWAR_SHIM_IMAGE") && is_set("full") && name_of(fd, path) != NULL;
}

ssize_t write(int fd, const void *bytes, size_t count) {
    if (is_full(fd)) {
        errno = ENOSPC;
        return -1;
    }
    return plain_write(fd, bytes, count);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "pwrite64");
    if (is_full(fd)) {
        errno = ENOSPC;
        return -1;
    }
    return real(fd, bytes, count, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
    return pwrite64(fd, bytes, count, at);
}

static void maybe_wait(int fd) {
    char path[PATH_MAX];
    if (getenv("DEWAR_SHIM_IMAGE") && is_set("slow") && name_of(fd, path)) usleep(30000);
}

ssize_t read(int fd, void *bytes, size_t count) {
    static ssize_t (*real)(int, void *, size_t);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "read");
    maybe_wait(fd);
    return real(fd, bytes, count);
}

ssize_t pread64(int fd, void *bytes, size_t count, off64_t at) {
    static ssize_t (*real)(int, void *, size_t, off64_t);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "pread64");
    maybe_wait(fd);
    return real(fd, bytes, count, at);
}
