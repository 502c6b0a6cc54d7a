#include "spec.h"
#include <stdlib.h>
#include <string.h>

static int within(double value, int low, int high) {
  return value < low ? low : value > high ? high : (int)value;
}

static void set(spec_t *spec, char key, double value) {
  switch (key) {
    case 'n': spec->chunks = within(value, 1, 1000000); break;
    case 'z': spec->text_bytes = within(value, 0, MAX_TEXT); break;
    case 'b': spec->batch = within(value, 1, 1000); break;
    case 's': spec->status = within(value, 200, 599); break;
    case 'd': spec->gap_ns = (int64_t)(value * 1e6); break;
    case 'i': spec->first_ns = (int64_t)(value * 1e6); break;
    case 'l': spec->lost = (int)value; break;
    case 't': spec->twice = (int)value; break;
    case 'o': spec->swapped = (int)value; break;
    case 'c': spec->corrupt = (int)value; break;
    case 'x': spec->cut = (int)value; break;
    case 'f': spec->unclosed = 1; break;
    case 'a': spec->repeated = 1; break;
  }
}

spec_t spec_of(const char *model) {
  spec_t spec = {.chunks = 100, .batch = 1, .status = 200, .lost = NOWHERE, .twice = NOWHERE, .swapped = NOWHERE, .corrupt = NOWHERE, .cut = NOWHERE};
  const char *at = strstr(model, "fake-");
  if (!at) return spec;
  at += 5;
  while (*at) {
    char *end;
    double value = strtod(at + 1, &end);
    if (end > at + 1) set(&spec, *at, value);
    at = strchr(end, '-');
    if (!at) break;
    at++;
  }
  return spec;
}

int spec_positions(const spec_t *spec) {
  return spec->chunks - (spec->lost != NOWHERE) + (spec->twice != NOWHERE);
}

int spec_chunk_at(const spec_t *spec, int position) {
  if (spec->lost != NOWHERE && position >= spec->lost) return position + 1;
  if (spec->twice != NOWHERE && position > spec->twice) return position - 1;
  if (spec->swapped != NOWHERE && position == spec->swapped) return position + 1;
  if (spec->swapped != NOWHERE && position == spec->swapped + 1) return position - 1;
  return position;
}
