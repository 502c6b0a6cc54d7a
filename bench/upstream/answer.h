// One answer of the fake upstream, in one of three dialects. Whatever is sent of a stream is written as whole HTTP chunks.
#ifndef ANSWER_H
#define ANSWER_H
#include "chunk-text.h"
#include "spec.h"

#define PIECE_BYTES (MAX_TEXT + 2048)

struct answer;

// The formats of a dialect. Each function writes at most PIECE_BYTES (`close`: three times that) and returns the number.
typedef struct {
  const char *content_type;
  // What goes before the first chunk's bytes; NULL: nothing.
  int (*open)(const struct answer *, char *to);
  // One chunk with this text, which is JSON-escaped.
  int (*chunk)(const struct answer *, char *to, const char *text, int length, int first, int last);
  // Renews what depends on a chunk's bytes after its numbers were changed; NULL: nothing does.
  void (*seal)(char *chunk, int length);
  // The events after the last chunk; NULL: none.
  int (*close)(const struct answer *, char *to);
  // The whole answer as one JSON body.
  int (*whole)(const struct answer *, char *to, const char *text, int length);
} dialect_t;

extern const dialect_t openai, gemini, bedrock;

// A chunk as it is sent, but for the numbers in its text.
typedef struct { char bytes[PIECE_BYTES]; int length, text_at; } template_t;

typedef struct answer {
  const dialect_t *dialect;
  spec_t spec;
  int streamed, usage;
  uint32_t number;
  char model[160], id[48];
  template_t plain, tailed;
} answer_t;

// Prepares an answer whose dialect, model, streamed and usage are set.
void answer_prepare(answer_t *, uint32_t number);
// Writes the chunk of a position (counted from 0). Returns the bytes written, at most PIECE_BYTES.
int answer_chunk(answer_t *, int position, char *to);
// Writes the JSON body of an answer that is not streamed.
int answer_whole(const answer_t *, char *to);
// Writes `length` bytes as one HTTP chunk.
int put_http_chunk(char *to, const char *bytes, int length);
#endif
