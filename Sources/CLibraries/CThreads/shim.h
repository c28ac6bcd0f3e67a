#pragma once
// Swift's module for the C library does not include these headers.
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>

/// A counter that wakes a thread out of poll(2); -1 on failure. Its flags are an enum that Swift does not import as integers.
static inline int threads_eventfd(void) {
    return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

/// Names the calling thread, for debuggers and top(1); at most 15 bytes are kept. prctl is variadic, which Swift cannot call.
static inline void threads_name(const char *name) {
    prctl(PR_SET_NAME, name, 0, 0, 0);
}

static inline int64_t threads_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/// When the calling thread's last pause ended; 0 on a thread that does not pause. In C because Swift has no thread-local variables.
static inline int64_t *threads_last_pause(void) {
    static __thread int64_t end;
    return &end;
}

/// Lets `threads_pause_after` pause the calling thread, and turns off its timer slack, which extends sleeps by 50 µs.
static inline void threads_begin_pauses(void) {
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    *threads_last_pause() = threads_now();
}

/// Sleeps for `pause` nanoseconds if the calling thread's last pause ended at least `burst` nanoseconds ago. Returns whether it slept.
static inline int threads_pause_after(int64_t burst, int64_t pause) {
    int64_t *last = threads_last_pause();
    if (*last == 0 || threads_now() - *last < burst) return 0;
    struct timespec time = {0, pause};
    nanosleep(&time, 0);
    *last = threads_now();
    return 1;
}
