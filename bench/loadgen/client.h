// The callers: connections that each ask, read the answer to its end, check it, and ask again.
#ifndef CLIENT_H
#define CLIENT_H
#include "histogram.h"
#include <stdint.h>

typedef struct {
  int port, connections;
  int once;                    // a connection asks only once
  int64_t timeout_ns;
  const char *request;
  int request_length;
} client_options_t;

// What is counted and timed lies inside the window; faults are counted always.
typedef struct {
  int64_t window_start, window_end;
  long requests, chunks, completed, active;
  unsigned long long bytes;
  histogram_t first, latency, total;
} client_totals_t;

// How often each kind of fault came, by its name.
typedef struct { const char *name; long count; } fault_count_t;
#define MAX_FAULTS 32

extern client_totals_t totals;
extern fault_count_t faults[MAX_FAULTS];

void clients_init(const client_options_t *);
// Opens the next connection; returns 0 if all are open.
int clients_open_next(int64_t now);
// Waits for events up to `ns` and handles them.
void clients_poll(int64_t ns);
// Ends requests over their time, and asks again where a fault made it wait.
void clients_tend(int64_t now);
#endif
