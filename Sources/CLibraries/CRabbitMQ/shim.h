// What Swift cannot import from librabbitmq and the kernel: variadic functions, and macros that are casts.
// Functions here only forward; no decision is taken in C.
#ifndef CRABBITMQ_SHIM_H
#define CRABBITMQ_SHIM_H

// librabbitmq 0.12 moved its headers into a folder.
#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/framing.h>
#include <rabbitmq-c/ssl_socket.h>
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#endif

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/time.h>

/// The methods that a broker sends unasked, by number.
enum crabbitmq_method {
    CRABBITMQ_CONNECTION_CLOSE = AMQP_CONNECTION_CLOSE_METHOD,
    CRABBITMQ_CONNECTION_CLOSE_OK = AMQP_CONNECTION_CLOSE_OK_METHOD,
    CRABBITMQ_CONNECTION_BLOCKED = AMQP_CONNECTION_BLOCKED_METHOD,
    CRABBITMQ_CONNECTION_UNBLOCKED = AMQP_CONNECTION_UNBLOCKED_METHOD,
    CRABBITMQ_CHANNEL_CLOSE = AMQP_CHANNEL_CLOSE_METHOD,
    CRABBITMQ_CHANNEL_CLOSE_OK = AMQP_CHANNEL_CLOSE_OK_METHOD,
    CRABBITMQ_BASIC_ACK = AMQP_BASIC_ACK_METHOD,
    CRABBITMQ_BASIC_NACK = AMQP_BASIC_NACK_METHOD,
    CRABBITMQ_BASIC_RETURN = AMQP_BASIC_RETURN_METHOD,
    CRABBITMQ_BASIC_DELIVER = AMQP_BASIC_DELIVER_METHOD,
    CRABBITMQ_BASIC_CANCEL = AMQP_BASIC_CANCEL_METHOD,
};

/// `amqp_login_with_properties` for user name and password.
static inline amqp_rpc_reply_t crabbitmq_login(
    amqp_connection_state_t state, const char *vhost, int channel_max, int frame_max, int heartbeat_seconds,
    const amqp_table_t *properties, const char *user, const char *password
) {
    return amqp_login_with_properties(
        state, vhost, channel_max, frame_max, heartbeat_seconds, properties, AMQP_SASL_METHOD_PLAIN, user, password
    );
}

/// The name or address that the certificate must be for, checked by OpenSSL itself: librabbitmq checks for what it connects to. 1 on success.
static inline int crabbitmq_expect_host(amqp_socket_t *socket, const char *host) {
    SSL_CTX *context = (SSL_CTX *)amqp_ssl_socket_get_context(socket);
    X509_VERIFY_PARAM *parameters = context ? SSL_CTX_get0_param(context) : NULL;
    if (!parameters) return 0;
    return X509_VERIFY_PARAM_set1_ip_asc(parameters, host) == 1 || X509_VERIFY_PARAM_set1_host(parameters, host, 0) == 1;
}

/// Bounds, in milliseconds, how long written bytes may stay unacknowledged before the kernel drops the connection. 0 on success.
static inline int crabbitmq_set_user_timeout(int socket, unsigned int milliseconds) {
    return setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
}

/// Holds back (1) or sends (0) partly filled packets. 0 on success.
static inline int crabbitmq_set_cork(int socket, int corked) {
    return setsockopt(socket, IPPROTO_TCP, TCP_CORK, &corked, sizeof corked);
}

#endif
