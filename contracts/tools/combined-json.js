// combined-json.js OUT NAME... prints abigen's input for the named contracts from the compiler's answer OUT.
'use strict';
const fs = require('fs');
const [file, ...names] = process.argv.slice(2);
const out = JSON.parse(fs.readFileSync(file, 'utf8'));
// Code 2394: a general warning about transient storage, which OpenZeppelin's guard uses as it says is safe.
for (const e of out.errors || []) if (e.errorCode !== '2394') process.stderr.write(e.formattedMessage + '\n');
if ((out.errors || []).some((e) => e.severity === 'error')) process.exit(1);
const contracts = {};
for (const name of names.sort()) {
  const unit = 'src/' + name + '.sol';
  const c = out.contracts[unit][name];
  const runtime = c.evm.deployedBytecode.object.length / 2;
  process.stderr.write(`${name}: ${runtime} bytes of runtime code\n`);
  if (runtime > 24576) { process.stderr.write(`${name} is over the EIP-170 limit\n`); process.exit(1); }
  contracts[unit + ':' + name] = { abi: c.abi, devdoc: {}, userdoc: {}, bin: c.evm.bytecode.object };
}
process.stdout.write(JSON.stringify({ contracts }, null, 1) + '\n');
