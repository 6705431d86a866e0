#!/usr/bin/env node
// coverage-gate reads the lcov file of forge and fails unless every line, branch and function of the named sources ran:
//   coverage-gate LCOV.info SOURCE...
'use strict';
const fs = require('fs');
const [lcov, ...sources] = process.argv.slice(2);

const records = new Map(); // source -> lines of its record
for (const record of fs.readFileSync(lcov, 'utf8').split('end_of_record')) {
  const lines = record.trim().split('\n');
  const source = lines.find((l) => l.startsWith('SF:'));
  if (source) records.set(source.slice(3), lines);
}

let missed = 0;
console.log('coverage'.padEnd(30), 'lines'.padStart(9), 'branches'.padStart(9), 'functions'.padStart(9));
for (const source of sources) {
  const lines = records.get(source);
  if (!lines) throw new Error(`coverage-gate: ${lcov} has nothing about ${source}`);
  const number = (key) => Number(lines.find((l) => l.startsWith(key + ':')).slice(key.length + 1));
  const part = (hit, found) => `${number(hit)}/${number(found)}`.padStart(9);
  console.log(source.padEnd(30), part('LH', 'LF'), part('BRH', 'BRF'), part('FNH', 'FNF'));
  for (const line of lines) {
    const [, kind, fields] = line.match(/^(DA|BRDA|FNDA):(.*)$/) || [];
    const parts = fields ? fields.split(',') : [];
    const count = kind === 'DA' ? parts[1] : kind === 'FNDA' ? parts[0] : parts[3];
    if (!kind || (count !== '0' && count !== '-')) continue;
    console.error(`  never ran: ${source} ${kind} ${fields}`);
    missed++;
  }
}
if (missed) process.exit(1);
