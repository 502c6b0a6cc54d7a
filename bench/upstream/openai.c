// https://platform.openai.com/docs/api-reference/chat/streaming
#include "answer.h"
#include <stdio.h>

#define USAGE "\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":%d,\"total_tokens\":%d,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0}}"

static int event_head(const answer_t *answer, char *to) {
  return sprintf(to, "data: {\"id\":\"%s\",\"object\":\"chat.completion.chunk\",\"created\":1760000000,\"model\":\"%s\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_fake\",",
                 answer->id, answer->model);
}

static int chunk(const answer_t *answer, char *to, const char *text, int length, int first, int last) {
  (void)last;
  char event[PIECE_BYTES];
  int bytes = event_head(answer, event);
  bytes += sprintf(event + bytes, "\"choices\":[{\"index\":0,\"delta\":{%s\"content\":\"%.*s\"%s},\"logprobs\":null,\"finish_reason\":null}]}\n\n",
                   first ? "\"role\":\"assistant\"," : "", length, text, first ? ",\"refusal\":null" : "");
  return put_http_chunk(to, event, bytes);
}

static int close_stream(const answer_t *answer, char *to) {
  char event[PIECE_BYTES];
  int bytes = event_head(answer, event), written;
  bytes += sprintf(event + bytes, "\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}]}\n\n");
  written = put_http_chunk(to, event, bytes);
  if (answer->usage) {
    bytes = event_head(answer, event);
    bytes += sprintf(event + bytes, "\"choices\":[]," USAGE "}\n\n", answer->spec.chunks, answer->spec.chunks + 12);
    written += put_http_chunk(to + written, event, bytes);
  }
  return written + put_http_chunk(to + written, "data: [DONE]\n\n", 14);
}

static int whole(const answer_t *answer, char *to, const char *text, int length) {
  return sprintf(to, "{\"id\":\"%s\",\"object\":\"chat.completion\",\"created\":1760000000,\"model\":\"%s\",\"choices\":[{\"index\":0,\"message\":"
                     "{\"role\":\"assistant\",\"content\":\"%.*s\",\"refusal\":null,\"annotations\":[]},\"logprobs\":null,\"finish_reason\":\"stop\"}],"
                     USAGE ",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_fake\"}",
                 answer->id, answer->model, length, text, answer->spec.chunks, answer->spec.chunks + 12);
}

const dialect_t openai = {"text/event-stream; charset=utf-8", NULL, chunk, NULL, close_stream, whole};
