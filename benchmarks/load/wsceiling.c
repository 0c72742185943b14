/*
 * The least that a server can do: it shows how fast the load generators are.
 *
 *     wsceiling PORT
 *
 * Any HTTP request gets a short answer, and any WebSocket gets its frames
 * back; frames of a socket whose path begins with /broadcast go to all of
 * those.
 */
#define _GNU_SOURCE
#include "websocket.h"

#define MOST 70000

struct peer {
    struct buffer in;
    int open, joined;
};

static struct peer peers[MOST];
static int members[MOST], count;

static void forget(int fd)
{
    int index;
    if (peers[fd].joined)
        for (index = 0; index < count; index++)
            if (members[index] == fd) {
                members[index] = members[--count];
                break;
            }
    free(peers[fd].in.data);
    memset(&peers[fd], 0, sizeof peers[fd]);
    close(fd);
}

static int greet(int fd)
{
    static const char upgrade[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Accept: " ACCEPT "\r\n\r\n";
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nHello";
    struct peer *peer = &peers[fd];
    size_t size = http_head(&peer->in);
    char *head = peer->in.data + peer->in.start;
    if (!size)
        return 1;
    peer->in.start += size;
    if (!memmem(head, size, "websocket", 9))
        return send_all(fd, answer, sizeof answer - 1);
    peer->open = 1;
    if (size > 15 && !memcmp(head, "GET /broadcast", 14)) {
        peer->joined = 1;
        members[count++] = fd;
    }
    return send_all(fd, upgrade, sizeof upgrade - 1);
}

static int serve(int fd)
{
    struct peer *peer = &peers[fd];
    ssize_t got = fill(&peer->in, fd);
    char *payload;
    size_t size;
    int opcode, index;
    if (got == 0)
        return 0;
    while (!peer->open) {
        size_t before = peer->in.start;
        if (!greet(fd))
            return 0;
        if (peer->in.start == before)
            return 1;
    }
    while ((opcode = take_frame(&peer->in, &payload, &size)) >= 0) {
        if (opcode == CLOSE) {
            send_frame(fd, CLOSE, payload, size, 0);
            return 0;
        }
        if (opcode == PING)
            send_frame(fd, PONG, payload, size, 0);
        else if (peer->joined)
            for (index = 0; index < count; index++)
                send_frame(members[index], opcode, payload, size, 0);
        else if (opcode == TEXT || opcode == BINARY)
            send_frame(fd, opcode, payload, size, 0);
    }
    return 1;
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    struct epoll_event event = { .events = EPOLLIN }, events[256];
    int listener, poller, one = 1, number, index;
    if (argc != 2) {
        fprintf(stderr, "usage: wsceiling PORT\n");
        return 2;
    }
    raise_file_limit();
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    address.sin_port = htons(atoi(argv[1]));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096))
        die("listen");
    poller = epoll_create1(0);
    event.data.fd = listener;
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        number = epoll_wait(poller, events, 256, -1);
        for (index = 0; index < number; index++) {
            int fd = events[index].data.fd;
            if (fd != listener) {
                if (!serve(fd))
                    forget(fd);
                continue;
            }
            while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                if (fd >= MOST) {
                    close(fd);
                    continue;
                }
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                event.data.fd = fd;
                epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
            }
        }
    }
}
