/*
 * What wsload.c and wsceiling.c share: buffers, and frames of RFC 6455.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* The nonce of RFC 6455, 1.3, and the answer to it: a load generator has no
 * cache to protect, so one key does for all. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

enum { TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

struct buffer {
    char *data;
    size_t start, end, size;
};

static void die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec + usage.ru_utime.tv_usec / 1e6 +
        usage.ru_stime.tv_sec + usage.ru_stime.tv_usec / 1e6;
}

/* Allow as many open sockets as the system lets us. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* Read what there is; return 0 at the end of the stream, -1 if nothing is there. */
static ssize_t fill(struct buffer *in, int fd)
{
    ssize_t count;
    if (in->start == in->end)
        in->start = in->end = 0;
    if (in->size - in->end < 4096) {
        if (in->start > 0) {
            memmove(in->data, in->data + in->start, in->end - in->start);
            in->end -= in->start;
            in->start = 0;
        }
        if (in->size - in->end < 4096) {
            in->size = in->size ? in->size * 2 : 8192;
            in->data = realloc(in->data, in->size);
            if (!in->data)
                die("realloc");
        }
    }
    count = recv(fd, in->data + in->end, in->size - in->end, 0);
    if (count > 0)
        in->end += count;
    else if (count < 0 && errno != EAGAIN && errno != EINTR)
        return 0;
    return count;
}

/* Send all, waiting for room; return 0 if the other side is gone. */
static int send_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t count = send(fd, data, size, MSG_NOSIGNAL);
        if (count > 0) {
            data += count;
            size -= count;
        } else if (errno == EAGAIN) {
            struct pollfd wait = { fd, POLLOUT, 0 };
            if (poll(&wait, 1, 5000) <= 0)
                return 0;
        } else if (errno != EINTR) {
            return 0;
        }
    }
    return 1;
}

/* Send one frame, at most 64 kB. Clients mask (RFC 6455, 5.3), servers don't. */
static int send_frame(int fd, int opcode, const char *payload, size_t size, int masked)
{
    static const unsigned char mask[4] = { 0x37, 0xfa, 0x21, 0x3d };
    static unsigned char frame[65536 + 16];
    size_t head = 2, index;
    frame[0] = 0x80 | opcode;
    if (size < 126) {
        frame[1] = size;
    } else {
        frame[1] = 126;
        frame[2] = size >> 8;
        frame[3] = size;
        head = 4;
    }
    if (masked) {
        frame[1] |= 0x80;
        memcpy(frame + head, mask, 4);
        head += 4;
        for (index = 0; index < size; index++)
            frame[head + index] = payload[index] ^ mask[index & 3];
    } else {
        memcpy(frame + head, payload, size);
    }
    return send_all(fd, (char *)frame, head + size);
}

/*
 * Take the next whole frame out of the buffer, and unmask it. Return its
 * opcode, or -1 if there is none yet; *payload lies in the buffer.
 */
static int take_frame(struct buffer *in, char **payload, size_t *size)
{
    unsigned char *data = (unsigned char *)in->data + in->start, *mask = NULL;
    size_t there = in->end - in->start, head = 2, length, index;
    if (there < 2)
        return -1;
    length = data[1] & 0x7f;
    if (length == 126) {
        head = 4;
        if (there < head)
            return -1;
        length = data[2] << 8 | data[3];
    } else if (length == 127) {
        head = 10;
        if (there < head)
            return -1;
        for (length = 0, index = 2; index < 10; index++)
            length = length << 8 | data[index];
    }
    if (data[1] & 0x80) {
        mask = data + head;
        head += 4;
    }
    if (there < head + length)
        return -1;
    if (mask)
        for (index = 0; index < length; index++)
            data[head + index] ^= mask[index & 3];
    *payload = (char *)data + head;
    *size = length;
    in->start += head + length;
    return data[0] & 0x0f;
}

/* Return the size of the head of an HTTP message, or 0 if it isn't whole. */
static size_t http_head(struct buffer *in)
{
    char *end = memmem(in->data + in->start, in->end - in->start, "\r\n\r\n", 4);
    return end ? end + 4 - (in->data + in->start) : 0;
}
