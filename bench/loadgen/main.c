// A load generator for OpenAI-compatible servers on 127.0.0.1 that checks every byte of every answer. Closed loop: each
// connection asks again when its answer has ended. One JSON object on standard output.
#define _GNU_SOURCE
#include "answer-check.h"
#include "client.h"
#include "processes.h"
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define MAX_HEADERS 8192
#define MAX_WATCHED 8
#define SAMPLE_NS 250000000
#define TEND_NS 5000000

typedef struct { const char *name; pid_t pid; reading_t before, after; double rss, pss; long pss_least; int samples; } watched_t;

static watched_t watched[MAX_WATCHED];
static int watched_count, sample_memory;

static void usage(void) {
  fputs("usage: loadgen -p PORT -m MODEL [options]         MODEL: [prefix/]fake-SPEC, see ../upstream/spec.h\n"
        "  -c N      connections (64)               -r SEC  opened over this time (0)\n"
        "  -w SEC    before the window (1)          -d SEC  length of the window (5)\n"
        "  -1        one request a connection; the window begins when all are open and ends with the last\n"
        "  -j        not streamed                   -H 'NAME: VALUE'  a header (repeatable)\n"
        "  -e N      data events of a stream beyond its chunks; default: any number\n"
        "  -i        frames have to be numbered     -D      a stream needs no [DONE]\n"
        "  -P NAME=PID  watch a process and its children (repeatable)   -M  also their memory, while all is open\n"
        "  -t SEC    timeout of a request (60)\n", stderr);
  exit(2);
}

static void sample(int pss) {
  for (int i = 0; i < watched_count; i++) {
    reading_t reading = read_tree(watched[i].pid, pss);
    watched[i].rss += (double)reading.rss_kib;
    watched[i].pss += (double)reading.pss_kib;
    if (watched[i].samples++ == 0 || reading.pss_kib < watched[i].pss_least) watched[i].pss_least = reading.pss_kib;
  }
}

static void print_watched(void) {
  for (int i = 0; i < watched_count; i++) {
    const watched_t *w = &watched[i];
    int n = w->samples ? w->samples : 1;
    printf("%s\"%s\":{\"cpuSeconds\":%.6f,\"processes\":%d,\"rssBeforeKib\":%ld,\"rssKib\":%.0f", i ? "," : "", w->name,
           w->after.cpu_s - w->before.cpu_s, w->after.processes, w->before.rss_kib, w->rss / n);
    if (sample_memory) printf(",\"pssBeforeKib\":%ld,\"pssKib\":%.0f,\"pssLeastKib\":%ld,\"samples\":%d", w->before.pss_kib, w->pss / n, w->pss_least, w->samples);
    printf("}");
  }
}

static void print_faults(void) {
  for (int i = 0; i < MAX_FAULTS && faults[i].name; i++) printf("%s\"%s\":%ld", i ? "," : "", faults[i].name, faults[i].count);
}

static char *make_request(int port, const char *model, int streamed, const char *headers, int *length) {
  char body[1024];
  int body_length = snprintf(body, sizeof body,
    "{\"model\":\"%s\",\"messages\":[{\"role\":\"system\",\"content\":\"You are a helpful assistant.\"},{\"role\":\"user\",\"content\":\"Say something about gateways.\"}]%s}",
    model, streamed ? ",\"stream\":true,\"stream_options\":{\"include_usage\":true}" : "");
  char *request = malloc(MAX_HEADERS + sizeof body + 512);
  *length = sprintf(request, "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nAccept: %s\r\n%sContent-Length: %d\r\n\r\n%s",
                    port, streamed ? "text/event-stream" : "application/json", headers, body_length, body);
  return request;
}

