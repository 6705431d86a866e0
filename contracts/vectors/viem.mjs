// viem.mjs FILE computes the digest of every row of a digests.json again with viem, and exits 1 on any difference.
import { readFileSync } from 'node:fs';
import { hashTypedData } from 'viem';

const { seed, schema, lists } = JSON.parse(readFileSync(process.argv[2], 'utf8'));

const types = Object.fromEntries(schema.structs.map((s) => [s.name, s.fields.map(({ name, type }) => ({ name, type }))]));
let rows = 0;
let wrong = 0;
for (const list of lists) {
  for (const [i, row] of list.rows.entries()) {
    const { chainId, verifyingContract } = row;
    const digest = hashTypedData({
      domain: { ...schema.domain, chainId, verifyingContract }, types, primaryType: list.name, message: row,
    });
    rows++;
    if (digest === row.digest) continue;
    wrong++;
    console.error(`${list.name} ${i} (changed: "${row.changed}"): viem has ${digest}, Go has ${row.digest}`);
  }
}
console.log(`viem agrees on ${rows - wrong} of ${rows} digests, seed ${seed}`);
process.exit(wrong || rows < 1000 ? 1 : 0);
