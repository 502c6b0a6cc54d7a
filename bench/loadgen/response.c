#define _GNU_SOURCE
#include "response.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

void response_begin(response_t *response) {
  response->state = HEAD;
  response->phase = SIZE;
  response->head_length = response->digits_length = response->code = 0;
}

int response_ends_with_connection(const response_t *response) {
  return response->state == BODY && !response->chunked && response->left < 0 && response->code == 200;
}

static const char *header(const char *head, const char *name) {
  size_t length = strlen(name);
  for (const char *line = strchr(head, '\n'); line && line[1]; line = strchr(line + 1, '\n')) {
    if (strncasecmp(line + 1, name, length) || line[length + 1] != ':') continue;
    line += length + 2;
    while (*line == ' ') line++;
    return line;
  }
  return NULL;
}

static int head_complete(response_t *response) {
  if (strncmp(response->head, "HTTP/1.", 7)) return 0;
  response->code = atoi(response->head + 9);
  const char *connection = header(response->head, "connection");
  response->keep = connection ? strncasecmp(connection, "close", 5) != 0 : response->head[7] == '1';
  const char *encoding = header(response->head, "transfer-encoding"), *length = header(response->head, "content-length");
  response->chunked = encoding && !strncasecmp(encoding, "chunked", 7);
  response->left = response->chunked ? 0 : length ? atoll(length) : -1;
  response->state = BODY;
  return 1;
}

// Returns how many of the bytes belong to the head, or -1 if it is too long.
static int read_head(response_t *response, const char *bytes, int length) {
  int room = (int)sizeof response->head - 1 - response->head_length, before = response->head_length;
  int take = length < room ? length : room;
  memcpy(response->head + before, bytes, (size_t)take);
  response->head_length += take;
  response->head[response->head_length] = 0;
  char *end = strstr(response->head, "\r\n\r\n");
  if (!end) return take < length ? -1 : take;
  end[2] = 0;
  int used = (int)(end + 4 - response->head) - before;
  return head_complete(response) ? used : -1;
}

static response_status_t read_chunked(response_t *r, answer_check_t *check, const char *bytes, int length, int64_t now) {
  const char *end = bytes + length;
  while (bytes < end) {
    if (r->phase == DATA) {
      int part = end - bytes < r->left ? (int)(end - bytes) : (int)r->left;
      if (!check_bytes(check, bytes, part, now)) return RESPONSE_WRONG;
      bytes += part;
      r->left -= part;
      if (r->left == 0) r->phase = DATA_END;
      continue;
    }
    char byte = *bytes++;
    if (byte == '\r') continue;
    if (r->phase == SIZE && byte == '\n') {
      r->digits[r->digits_length] = 0;
      r->left = strtoll(r->digits, NULL, 16);
      r->phase = r->left > 0 ? DATA : TRAILER;
      r->digits_length = 0;
    } else if (r->phase == SIZE) {
      if (r->digits_length > 16) return RESPONSE_MALFORMED;
      r->digits[r->digits_length++] = byte;
    } else if (r->phase == DATA_END) {
      if (byte != '\n') return RESPONSE_MALFORMED;
      r->phase = SIZE;
    } else if (byte != '\n') r->digits_length = 1; // a trailer's line
    else if (r->digits_length == 0) return bytes == end ? RESPONSE_COMPLETE : RESPONSE_MALFORMED;
    else r->digits_length = 0;
  }
  return RESPONSE_PARTIAL;
}

response_status_t response_read(response_t *r, answer_check_t *check, const char *bytes, int length, int64_t now) {
  if (r->state == HEAD) {
    int used = read_head(r, bytes, length);
    if (used < 0) return RESPONSE_MALFORMED;
    if (r->state == HEAD) return RESPONSE_PARTIAL;
    if (r->code != 200) {
      if (getenv("LOADGEN_DEBUG")) fprintf(stderr, "%s\n%.*s\n", r->head, length - used, bytes + used);
      return RESPONSE_REFUSED;
    }
    bytes += used;
    length -= used;
  }
  if (r->chunked) return read_chunked(r, check, bytes, length, now);
  if (r->left >= 0 && length > r->left) return RESPONSE_MALFORMED;
  if (!check_bytes(check, bytes, length, now)) return RESPONSE_WRONG;
  if (r->left < 0) return RESPONSE_PARTIAL;
  r->left -= length;
  return r->left == 0 ? RESPONSE_COMPLETE : RESPONSE_PARTIAL;
}
