// CPU time and memory of watched processes, each with its children, and of the machine.
#ifndef PROCESSES_H
#define PROCESSES_H
#include <sys/types.h>

// Sums over a process and all that descend from it.
typedef struct { double cpu_s; long rss_kib, pss_kib; int processes; } reading_t;

// `pss`: also read the proportional set size, which takes milliseconds for a large process.
reading_t read_tree(pid_t root, int pss);
// CPU seconds of one process, exact to the ns, all its threads.
double cpu_seconds(pid_t pid);
// Seconds that the machine's cores were busy, all together; `*stolen`: that the hypervisor gave to others.
double machine_busy(double *stolen);
#endif
