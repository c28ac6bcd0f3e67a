/* The durable steps of one order, done bare and in a row by one client: the floor that `wharf-dev bench` holds the latency of one order against.
 *
 *   steps DELIVERIES COMMITS COUNT
 *
 * One order is DELIVERIES times: a persistent message to a quorum queue, its delivery, a commit of one row with the log synced; and at the end as many more
 * commits as make COMMITS. The next step begins with the delivery; the confirm, which comes with it, is read when there is time.
 *
 * AMQP_HOST, AMQP_PORT, AMQP_USER and AMQP_PASSWORD lead to the broker, PGHOST and the like to PostgreSQL.
 * Prints one line as raw.c does: orders a second, and the median and the 99th percentile in milliseconds.
 */
#define PROGRAM "steps"
#include "client.h"
#include <libpq-fe.h>

enum { BODY = 600, MAX_COUNT = 100000, MAX_STEPS = 50 };

static void command(PGconn *database, const char *sql) {
    PGresult *result = PQexec(database, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) die(PQerrorMessage(database));
    PQclear(result);
}

/* One row of the size of an inbox's, and its commit. */
static void commit(PGconn *database) {
    PGresult *result = PQexecPrepared(database, "step", 0, NULL, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) die(PQerrorMessage(database));
    PQclear(result);
}

static void deliver(amqp_connection_state_t publisher, amqp_connection_state_t consumer, amqp_bytes_t queue) {
    static char body[BODY];
    amqp_basic_properties_t properties = {._flags = AMQP_BASIC_DELIVERY_MODE_FLAG, .delivery_mode = 2};
    amqp_bytes_t bytes = {.len = BODY, .bytes = body};
    if (amqp_basic_publish(publisher, CHANNEL, amqp_empty_bytes, queue, 0, 0, &properties, bytes)) die("cannot publish");
    amqp_envelope_t delivery;
    amqp_maybe_release_buffers(consumer);
    if (amqp_consume_message(consumer, &delivery, NULL, 0).reply_type != AMQP_RESPONSE_NORMAL) die("no delivery");
    if (amqp_basic_ack(consumer, CHANNEL, delivery.delivery_tag, 0)) die("cannot acknowledge");
    amqp_destroy_envelope(&delivery);
}

/* Reads confirms up to that of the message `last`: they come in order, several in one frame or one by one. */
static void take_confirms(amqp_connection_state_t publisher, uint64_t last) {
    for (uint64_t tag = 0; tag < last;) {
        amqp_frame_t frame;
        amqp_maybe_release_buffers(publisher);
        if (amqp_simple_wait_frame(publisher, &frame) != AMQP_STATUS_OK) die("no confirm");
        if (frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_ACK_METHOD) die("not a confirm");
        tag = ((amqp_basic_ack_t *)frame.payload.method.decoded)->delivery_tag;
    }
}

int main(int words, char **word) {
    int deliveries = words == 4 ? atoi(word[1]) : 0, commits = words == 4 ? atoi(word[2]) : 0, count = words == 4 ? atoi(word[3]) : 0;
    if (deliveries < 1 || commits < deliveries || commits > MAX_STEPS || count < 10 || count > MAX_COUNT)
        die("usage: steps DELIVERIES COMMITS COUNT");
    alarm(DEADLINE);
    PGconn *database = PQconnectdb("");
    if (PQstatus(database) != CONNECTION_OK) die(PQerrorMessage(database));
    command(database, "DROP TABLE IF EXISTS bench_steps; CREATE TABLE bench_steps (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), body text NOT NULL)");
    PGresult *prepared = PQprepare(database, "step", "INSERT INTO bench_steps (body) VALUES (repeat('x', 900))", 0, NULL);
    if (PQresultStatus(prepared) != PGRES_COMMAND_OK) die(PQerrorMessage(database));
    PQclear(prepared);

    amqp_connection_state_t publisher = open_connection(), consumer = open_connection();
    char name[64];
    snprintf(name, sizeof name, "bench.steps.%d", (int)getpid());
    amqp_bytes_t queue = amqp_cstring_bytes(name);
    amqp_table_entry_t type = {.key = amqp_cstring_bytes("x-queue-type"),
                               .value = {.kind = AMQP_FIELD_KIND_UTF8, .value = {.bytes = amqp_cstring_bytes("quorum")}}};
    amqp_table_t arguments = {.num_entries = 1, .entries = &type};
    amqp_queue_declare(publisher, CHANNEL, queue, 0, 1, 0, 0, arguments);
    check(publisher, "cannot declare a quorum queue");
    amqp_confirm_select(publisher, CHANNEL);
    check(publisher, "cannot ask for confirms");
    amqp_basic_consume(consumer, CHANNEL, queue, amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
    check(consumer, "cannot consume");

    int warm_up = count / 10, total = count + warm_up;
    double *latencies = calloc(total, sizeof *latencies), begin = now();
    if (!latencies) die("no memory");
    for (int order = 0; order < total; order++) {
        if (order == warm_up) begin = now();
        double start = now();
        for (int step = 0; step < deliveries; step++) {
            deliver(publisher, consumer, queue);
            commit(database);
        }
        for (int more = deliveries; more < commits; more++) commit(database);
        latencies[order] = now() - start;
        take_confirms(publisher, (uint64_t)(order + 1) * deliveries);
    }
    report(now() - begin, latencies + warm_up, count);
    amqp_queue_delete(publisher, CHANNEL, queue, 0, 0);
    command(database, "DROP TABLE bench_steps");
    PQfinish(database);
    return 0;
}
