#define _GNU_SOURCE
#include "answer-check.h"
#include <stddef.h>
#include <stdlib.h>

static expectation_t wanted;
// The texts that are to come, but for their numbers.
static char plain[MAX_TEXT + 64], tailed[MAX_TEXT + 64];
static int plain_length, tailed_length;
// A bit for each number of an answer: none may come twice.
static uint8_t seen[1 << 21];

void expect(const expectation_t *expectation) {
  wanted = *expectation;
  plain_length = put_text(plain, wanted.text_bytes, NULL);
  tailed_length = put_text(tailed, wanted.text_bytes, TAIL_PLAIN);
}

void check_begin(answer_check_t *check) {
  memset(check, 0, offsetof(answer_check_t, text));
  check->text_length = check->line_length = 0;
  check->fault = NULL;
}

static int wrong(answer_check_t *check, const char *fault) {
  check->fault = fault;
  return 0;
}

static int is_new(uint32_t answer) {
  uint32_t at = answer % (sizeof seen * 8);
  int before = seen[at / 8] >> at % 8 & 1;
  seen[at / 8] |= (uint8_t)(1 << at % 8);
  return !before;
}

// A whole answer has one chunk, of the kind with a tail.
static int next_is_tailed(const answer_check_t *check) { return !wanted.streamed || has_tail(check->chunks); }

static int chunk(answer_check_t *check, const char *text, int64_t now) {
  int tail = next_is_tailed(check), length = tail ? tailed_length : plain_length;
  const char *form = tail ? tailed : plain;
  uint64_t sent, answer, number;
  if (memcmp(text, form, TIME_AT) || text[ANSWER_AT - 1] != '.' || text[CHUNK_AT - 1] != '.') return wrong(check, "text");
  if (!get_hex(text + TIME_AT, 16, &sent) || !get_hex(text + ANSWER_AT, 8, &answer) || !get_hex(text + CHUNK_AT, 6, &number)) return wrong(check, "text");
  if (check->chunks == 0) {
    check->answer = (uint32_t)answer;
    if (!is_new(check->answer)) return wrong(check, "repeated answer");
  } else if (answer != check->answer) return wrong(check, "text of another answer");
  if ((int)number != (wanted.streamed ? check->chunks : TAIL_EVERY - 1)) return wrong(check, "order");
  if (memcmp(text + TEXT_BYTES, form + TEXT_BYTES, (size_t)(length - TEXT_BYTES))) return wrong(check, "text");
  on_chunk(check, (int64_t)sent, now);
  check->chunks++;
  return 1;
}

// Decoded text, however it is cut.
static int text(answer_check_t *check, const char *bytes, int length, int64_t now) {
  while (length > 0) {
    int need = next_is_tailed(check) ? tailed_length : plain_length;
    if (check->text_length == 0 && length >= need) {
      if (!chunk(check, bytes, now)) return 0;
      bytes += need;
      length -= need;
      continue;
    }
    int take = need - check->text_length < length ? need - check->text_length : length;
    memcpy(check->text + check->text_length, bytes, (size_t)take);
    check->text_length += take;
    bytes += take;
    length -= take;
    if (check->text_length < need) continue;
    check->text_length = 0;
    if (!chunk(check, check->text, now)) return 0;
  }
  return 1;
}

static int put_utf8(char *to, uint64_t code) {
  if (code < 0x80) { to[0] = (char)code; return 1; }
  if (code < 0x800) { to[0] = (char)(0xc0 | code >> 6); to[1] = (char)(0x80 | (code & 63)); return 2; }
  to[0] = (char)(0xe0 | code >> 12); to[1] = (char)(0x80 | (code >> 6 & 63)); to[2] = (char)(0x80 | (code & 63));
  return 3;
}

// A JSON string from behind its opening quote. Returns where it ends, or NULL.
static const char *json_text(answer_check_t *check, const char *from, const char *end, int64_t now) {
  static char decoded[sizeof check->line];
  const char *quote = memchr(from, '"', (size_t)(end - from));
  if (!quote) { wrong(check, "json"); return NULL; }
  if (!memchr(from, '\\', (size_t)(quote - from))) return text(check, from, (int)(quote - from), now) ? quote : NULL;
  int length = 0;
  for (const char *at = from; at < end; at++) {
    if (*at == '"') return text(check, decoded, length, now) ? at : NULL;
    if (*at != '\\') { decoded[length++] = *at; continue; }
    if (++at >= end) break;
    uint64_t code;
    if (*at == 'u' && end - at > 4 && get_hex(at + 1, 4, &code)) { length += put_utf8(decoded + length, code); at += 4; }
    else decoded[length++] = *at == 'n' ? '\n' : *at == 't' ? '\t' : *at == 'r' ? '\r' : *at;
  }
  wrong(check, "json");
  return NULL;
}

