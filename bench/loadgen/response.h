// HTTP/1.1 responses: by length, chunked, or until the connection's end. The body goes to the check of the answer.
#ifndef RESPONSE_H
#define RESPONSE_H
#include "answer-check.h"

typedef enum { RESPONSE_PARTIAL, RESPONSE_COMPLETE, RESPONSE_MALFORMED, RESPONSE_REFUSED, RESPONSE_WRONG } response_status_t;

typedef struct {
  enum { HEAD, BODY } state;
  enum { SIZE, DATA, DATA_END, TRAILER } phase;   // of a chunked body
  int code, chunked, keep;
  long long left;                                 // of the body or of its HTTP chunk; -1: until the connection's end
  char head[8192], digits[32];
  int head_length, digits_length;
} response_t;

void response_begin(response_t *);
// Bytes that have come. Not PARTIAL: the response is over.
response_status_t response_read(response_t *, answer_check_t *, const char *bytes, int length, int64_t now);
int response_ends_with_connection(const response_t *);
#endif
