// SPDX-License-Identifier: MIT
// The npm package eventsource as a client of /stream: node node.mjs URL
// Prints what it knows as a line of JSON for each line that it reads.
import { createInterface } from "node:readline";
import { EventSource } from "eventsource";
import { Values } from "./values.mjs";

const known = new Values(new EventSource(process.argv[2]));
const lines = createInterface({ input: process.stdin });
lines.on("line", () => console.log(JSON.stringify({ counts: known.counts, values: known.values })));
lines.on("close", () => process.exit());
