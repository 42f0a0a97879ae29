#!/usr/bin/env node
/** `twinhart`: what a user types (cli.md). */
import { createProgram, settle } from './program.ts';

try {
  await createProgram().parseAsync();
} catch (error) {
  const { status, text } = settle(error);
  process.stderr.write(text);
  process.exitCode = status;
}