// Where the value of a field begins; NULL if it is not there.
static const char *field(const char *from, const char *end, const char *name) {
  size_t length = strlen(name);
  const char *at = memmem(from, (size_t)(end - from), name, length);
  if (!at) return NULL;
  at += length;
  while (at < end && *at == ' ') at++;
  return at < end ? at : NULL;
}

// One chat.completion or chat.completion.chunk.
static int object(answer_check_t *check, const char *from, const char *end, int64_t now) {
  const char *begin = from, *at = field(from, end, "\"content\":");
  int chunks = check->chunks;
  if (at && *at == '"') {
    from = json_text(check, at + 1, end, now);
    if (!from) return 0;
  }
  at = field(from, end, "\"finish_reason\":");
  if (!at && from != begin) at = field(begin, from, "\"finish_reason\":");
  if (at && *at == '"') {
    if (end - at < 6 || memcmp(at, "\"stop\"", 6)) return wrong(check, "finish_reason");
    check->finished++;
  }
  if (wanted.streamed && check->chunks > chunks) return 1;
  at = field(from, end, "\"completion_tokens\":");
  if (at) {
    if (atoi(at) != wanted.chunks) return wrong(check, "usage");
    check->usage++;
  }
  return 1;
}

static int sse_line(answer_check_t *check, const char *line, int length, int64_t now) {
  if (length > 0 && line[length - 1] == '\r') length--;
  const char *end = line + length;
  if (wanted.numbered && length > 3 && !memcmp(line, "id:", 3)) {
    if (check->id_seen || atoi(line + 3) != ++check->ids) return wrong(check, "id");
    check->id_seen = 1;
    return 1;
  }
  if (length < 5 || memcmp(line, "data:", 5)) return 1;
  if (check->done) return wrong(check, "data after [DONE]");
  if (wanted.numbered && !check->id_seen) return wrong(check, "id");
  check->id_seen = 0;
  line += 5;
  while (line < end && *line == ' ') line++;
  if (end - line == 6 && !memcmp(line, "[DONE]", 6)) { check->done = 1; return 1; }
  if (end - line > 8 && !memcmp(line, "{\"error\"", 8)) return wrong(check, "error frame");
  check->events++;
  return object(check, line, end, now);
}

static int keep(answer_check_t *check, const char *bytes, int length) {
  if (check->line_length + length > (int)sizeof check->line) return wrong(check, "too long");
  memcpy(check->line + check->line_length, bytes, (size_t)length);
  check->line_length += length;
  return 1;
}

int check_bytes(answer_check_t *check, const char *bytes, int length, int64_t now) {
  if (!wanted.streamed) return keep(check, bytes, length);
  while (length > 0) {
    const char *newline = memchr(bytes, '\n', (size_t)length);
    int part = newline ? (int)(newline - bytes) : length;
    if (!newline) return keep(check, bytes, part);
    if (check->line_length == 0) { if (!sse_line(check, bytes, part, now)) return 0; }
    else {
      if (!keep(check, bytes, part)) return 0;
      int whole = check->line_length;
      check->line_length = 0;
      if (!sse_line(check, check->line, whole, now)) return 0;
    }
    bytes += part + 1;
    length -= part + 1;
  }
  return 1;
}

int check_end(answer_check_t *check, int64_t now) {
  if (!wanted.streamed && !object(check, check->line, check->line + check->line_length, now)) return 0;
  if (check->chunks != (wanted.streamed ? wanted.chunks : 1) || check->text_length > 0) return wrong(check, "number of chunks");
  if (check->finished != 1) return wrong(check, "finish_reason");
  if (check->usage < 1) return wrong(check, "usage");
  if (!wanted.streamed) return 1;
  if (wanted.needs_done && !check->done) return wrong(check, "no [DONE]");
  if (wanted.extra_events != ANY && check->events != wanted.chunks + wanted.extra_events) return wrong(check, "number of events");
  return 1;
}
