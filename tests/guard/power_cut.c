/* A disk that loses power, for the process that it is loaded into (LD_PRELOAD).
 *
 * Every change below the folder HILUM_CUT_FOLDER is noted with what undoes it. A sync of a file
 * forgets what undoes its bytes, a sync of a folder what undoes its names. After HILUM_CUT_AFTER
 * changes the power goes: what was not synced is undone, newest first, and the process ends as
 * by SIGKILL. HILUM_CUT_MODE says how much a disk loses:
 *   all    every byte and every name that was not synced
 *   bytes  names stay, bytes go: what a renamed file holds that was never synced
 *   some   of the bytes a part, by the numbers of HILUM_CUT_SEED: writes reach the disk in any order
 *
 * While the file HILUM_CUT_READ_ONLY is there, every change below the folder is refused with EROFS, as on
 * a disk that the system has made read-only under a running program.
 *
 * HILUM_CUT_CLOCK adds seconds to the time of day, so that a clock can be moved back; with HILUM_CUT_CLOCK_WHILE
 * for as long as a file of that name is there.
 *
 * HILUM_CUT_LIE breaks a control from outside, to see that the guard notices (docs/reliability.md, 1):
 *   sync    no sync reaches the disk, as if the program made none
 *   lock    every lock is given, as if the program asked for none
 *   write   what the disk refuses counts as written, as if the program did not look
 *   full    what does not fit on a full disk counts as written, in any folder, as if the program did not look
 *   rename  a file takes its name piece by piece, as if it were written in place
 *
 * What runs past these calls (a memory map) would not be seen; Hilum's store uses none.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum kind { BYTES, CREATED, REMOVED, RENAMED, MADE_FOLDER };

struct note {
    enum kind kind;
    dev_t device;   /* of the file, for BYTES */
    ino_t inode;
    off_t offset;   /* BYTES: where the old bytes stood */
    off_t length;   /* BYTES: how long the file was */
    size_t count;
    char *bytes;
    char *path;     /* names: where it is now; BYTES: where it was when written */
    char *other;    /* RENAMED: where it came from; REMOVED: where it is kept */
    char *over;     /* RENAMED: where the file that it took the place of is kept */
    struct note *before;
};

static struct note *newest;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char folder[PATH_MAX], stash[PATH_MAX + 32];
static const char *gate, *lie, *clock_gate;
/* Changes until the power goes: 0 never, below 0 nothing is noted. */
static long left = -1;
static unsigned long seed = 1;
static int mode_bytes, mode_some;
static long clock_shift;
static long kept_count;

/* One descriptor of our own for each file that was written, by which it is found again whatever its
 * name is then. Never closed: closing one would end the locks that the process holds on the file. */
static struct own { dev_t device; ino_t inode; int fd; struct own *before; } *owned;

#define REAL(name) static __typeof__(name) *real; if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void begin(void) {
    const char *at = getenv("HILUM_CUT_FOLDER"), *after = getenv("HILUM_CUT_AFTER");
    const char *mode = getenv("HILUM_CUT_MODE"), *number = getenv("HILUM_CUT_SEED");
    const char *shift = getenv("HILUM_CUT_CLOCK");
    if (shift) clock_shift = atol(shift);
    clock_gate = getenv("HILUM_CUT_CLOCK_WHILE");
    if (number) seed = strtoul(number, NULL, 10) * 2 + 1;
    gate = getenv("HILUM_CUT_READ_ONLY");
    if (at && (after || gate) && realpath(at, folder)) {
        left = after ? atol(after) : 0;
        mode_bytes = mode && !strcmp(mode, "bytes");
        mode_some = mode && !strcmp(mode, "some");
        snprintf(stash, sizeof stash, "%s.cut-%d", folder, (int)getpid());
        mkdir(stash, 0700);
    }
    lie = getenv("HILUM_CUT_LIE");
    /* Children write nothing there, and a sandboxed one would die of these calls. */
    if (!lie || at) unsetenv("LD_PRELOAD");
}

/* True, with errno as the system would set it, while nothing may be changed. */
static int refused(void) {
    if (!gate || access(gate, F_OK)) return 0;
    errno = EROFS;
    return 1;
}

