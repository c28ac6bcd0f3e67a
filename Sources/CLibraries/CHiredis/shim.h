#pragma once

#include <hiredis/hiredis.h>
#include <sys/eventfd.h>

/// A counter that wakes a thread out of `poll`; -1 on failure. Its flags are an enum that Swift does not import as integers.
static inline int wharf_eventfd(void) {
    return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}
