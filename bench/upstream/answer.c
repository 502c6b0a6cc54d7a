#define _GNU_SOURCE
#include "answer.h"
#include <stdio.h>

int put_http_chunk(char *to, const char *bytes, int length) {
  int head = sprintf(to, "%x\r\n", (unsigned)length);
  memcpy(to + head, bytes, (size_t)length);
  memcpy(to + head + length, "\r\n", 2);
  return head + length + 2;
}

// Where the text, whose numbers are still 0, begins.
static int find_text(const char *bytes, int length) {
  static const char blank[] = TEXT_MARK "0000000000000000.";
  const char *found = memmem(bytes, (size_t)length, blank, sizeof blank - 1);
  return (int)(found - bytes);
}

static void put_numbers(char *text, uint32_t answer, int chunk) {
  put_hex(text + TIME_AT, (uint64_t)now_ns(), 16);
  put_hex(text + ANSWER_AT, answer, 8);
  put_hex(text + CHUNK_AT, (uint64_t)chunk, 6);
}

static void prepare_template(answer_t *answer, template_t *template, const char *tail) {
  char text[MAX_TEXT + 64];
  int length = put_text(text, answer->spec.text_bytes, tail);
  template->length = answer->dialect->chunk(answer, template->bytes, text, length, 0, 0);
  template->text_at = find_text(template->bytes, template->length);
}

void answer_prepare(answer_t *answer, uint32_t number) {
  answer->number = answer->spec.repeated ? 0 : number;
  snprintf(answer->id, sizeof answer->id, "chatcmpl-fake%08x", number);
  if (!answer->streamed) return;
  prepare_template(answer, &answer->plain, NULL);
  prepare_template(answer, &answer->tailed, TAIL_JSON);
}

int answer_chunk(answer_t *answer, int position, char *to) {
  int chunk = spec_chunk_at(&answer->spec, position);
  int first = position == 0, last = position == spec_positions(&answer->spec) - 1;
  char *text;
  int length;
  if (first || last) { // these two may look different
    char content[MAX_TEXT + 64];
    int bytes = put_text(content, answer->spec.text_bytes, has_tail(chunk) ? TAIL_JSON : NULL);
    length = answer->dialect->chunk(answer, to, content, bytes, first, last);
    text = to + find_text(to, length);
  } else {
    template_t *template = has_tail(chunk) ? &answer->tailed : &answer->plain;
    length = template->length;
    memcpy(to, template->bytes, (size_t)length);
    text = to + template->text_at;
  }
  put_numbers(text, answer->number, chunk);
  if (chunk == answer->spec.corrupt) text[TEXT_BYTES - 7] = '-'; // the dot before the chunk's number
  if (answer->dialect->seal) answer->dialect->seal(to, length);
  return length;
}

int answer_whole(const answer_t *answer, char *to) {
  char text[MAX_TEXT + 64];
  int length = put_text(text, answer->spec.text_bytes, TAIL_JSON);
  put_numbers(text, answer->number, TAIL_EVERY - 1);
  if (answer->spec.corrupt != NOWHERE) text[TEXT_BYTES - 7] = '-';
  return answer->dialect->whole(answer, to, text, length);
}
