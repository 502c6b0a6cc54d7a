// A log-linear histogram of times in ns, exact to 0.8 %.
#ifndef HISTOGRAM_H
#define HISTOGRAM_H
#include <stdint.h>

#define STEPS 128

typedef struct { uint32_t buckets[64 * STEPS]; uint64_t count; int64_t max; } histogram_t;

void histogram_add(histogram_t *, int64_t ns);
// {"count", "p50", "p99"} in ms as JSON on standard output; null if nothing was added.
void histogram_print(const histogram_t *);
#endif
