/*
 * A WebSocket client that is faster than what it measures. One thread, epoll.
 *
 *     wsload echo PORT PATH SOCKETS SECONDS BYTES
 *         each socket sends, waits for the echo, and sends again
 *     wsload broadcast PORT PATH SOCKETS SECONDS BYTES WINDOW
 *         the first socket sends, all get it; WINDOW are under way at once
 *     wsload steady PORT PATH SOCKETS SECONDS BYTES INTERVAL
 *         the first socket sends each INTERVAL seconds, all get it
 *     wsload connect PORT PATH SOCKETS SECONDS
 *         open and close sockets, SOCKETS at a time
 *     wsload idle PORT PATH SOCKETS
 *         open sockets and hold them until stdin ends
 *
 * Once all is open (and warm), a line of JSON says so; the work begins with a
 * line on stdin, and ends with a line of JSON that says what came of it.
 */
#define _GNU_SOURCE
#include "websocket.h"

/* Handshakes at the same time, while the sockets are opened. */
#define AT_ONCE 32
/* Seconds without anything after which what is missing counts as lost. */
#define PATIENCE 3.0
/* Seconds after the last broadcast that is steady within which all must have come. */
#define STEADY_PATIENCE 60.0

enum { CLOSED, CONNECTING, OPEN };

struct client {
    struct buffer in;
    int fd, state;
    double since;
    int waiting;
};

static struct client *clients;
static int sockets, poller, port, opened, failed, closed_by_server;
static const char *path;
static char *payload;
static size_t payload_size;
/* The data of the message that got() of turn() is called for. */
static const char *received;
static size_t received_size;
static float *latencies;
static size_t latency_count, latency_room;

static void note_latency(double seconds)
{
    if (latency_count == latency_room) {
        latency_room = latency_room ? latency_room * 2 : 1 << 16;
        latencies = realloc(latencies, latency_room * sizeof *latencies);
        if (!latencies)
            die("realloc");
    }
    latencies[latency_count++] = seconds;
}

static int by_size(const void *left, const void *right)
{
    float difference = *(const float *)left - *(const float *)right;
    return (difference > 0) - (difference < 0);
}

static double percentile(double part)
{
    return latency_count ? latencies[(size_t)(part * (latency_count - 1))] : 0;
}

static void open_socket(int index)
{
    struct client *client = &clients[index];
    struct sockaddr_in address = { .sin_family = AF_INET };
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT };
    int one = 1;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (client->fd < 0)
        die("socket");
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(client->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS)
        die("connect");
    client->state = CONNECTING;
    client->waiting = 0;
    client->in.start = client->in.end = 0;
    event.data.u32 = index;
    epoll_ctl(poller, EPOLL_CTL_ADD, client->fd, &event);
}

