#pragma once
// Swift's module of the C library leaves these two out.
#include <sys/eventfd.h>
#include <sys/prctl.h>

/// A counter that wakes a thread out of poll(2); -1 on failure. Its flags are an enum that Swift does not import as integers.
static inline int threads_eventfd(void) {
    return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

/// Names the calling thread, for debuggers and top(1); at most 15 bytes are kept. prctl is variadic, which Swift cannot call.
static inline void threads_name(const char *name) {
    prctl(PR_SET_NAME, name, 0, 0, 0);
}
