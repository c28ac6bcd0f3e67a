#pragma once
#include <libpq-fe.h>
#include <openssl/ssl.h>

/// Bytes that OpenSSL has taken from the socket and libpq has not read yet: poll(2) does not see them. 0 without TLS.
static inline int postgres_pending_bytes(PGconn *connection) {
    SSL *ssl = PQsslStruct(connection, "OpenSSL");
    return ssl ? SSL_pending(ssl) : 0;
}
