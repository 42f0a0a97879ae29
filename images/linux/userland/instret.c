/* instret PROGRAM [ARGUMENT...]: how many instructions a program takes, with all that the kernel does meanwhile. Without a program: the counters. */
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* A 64-bit counter is two registers: read again when the low one has just wrapped (Unprivileged, chapter 10). */
#define COUNTER(name)                                                                                                                                          \
  static uint64_t read_##name(void) {                                                                                                                          \
    uint32_t high, low, again;                                                                                                                                 \
    do                                                                                                                                                         \
      __asm__ volatile("csrr %0, " #name "h\n\tcsrr %1, " #name "\n\tcsrr %2, " #name "h" : "=r"(high), "=r"(low), "=r"(again));                               \
    while (high != again);                                                                                                                                     \
    return (uint64_t)high << 32 | low;                                                                                                                         \
  }
COUNTER(instret)
COUNTER(time)

int main(int argc, char **argv) {
  if (argc < 2) {
    printf("instret %llu time %llu\n", (unsigned long long)read_instret(), (unsigned long long)read_time());
    return 0;
  }
  uint64_t instructions = read_instret(), ticks = read_time();
  pid_t child = fork();
  if (child < 0) {
    perror("instret: fork");
    return 126;
  }
  if (child == 0) {
    execvp(argv[1], argv + 1);
    perror(argv[1]);
    _exit(127);
  }
  int status;
  waitpid(child, &status, 0);
  instructions = read_instret() - instructions;
  ticks = read_time() - ticks;
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  fprintf(stderr, "%s: %llu instructions, %llu ticks, status %d\n", argv[1], (unsigned long long)instructions, (unsigned long long)ticks, code);
  return code;
}
