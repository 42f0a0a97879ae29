/* The 16550: output polled (the transmitter is always soon empty), input by interrupt into a ring. When the ring is full the
 * receive interrupt is switched off, so what has not been read waits outside and is not lost. */
#include "kernel.h"

#define UART ((volatile u8 *)0x10000000)
enum { RBR = 0, THR = 0, IER = 1, LSR = 5, RECEIVE_INTERRUPT = 1, DATA_READY = 1, THR_EMPTY = 0x20 };
#define UART_IRQ 10
#define RING 512

static u8 ring[RING];
static u32 head, tail; /* counts, not positions */

static void receive(void) {
  while (tail - head < RING && UART[LSR] & DATA_READY) ring[tail++ % RING] = UART[RBR];
  UART[IER] = tail - head < RING ? RECEIVE_INTERRUPT : 0;
  wake(ring);
}

void uart_start(void) {
  /* FCR is left alone: switching the FIFOs on would empty them, and a script may have typed already. */
  plic_enable(UART_IRQ, receive);
  UART[IER] = RECEIVE_INTERRUPT;
}

void uart_put(char c) {
  if (c == '\n') uart_put('\r');
  while (!(UART[LSR] & THR_EMPTY)) {}
  UART[THR] = c;
}

u32 uart_read(u8 *bytes, u32 length) {
  u32 count = 0;
  while (head == tail) sleep_on(ring, NEVER);
  while (count < length && head != tail) bytes[count++] = ring[head++ % RING];
  UART[IER] = RECEIVE_INTERRUPT;
  return count;
}

bool uart_interrupted(void) {
  for (u32 i = head; i != tail; i++)
    if (ring[i % RING] == 3) return true;
  return false;
}
