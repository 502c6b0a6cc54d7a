#define _GNU_SOURCE
#include "client.h"
#include "answer-check.h"
#include "response.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

// After a fault, so that a dead target is not hammered.
#define RETRY_NS 10000000

typedef enum { CLOSED, CONNECTING, ASKING } state_t;

typedef struct {
  int fd, sent, reused;
  state_t state;
  int64_t retry_at;
  response_t response;
  answer_check_t check;
} client_t;

client_totals_t totals;
fault_count_t faults[MAX_FAULTS];

static client_options_t options;
static client_t *clients;
static int epoll, opened;

static void begin(client_t *, int64_t now);

static void count_fault(const char *name) {
  for (int i = 0; i < MAX_FAULTS; i++) {
    if (faults[i].name && strcmp(faults[i].name, name)) continue;
    faults[i].name = name;
    faults[i].count++;
    return;
  }
}

static int in_window(int64_t now) { return now >= totals.window_start && now <= totals.window_end; }

void on_chunk(const answer_check_t *check, int64_t sent, int64_t now) {
  if (!in_window(now)) return;
  totals.chunks++;
  histogram_add(&totals.latency, now - sent);
  if (check->chunks == 0 && in_window(check->asked_at)) histogram_add(&totals.first, now - check->asked_at);
}

static void watch(client_t *client, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = client};
  epoll_ctl(epoll, operation, client->fd, &event);
}

static void disconnect(client_t *client) {
  if (client->fd >= 0) close(client->fd);
  client->fd = -1;
  client->state = CLOSED;
}

static void ask_again(client_t *client, int64_t now) {
  if (options.once) disconnect(client);
  else begin(client, now);
}

static void failed(client_t *client, const char *fault) {
  count_fault(fault);
  totals.active--;
  totals.completed++;
  disconnect(client);
  client->retry_at = now_ns() + RETRY_NS;
}

static void succeeded(client_t *client, int64_t now) {
  totals.active--;
  totals.completed++;
  if (in_window(now)) {
    totals.requests++;
    if (in_window(client->check.asked_at)) histogram_add(&totals.total, now - client->check.asked_at);
  }
  if (!client->response.keep) disconnect(client);
  ask_again(client, now);
}

static void ask(client_t *client) {
  ssize_t sent = send(client->fd, options.request + client->sent, (size_t)(options.request_length - client->sent), MSG_NOSIGNAL);
  if (sent > 0) client->sent += (int)sent;
  if (sent < 0 && errno != EAGAIN) {
    if (!client->reused) { failed(client, "connection"); return; }
    disconnect(client); // the server closed an idle connection: once more
    totals.active--;
    begin(client, client->check.asked_at);
    return;
  }
  watch(client, EPOLL_CTL_MOD, client->sent < options.request_length ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void dial(client_t *client) {
  int on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(client->fd, (void *)&address, sizeof address) && errno != EINPROGRESS) { failed(client, "connection"); return; }
  client->state = CONNECTING;
  watch(client, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
}

static void begin(client_t *client, int64_t now) {
  totals.active++;
  client->retry_at = 0;
  client->sent = 0;
  response_begin(&client->response);
  check_begin(&client->check);
  client->check.asked_at = now;
  client->reused = client->fd >= 0;
  if (!client->reused) { dial(client); return; }
  client->state = ASKING;
  ask(client);
}

static void received(client_t *client, const char *bytes, int length, int64_t now) {
  response_status_t status = response_read(&client->response, &client->check, bytes, length, now);
  if (status == RESPONSE_PARTIAL) return;
  if (status == RESPONSE_MALFORMED) failed(client, "http");
  else if (status == RESPONSE_REFUSED) {
    char name[32];
    snprintf(name, sizeof name, "status %d", client->response.code);
    failed(client, strdup(name));
  } else if (status == RESPONSE_WRONG || !check_end(&client->check, now)) failed(client, client->check.fault);
  else succeeded(client, now);
}

static void on_event(client_t *client, uint32_t events) {
  static char bytes[262144];
  if (client->state == CLOSED) return;
  if (client->state == CONNECTING) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error || events & (EPOLLERR | EPOLLHUP)) { failed(client, "connection"); return; }
    client->state = ASKING;
    ask(client);
    return;
  }
  if (events & EPOLLOUT && client->sent < options.request_length) { ask(client); return; }
  if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
  ssize_t length = recv(client->fd, bytes, sizeof bytes, 0);
  int64_t now = now_ns();
  if (length < 0 && errno == EAGAIN) return;
  if (length > 0) {
    if (in_window(now)) totals.bytes += (unsigned long long)length;
    received(client, bytes, (int)length, now);
  } else if (client->reused && client->response.state == HEAD && client->response.head_length == 0) {
    disconnect(client); // the server closed an idle connection: once more
    totals.active--;
    begin(client, client->check.asked_at);
  } else if (length == 0 && response_ends_with_connection(&client->response)) {
    client->response.keep = 0;
    if (check_end(&client->check, now)) succeeded(client, now);
    else failed(client, client->check.fault);
  } else failed(client, "cut off");
}

void clients_init(const client_options_t *given) {
  options = *given;
  clients = calloc((size_t)options.connections, sizeof *clients);
  for (int i = 0; i < options.connections; i++) clients[i].fd = -1;
  epoll = epoll_create1(EPOLL_CLOEXEC);
}

int clients_open_next(int64_t now) {
  if (opened == options.connections) return 0;
  begin(&clients[opened++], now);
  return 1;
}

void clients_poll(int64_t ns) {
  struct epoll_event events[1024];
  struct timespec timeout = {ns / 1000000000, ns % 1000000000};
  int count = epoll_pwait2(epoll, events, 1024, &timeout, NULL);
  for (int i = 0; i < count; i++) on_event(events[i].data.ptr, events[i].events);
}

void clients_tend(int64_t now) {
  for (int i = 0; i < opened; i++) {
    client_t *client = &clients[i];
    if (client->state == CLOSED && client->retry_at && now >= client->retry_at) { client->retry_at = 0; ask_again(client, now); }
    else if (client->state != CLOSED && now - client->check.asked_at > options.timeout_ns) failed(client, "timeout");
  }
}
