// Whether an answer is the one that the fake upstream gave: every byte of its text, its order, its end.
#ifndef ANSWER_CHECK_H
#define ANSWER_CHECK_H
#include "../upstream/chunk-text.h"
#include "../upstream/spec.h"
#include "histogram.h"

#define ANY (-1)

// What every answer of a run has to be.
typedef struct {
  int streamed, chunks, text_bytes;
  int extra_events;   // data events beyond the chunks, [DONE] left out; ANY: not checked
  int numbered;       // whether frames have ids, 1, 2, 3 … up to [DONE]'s
  int needs_done;     // whether a stream ends in [DONE]
} expectation_t;

typedef struct {
  uint32_t answer;
  int chunks, events, ids, id_seen, finished, usage, done;
  int64_t asked_at;           // set by who asked, after check_begin
  char text[MAX_TEXT + 64];   // a chunk's text as far as it has come
  int text_length;
  char line[16384];           // a line, or a whole body, as far as it has come
  int line_length;
  const char *fault;          // what is wrong with the answer; NULL: nothing so far
} answer_check_t;

// Called with every chunk that has arrived, before it is counted: when it was sent and when it came.
extern void on_chunk(const answer_check_t *, int64_t sent, int64_t now);

void expect(const expectation_t *);
void check_begin(answer_check_t *);
// Bytes of a body. Returns 0 as soon as something is wrong.
int check_bytes(answer_check_t *, const char *bytes, int length, int64_t now);
// The body has ended. Returns whether the answer was right.
int check_end(answer_check_t *, int64_t now);
#endif
