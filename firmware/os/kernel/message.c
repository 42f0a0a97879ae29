/* Messages between tasks: one slot for each pair, so nothing queues without bound. A question is owed an answer; when the task
 * that owes it dies, whoever waits is told. */
#include "kernel.h"

i32 message_send(u32 to, u32 address, u32 length, bool answer) {
  u32 me = current - tasks;
  if (to >= TASKS || to == me || length > MESSAGE_BYTES) return BAD_CALL;
  struct task *receiver = &tasks[to];
  struct message *slot = &receiver->inbox[me];
  if (answer && !(current->owes & 1u << to)) return BAD_CALL;
  if (receiver->mail & 1u << me || (!answer && receiver->owes & 1u << me)) return BUSY;
  if (!vm_copy_in(current->root, slot->bytes, address, length)) return BAD_POINTER;
  slot->length = length;
  receiver->mail |= 1u << me;
  if (answer) current->owes &= ~(1u << to);
  else receiver->owes |= 1u << me;
  wake(receiver);
  return 0;
}

static i32 hand_over(u32 address, u32 capacity, const void *bytes, u32 length, u32 from_address, u32 from) {
  if (length > capacity) length = capacity;
  if (!vm_copy_out(current->root, address, bytes, length)) return BAD_POINTER;
  if (!vm_copy_out(current->root, from_address, &from, sizeof from)) return BAD_POINTER;
  return length;
}

i32 message_receive(u32 address, u32 capacity, u32 from_address) {
  struct task *me = current;
  for (;;) {
    for (u32 from = 0; from < TASKS; from++) {
      u32 bit = 1u << from;
      if (me->mail & bit) {
        me->mail &= ~bit;
        return hand_over(address, capacity, me->inbox[from].bytes, me->inbox[from].length, from_address, from);
      }
      if (me->dead & bit) {
        me->dead &= ~bit;
        return hand_over(address, capacity, NULL, 0, from_address, from | FROM_DIED);
      }
    }
    u32 frame = me == &tasks[TASK_KV] ? net_waiting() : 0;
    if (frame) {
      i32 result = hand_over(address, capacity, net_frame(), frame, from_address, FROM_NET);
      net_next();
      return result;
    }
    sleep_on(me, NEVER);
  }
}

void message_task_died(struct task *task) {
  u32 bit = 1u << (task - tasks);
  for (u32 i = 0; i < TASKS; i++) {
    if (task->owes & 1u << i) {
      tasks[i].dead |= bit;
      wake(&tasks[i]);
    }
    tasks[i].owes &= ~bit; /* an answer to the dead would reach its successor, who never asked */
    tasks[i].mail &= ~bit;
  }
  task->owes = task->mail = task->dead = 0;
}
