// What the Node clients' checks share. Each client file registers its checks by their number in docs/gateway.md; run()
// prints one JSON object per check for conformance_test.go.
import assert from 'node:assert/strict';

export const baseURL = process.env.FLOTILLA_BASE_URL;
export const apiKey = process.env.FLOTILLA_API_KEY;
export const MODEL = 'smollm2-135m-instruct';
export const MIB = 1 << 20;
const upstream = process.env.FLOTILLA_UPSTREAM_URL;
const checks = [];
let tags = 0;

export const check = (number, fn) => checks.push([number, fn]);

export async function run(client) {
  const only = (process.env.FLOTILLA_CHECKS ?? '').split(',').filter(Boolean).map(Number);
  for (const [number, fn] of checks) {
    if (only.length && !only.includes(number)) continue;
    await settleDown();
    const start = Date.now();
    let why = '';
    try {
      await fn();
    } catch (e) {
      const at = /\/((?:client|responses|messages)_\w+\.mjs:\d+)/.exec(e?.stack ?? '')?.[1] ?? '';
      why = `${at} ${e?.constructor?.name}: ${String(e?.message).slice(0, 400)}` || 'failed';
    }
    console.log(JSON.stringify({ check: number, client, why, ms: Date.now() - start }));
  }
  process.exit(0);
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export const tag = () => `${process.pid}-${++tags}`;
export const stats = async (t) => (await fetch(`${upstream}/stats?tag=${t}`)).json();

// The prompt that makes the model server do something; see node/backend/scripted.
export const script = (words = {}) =>
  'Hello. @script ' + Object.entries(words).map(([k, v]) => `${k}=${v}`).join(' ');
export const ask = (words) => [{ role: 'user', content: script(words) }];

export async function eventually(what, ok, seconds = 20) {
  for (const end = Date.now() + seconds * 1000; !(await ok()); await sleep(20)) {
    if (Date.now() > end) throw new Error(`never happened: ${what}`);
  }
}

// Waits until the operator answers: after a fault of its own the gateway leaves it alone for a moment.
export async function settleDown() {
  const body = JSON.stringify({ model: MODEL, messages: ask({ tokens: 1 }) });
  await eventually('the operator is back', async () => (await http('/chat/completions', { method: 'POST', body })).status === 200);
}

// The model server was let go within a second after the client left.
export async function released(t, left, calls = 1) {
  await eventually('the model server is released', async () => (await stats(t)).released === calls);
  const late = Math.max(...(await stats(t)).left_at) - left;
  assert.ok(late < 1000, `released ${late} ms after the client left`);
}

// The client leaves the answer that start(tag, signal) promises, once the model server works on it and has sent so many pieces.
export async function leaves(start, sent = 0) {
  const t = tag();
  const abort = new AbortController();
  const done = start(t, abort.signal).catch(() => 'gone');
  await eventually('the model server works', async () => (await stats(t)).calls === 1 && (await stats(t)).sent_at.length >= sent);
  await sleep(200);
  const left = Date.now();
  abort.abort();
  await done;
  await released(t, left);
}

export async function http(path, init = {}) {
  const headers = { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json', ...init.headers };
  const r = await fetch(baseURL + path, { ...init, headers });
  return { status: r.status, headers: r.headers, body: await r.json() };
}

export async function collect(stream) {
  const out = [];
  for await (const chunk of stream) out.push(chunk);
  return out;
}
