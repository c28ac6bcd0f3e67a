#pragma once
#include <libpq-fe.h>
#include <openssl/ssl.h>
// Swift's module of the C library leaves these two out.
#include <sys/eventfd.h>
#include <sys/prctl.h>

/// Bytes that OpenSSL has taken from the socket and libpq has not read yet: poll(2) does not see them. 0 without TLS.
static inline int postgres_pending_bytes(PGconn *connection) {
    SSL *ssl = PQsslStruct(connection, "OpenSSL");
    return ssl ? SSL_pending(ssl) : 0;
}

/// Names the calling thread, for debuggers and top(1); at most 15 bytes are kept. prctl is variadic, which Swift cannot call.
static inline void postgres_name_thread(const char *name) {
    prctl(PR_SET_NAME, name, 0, 0, 0);
}
