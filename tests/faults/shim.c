/* Loaded into a process before libc (LD_PRELOAD): has its disk be full, read-only or broken, or its clock be wrong, for as long
 * as a control file says so. The file FAULTS holds one word: `full`, `readonly`, `nosync`, or `clock SECONDS`. Disk faults
 * strike files below FAULTS_DIR alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define REAL(type, name) \
    static type (*real)(); \
    if (!real) real = (type (*)())dlsym(RTLD_NEXT, name)

/* Reads the control file by system calls alone, which are not ours. */
static const char *now(char *word, size_t size) {
    const char *path = getenv("FAULTS");
    word[0] = 0;
    if (!path) return word;
    long fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return word;
    long n = syscall(SYS_read, fd, word, size - 1);
    syscall(SYS_close, fd);
    word[n > 0 ? n : 0] = 0;
    return word;
}

static int struck_path(const char *path) {
    const char *folder = getenv("FAULTS_DIR");
    return folder && path && strncmp(path, folder, strlen(folder)) == 0;
}

static int struck(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long n = syscall(SYS_readlink, link, path, sizeof path - 1);
    if (n <= 0) return 0;
    path[n] = 0;
    return struck_path(path);
}

/* The error that a write gets, or 0. */
static int fault_of_write(int fd) {
    char word[64];
    int saved = errno, fault = 0;
    now(word, sizeof word);
    if (word[0] && struck(fd)) {
        if (!strncmp(word, "full", 4)) fault = ENOSPC;
        if (!strncmp(word, "readonly", 8)) fault = EROFS;
    }
    errno = saved;
    return fault;
}

#define WRITER(type, name, args, given) \
    type name args { \
        REAL(type, #name); \
        int fault = fault_of_write(fd); \
        if (fault) { errno = fault; return -1; } \
        return real given; \
    }

WRITER(ssize_t, write, (int fd, const void *b, size_t n), (fd, b, n))
WRITER(ssize_t, pwrite, (int fd, const void *b, size_t n, off_t at), (fd, b, n, at))
WRITER(ssize_t, pwrite64, (int fd, const void *b, size_t n, off64_t at), (fd, b, n, at))
WRITER(ssize_t, writev, (int fd, const struct iovec *v, int n), (fd, v, n))
WRITER(int, ftruncate64, (int fd, off64_t n), (fd, n))
WRITER(int, posix_fallocate64, (int fd, off64_t at, off64_t n), (fd, at, n))

static int fault_of_sync(int fd) {
    char word[64];
    int saved = errno;
    now(word, sizeof word);
    int fault = !strncmp(word, "nosync", 6) && struck(fd) ? EIO : 0;
    errno = saved;
    return fault;
}

#define SYNCER(name) \
    int name(int fd) { \
        REAL(int, #name); \
        int fault = fault_of_sync(fd); \
        if (fault) { errno = fault; return -1; } \
        return real(fd); \
    }

SYNCER(fsync)
SYNCER(fdatasync)

static int fault_of_open(const char *path, int flags) {
    char word[64];
    int saved = errno;
    int writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT);
    if (!writes || !struck_path(path)) return 0;
    now(word, sizeof word);
    errno = saved;
    if (!strncmp(word, "readonly", 8)) return EROFS;
    if (!strncmp(word, "full", 4) && (flags & O_CREAT) && syscall(SYS_faccessat, AT_FDCWD, path, F_OK, 0) != 0) {
        errno = saved;
        return ENOSPC;
    }
    return 0;
}

#define OPENER(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, #name); \
        va_list rest; \
        va_start(rest, flags); \
        int mode = va_arg(rest, int); \
        va_end(rest); \
        int fault = fault_of_open(path, flags); \
        if (fault) { errno = fault; return -1; } \
        return real(path, flags, mode); \
    }

OPENER(open)
OPENER(open64)

int clock_gettime(clockid_t clock, struct timespec *at) {
    long failed = syscall(SYS_clock_gettime, clock, at);
    if (!failed && clock == CLOCK_REALTIME) {
        char word[64];
        int saved = errno;
        now(word, sizeof word);
        if (!strncmp(word, "clock ", 6)) at->tv_sec += atol(word + 6);
        errno = saved;
    }
    return (int)failed;
}
