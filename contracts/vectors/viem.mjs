// viem.mjs FILE computes the digest of every row of a digests.json again with viem, and exits 1 on any difference. Where Go has
// none, as amounts are too wide for it, viem's is written into the file, for Solidity to compare.
import { readFileSync, writeFileSync } from 'node:fs';
import { hashTypedData } from 'viem';

const file = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const { seed, schema, lists } = file;
const types = Object.fromEntries(schema.structs.map((s) => [s.name, s.fields.map(({ name, type }) => ({ name, type }))]));
let rows = 0;
let wrong = 0;
let wide = 0;
for (const list of lists) {
  for (const [i, row] of list.rows.entries()) {
    const { chainId, verifyingContract } = row;
    const digest = hashTypedData({
      domain: { ...schema.domain, chainId, verifyingContract }, types, primaryType: list.name, message: row,
    });
    if (row.digest === '') {
      wide++;
      row.digest = digest;
      continue;
    }
    rows++;
    if (digest === row.digest) continue;
    wrong++;
    console.error(`${list.name} ${i} (changed: "${row.changed}"): viem has ${digest}, Go has ${row.digest}`);
  }
}
writeFileSync(process.argv[2], JSON.stringify(file));
console.log(`viem agrees with Go on ${rows - wrong} of ${rows} digests, and has ${wide} of amounts that Go refuses, seed ${seed}`);
process.exit(wrong || rows < 1000 || wide < 100 ? 1 : 0);
