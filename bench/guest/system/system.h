/* What the system guests share: a map, and a way from M-mode down and back. Each counts what it did, and main compares. */
#pragma once
#include "../guest.h"

/** RAM that the guest has mapped: 32 MiB from 0x80000000. */
#define PAGES 8192u
#define PTE_U 0x10u
#define PTE_ALL 0xcfu /* V R W X A D */

/** The leaf entries of RAM, by page. */
extern u32 leaves[PAGES];

/** Fills the tables: RAM at its own addresses in pages of 4 KiB, each with `flags`. Returns satp. */
u32 identity(u32 flags);

/** Goes from M-mode to `code` in the privilege of `mpp` (0 or 1 << 11) under `satp`, traps of M going to `trap`; returns when that has
 *  jumped to `leave`, with its a0. */
u32 enter(const void *code, u32 mpp, u32 satp, const void *trap);
