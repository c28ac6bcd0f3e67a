#pragma once

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

// Macros of OpenSSL's, which Swift does not import.

/// 1 on success.
static inline int openssl_require_1_2(SSL_CTX *context) {
    return (int)SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
}

/// The name that a server with several certificates chooses by (SNI); 1 on success.
static inline int openssl_name(SSL *session, const char *name) {
    return (int)SSL_set_tlsext_host_name(session, name);
}

/// A write may take a part, and be repeated from another place in memory.
static inline void openssl_allow_partial_writes(SSL *session) {
    SSL_set_mode(session, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

/// A new RSA key; NULL if memory or randomness is lacking. The caller frees it.
static inline EVP_PKEY *openssl_new_rsa_key(unsigned int bits) {
    return EVP_RSA_gen(bits);
}
