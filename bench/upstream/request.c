#define _GNU_SOURCE
#include "request.h"
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#define MAX_REQUEST (4u << 20)

typedef struct { const char *at; size_t length; } span_t;

static span_t header(const char *head, const char *end, const char *name) {
  size_t name_length = strlen(name);
  while (head < end) {
    const char *line_end = memchr(head, '\n', (size_t)(end - head));
    if (!line_end) line_end = end;
    if ((size_t)(line_end - head) > name_length && head[name_length] == ':' && !strncasecmp(head, name, name_length)) {
      const char *value = head + name_length + 1;
      while (value < line_end && *value == ' ') value++;
      while (line_end > value && isspace((unsigned char)line_end[-1])) line_end--;
      return (span_t){value, (size_t)(line_end - value)};
    }
    head = line_end + 1;
  }
  return (span_t){NULL, 0};
}

static int is(span_t value, const char *text) {
  return value.length == strlen(text) && !strncasecmp(value.at, text, value.length);
}

static int ends_in(span_t value, const char *text) {
  size_t length = strlen(text);
  return value.length >= length && !memcmp(value.at + value.length - length, text, length);
}

// Decodes a complete chunked body into `to`. Returns its length on the wire, or 0 if more is needed.
static size_t dechunk(const char *from, size_t length, char *to, size_t *written) {
  size_t at = 0;
  *written = 0;
  for (;;) {
    const char *line_end = memmem(from + at, length - at, "\r\n", 2);
    if (!line_end) return 0;
    size_t size = strtoul(from + at, NULL, 16);
    at = (size_t)(line_end - from) + 2;
    if (length - at < size + 2) return 0;
    if (size == 0) return at + 2;
    memcpy(to + *written, from + at, size);
    *written += size;
    at += size + 2;
  }
}

// Copies a model's name, percent-decoded, without what would have to be escaped in JSON.
static void put_model(answer_t *answer, const char *from, const char *end) {
  size_t length = 0;
  for (; from < end && length < sizeof answer->model - 1; from++) {
    uint64_t code = (unsigned char)*from;
    char digits[2];
    if (*from == '%' && end - from > 2) {
      digits[0] = (char)tolower((unsigned char)from[1]); digits[1] = (char)tolower((unsigned char)from[2]);
      if (get_hex(digits, 2, &code)) from += 2;
    }
    if (code >= ' ' && code != '"' && code != '\\') answer->model[length++] = (char)code;
  }
  answer->model[length] = 0;
}

static const char *after(span_t in, const char *text) {
  const char *found = memmem(in.at, in.length, text, strlen(text));
  return found ? found + strlen(text) : NULL;
}

static int flag_set(span_t body, const char *name) {
  const char *at = after(body, name), *end = body.at + body.length;
  while (at && at < end && (*at == ' ' || *at == ':')) at++;
  return at && end - at >= 4 && !memcmp(at, "true", 4);
}

static void read_openai(span_t body, answer_t *answer) {
  const char *at = after(body, "\"model\""), *end = body.at + body.length;
  const char *from = at ? memchr(at, '"', (size_t)(end - at)) : NULL;
  const char *to = from ? memchr(from + 1, '"', (size_t)(end - from - 1)) : NULL;
  if (to) put_model(answer, from + 1, to);
  answer->dialect = &openai;
  answer->streamed = flag_set(body, "\"stream\"");
  answer->usage = flag_set(body, "\"include_usage\"");
}

// The model stands in the path, between `prefix` and one of two endings.
static int read_path(span_t path, const char *prefix, const char *whole, const char *streamed, answer_t *answer, const dialect_t *dialect) {
  const char *from = after(path, prefix);
  if (!from) return 0;
  answer->streamed = ends_in(path, streamed);
  if (!answer->streamed && !ends_in(path, whole)) return 0;
  const char *to = path.at + path.length - strlen(answer->streamed ? streamed : whole);
  if (to < from) return 0;
  put_model(answer, from, to);
  answer->dialect = dialect;
  answer->usage = 1;
  return 1;
}

static request_kind_t route(int post, span_t path, span_t body, answer_t *answer) {
  if (!post) return ends_in(path, "/stats") ? REQUEST_STATS : ends_in(path, "/health") ? REQUEST_HEALTH : REQUEST_UNKNOWN;
  answer->model[0] = 0;
  if (ends_in(path, "/chat/completions")) read_openai(body, answer);
  else if (!read_path(path, "/models/", ":generateContent", ":streamGenerateContent", answer, &gemini) &&
           !read_path(path, "/model/", "/converse", "/converse-stream", answer, &bedrock)) return REQUEST_UNKNOWN;
  answer->spec = spec_of(answer->model);
  if (answer->spec.status != 200) answer->streamed = 0;
  return REQUEST_COMPLETION;
}

request_kind_t request_read(const char *bytes, size_t length, size_t *used, int *keep, answer_t *answer) {
  const char *head_end = memmem(bytes, length, "\r\n\r\n", 4);
  if (!head_end) return length > MAX_REQUEST ? REQUEST_BAD : REQUEST_PARTIAL;
  size_t head_length = (size_t)(head_end - bytes) + 4;
  span_t body = {bytes + head_length, 0};
  char *decoded = NULL;
  if (is(header(bytes, head_end + 2, "transfer-encoding"), "chunked")) {
    decoded = malloc(length);
    size_t wire = dechunk(body.at, length - head_length, decoded, &body.length);
    if (!wire) { free(decoded); return length > MAX_REQUEST ? REQUEST_BAD : REQUEST_PARTIAL; }
    body.at = decoded;
    *used = head_length + wire;
  } else {
    span_t value = header(bytes, head_end + 2, "content-length");
    body.length = value.at ? strtoul(value.at, NULL, 10) : 0;
    if (body.length > MAX_REQUEST) return REQUEST_BAD;
    *used = head_length + body.length;
    if (length < *used) return REQUEST_PARTIAL;
  }
  *keep = !is(header(bytes, head_end + 2, "connection"), "close");
  const char *from = memchr(bytes, ' ', head_length);
  const char *to = from ? memchr(from + 1, ' ', (size_t)(head_end - from - 1)) : NULL;
  request_kind_t kind = REQUEST_BAD;
  if (to) {
    const char *query = memchr(from, '?', (size_t)(to - from));
    span_t path = {from + 1, (size_t)((query ? query : to) - from - 1)};
    kind = route(bytes[0] == 'P', path, body, answer);
  }
  free(decoded);
  return kind;
}
