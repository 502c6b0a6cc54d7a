// The text of a chunk, which tells all that the load generator checks:
//
//    " @" <send time, 16 hex digits> "." <number of the answer, 8> "." <number of the chunk, 6> <filler> [<tail>]
//
// Text that is lost, doubled, out of order, from another answer, repeated from an earlier one or altered in any byte is
// found. The time is CLOCK_MONOTONIC in ns: on one machine the way's length is known without asking anyone. Every eighth
// chunk ends in what JSON has to escape and in a character of more than one byte, as real text does.
#ifndef CHUNK_TEXT_H
#define CHUNK_TEXT_H
#include <stdint.h>
#include <string.h>
#include <time.h>

#define TEXT_MARK " @"
#define TIME_AT 2
#define ANSWER_AT 19
#define CHUNK_AT 28
#define TEXT_BYTES 34
#define TAIL_EVERY 8
#define TAIL_PLAIN " \"\xc3\xa9\n"
#define TAIL_JSON " \\\"\xc3\xa9\\n"
#define TAIL_BYTES ((int)sizeof TAIL_PLAIN - 1)

static inline int64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static inline void put_hex(char *to, uint64_t value, int digits) {
  for (int i = digits - 1; i >= 0; i--) { to[i] = "0123456789abcdef"[value & 15]; value >>= 4; }
}

// Returns 0 if it is no hexadecimal number.
static inline int get_hex(const char *from, int digits, uint64_t *value) {
  *value = 0;
  for (int i = 0; i < digits; i++) {
    char c = from[i];
    if (c >= '0' && c <= '9') *value = *value << 4 | (uint64_t)(c - '0');
    else if (c >= 'a' && c <= 'f') *value = *value << 4 | (uint64_t)(c - 'a' + 10);
    else return 0;
  }
  return 1;
}

static inline int has_tail(int chunk) { return chunk % TAIL_EVERY == TAIL_EVERY - 1; }

// The fixed part of a text, all but its numbers, in at most MAX_TEXT + 64 bytes; `tail` as it is to appear, or NULL.
static inline int put_text(char *to, int text_bytes, const char *tail) {
  memcpy(to, " @0000000000000000.00000000.000000", TEXT_BYTES);
  int length = TEXT_BYTES;
  for (; length < text_bytes; length++) to[length] = " abcdefgh"[(length - TEXT_BYTES) % 9];
  if (tail) { memcpy(to + length, tail, strlen(tail)); length += (int)strlen(tail); }
  return length;
}
#endif
