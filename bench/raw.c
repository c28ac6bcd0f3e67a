/* What the broker itself can do, spoken to by its C client and by nothing else: the limits that `wharf-dev bench` measures against.
 *
 *   raw request WINDOW COUNT   requests to a classic queue, replies to an exclusive one, WINDOW of them outstanding
 *   raw confirm WINDOW COUNT   persistent messages to a quorum queue, WINDOW of them without their confirm
 *
 * AMQP_HOST, AMQP_PORT, AMQP_USER and AMQP_PASSWORD lead to the broker: not arguments, which every user of the machine can read.
 * Prints one line: messages a second, and the median and the 99th percentile in milliseconds. A tenth more is sent first, uncounted.
 */
#define PROGRAM "raw"
#include "client.h"
#include <pthread.h>
#include <sys/time.h>

enum { BODY = 256, MAX_COUNT = 10000000 };

static void close_connection(amqp_connection_state_t connection) {
    amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(connection);
}

/* An exclusive queue with a name of the broker's, consumed without acknowledgements. The name is the caller's to free. */
static char *consume_own_queue(amqp_connection_state_t connection) {
    amqp_queue_declare_ok_t *queue =
        amqp_queue_declare(connection, CHANNEL, amqp_empty_bytes, 0, 0, 1, 1, amqp_empty_table);
    check(connection, "cannot declare a queue");
    char *name = strndup(queue->queue.bytes, queue->queue.len);
    if (!name) die("no memory");
    amqp_basic_consume(connection, CHANNEL, amqp_cstring_bytes(name), amqp_empty_bytes, 0, 1, 0, amqp_empty_table);
    check(connection, "cannot consume");
    return name;
}

/* The other side: sends every request's body back. It ends with the process. */
static void *answer(void *argument) {
    amqp_connection_state_t connection = argument;
    for (;;) {
        amqp_envelope_t request;
        amqp_maybe_release_buffers(connection);
        if (amqp_consume_message(connection, &request, NULL, 0).reply_type != AMQP_RESPONSE_NORMAL) die("the responder was cut off");
        amqp_basic_properties_t properties = {._flags = AMQP_BASIC_CORRELATION_ID_FLAG,
                                              .correlation_id = request.message.properties.correlation_id};
        if (amqp_basic_publish(connection, CHANNEL, amqp_empty_bytes, request.message.properties.reply_to, 0, 0, &properties,
                               request.message.body))
            die("cannot reply");
        amqp_destroy_envelope(&request);
    }
    return NULL;
}

static void request(int window, int count, int warm_up) {
    amqp_connection_state_t responder = open_connection(), requester = open_connection();
    char *to = consume_own_queue(responder), *back = consume_own_queue(requester);
    pthread_t thread;
    if (pthread_create(&thread, NULL, answer, responder)) die("cannot start a thread");
    int total = count + warm_up, sent = 0, received = 0;
    double *sent_at = calloc(total, sizeof *sent_at), *latencies = calloc(total, sizeof *latencies), begin = now();
    if (!sent_at || !latencies) die("no memory");
    char body[BODY] = {0}, id[16];
    while (received < total) {
        while (sent < total && sent - received < window) {
            snprintf(id, sizeof id, "%d", sent);
            amqp_basic_properties_t properties = {._flags = AMQP_BASIC_CORRELATION_ID_FLAG | AMQP_BASIC_REPLY_TO_FLAG,
                                                  .correlation_id = amqp_cstring_bytes(id),
                                                  .reply_to = amqp_cstring_bytes(back)};
            amqp_bytes_t bytes = {.len = BODY, .bytes = body};
            sent_at[sent++] = now();
            if (amqp_basic_publish(requester, CHANNEL, amqp_empty_bytes, amqp_cstring_bytes(to), 0, 0, &properties, bytes))
                die("cannot send");
        }
        amqp_envelope_t reply;
        amqp_maybe_release_buffers(requester);
        if (amqp_consume_message(requester, &reply, NULL, 0).reply_type != AMQP_RESPONSE_NORMAL) die("no reply");
        amqp_bytes_t told = reply.message.properties.correlation_id;
        char number[16] = {0};
        memcpy(number, told.bytes, told.len < sizeof number ? told.len : sizeof number - 1);
        int index = atoi(number);
        if (index < 0 || index >= sent) die("a reply to nothing");
        latencies[index] = now() - sent_at[index];
        amqp_destroy_envelope(&reply);
        if (++received == warm_up) begin = now();
    }
    report(now() - begin, latencies + warm_up, count);
    close_connection(requester);
}

