/* What a benchmark guest has: integers, a UART, and report(). The workloads are self-contained so that an engine's speed is all they show. */
#pragma once
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef int i32;

/** Prints "NAME CHECKSUM" and returns what main returns: 0 when the checksum is the expected one, else 1. */
int report(const char *name, u32 checksum, u32 expected);

/** Memory that is not cleared before a round: for what main fills anyway. */
#define SCRATCH __attribute__((section(".noinit")))
