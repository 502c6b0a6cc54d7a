// What a request asks of the fake upstream. It is read from the model's name, which every gateway passes on:
// "fake-n100-d20" and "openai/fake-n100-d20" both ask for 100 chunks, 20 ms apart. Tokens are joined by '-':
//
//   n100  chunks of text          d20  ms between chunks (decimals allowed, 0: no pause)
//   z220  bytes of text a chunk   i5   ms before the first chunk
//   b10   chunks a write, with d0 s429 answer with this HTTP status
//
// and, for proving that the load generator notices, answers that are wrong on purpose (positions count from 0):
//
//   l5    chunk 5 is lost         t5   chunk 5 comes twice
//   o5    chunks 5 and 6 swapped  c5   one byte of chunk 5's text is wrong
//   x5    cut after 5 chunks      f1   ends in order, but without the dialect's closing events
//   a1    all answers carry one number, as if a cache had answered
#ifndef SPEC_H
#define SPEC_H
#include <stddef.h>
#include <stdint.h>

#define NOWHERE (-1)
#define MAX_TEXT 3000

typedef struct {
  int chunks, text_bytes, batch, status;
  int64_t gap_ns, first_ns;
  int lost, twice, swapped, corrupt, cut, unclosed, repeated;
} spec_t;

// The spec of a model's name; defaults for what it does not say.
spec_t spec_of(const char *model);
// How many chunks are sent, with the faults.
int spec_positions(const spec_t *spec);
// Which chunk is sent at a position.
int spec_chunk_at(const spec_t *spec, int position);
#endif
