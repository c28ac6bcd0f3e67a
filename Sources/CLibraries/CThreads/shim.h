#pragma once
// Swift's module for the C library does not include these headers.
#include <sched.h>
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

#ifndef SCHED_IDLE
// <sched.h> defines it only with _GNU_SOURCE; the value is part of the Linux ABI.
#define SCHED_IDLE 5
#endif

/// Gives the calling thread a processor only while no other thread wants it. Returns 0, or -1 if this is not permitted.
static inline int threads_run_when_idle(void) {
    struct sched_param none = {0};
    return sched_setscheduler(0, SCHED_IDLE, &none);
}

/// Whether the calling thread runs only when a processor is idle.
static inline int threads_runs_when_idle(void) {
    return sched_getscheduler(0) == SCHED_IDLE;
}
