#!/usr/bin/env node
// gas-gate compares the gas that forge measured with the committed figures and prints both as a table:
//   gas-gate MEASURED.json COMMITTED.json
// Fails when a figure moved by more than 2 % either way, is new, or is gone: the committed file is what people read.
'use strict';
const fs = require('fs');
const LIMIT = 0.02;

const [measured, committed] = process.argv.slice(2).map((f) => JSON.parse(fs.readFileSync(f, 'utf8')));
let moved = 0;
console.log('gas of whole transactions'.padEnd(36), 'committed'.padStart(10), 'measured'.padStart(10), 'change'.padStart(9));
for (const name of [...new Set([...Object.keys(committed), ...Object.keys(measured)])].sort()) {
  const [was, is] = [Number(committed[name]), Number(measured[name])]; // NaN: not there
  const change = (is - was) / was;
  const ok = Math.abs(change) <= LIMIT;
  if (!ok) moved++;
  const percent = Number.isNaN(change) ? 'new/gone' : `${(100 * change).toFixed(2)} %`;
  const cell = (n) => (Number.isNaN(n) ? '-' : n.toLocaleString('en')).padStart(10);
  console.log(name.padEnd(36), cell(was), cell(is), percent.padStart(9), ok ? '' : '  <-- over 2 %');
}
if (moved) {
  console.error(`gas-gate: ${moved} figures moved by more than 2 %; UPDATE_GAS=1 ./test.sh accepts them`);
  process.exit(1);
}
