// HTTP/1.1 requests, as far as the fake upstream has to understand them.
#ifndef REQUEST_H
#define REQUEST_H
#include "answer.h"

typedef enum { REQUEST_PARTIAL, REQUEST_BAD, REQUEST_STATS, REQUEST_HEALTH, REQUEST_UNKNOWN, REQUEST_COMPLETION } request_kind_t;

// Reads the request at the beginning of `bytes`. `*used` is its length, `*keep` whether the connection stays open. For a
// completion, the dialect, model, spec, streamed and usage of `answer` are set.
request_kind_t request_read(const char *bytes, size_t length, size_t *used, int *keep, answer_t *answer);
#endif
