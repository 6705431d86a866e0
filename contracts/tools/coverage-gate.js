#!/usr/bin/env node
// coverage-gate reads the lcov file of forge and fails unless every line, branch and function of the named sources ran:
//   coverage-gate LCOV.info SOURCE...
// In the IR pipeline forge counts nothing inside inline assembly. Such lines are taken as run when the first line after
// their block ran, and are reported; what they compute is for the tests and the mutants.
'use strict';
const fs = require('fs');
const [lcov, ...sources] = process.argv.slice(2);

const records = new Map(); // source -> lines of its record
for (const record of fs.readFileSync(lcov, 'utf8').split('end_of_record')) {
  const lines = record.trim().split('\n');
  const source = lines.find((l) => l.startsWith('SF:'));
  if (source) records.set(source.slice(3), lines);
}

// Line of the source -> line of the closing brace of the assembly block that it is in.
function assemblyLines(source) {
  const ends = new Map();
  let block = null;
  fs.readFileSync(source, 'utf8').split('\n').forEach((text, i) => {
    if (block) block.lines.push(i + 1);
    else if (/^\s*assembly\b.*\{$/.test(text)) block = { indent: text.search(/\S/), lines: [] };
    if (block && text.trim() === '}' && text.search(/\S/) === block.indent) {
      for (const line of block.lines) ends.set(line, i + 1);
      block = null;
    }
  });
  return ends;
}

let missed = 0;
console.log('coverage'.padEnd(30), 'lines'.padStart(9), 'branches'.padStart(9), 'functions'.padStart(9));
for (const source of sources) {
  const lines = records.get(source);
  if (!lines) throw new Error(`coverage-gate: ${lcov} has nothing about ${source}`);
  const number = (key) => Number(lines.find((l) => l.startsWith(key + ':')).slice(key.length + 1));
  const part = (hit, found) => `${number(hit)}/${number(found)}`.padStart(9);
  console.log(source.padEnd(30), part('LH', 'LF'), part('BRH', 'BRF'), part('FNH', 'FNF'));
  const assembly = assemblyLines(source);
  const ran = lines.filter((l) => l.startsWith('DA:')).map((l) => l.slice(3).split(',').map(Number));
  const after = (line) => ran.find(([n]) => n > assembly.get(line));
  let unseen = 0;
  for (const line of lines) {
    const [, kind, fields] = line.match(/^(DA|BRDA|FNDA):(.*)$/) || [];
    const parts = fields ? fields.split(',') : [];
    const count = kind === 'DA' ? parts[1] : kind === 'FNDA' ? parts[0] : parts[3];
    if (!kind || (count !== '0' && count !== '-')) continue;
    if (kind === 'DA' && assembly.has(Number(parts[0])) && after(Number(parts[0]))?.[1] > 0) {
      unseen++;
      continue;
    }
    console.error(`  never ran: ${source} ${kind} ${fields}`);
    missed++;
  }
  if (unseen) console.log(`  ${unseen} lines of inline assembly, which forge does not count; the line after them ran`);
}
if (missed) process.exit(1);
