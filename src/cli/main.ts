#!/usr/bin/env node
/** `twinhart`: what a user types (cli.md). */
import { createProgram, settle } from './program.ts';

createProgram()
  .parseAsync()
  .catch((error: unknown) => {
    const { status, text } = settle(error);
    process.stderr.write(text);
    process.exitCode = status;
  });
