#pragma once

#include <zlib.h>

/// `inflateInit2`, a macro that Swift does not import. Takes streams with gzip's header and check sum alone, in a window of 32 KiB.
static inline int wharf_inflate_init_gzip(z_streamp stream) {
    return inflateInit2(stream, 15 + 16);
}
