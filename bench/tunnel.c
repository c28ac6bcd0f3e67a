/* A link between two network namespaces of one machine, which stand for two hosts, with the delay of a real distance. It also works on kernels without netem.
 *
 *   tunnel NEAR FAR MICROSECONDS
 *
 * Creates two TUN devices with these names in the namespace where it starts, prints `ready`, and carries each packet from one to the other after the delay, in
 * order, until it is killed. Whoever starts it moves FAR to the other namespace, and assigns both addresses. Needs root.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

/* A full queue drops packets, as a router does, and TCP slows down: 4,096 packets in a millisecond are 6 GB a second. */
enum { PACKET = 65536, QUEUE = 4096, MAX_DELAY = 1000000 };

struct packet {
    struct timespec due;
    ssize_t length;
    char *bytes;
};

/* One direction. All packets wait equally long, so the oldest is always due first. */
struct queue {
    struct packet packets[QUEUE];
    unsigned first, count;
};

static void die(const char *what) {
    fprintf(stderr, "tunnel: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int make_device(const char *name) {
    int file = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (file < 0) die("/dev/net/tun");
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    if (strlen(name) >= sizeof request.ifr_name) errno = ENAMETOOLONG, die(name);
    strcpy(request.ifr_name, name);
    if (ioctl(file, TUNSETIFF, &request)) die(name);
    return file;
}

static struct timespec after(long microseconds) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    long nanoseconds = time.tv_nsec + microseconds % 1000000 * 1000;
    return (struct timespec){.tv_sec = time.tv_sec + microseconds / 1000000 + nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
}

/* Takes the packets that a device has sent, at most as many as the queue holds, so that the other direction gets its turn. */
static void take(int device, struct queue *queue, long delay) {
    static char buffer[PACKET];
    for (int turns = 0; turns < QUEUE; turns++) {
        ssize_t length = read(device, buffer, sizeof buffer);
        /* EIO while the device is down. */
        if (length <= 0) return;
        if (queue->count == QUEUE) continue;
        char *bytes = malloc(length);
        if (!bytes) continue;
        memcpy(bytes, buffer, length);
        queue->packets[(queue->first + queue->count++) % QUEUE] = (struct packet){.due = after(delay), .length = length, .bytes = bytes};
    }
}

/* Delivers the packets that have waited long enough. If the device does not accept them, they are dropped. */
static void deliver(int device, struct queue *queue) {
    struct timespec now = after(0);
    while (queue->count > 0) {
        struct packet *packet = &queue->packets[queue->first];
        if (packet->due.tv_sec > now.tv_sec || (packet->due.tv_sec == now.tv_sec && packet->due.tv_nsec > now.tv_nsec)) return;
        if (write(device, packet->bytes, packet->length) < 0 && errno == EINTR) continue;
        free(packet->bytes);
        queue->first = (queue->first + 1) % QUEUE;
        queue->count--;
    }
}

/* How long it is until the next packet is due; NULL if none waits. */
static struct timespec *pause_until_due(const struct queue *queues, struct timespec *pause) {
    struct timespec now = after(0);
    long long least = -1;
    for (int i = 0; i < 2; i++) {
        if (queues[i].count == 0) continue;
        struct timespec due = queues[i].packets[queues[i].first].due;
        long long left = (due.tv_sec - now.tv_sec) * 1000000000LL + due.tv_nsec - now.tv_nsec;
        if (left < 0) left = 0;
        if (least < 0 || left < least) least = left;
    }
    if (least < 0) return NULL;
    *pause = (struct timespec){.tv_sec = least / 1000000000, .tv_nsec = least % 1000000000};
    return pause;
}

/* A wire never waits for a processor. At normal priority, each packet would wait behind servers and roles that use up their time slices; at idle priority, it
 * would wait for several milliseconds, and TCP would retransmit what it believes lost. */
static void take_priority(void) {
    struct sched_param first = {.sched_priority = sched_get_priority_min(SCHED_FIFO)};
    if (sched_setscheduler(0, SCHED_FIFO, &first)) die("cannot get real-time priority, without which the figures mean nothing");
}

int main(int words, char **word) {
    long delay = words == 4 ? atol(word[3]) : -1;
    if (delay < 0 || delay > MAX_DELAY) {
        fprintf(stderr, "usage: tunnel NEAR FAR MICROSECONDS\n");
        return 64;
    }
    static struct queue queues[2];
    int devices[2] = {make_device(word[1]), make_device(word[2])};
    /* Otherwise a timer may be 50 microseconds late. */
    prctl(PR_SET_TIMERSLACK, 1);
    take_priority();
    puts("ready");
    fflush(stdout);
    for (;;) {
        struct pollfd files[2] = {{.fd = devices[0], .events = POLLIN}, {.fd = devices[1], .events = POLLIN}};
        struct timespec pause;
        if (ppoll(files, 2, pause_until_due(queues, &pause), NULL) < 0 && errno != EINTR) die("poll");
        for (int i = 0; i < 2; i++) {
            if (files[i].revents) take(devices[i], &queues[i], delay);
            deliver(devices[1 - i], &queues[i]);
        }
    }
}
