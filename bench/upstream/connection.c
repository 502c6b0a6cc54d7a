#define _GNU_SOURCE
#include "connection.h"
#include "request.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH_BYTES (4 * PIECE_BYTES)

stats_t stats;

// Sends, and keeps what the socket does not take. Returns 0 if the connection is broken.
static int put(connection_t *c, const char *bytes, size_t length) {
  if (!connection_unsent(c)) {
    c->out_from = c->out_length = 0;
    ssize_t sent = send(c->fd, bytes, length, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return 0;
    if (sent > 0) { bytes += sent; length -= (size_t)sent; }
    if (length == 0) return 1;
  }
  if (c->out_length + length > c->out_capacity) {
    c->out_capacity = (c->out_length + length) * 2;
    c->out = realloc(c->out, c->out_capacity);
  }
  memcpy(c->out + c->out_length, bytes, length);
  c->out_length += length;
  return 1;
}

static int put_json(connection_t *c, int status, const char *body, int length) {
  char bytes[PIECE_BYTES + 512];
  int head = sprintf(bytes, "HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%sx-request-id: req_fake\r\nconnection: %s\r\n\r\n",
                     status, status == 200 ? "OK" : "Error", length, status == 429 ? "retry-after: 1\r\n" : "", c->keep ? "keep-alive" : "close");
  memcpy(bytes + head, body, (size_t)length);
  return put(c, bytes, (size_t)(head + length));
}

static int read_requests(connection_t *c);

static int finish(connection_t *c) {
  if (c->answer.streamed) stats.active--;
  stats.completed++;
  c->answering = 0;
  c->phase = IDLE;
  if (!c->keep) shutdown(c->fd, SHUT_WR);
  return read_requests(c);
}

static int step_whole(connection_t *c) {
  char body[PIECE_BYTES];
  int status = c->answer.spec.status;
  int length = status == 200
    ? answer_whole(&c->answer, body)
    : sprintf(body, "{\"error\":{\"message\":\"fake error %d\",\"type\":\"fake_error\",\"param\":null,\"code\":\"fake_%d\"}}", status, status);
  return put_json(c, status, body, length) && finish(c);
}

static int stream_head(connection_t *c, char *to) {
  int length = sprintf(to, "HTTP/1.1 200 OK\r\ncontent-type: %s\r\ncache-control: no-cache\r\nx-request-id: req_fake\r\ntransfer-encoding: chunked\r\nconnection: keep-alive\r\n\r\n",
                       c->answer.dialect->content_type);
  if (c->answer.dialect->open) length += c->answer.dialect->open(&c->answer, to + length);
  c->head_sent = 1;
  return length;
}

static int stream_end(connection_t *c) {
  char bytes[3 * PIECE_BYTES + 8];
  int length = c->answer.dialect->close && !c->answer.spec.unclosed ? c->answer.dialect->close(&c->answer, bytes) : 0;
  memcpy(bytes + length, "0\r\n\r\n", 5);
  return put(c, bytes, (size_t)length + 5) && finish(c);
}

int connection_step(connection_t *c) {
  const spec_t *spec = &c->answer.spec;
  if (!c->answer.streamed) return step_whole(c);
  char bytes[BATCH_BYTES];
  int length = c->head_sent ? 0 : stream_head(c, bytes);
  int total = spec_positions(spec), batch = spec->gap_ns == 0 && c->position > 0 ? spec->batch : 1;
  for (int i = 0; i < batch && c->position < total && length < BATCH_BYTES - PIECE_BYTES; i++) {
    if (c->position == spec->cut) { stats.active--; c->answering = 0; return 0; }
    length += answer_chunk(&c->answer, c->position++, bytes + length);
    stats.chunks++;
  }
  if (!put(c, bytes, (size_t)length)) return 0;
  if (c->position == total) return stream_end(c);
  if (spec->gap_ns) { c->due += spec->gap_ns; c->phase = DUE; }
  else c->phase = connection_unsent(c) ? BLOCKED : READY;
  return 1;
}

static int begin_answer(connection_t *c) {
  static uint32_t number;
  answer_prepare(&c->answer, ++number);
  c->answering = 1;
  c->position = c->head_sent = 0;
  if (c->answer.streamed) { stats.streams++; stats.active++; }
  c->due = now_ns() + c->answer.spec.first_ns;
  if (c->answer.spec.first_ns == 0) return connection_step(c);
  c->phase = DUE;
  return 1;
}

static int answer_other(connection_t *c, request_kind_t kind) {
  char body[512];
  int status = 200, length;
  if (kind == REQUEST_HEALTH) length = sprintf(body, "{\"ok\":true}");
  else if (kind == REQUEST_STATS) {
    length = sprintf(body, "{\"connections\":%ld,\"requests\":%ld,\"streams\":%ld,\"active\":%ld,\"completed\":%ld,\"client_aborts\":%ld,\"chunks\":%ld}",
                     stats.connections, stats.requests, stats.streams, stats.active, stats.completed, stats.client_aborts, stats.chunks);
  } else {
    status = 404;
    length = sprintf(body, "{\"error\":{\"message\":\"not found\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":null}}");
  }
  return put_json(c, status, body, length);
}

static int read_requests(connection_t *c) {
  while (!c->answering && c->in_length > 0) {
    size_t used = 0;
    request_kind_t kind = request_read(c->in, c->in_length, &used, &c->keep, &c->answer);
    if (kind == REQUEST_PARTIAL) return 1;
    if (kind == REQUEST_BAD) return 0;
    memmove(c->in, c->in + used, c->in_length - used);
    c->in_length -= used;
    stats.requests++;
    if (!(kind == REQUEST_COMPLETION ? begin_answer(c) : answer_other(c, kind))) return 0;
  }
  return 1;
}

int connection_readable(connection_t *c) {
  if (c->in_capacity - c->in_length < 8192) {
    c->in_capacity = c->in_capacity ? c->in_capacity * 2 : 16384;
    c->in = realloc(c->in, c->in_capacity);
  }
  ssize_t length = recv(c->fd, c->in + c->in_length, c->in_capacity - c->in_length, 0);
  if (length < 0 && errno == EAGAIN) return 1;
  if (length <= 0) return 0;
  c->in_length += (size_t)length;
  return read_requests(c);
}

int connection_writable(connection_t *c) {
  ssize_t sent = send(c->fd, c->out + c->out_from, c->out_length - c->out_from, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) return 0;
  if (sent > 0) c->out_from += (size_t)sent;
  if (!connection_unsent(c) && c->phase == BLOCKED) c->phase = READY;
  return 1;
}

void connection_free(connection_t *c) {
  if (c->answering) { stats.client_aborts++; if (c->answer.streamed) stats.active--; }
  close(c->fd);
  free(c->in);
  free(c->out);
  free(c);
}