static void confirm(int window, int count, int warm_up) {
    amqp_connection_state_t connection = open_connection();
    char name[64];
    snprintf(name, sizeof name, "bench.raw.%d", (int)getpid());
    amqp_bytes_t queue = amqp_cstring_bytes(name);
    amqp_table_entry_t type = {.key = amqp_cstring_bytes("x-queue-type"),
                               .value = {.kind = AMQP_FIELD_KIND_UTF8, .value = {.bytes = amqp_cstring_bytes("quorum")}}};
    amqp_table_t arguments = {.num_entries = 1, .entries = &type};
    amqp_queue_declare(connection, CHANNEL, queue, 0, 1, 0, 0, arguments);
    check(connection, "cannot declare a quorum queue");
    amqp_confirm_select(connection, CHANNEL);
    check(connection, "cannot ask for confirms");
    int total = count + warm_up, sent = 0, confirmed = 0;
    double *sent_at = calloc(total + 1, sizeof *sent_at), *latencies = calloc(total, sizeof *latencies), begin = now();
    char *is_confirmed = calloc(total + 1, 1);
    if (!sent_at || !latencies || !is_confirmed) die("no memory");
    int oldest = 1;
    char body[BODY] = {0};
    while (confirmed < total) {
        while (sent < total && sent - confirmed < window) {
            amqp_basic_properties_t properties = {._flags = AMQP_BASIC_DELIVERY_MODE_FLAG, .delivery_mode = 2};
            amqp_bytes_t bytes = {.len = BODY, .bytes = body};
            sent_at[++sent] = now();
            if (amqp_basic_publish(connection, CHANNEL, amqp_empty_bytes, queue, 0, 0, &properties, bytes)) die("cannot publish");
        }
        amqp_frame_t frame;
        amqp_maybe_release_buffers(connection);
        if (amqp_simple_wait_frame(connection, &frame) != AMQP_STATUS_OK) die("no confirm");
        if (frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_ACK_METHOD) die("not a confirm");
        amqp_basic_ack_t *ack = frame.payload.method.decoded;
        uint64_t last = ack->delivery_tag, first = ack->multiple ? (uint64_t)oldest : last;
        if (last < 1 || last > (uint64_t)sent) die("a confirm of nothing");
        double moment = now();
        for (uint64_t tag = first; tag <= last; tag++) {
            if (is_confirmed[tag]) continue;
            is_confirmed[tag] = 1;
            latencies[tag - 1] = moment - sent_at[tag];
            if (++confirmed == warm_up) begin = moment;
        }
        while (oldest <= sent && is_confirmed[oldest]) oldest++;
    }
    report(now() - begin, latencies + warm_up, count);
    amqp_queue_delete(connection, CHANNEL, queue, 0, 0);
    close_connection(connection);
}

int main(int count, char **words) {
    int window = count == 4 ? atoi(words[2]) : 0, messages = count == 4 ? atoi(words[3]) : 0;
    if (window < 1 || messages < 10 || messages > MAX_COUNT) die("usage: raw request|confirm WINDOW COUNT");
    alarm(DEADLINE);
    if (!strcmp(words[1], "request")) request(window, messages, messages / 10);
    else if (!strcmp(words[1], "confirm")) confirm(window, messages, messages / 10);
    else die("usage: raw request|confirm WINDOW COUNT");
    return 0;
}
