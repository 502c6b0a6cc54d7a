// Preloaded into a process whose memory is measured: gives what it has freed back to the kernel, once a second. Without
// it the free memory that a process has left over from its start would be counted as used, and the memory that streams
// take out of it would not be counted at all.
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static void *trim(void *unused) {
  (void)unused;
  for (;;) {
    malloc_trim(0);
    sleep(1);
  }
  return NULL;
}

__attribute__((constructor)) static void start(void) {
  sigset_t all, before;
  pthread_t thread;
  sigfillset(&all); // signals are for the process's own threads
  pthread_sigmask(SIG_SETMASK, &all, &before);
  if (pthread_create(&thread, NULL, trim, NULL) == 0) pthread_detach(thread);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}
