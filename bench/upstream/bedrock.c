// ConverseStream: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
// Frames: https://smithy.io/2.0/aws/amazon-eventstream.html
//   total length, headers' length, CRC of these two, headers, payload, CRC of all before; numbers big-endian, 32 bits
#include "answer.h"
#include <stdio.h>

#define PRELUDE_BYTES 12
#define CRC_BYTES 4
#define STRING_TYPE 7

static uint32_t crc_table[8][256];

// CRC-32 as in zlib, eight bytes at a time.
__attribute__((constructor)) static void make_crc_table(void) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    crc_table[0][i] = crc;
  }
  for (int slice = 1; slice < 8; slice++)
    for (int i = 0; i < 256; i++) crc_table[slice][i] = crc_table[slice - 1][i] >> 8 ^ crc_table[0][crc_table[slice - 1][i] & 255];
}

static uint32_t crc32_of(const char *bytes, int length) {
  const unsigned char *at = (const unsigned char *)bytes;
  uint32_t crc = 0xffffffffu;
  for (; length >= 8; length -= 8, at += 8) {
    uint32_t low = crc ^ ((uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24);
    crc = crc_table[7][low & 255] ^ crc_table[6][low >> 8 & 255] ^ crc_table[5][low >> 16 & 255] ^ crc_table[4][low >> 24] ^
          crc_table[3][at[4]] ^ crc_table[2][at[5]] ^ crc_table[1][at[6]] ^ crc_table[0][at[7]];
  }
  while (length-- > 0) crc = crc >> 8 ^ crc_table[0][(crc ^ *at++) & 255];
  return ~crc;
}

static void put_u32(char *to, uint32_t value) {
  for (int i = 0; i < 4; i++) to[i] = (char)(value >> (24 - 8 * i));
}

static int put_header(char *to, const char *name, const char *value) {
  size_t name_length = strlen(name), value_length = strlen(value);
  char *at = to;
  *at++ = (char)name_length;
  memcpy(at, name, name_length); at += name_length;
  *at++ = STRING_TYPE;
  *at++ = (char)(value_length >> 8);
  *at++ = (char)value_length;
  memcpy(at, value, value_length);
  return (int)(at + value_length - to);
}

static void put_checksum(char *frame, int length) {
  put_u32(frame + length - CRC_BYTES, crc32_of(frame, length - CRC_BYTES));
}

// One frame as one HTTP chunk.
static int put_event(char *to, const char *type, const char *payload, int payload_length) {
  char frame[PIECE_BYTES];
  int headers = put_header(frame + PRELUDE_BYTES, ":event-type", type);
  headers += put_header(frame + PRELUDE_BYTES + headers, ":content-type", "application/json");
  headers += put_header(frame + PRELUDE_BYTES + headers, ":message-type", "event");
  int length = PRELUDE_BYTES + headers + payload_length + CRC_BYTES;
  put_u32(frame, (uint32_t)length);
  put_u32(frame + 4, (uint32_t)headers);
  put_u32(frame + 8, crc32_of(frame, 8));
  memcpy(frame + PRELUDE_BYTES + headers, payload, (size_t)payload_length);
  put_checksum(frame, length);
  return put_http_chunk(to, frame, length);
}

static int open_stream(const answer_t *answer, char *to) {
  (void)answer;
  static const char payload[] = "{\"p\":\"abcdefghijklmnopqrstuvwxyz\",\"role\":\"assistant\"}";
  return put_event(to, "messageStart", payload, (int)sizeof payload - 1);
}

static int chunk(const answer_t *answer, char *to, const char *text, int length, int first, int last) {
  (void)answer; (void)first; (void)last;
  char payload[PIECE_BYTES - 256];
  int bytes = sprintf(payload, "{\"contentBlockIndex\":0,\"delta\":{\"text\":\"%.*s\"},\"p\":\"abcdefghijklmnopqrstuvwxyz\"}", length, text);
  return put_event(to, "contentBlockDelta", payload, bytes);
}

static void seal(char *http_chunk, int length) {
  char *frame = (char *)memchr(http_chunk, '\n', 16) + 1;
  put_checksum(frame, length - (int)(frame - http_chunk) - 2);
}

static int close_stream(const answer_t *answer, char *to) {
  char payload[512];
  int bytes = sprintf(payload, "{\"contentBlockIndex\":0,\"p\":\"abcdefghijklm\"}");
  int written = put_event(to, "contentBlockStop", payload, bytes);
  bytes = sprintf(payload, "{\"p\":\"abcdefghijklm\",\"stopReason\":\"end_turn\"}");
  written += put_event(to + written, "messageStop", payload, bytes);
  bytes = sprintf(payload, "{\"metrics\":{\"latencyMs\":500},\"p\":\"abcdefghi\",\"usage\":{\"inputTokens\":12,\"outputTokens\":%d,\"totalTokens\":%d}}",
                  answer->spec.chunks, answer->spec.chunks + 12);
  return written + put_event(to + written, "metadata", payload, bytes);
}

static int whole(const answer_t *answer, char *to, const char *text, int length) {
  return sprintf(to, "{\"metrics\":{\"latencyMs\":500},\"output\":{\"message\":{\"content\":[{\"text\":\"%.*s\"}],\"role\":\"assistant\"}},"
                     "\"stopReason\":\"end_turn\",\"usage\":{\"inputTokens\":12,\"outputTokens\":%d,\"totalTokens\":%d}}",
                 length, text, answer->spec.chunks, answer->spec.chunks + 12);
}

const dialect_t bedrock = {"application/vnd.amazon.eventstream", open_stream, chunk, seal, close_stream, whole};