static int lies(const char *of) { return lie && !strcmp(lie, of); }

/* What a call says of so many bytes that were to be written. */
static ssize_t fitting(ssize_t got, size_t span) {
    return got < 0 && errno == ENOSPC && lies("full") ? (ssize_t)span : got;
}

static int coin(void) {
    seed ^= seed << 13; seed ^= seed >> 7; seed ^= seed << 17;
    return (seed >> 5) & 1;
}

/* The path of an open file below the folder; NULL for any other. */
static char *path_of(int fd) {
    if (left < 0) return NULL;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n <= 0) return NULL;
    path[n] = 0;
    size_t l = strlen(folder);
    return !strncmp(path, folder, l) && (path[l] == '/' || !path[l]) ? strdup(path) : NULL;
}

static char *below(const char *path) {
    if (left < 0 || !path) return NULL;
    char whole[PATH_MAX], parent[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (!slash) return NULL;
    snprintf(parent, sizeof parent, "%.*s", (int)(slash - path), path);
    if (!realpath(parent[0] ? parent : "/", whole)) return NULL;
    size_t l = strlen(folder);
    if (strncmp(whole, folder, l) || (whole[l] && whole[l] != '/')) return NULL;
    char *out = NULL;
    return asprintf(&out, "%s%s", whole, slash) < 0 ? NULL : out;
}

static struct note *add(enum kind kind) {
    struct note *note = calloc(1, sizeof *note);
    note->kind = kind;
    note->before = newest;
    newest = note;
    return note;
}

static int own_of(const char *path, const struct stat *about) {
    for (struct own *o = owned; o; o = o->before)
        if (o->inode == about->st_ino && o->device == about->st_dev) return o->fd;
    struct own *o = calloc(1, sizeof *o);
    o->device = about->st_dev;
    o->inode = about->st_ino;
    long rest = left;
    left = -1; /* this opening is not the program's */
    o->fd = open(path, O_RDWR | O_CLOEXEC);
    left = rest;
    o->before = owned;
    owned = o;
    return o->fd;
}

static void undo(struct note *note) {
    if (note->kind == BYTES) {
        if (mode_some && coin()) return;
        struct stat about = { .st_dev = note->device, .st_ino = note->inode };
        int fd = own_of(note->path, &about);
        for (size_t done = 0; fd >= 0 && done < note->count;) {
            ssize_t n = pwrite(fd, note->bytes + done, note->count - done, note->offset + (off_t)done);
            if (n <= 0) break;
            done += (size_t)n;
        }
        if (fd >= 0 && !mode_some && ftruncate(fd, note->length)) {}
        return;
    }
    if (mode_bytes || mode_some) return;
    switch (note->kind) {
    case CREATED: unlink(note->path); break;
    case MADE_FOLDER: rmdir(note->path); break;
    case REMOVED: rename(note->other, note->path); break;
    case RENAMED:
        rename(note->path, note->other);
        if (note->over) rename(note->over, note->path);
        break;
    default: break;
    }
}

static void power_goes(void) {
    left = -1; /* what follows is not noted */
    struct note *names = newest;
    for (struct note *n = newest; n; n = n->before) if (n->kind == BYTES) undo(n);
    for (struct note *n = names; n; n = n->before) if (n->kind != BYTES) undo(n);
    /* What was kept to undo removals is nobody's. */
    DIR *list = opendir(stash);
    if (list) {
        struct dirent *entry;
        while ((entry = readdir(list))) unlinkat(dirfd(list), entry->d_name, 0);
        closedir(list);
    }
    rmdir(stash);
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static void count(void) {
    if (left > 0 && --left == 0) power_goes();
}

static void note_bytes(int fd, char *path, off_t offset, size_t count_of) {
    struct stat about;
    if (fstat(fd, &about) || !S_ISREG(about.st_mode)) { free(path); return; }
    struct note *note = add(BYTES);
    note->device = about.st_dev;
    note->inode = about.st_ino;
    note->path = path;
    note->offset = offset;
    note->length = about.st_size;
    size_t there = offset < about.st_size ? (size_t)(about.st_size - offset) : 0;
    if (there > count_of) there = count_of;
    note->bytes = malloc(there + 1);
    int again = own_of(path, &about);
    while (again >= 0 && note->count < there) {
        ssize_t n = pread(again, note->bytes + note->count, there - note->count, offset + (off_t)note->count);
        if (n <= 0) break;
        note->count += (size_t)n;
    }
}

static void forget_bytes(int fd) {
    struct stat about;
    if (fstat(fd, &about)) return;
    if (S_ISDIR(about.st_mode)) {
        char *path = path_of(fd);
        if (!path) return;
        size_t l = strlen(path);
        for (struct note **at = &newest; *at;) {
            struct note *n = *at;
            const char *slash = n->path ? strrchr(n->path, '/') : NULL;
            int here = n->kind != BYTES && slash && (size_t)(slash - n->path) == l && !strncmp(n->path, path, l);
            if (here) *at = n->before; else at = &n->before;
        }
        free(path);
        return;
    }
    for (struct note **at = &newest; *at;) {
        struct note *n = *at;
        if (n->kind == BYTES && n->inode == about.st_ino && n->device == about.st_dev) {
            *at = n->before;
            free(n->bytes);
        } else at = &n->before;
    }
}

#define WRITING(fd, offset, span, call)                        \
    char *path = path_of(fd);                                  \
    if (!path) return fitting(call, span);                     \
    if (refused()) { free(path); return lies("write") ? (ssize_t)(span) : -1; } \
    pthread_mutex_lock(&lock);                                 \
    off_t at_ = (offset);                                      \
    note_bytes(fd, path, at_, span);                           \
    ssize_t got = call;                                        \
    int kept_errno = errno;                                    \
    if (got < 0 && errno == ENOSPC && (lies("write") || lies("full"))) got = (ssize_t)(span); \
    count();                                                   \
    pthread_mutex_unlock(&lock);                               \
    errno = kept_errno;                                        \
    return got

static off_t place(int fd) {
    int flags = fcntl(fd, F_GETFL);
    struct stat about;
    if (flags >= 0 && (flags & O_APPEND) && !fstat(fd, &about)) return about.st_size;
    return lseek(fd, 0, SEEK_CUR);
}

ssize_t write(int fd, const void *data, size_t size) { REAL(write); WRITING(fd, place(fd), size, real(fd, data, size)); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { REAL(pwrite); WRITING(fd, at, size, real(fd, data, size, at)); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) { REAL(pwrite64); WRITING(fd, at, size, real(fd, data, size, at)); }
ssize_t writev(int fd, const struct iovec *parts, int n) {
    REAL(writev);
    size_t size = 0;
    for (int i = 0; i < n; i++) size += parts[i].iov_len;
    WRITING(fd, place(fd), size, real(fd, parts, n));
}
int ftruncate(int fd, off_t length) {
    REAL(ftruncate);
    struct stat about;
    size_t tail = !fstat(fd, &about) && about.st_size > length ? (size_t)(about.st_size - length) : 0;
    WRITING(fd, length, tail, real(fd, length));
}
int ftruncate64(int fd, off64_t length) { return ftruncate(fd, length); }
ssize_t copy_file_range(int in, off64_t *at_in, int out, off64_t *at_out, size_t size, unsigned flags) {
    REAL(copy_file_range);
    char *path = path_of(out);
    if (!path) return real(in, at_in, out, at_out, size, flags);
    free(path);
    errno = ENOSYS; /* the caller reads and writes instead, which is noted */
    return -1;
}
ssize_t sendfile64(int out, int in, off64_t *at, size_t size) {
    static ssize_t (*real)(int, int, off64_t *, size_t);
    if (!real) real = (ssize_t (*)(int, int, off64_t *, size_t))dlsym(RTLD_NEXT, "sendfile64");
    char *path = path_of(out);
    if (!path) return real(out, in, at, size);
    free(path);
    errno = ENOSYS;
    return -1;
}
ssize_t sendfile(int out, int in, off_t *at, size_t size) { return sendfile64(out, in, at, size); }

static int synced(int fd, int (*real)(int)) {
    if (lies("sync")) return 0;
    int got = real(fd);
    if (left >= 0 && got == 0) {
        pthread_mutex_lock(&lock);
        forget_bytes(fd);
        count();
        pthread_mutex_unlock(&lock);
    }
    return got;
}
int fsync(int fd) { REAL(fsync); return synced(fd, real); }
int fdatasync(int fd) { REAL(fdatasync); return synced(fd, real); }

static int opened(const char *path, int flags, mode_t mode, int (*real)(const char *, int, ...)) {
    int changes = flags & (O_CREAT | O_TRUNC);
    char *here = changes || (gate && (flags & O_ACCMODE) != O_RDONLY) ? below(path) : NULL;
    if (!here) return real(path, flags, mode);
    if (refused()) { free(here); return -1; }
    if (!changes) { free(here); return real(path, flags, mode); }
    pthread_mutex_lock(&lock);
    struct stat about;
    int was = stat(here, &about) == 0;
    if (was && (flags & O_TRUNC) && about.st_size > 0) {
        int fd = own_of(here, &about);
        if (fd >= 0) note_bytes(fd, strdup(here), 0, (size_t)about.st_size);
    }
    int got = real(path, flags, mode);
    int kept_errno = errno;
    if (got >= 0 && !was) add(CREATED)->path = here; else free(here);
    count();
    pthread_mutex_unlock(&lock);
    errno = kept_errno;
    return got;
}
#define OPEN(name)                                                           \
    int name(const char *path, int flags, ...) {                             \
        REAL(name);                                                          \
        va_list more; va_start(more, flags);                                 \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
        va_end(more);                                                        \
        return opened(path, flags, mode, real);                              \
    }
OPEN(open)
OPEN(open64)

static void keep(const char *path, char **kept) {
    char *at = NULL;
    if (asprintf(&at, "%s/%ld", stash, kept_count++) > 0 && !link(path, at)) *kept = at;
}

/* What a rename does at once, done in pieces, with time in between. */
static int in_pieces(const char *from, const char *to) {
    struct stat about;
    if (stat(from, &about) || !S_ISREG(about.st_mode)) return 0;
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    char piece[4096];
    ssize_t n;
    while (in >= 0 && out >= 0 && (n = read(in, piece, sizeof piece)) > 0) {
        if (write(out, piece, (size_t)n) != n) break;
        usleep(20000);
    }
    close(in);
    close(out);
    unlink(from);
    return 1;
}

int rename(const char *from, const char *to) {
    REAL(rename);
    if (lies("rename") && in_pieces(from, to)) return 0;
    char *old = below(from), *new = below(to);
    if (!old && !new) return real(from, to);
    if (refused()) { free(old); free(new); return -1; }
    pthread_mutex_lock(&lock);
    char *over = NULL;
    struct stat about;
    if (new && !stat(new, &about) && S_ISREG(about.st_mode)) keep(new, &over);
    int got = real(from, to);
    int kept_errno = errno;
    if (!got && old && new) {
        struct note *note = add(RENAMED);
        note->path = new; note->other = old; note->over = over;
    }
    count();
    pthread_mutex_unlock(&lock);
    errno = kept_errno;
    return got;
}
int unlink(const char *path) {
    REAL(unlink);
    char *here = below(path);
    if (!here) return real(path);
    if (refused()) { free(here); return -1; }
    pthread_mutex_lock(&lock);
    char *kept = NULL;
    keep(here, &kept);
    int got = real(path);
    int kept_errno = errno;
    if (!got && kept) { struct note *note = add(REMOVED); note->path = here; note->other = kept; }
    count();
    pthread_mutex_unlock(&lock);
    errno = kept_errno;
    return got;
}
int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    char *here = below(path);
    if (here && refused()) { free(here); return -1; }
    int got = real(path, mode);
    if (here && !got) {
        pthread_mutex_lock(&lock);
        add(MADE_FOLDER)->path = here;
        pthread_mutex_unlock(&lock);
    }
    return got;
}

int flock(int fd, int operation) {
    REAL(flock);
    return lies("lock") ? 0 : real(fd, operation);
}

int clock_gettime(clockid_t which, struct timespec *now) {
    REAL(clock_gettime);
    int got = real(which, now);
    if (!got && which == CLOCK_REALTIME && clock_shift && (!clock_gate || !access(clock_gate, F_OK))) now->tv_sec += clock_shift;
    return got;
}
