/* What the programs beside it share: a connection to the broker, the clock, and the line that they print. Define PROGRAM, their name, before. */
#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp.h>
#include <amqp_tcp_socket.h>
#endif
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CHANNEL = 1, FRAME = 131072, HEARTBEAT = 0, DEADLINE = 120 };

static void die(const char *what) {
    fprintf(stderr, PROGRAM ": %s\n", what);
    exit(1);
}

static const char *setting(const char *name) {
    const char *value = getenv(name);
    if (!value) die(name);
    return value;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static void check(amqp_connection_state_t connection, const char *what) {
    if (amqp_get_rpc_reply(connection).reply_type != AMQP_RESPONSE_NORMAL) die(what);
}

static amqp_connection_state_t open_connection(void) {
    amqp_connection_state_t connection = amqp_new_connection();
    amqp_socket_t *socket = connection ? amqp_tcp_socket_new(connection) : NULL;
    if (!socket || amqp_socket_open(socket, setting("AMQP_HOST"), atoi(setting("AMQP_PORT")))) die("cannot connect");
    amqp_rpc_reply_t reply = amqp_login(connection, "/", 0, FRAME, HEARTBEAT, AMQP_SASL_METHOD_PLAIN,
                                        setting("AMQP_USER"), setting("AMQP_PASSWORD"));
    if (reply.reply_type != AMQP_RESPONSE_NORMAL) die("cannot log in");
    amqp_channel_open(connection, CHANNEL);
    check(connection, "cannot open a channel");
    return connection;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report(double seconds, double *latencies, int count) {
    qsort(latencies, count, sizeof *latencies, ascending);
    printf("rate %.1f p50 %.4f p99 %.4f\n", count / seconds, latencies[count / 2] * 1000, latencies[(int)(count * 0.99)] * 1000);
}
