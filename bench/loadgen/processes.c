#define _GNU_SOURCE
#include "processes.h"
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_PROCESSES 8192

double cpu_seconds(pid_t pid) {
  clockid_t clock;
  struct timespec time;
  if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &time)) return 0;
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static long rss_kib(pid_t pid) {
  char path[64];
  long size, resident = 0;
  snprintf(path, sizeof path, "/proc/%d/statm", pid);
  FILE *file = fopen(path, "r");
  if (!file) return 0;
  if (fscanf(file, "%ld %ld", &size, &resident) != 2) resident = 0;
  fclose(file);
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static long pss_kib(pid_t pid) {
  char path[64], line[256];
  long pss = 0;
  snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
  FILE *file = fopen(path, "r");
  if (!file) return 0;
  while (fgets(line, sizeof line, file)) if (sscanf(line, "Pss: %ld", &pss) == 1) break;
  fclose(file);
  return pss;
}

static pid_t parent_of(pid_t pid) {
  char path[64], line[512];
  int parent = 0;
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE *file = fopen(path, "r");
  if (!file) return 0;
  char *after_name = fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL; // the name may hold anything
  if (!after_name || sscanf(after_name + 1, " %*c %d", &parent) != 1) parent = 0;
  fclose(file);
  return parent;
}

static void add(reading_t *sum, pid_t pid, int pss) {
  sum->processes++;
  sum->cpu_s += cpu_seconds(pid);
  sum->rss_kib += rss_kib(pid);
  if (pss) sum->pss_kib += pss_kib(pid);
}

reading_t read_tree(pid_t root, int pss) {
  static struct { pid_t pid, parent; int in; } all[MAX_PROCESSES];
  int count = 0;
  reading_t sum = {0};
  DIR *directory = opendir("/proc");
  for (struct dirent *entry; directory && (entry = readdir(directory)) && count < MAX_PROCESSES;) {
    if (!isdigit((unsigned char)entry->d_name[0])) continue;
    all[count].pid = atoi(entry->d_name);
    all[count].parent = parent_of(all[count].pid);
    all[count].in = all[count].pid == root;
    count++;
  }
  if (directory) closedir(directory);
  for (int grown = 1; grown;) { // pids may come round, so parents need not come first
    grown = 0;
    for (int i = 0; i < count; i++) for (int j = 0; j < count && !all[i].in; j++)
      if (all[j].in && all[i].parent == all[j].pid) all[i].in = grown = 1;
  }
  for (int i = 0; i < count; i++) if (all[i].in) add(&sum, all[i].pid, pss);
  return sum;
}

double machine_busy(double *stolen) {
  unsigned long long user, nice, system, idle, iowait, irq, softirq, steal;
  double tick = (double)sysconf(_SC_CLK_TCK), busy = 0;
  *stolen = 0;
  FILE *file = fopen("/proc/stat", "r");
  if (!file) return 0;
  if (fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &iowait, &irq, &softirq, &steal) == 8) {
    busy = (double)(user + nice + system + irq + softirq) / tick;
    *stolen = (double)steal / tick;
  }
  fclose(file);
  return busy;
}
