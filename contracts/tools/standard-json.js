// standard-json.js FILE... prints the compiler input for these sources, with the settings of foundry.toml:
// the bytecode in the bindings is the bytecode that the tests ran.
'use strict';
const fs = require('fs');
const path = require('path');
const toml = fs.readFileSync(path.join(__dirname, '..', 'foundry.toml'), 'utf8');
function setting(name) {
  const m = toml.match(new RegExp('^' + name + ' *= *"?([^"#\\s]+)"?', 'm'));
  if (!m) throw new Error('foundry.toml has no ' + name);
  return m[1];
}
const sources = {};
for (const f of process.argv.slice(2)) sources[f] = { content: fs.readFileSync(f, 'utf8') };
process.stdout.write(JSON.stringify({
  language: 'Solidity',
  sources,
  settings: {
    evmVersion: setting('evm_version'),
    optimizer: { enabled: true, runs: Number(setting('optimizer_runs')) },
    viaIR: true, // the profile "contracts" of foundry.toml
    metadata: { bytecodeHash: setting('bytecode_hash'), appendCBOR: false },
    outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } },
  },
}));
