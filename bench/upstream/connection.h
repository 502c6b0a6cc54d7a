// One connection of the fake upstream: what was read, what is still to be written, and the answer on its way.
#ifndef CONNECTION_H
#define CONNECTION_H
#include "answer.h"

typedef struct { long connections, requests, streams, active, completed, client_aborts, chunks; } stats_t;
extern stats_t stats;

typedef enum { IDLE, DUE, READY, BLOCKED } phase_t;

typedef struct connection {
  int fd, keep, position, answering, head_sent;
  // DUE: at `due`; READY: as soon as possible; BLOCKED: when the socket takes more.
  phase_t phase;
  int64_t due;
  // For the event loop: its place among those that wait, whether it is listed as ready, whether it waits for the socket.
  int heap_at, listed, awaits_room;
  char *in;
  size_t in_length, in_capacity;
  char *out;
  size_t out_from, out_length, out_capacity;
  answer_t answer;
} connection_t;

// Bytes have come, or the socket takes more. Both return 0 if the connection is at its end.
int connection_readable(connection_t *);
int connection_writable(connection_t *);
// The next piece of the answer is due. Returns 0 if the connection is at its end.
int connection_step(connection_t *);
void connection_free(connection_t *);
static inline int connection_unsent(const connection_t *connection) { return connection->out_length > connection->out_from; }
#endif
