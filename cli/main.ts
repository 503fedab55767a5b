#!/usr/bin/env node
/** The command `kinlog`. What it does with what was typed: run.ts. */
import "../src/promise-with-resolvers.ts";
import { runCommandLine } from "./run.ts";

await runCommandLine();
