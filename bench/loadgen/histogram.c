#include "histogram.h"
#include <stdio.h>

void histogram_add(histogram_t *histogram, int64_t ns) {
  if (ns < 0) ns = 0;
  int at;
  if (ns < 2 * STEPS) at = (int)ns;
  else {
    int exponent = 63 - __builtin_clzll((unsigned long long)ns) - 7;
    at = (exponent + 1) * STEPS + (int)((ns >> exponent) - STEPS);
  }
  histogram->buckets[at]++;
  histogram->count++;
  if (ns > histogram->max) histogram->max = ns;
}

static double quantile_ms(const histogram_t *histogram, double quantile) {
  uint64_t wanted = (uint64_t)(quantile * (double)histogram->count), seen = 0;
  for (int i = 0; i < 64 * STEPS; i++) {
    seen += histogram->buckets[i];
    if (seen <= wanted) continue;
    if (i < 2 * STEPS) return i / 1e6;
    return (double)((int64_t)(i % STEPS + STEPS) << (i / STEPS - 1)) / 1e6;
  }
  return (double)histogram->max / 1e6;
}

void histogram_print(const histogram_t *histogram) {
  if (histogram->count == 0) { fputs("null", stdout); return; }
  printf("{\"count\":%llu,\"p50\":%.4f,\"p99\":%.4f}", (unsigned long long)histogram->count, quantile_ms(histogram, .5), quantile_ms(histogram, .99));
}
