// The checks of the Responses API with Vercel's AI SDK and its provider for OpenAI, which speaks it by default.
import assert from 'node:assert/strict';
import { createOpenAI } from '@ai-sdk/openai';
import { generateObject, generateText, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';
import { MODEL, apiKey, baseURL, check, collect, leaves, run, script, settleDown, tag } from './suite.mjs';

const provider = createOpenAI({ baseURL, apiKey });
const model = provider(MODEL);
const TOKENS8 = [...Array(8).keys()].map((i) => `t${i} `).join('');
const ask = (words) => ({ model, prompt: script(words), maxRetries: 0 });
const weather = (calls) => ({
  get_weather: tool({ description: 'weather', inputSchema: z.object({ city: z.string(), days: z.number() }), execute: async (input) => calls.push(input) && 'rain' }),
});

// streamed reads a stream to its end or its error.
async function streamed(settings) {
  const parts = await collect(streamText({ onError: () => {}, ...settings }).fullStream);
  return { parts, text: parts.filter((p) => p.type === 'text-delta').map((p) => p.text).join(''), error: parts.find((p) => p.type === 'error')?.error };
}

check(1, async () => {
  const r = await generateText({ ...ask(), model: provider('auto'), system: 'Be brief.' });
  assert.equal(r.text, TOKENS8);
  assert.match(r.response.headers['x-request-id'], /^req_/);
  assert.match(r.providerMetadata.openai.responseId, /^resp_/);
});
check(2, async () => {
  const { parts, text } = await streamed(ask({ tokens: 20 }));
  assert.equal(parts.filter((p) => p.type === 'text-delta').length, 20);
  assert.ok(text.endsWith('t19 '));
});
check(3, async () => { // both steps of a loop, with the provider's defaults
  const calls = [];
  const loop = { ...ask({ tool: 1 }), tools: weather(calls), stopWhen: stepCountIs(3) };
  assert.equal((await generateText(loop)).text, TOKENS8);
  assert.equal((await streamed(loop)).text, TOKENS8);
  assert.deepEqual(calls, [{ city: 'Paris', days: 3 }, { city: 'Paris', days: 3 }]);
});
check(4, async () => {
  const schema = z.object({ colour: z.string(), n: z.number() });
  assert.deepEqual((await generateObject({ ...ask({ document: '{"colour":"red","n":3}' }), schema })).object, { colour: 'red', n: 3 });
});
check(5, async () => {
  const image = { type: 'image', image: 'iVBORw0KGgo=', mediaType: 'image/png' };
  const r = await generateText({ model, maxRetries: 0, messages: [{ role: 'user', content: [image, { type: 'text', text: script() }] }] });
  assert.deepEqual(r.response.body.x_seen, { images: 1 });
});
check(6, async () => {
  const settings = { ...ask({ think: 2 }), providerOptions: { openai: { reasoningSummary: 'auto', forceReasoning: true } } };
  assert.equal((await generateText(settings)).reasoningText, 't0 t1 ');
  const { parts } = await streamed(settings);
  assert.equal(parts.filter((p) => p.type === 'reasoning-delta').map((p) => p.text).join(''), 't0 t1 ');
});
check(7, async () => {
  const { usage } = await generateText(ask({ tokens: 6 }));
  const { parts } = await streamed(ask({ tokens: 6 }));
  for (const u of [usage, parts.find((p) => p.type === 'finish').totalUsage]) assert.deepEqual([u.inputTokens, u.outputTokens], [11, 6]);
});
check(9, async () => {
  for (const status of [400, 403, 422, 429, 500, 503]) {
    await settleDown();
    await assert.rejects(generateText(ask({ status })), (e) => e.statusCode === (status === 500 ? 502 : status) && /scripted error/.test(e.message));
  }
});
check(10, async () => { // a chat's second turn refers to the first answer's text, unless it is told that nothing is stored
  const turns = async (providerOptions) => {
    const first = await generateText({ ...ask(), providerOptions });
    const messages = [{ role: 'user', content: 'Hello.' }, ...first.response.messages, { role: 'user', content: script({ tokens: 2 }) }];
    return (await generateText({ model, maxRetries: 0, messages, providerOptions })).text;
  };
  await assert.rejects(turns({}), (e) => e.statusCode === 400 && /store: false/.test(e.message));
  assert.equal(await turns({ openai: { store: false } }), 't0 t1 ');
});
check(11, async () => {
  assert.equal((await generateText(ask({ finish: 'length' }))).finishReason, 'length');
  const { parts } = await streamed(ask({ finish: 'length' }));
  assert.equal(parts.find((p) => p.type === 'finish').finishReason, 'length');
});
check(12, async () => {
  for (const words of [{ tokens: 20, cut: 10 }, { error: 3 }]) {
    const { parts, error } = await streamed(ask(words));
    assert.ok(error, 'a broken stream ended without an error');
    assert.ok(parts.filter((p) => p.type === 'text-delta').length <= 10);
    await settleDown();
  }
});
check(13, async () => {
  await leaves((t, abortSignal) => streamed({ ...ask({ hold: 4, tokens: 9, tag: t }), abortSignal }), 4);
});

run('vercel-ai');