static void send_request(int index)
{
    struct client *client = &clients[index];
    struct epoll_event event = { .events = EPOLLIN };
    char request[1024];
    int size = snprintf(request, sizeof request,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n\r\n", path, port);
    event.data.u32 = index;
    epoll_ctl(poller, EPOLL_CTL_MOD, client->fd, &event);
    send_all(client->fd, request, size);
}

static void close_socket(int index)
{
    struct client *client = &clients[index];
    if (client->state == OPEN)
        opened--;
    client->state = CLOSED;
    close(client->fd);
}

/* Read the answer to the handshake; return 1 once the socket is open, -1 if it was refused. */
static int shake_hands(struct client *client)
{
    size_t size = http_head(&client->in);
    char *head = client->in.data + client->in.start;
    if (!size)
        return 0;
    client->in.start += size;
    if (strncmp(head, "HTTP/1.1 101", 12) || !memmem(head, size, ACCEPT, strlen(ACCEPT)))
        return -1;
    client->state = OPEN;
    opened++;
    return 1;
}

static void speak(struct client *client)
{
    client->since = now();
    client->waiting = 1;
    send_frame(client->fd, TEXT, payload, payload_size, 1);
}

/*
 * Wait for up to `timeout` ms, and handle what came. got() is called for each
 * message, became_open() for each socket that opened.
 */
static void turn(int timeout, void (*became_open)(int), void (*got)(int))
{
    struct epoll_event events[512];
    int number = epoll_wait(poller, events, 512, timeout), position;
    for (position = 0; position < number; position++) {
        int index = events[position].data.u32, opcode;
        struct client *client = &clients[index];
        char *data;
        size_t size;
        if (client->state == CLOSED)
            continue;
        if (client->state == CONNECTING && events[position].events & EPOLLOUT) {
            send_request(index);
            continue;
        }
        if (fill(&client->in, client->fd) == 0) {
            if (client->state == CONNECTING)
                failed++;
            else
                closed_by_server++;
            close_socket(index);
            if (became_open)
                became_open(index);
            continue;
        }
        if (client->state == CONNECTING) {
            int answer = shake_hands(client);
            if (answer < 0) {
                failed++;
                close_socket(index);
            }
            if (answer && became_open)
                became_open(index);
            if (answer <= 0)
                continue;
        }
        while (client->state == OPEN && (opcode = take_frame(&client->in, &data, &size)) >= 0) {
            if (opcode == PING)
                send_frame(client->fd, PONG, data, size, 1);
            else if (opcode == CLOSE) {
                closed_by_server++;
                close_socket(index);
            } else if ((opcode == TEXT || opcode == BINARY) && got) {
                received = data;
                received_size = size;
                got(index);
            }
        }
    }
}

static int next_to_open;

static void open_next(int index)
{
    if (next_to_open < sockets)
        open_socket(next_to_open++);
}

static double open_all(void)
{
    double begin = now(), last = begin;
    int before = 0, number;
    for (number = 0; number < AT_ONCE; number++)
        open_next(0);
    while (opened + failed < sockets) {
        turn(100, open_next, NULL);
        if (opened + failed != before) {
            before = opened + failed;
            last = now();
        } else if (now() - last > 20) {
            break;
        }
    }
    if (opened < sockets) {
        fprintf(stderr, "only %d of %d sockets were opened\n", opened, sockets);
        exit(1);
    }
    return now() - begin;
}

static void wait_for_go(void)
{
    char line[64];
    if (!fgets(line, sizeof line, stdin))
        exit(1);
}

/* echo */

static double stop_at;
static long echoes;

static void echoed(int index)
{
    struct client *client = &clients[index];
    double time = now();
    if (!client->waiting)
        return;
    client->waiting = 0;
    echoes++;
    note_latency(time - client->since);
    if (time < stop_at)
        speak(client);
}

static void echo_for(double seconds)
{
    double begin = now();
    int index;
    stop_at = begin + seconds;
    echoes = 0;
    latency_count = 0;
    for (index = 0; index < sockets; index++)
        if (clients[index].state == OPEN)
            speak(&clients[index]);
    while (now() < stop_at)
        turn(20, NULL, echoed);
}

static void echo(double seconds)
{
    double begin, cpu;
    long counted;
    int index, left = 1;
    echo_for(0.3);
    begin = now();
    while (left && now() - begin < 5) {
        turn(20, NULL, echoed);
        for (left = 0, index = 0; index < sockets; index++)
            left += clients[index].state == OPEN && clients[index].waiting;
    }
    printf("{\"ready\": true, \"sockets\": %d}\n", opened);
    fflush(stdout);
    wait_for_go();
    begin = now();
    cpu = cpu_seconds();
    echo_for(seconds);
    counted = echoes;
    begin = now() - begin;
    cpu = cpu_seconds() - cpu;
    qsort(latencies, latency_count, sizeof *latencies, by_size);
    printf("{\"messages\": %ld, \"seconds\": %.6f, \"p50\": %.6f, \"p99\": %.6f, \"cpu\": %.6f, \"closed\": %d}\n",
        counted, begin, percentile(0.5), percentile(0.99), cpu, closed_by_server);
    fflush(stdout);
}

/* broadcast */

static long deliveries, sent;
static double last_delivery;

static void delivered(int index)
{
    deliveries++;
    last_delivery = now();
}

/* Send until `seconds` are over, then wait for the rest; return the seconds until the last. */
static double broadcast_for(double seconds, int window, long most)
{
    double begin = now();
    deliveries = sent = 0;
    last_delivery = begin;
    for (;;) {
        int more = now() - begin < seconds && sent < most;
        /* What doesn't come at all must not hold up the rest. */
        if (now() - last_delivery > PATIENCE) {
            if (!more)
                break;
            window += window;
            last_delivery = now();
        }
        while (more && sent < most && sent - deliveries / sockets < window) {
            send_frame(clients[0].fd, TEXT, payload, payload_size, 1);
            sent++;
        }
        if (!more && deliveries >= sent * sockets)
            break;
        turn(20, NULL, delivered);
    }
    return last_delivery - begin;
}

static void broadcast(double seconds, int window)
{
    double cpu, span;
    broadcast_for(60, 1, 3);
    printf("{\"ready\": true, \"sockets\": %d}\n", opened);
    fflush(stdout);
    wait_for_go();
    cpu = cpu_seconds();
    span = broadcast_for(seconds, window, 1L << 40);
    cpu = cpu_seconds() - cpu;
    printf("{\"broadcasts\": %ld, \"deliveries\": %ld, \"expected\": %ld, \"seconds\": %.6f, \"cpu\": %.6f, "
        "\"closed\": %d}\n", sent, deliveries, sent * sockets, span, cpu, closed_by_server);
    fflush(stdout);
}

/* steady: each broadcast begins with its number */

static double *sent_at;

static void delivered_late(int index)
{
    long number = received_size >= 10 ? atol(received) : -1;
    delivered(index);
    if (number >= 0 && number < sent)
        note_latency(last_delivery - sent_at[number]);
}

static void steady(double seconds, double interval)
{
    double begin, cpu, next;
    long most = seconds / interval + 0.5;
    sent_at = malloc((most + 1) * sizeof *sent_at);
    if (interval <= 0 || payload_size < 10 || !sent_at) {
        fprintf(stderr, "wsload: an interval above 0, and at least 10 bytes\n");
        exit(2);
    }
    broadcast_for(60, 1, 3);
    printf("{\"ready\": true, \"sockets\": %d}\n", opened);
    fflush(stdout);
    wait_for_go();
    deliveries = sent = 0;
    latency_count = 0;
    begin = next = now();
    cpu = cpu_seconds();
    while (deliveries < most * sockets && now() < begin + seconds + STEADY_PATIENCE) {
        double left = next - now();
        if (sent < most && left <= 0) {
            char number[24];
            snprintf(number, sizeof number, "%010ld", sent);
            memcpy(payload, number, 10);
            sent_at[sent++] = now();
            send_frame(clients[0].fd, TEXT, payload, payload_size, 1);
            next += interval;
            continue;
        }
        turn(sent < most && left < 0.1 ? (int)(left * 1000) : 100, NULL, delivered_late);
    }
    cpu = cpu_seconds() - cpu;
    qsort(latencies, latency_count, sizeof *latencies, by_size);
    printf("{\"broadcasts\": %ld, \"deliveries\": %ld, \"expected\": %ld, \"seconds\": %.6f, \"p50\": %.6f, "
        "\"p99\": %.6f, \"longest\": %.6f, \"cpu\": %.6f, \"closed\": %d}\n", sent, deliveries, most * sockets,
        now() - begin, percentile(0.5), percentile(0.99), percentile(1), cpu, closed_by_server);
    fflush(stdout);
}

/* connect */

static long connects;

static void reopen(int index)
{
    if (clients[index].state == OPEN) {
        connects++;
        /* 1000, normal closure. */
        send_frame(clients[index].fd, CLOSE, "\x03\xe8", 2, 1);
        close_socket(index);
    }
    if (now() < stop_at)
        open_socket(index);
}

static void connect_for(double seconds)
{
    double end = stop_at = now() + seconds;
    int index;
    connects = failed = 0;
    for (index = 0; index < sockets; index++)
        if (clients[index].state == CLOSED)
            open_socket(index);
    while (now() < end)
        turn(20, reopen, NULL);
}

static void connect_many(double seconds)
{
    double begin, cpu;
    connect_for(0.3);
    printf("{\"ready\": true}\n");
    fflush(stdout);
    wait_for_go();
    begin = now();
    cpu = cpu_seconds();
    connect_for(seconds);
    printf("{\"connects\": %ld, \"failed\": %d, \"seconds\": %.6f, \"cpu\": %.6f}\n",
        connects, failed, now() - begin, cpu_seconds() - cpu);
    fflush(stdout);
}

/* idle */

static void idle(double seconds_to_open)
{
    struct pollfd input = { 0, POLLIN, 0 };
    printf("{\"ready\": true, \"sockets\": %d, \"seconds\": %.6f}\n", opened, seconds_to_open);
    fflush(stdout);
    while (!poll(&input, 1, 0))
        turn(100, NULL, NULL);
    printf("{\"sockets\": %d, \"closed\": %d}\n", opened, closed_by_server);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    int needs = !strcmp(mode, "echo") ? 7 : !strcmp(mode, "broadcast") || !strcmp(mode, "steady") ? 8 : !strcmp(mode, "connect") ? 6 :
        !strcmp(mode, "idle") ? 5 : 0;
    double seconds;
    if (!needs || argc != needs) {
        fprintf(stderr, "usage: wsload echo|broadcast|steady|connect|idle PORT PATH SOCKETS ...; see wsload.c\n");
        return 2;
    }
    port = atoi(argv[2]);
    path = argv[3];
    sockets = atoi(argv[4]);
    seconds = argc > 5 ? atof(argv[5]) : 0;
    payload_size = argc > 6 ? atoi(argv[6]) : 0;
    if (sockets < 1 || payload_size > 65535) {
        fprintf(stderr, "wsload: at least one socket, and at most 65535 bytes\n");
        return 2;
    }
    raise_file_limit();
    payload = malloc(payload_size + 1);
    memset(payload, 'x', payload_size);
    clients = calloc(sockets, sizeof *clients);
    poller = epoll_create1(0);
    if (!strcmp(mode, "connect")) {
        connect_many(seconds);
        return 0;
    }
    seconds = !strcmp(mode, "idle") ? open_all() : (open_all(), seconds);
    if (!strcmp(mode, "idle"))
        idle(seconds);
    else if (!strcmp(mode, "echo"))
        echo(seconds);
    else if (!strcmp(mode, "steady"))
        steady(seconds, atof(argv[7]));
    else
        broadcast(seconds, atoi(argv[7]));
    return 0;
}
