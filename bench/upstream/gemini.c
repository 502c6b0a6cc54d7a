// https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent: the last event with text also has
// the finish reason; there is no closing event.
#include "answer.h"
#include <stdio.h>

static int body(const answer_t *answer, char *to, const char *text, int length, int finished) {
  int written = sprintf(to, "{\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"%.*s\"}],\"role\": \"model\"},%s\"index\": 0}],",
                        length, text, finished ? "\"finishReason\": \"STOP\"," : "");
  if (finished) {
    written += sprintf(to + written, "\"usageMetadata\": {\"promptTokenCount\": 12,\"candidatesTokenCount\": %d,\"totalTokenCount\": %d},",
                       answer->spec.chunks, answer->spec.chunks + 12);
  } else written += sprintf(to + written, "\"usageMetadata\": {\"promptTokenCount\": 12,\"totalTokenCount\": 12},");
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

static int whole(const answer_t *answer, char *to, const char *text, int length) {
  return body(answer, to, text, length, 1);
}

const dialect_t gemini = {"text/event-stream", NULL, chunk, NULL, NULL, whole};
