// A fake LLM provider that is never the limit of a measurement: OpenAI's chat completions, Gemini's generateContent and
// Bedrock's Converse, streamed and not, on 127.0.0.1, in one thread. What it answers is in spec.h and chunk-text.h.
//
//   upstream -p PORT        GET /stats: counters as JSON; GET /health
#define _GNU_SOURCE
#include "connection.h"
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_CONNECTIONS 65536
#define RETRY_NS 1000000

static int epoll;
// Connections that wait for their time, the earliest first.
static connection_t *heap[MAX_CONNECTIONS];
static int heap_length;
// Connections that have something to send at once.
static connection_t *ready[MAX_CONNECTIONS];
static int ready_length;

static void place(int at, connection_t *connection) { heap[at] = connection; connection->heap_at = at; }

static void sift(int at) {
  connection_t *moved = heap[at];
  while (at > 0 && heap[(at - 1) / 2]->due > moved->due) { place(at, heap[(at - 1) / 2]); at = (at - 1) / 2; }
  for (;;) {
    int child = 2 * at + 1;
    if (child >= heap_length) break;
    if (child + 1 < heap_length && heap[child + 1]->due < heap[child]->due) child++;
    if (heap[child]->due >= moved->due) break;
    place(at, heap[child]);
    at = child;
  }
  place(at, moved);
}

static void heap_remove(connection_t *connection) {
  int at = connection->heap_at;
  if (at < 0) return;
  connection->heap_at = -1;
  if (at == --heap_length) return;
  place(at, heap[heap_length]);
  sift(at);
}

// After anything has happened to a connection: puts it where its phase belongs.
static void settle(connection_t *c) {
  if (c->phase == DUE && c->heap_at < 0) { place(heap_length++, c); sift(c->heap_at); }
  if (c->phase == READY && !c->listed) { c->listed = 1; ready[ready_length++] = c; }
  if (connection_unsent(c) == c->awaits_room) return;
  c->awaits_room = connection_unsent(c);
  struct epoll_event event = {.events = EPOLLIN | (c->awaits_room ? EPOLLOUT : 0u), .data.ptr = c};
  epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
}

static void drop(connection_t *c) {
  heap_remove(c);
  for (int i = 0; c->listed && i < ready_length; i++) if (ready[i] == c) { ready[i] = NULL; break; }
  connection_free(c);
}

static void accept_all(int listener) {
  int on = 1;
  for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
    if (fd >= MAX_CONNECTIONS) { close(fd); continue; }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection_t *c = calloc(1, sizeof *c);
    c->fd = fd;
    c->heap_at = -1;
    stats.connections++;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  }
}

static void on_event(connection_t *c, uint32_t events) {
  int alive = !(events & (EPOLLERR | EPOLLHUP));
  if (alive && events & EPOLLOUT) alive = connection_writable(c);
  if (alive && events & EPOLLIN) alive = connection_readable(c);
  if (alive) settle(c);
  else drop(c);
}

static void send_due(void) {
  int64_t now = now_ns();
  for (int i = 0; i < 1024 && heap_length > 0 && heap[0]->due <= now; i++) {
    connection_t *c = heap[0];
    if (connection_unsent(c)) { c->due = now + RETRY_NS; sift(0); continue; }
    heap_remove(c);
    if (connection_step(c)) settle(c);
    else drop(c);
  }
}

// One step for each stream without pauses, so that they advance together.
static void send_ready(void) {
  static connection_t *now[MAX_CONNECTIONS];
  int count = ready_length;
  memcpy(now, ready, sizeof *now * (size_t)count);
  ready_length = 0;
  for (int i = 0; i < count; i++) {
    connection_t *c = now[i];
    if (!c) continue;
    c->listed = 0;
    if (connection_step(c)) settle(c);
    else drop(c);
  }
}

static int listen_on(int port) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(listener, (void *)&address, sizeof address) || listen(listener, 4096)) { perror("upstream"); exit(1); }
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  return listener;
}

int main(int argc, char **argv) {
  int port = 9100;
  for (int option; (option = getopt(argc, argv, "p:")) != -1;) {
    if (option != 'p') { fprintf(stderr, "usage: upstream [-p PORT]\n"); return 2; }
    port = atoi(optarg);
  }
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  signal(SIGPIPE, SIG_IGN);
  prctl(PR_SET_TIMERSLACK, 1000UL);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  int listener = listen_on(port);
  struct epoll_event events[512];
  for (;;) {
    struct timespec timeout = {0, 0}, *wait = &timeout;
    if (ready_length == 0 && heap_length == 0) wait = NULL;
    else if (ready_length == 0) {
      int64_t left = heap[0]->due - now_ns();
      if (left > 0) timeout = (struct timespec){left / 1000000000, left % 1000000000};
    }
    int count = epoll_pwait2(epoll, events, 512, wait, NULL);
    for (int i = 0; i < count; i++) {
      if (events[i].data.ptr) on_event(events[i].data.ptr, events[i].events);
      else accept_all(listener);
    }
    send_due();
    send_ready();
  }
}