int main(int argc, char **argv) {
  client_options_t options = {.connections = 64, .timeout_ns = 60000000000LL};
  expectation_t expected = {.streamed = 1, .extra_events = ANY, .needs_done = 1};
  const char *model = NULL;
  char headers[MAX_HEADERS] = "";
  double ramp = 0, warm = 1, duration = 5;
  for (int option; (option = getopt(argc, argv, "p:m:c:r:w:d:1jH:e:iDP:Mt:")) != -1;) switch (option) {
    case 'p': options.port = atoi(optarg); break;
    case 'm': model = optarg; break;
    case 'c': options.connections = atoi(optarg); break;
    case 'r': ramp = atof(optarg); break;
    case 'w': warm = atof(optarg); break;
    case 'd': duration = atof(optarg); break;
    case '1': options.once = 1; break;
    case 'j': expected.streamed = 0; break;
    case 'H':
      if (strlen(headers) + strlen(optarg) + 3 > sizeof headers) usage();
      strcat(strcat(headers, optarg), "\r\n");
      break;
    case 'e': expected.extra_events = atoi(optarg); break;
    case 'i': expected.numbered = 1; break;
    case 'D': expected.needs_done = 0; break;
    case 'P': {
      char *equals = strchr(optarg, '=');
      if (!equals || watched_count == MAX_WATCHED) usage();
      *equals = 0;
      watched[watched_count++] = (watched_t){.name = optarg, .pid = atoi(equals + 1)};
      break;
    }
    case 'M': sample_memory = 1; break;
    case 't': options.timeout_ns = (int64_t)(atof(optarg) * 1e9); break;
    default: usage();
  }
  if (!model || !options.port || options.connections < 1 || options.connections > 20000 || duration > 600 || warm > 120) usage();
  spec_t spec = spec_of(model);
  expected.chunks = spec.chunks;
  expected.text_bytes = spec.text_bytes;
  expect(&expected);
  options.request = make_request(options.port, model, expected.streamed, headers, &options.request_length);

  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  signal(SIGPIPE, SIG_IGN);
  prctl(PR_SET_TIMERSLACK, 1000UL);
  clients_init(&options);

  int64_t start = now_ns(), now = start, next_sample = 0, next_tend = start, window = 0;
  double self_before = 0, busy_before = 0, steal_before = 0, steal_after;
  totals.window_start = totals.window_end = INT64_MAX;
  if (sample_memory) for (int i = 0; i < watched_count; i++) watched[i].before = read_tree(watched[i].pid, 1);
  for (int opened = 0;;) {
    now = now_ns();
    while (opened < options.connections && (ramp <= 0 || (double)(now - start) >= ramp * 1e9 * opened / options.connections)) {
      opened++;
      clients_open_next(now);
    }
    int all_open = opened == options.connections;
    if (!window && (options.once ? all_open : now - start >= (int64_t)(warm * 1e9))) {
      for (int i = 0; i < watched_count; i++) {
        reading_t reading = read_tree(watched[i].pid, 0);
        if (sample_memory) watched[i].before.cpu_s = reading.cpu_s;
        else watched[i].before = reading;
      }
      self_before = cpu_seconds(getpid());
      busy_before = machine_busy(&steal_before);
      window = totals.window_start = now = now_ns();
      next_sample = now + SAMPLE_NS;
    }
    if (options.once ? totals.completed >= options.connections : window && now - window >= (int64_t)(duration * 1e9)) break;
    if (window && now >= next_sample) {
      next_sample = now + SAMPLE_NS;
      if (!sample_memory || totals.active == options.connections) sample(sample_memory);
    }
    if (now >= next_tend) { next_tend = now + TEND_NS; clients_tend(now); }
    int64_t wait = TEND_NS;
    if (!all_open && ramp > 0) wait = (int64_t)(ramp * 1e9 / options.connections);
    clients_poll(wait < TEND_NS ? wait : TEND_NS);
  }
  totals.window_end = now;
  double self = cpu_seconds(getpid()) - self_before, busy = machine_busy(&steal_after) - busy_before;
  double seconds = window ? (double)(now - window) / 1e9 : 0, foreign = busy - self;
  for (int i = 0; i < watched_count; i++) {
    watched[i].after = read_tree(watched[i].pid, 0);
    foreign -= watched[i].after.cpu_s - watched[i].before.cpu_s;
  }
  printf("{\"seconds\":%.4f,\"connections\":%d,\"requests\":%ld,\"completed\":%ld,\"chunks\":%ld,\"bytes\":%llu,\"faults\":{",
         seconds, options.connections, totals.requests, totals.completed, totals.chunks, totals.bytes);
  print_faults();
  printf("},\"firstMs\":"); histogram_print(&totals.first);
  printf(",\"latencyMs\":"); histogram_print(&totals.latency);
  printf(",\"totalMs\":"); histogram_print(&totals.total);
  printf(",\"foreignCores\":%.4f,\"stolenCores\":%.4f,\"loadgenCpuSeconds\":%.6f,\"watched\":{",
         seconds > 0 ? foreign / seconds : 0, seconds > 0 ? (steal_after - steal_before) / seconds : 0, self);
  print_watched();
  puts("}}");
  return 0;
}
