// https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent: the last event with text also has
// the finish reason; there is no closing event. Every event has the counts so far.
#define _GNU_SOURCE
#include "answer.h"
#include <stdio.h>

// The output tokens of an event before the last, with as many digits as its chunk's number needs and more.
#define COUNT "\"candidatesTokenCount\": "
#define FIRST_COUNT 100000

static int body(const answer_t *answer, char *to, const char *text, int length, int finished) {
  int tokens = finished ? answer->spec.chunks : FIRST_COUNT;
  int written = sprintf(to, "{\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"%.*s\"}],\"role\": \"model\"},%s\"index\": 0}],",
                        length, text, finished ? "\"finishReason\": \"STOP\"," : "");
  written += sprintf(to + written, "\"usageMetadata\": {\"promptTokenCount\": 12," COUNT "%d,\"totalTokenCount\": %d,"
                     "\"promptTokensDetails\": [{\"modality\": \"TEXT\",\"tokenCount\": 12}]},", tokens, tokens + 12);
  return written + sprintf(to + written, "\"modelVersion\": \"%s\",\"responseId\": \"%s\"}", answer->model, answer->id);
}

static int chunk(const answer_t *answer, char *to, const char *text, int length, int first, int last) {
  (void)first;
  char event[PIECE_BYTES];
  int bytes = sprintf(event, "data: ");
  bytes += body(answer, event + bytes, text, length, last && !answer->spec.unclosed);
  memcpy(event + bytes, "\r\n\r\n", 4);
  return put_http_chunk(to, event, bytes + 4);
}

// The count grows with the chunk's number. The last event has its own.
static void seal(char *http_chunk, int length) {
  char *text = memmem(http_chunk, (size_t)length, TEXT_MARK, sizeof TEXT_MARK - 1);
  char *count = memmem(http_chunk, (size_t)length, COUNT, sizeof COUNT - 1);
  uint64_t number;
  if (!text || !count || memmem(http_chunk, (size_t)length, "finishReason", 12) || !get_hex(text + CHUNK_AT, 6, &number)) return;
  count += sizeof COUNT - 1;
  for (int digit = 5, rest = FIRST_COUNT + (int)number % FIRST_COUNT; digit >= 0; digit--, rest /= 10) count[digit] = (char)('0' + rest % 10);
}

static int whole(const answer_t *answer, char *to, const char *text, int length) {
  return body(answer, to, text, length, 1);
}

const dialect_t gemini = {"text/event-stream", NULL, chunk, seal, NULL, whole};
