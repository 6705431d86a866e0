// The checks with Vercel's AI SDK and its provider for OpenAI-compatible servers, which validates every chunk.
import assert from 'node:assert/strict';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { embedMany, generateObject, generateText, streamText, tool } from 'ai';
import { z } from 'zod';
import { MODEL, apiKey, baseURL, check, collect, http, leaves, released, run, script, settleDown, stats, tag } from './suite.mjs';

const provider = createOpenAICompatible({ name: 'flotilla', baseURL, apiKey, includeUsage: true, supportsStructuredOutputs: true });
const model = provider(MODEL);
const TOKENS8 = [...Array(8).keys()].map((i) => `t${i} `).join('');
const ask = (words) => ({ model, prompt: script(words), maxRetries: 0 });
const tools = { get_weather: tool({ description: 'weather', inputSchema: z.object({ city: z.string(), days: z.number() }) }) };

// streamed reads a stream to its end or its error.
async function streamed(settings) {
  const parts = await collect(streamText({ onError: () => {}, ...settings }).fullStream);
  return { parts, text: parts.filter((p) => p.type === 'text-delta').map((p) => p.text).join(''), error: parts.find((p) => p.type === 'error')?.error };
}

check(1, async () => {
  const r = await generateText({ ...ask(), model: provider('auto') });
  assert.equal(r.text, TOKENS8);
  assert.match(r.response.headers['x-request-id'], /^req_/);
});
check(2, async () => {
  const { parts, text } = await streamed(ask({ tokens: 20 }));
  assert.equal(parts.filter((p) => p.type === 'text-delta').length, 20);
  assert.ok(text.endsWith('t19 '));
});
check(3, async () => {
  const { parts } = await streamed(ask());
  assert.equal(parts.find((p) => p.type === 'finish').totalUsage.outputTokens, 8);
});
check(4, async () => {
  const { parts } = await streamed({ ...ask({ tool: 1 }), tools });
  assert.deepEqual(parts.find((p) => p.type === 'tool-call').input, { city: 'Paris', days: 3 });
  assert.deepEqual((await generateText({ ...ask({ tool: 1 }), tools })).toolCalls[0].input, { city: 'Paris', days: 3 });
});
check(5, async () => {
  const schema = z.object({ colour: z.string(), n: z.number() });
  assert.deepEqual((await generateObject({ ...ask({ document: '{"colour":"red","n":3}' }), schema })).object, { colour: 'red', n: 3 });
});
check(6, async () => {
  const image = { type: 'image', image: 'iVBORw0KGgo=', mediaType: 'image/png' };
  const r = await generateText({ model, maxRetries: 0, messages: [{ role: 'user', content: [image, { type: 'text', text: script() }] }] });
  assert.deepEqual(r.response.body.x_seen, { images: 1 });
});
check(7, async () => {
  const r = await generateText({ ...ask(), providerOptions: { flotilla: { x_probe: [1, 'é'] } } });
  assert.deepEqual(r.response.body.x_echo, { x_probe: [1, 'é'] });
});
check(9, async () => {
  const id = (await http('/models')).body.data.find((m) => m.architecture.output_modalities.includes('embeddings')).id;
  const r = await embedMany({ model: provider.textEmbeddingModel(id), values: ['a', 'b'], maxRetries: 0 });
  assert.deepEqual(r.embeddings.map((e) => e.length), [384, 384]);
});
check(10, async () => {
  const r = await generateText({ ...ask({ tokens: 4 }), model: provider.completionModel(MODEL) });
  assert.ok(r.text.length > 0, 'no text');
});
check(11, async () => {
  for (const status of [400, 403, 422, 429, 500, 503]) {
    await settleDown();
    await assert.rejects(generateText(ask({ status })), (e) => e.statusCode === (status === 500 ? 502 : status) && /scripted error/.test(e.message));
  }
});
check(12, async () => {
  const t = tag();
  await assert.rejects(generateText({ ...ask({ status: 429, 'retry-after': 1, tag: t }), maxRetries: 2 }));
  assert.equal((await stats(t)).calls, 3);
});
check(13, async () => {
  const bad = createOpenAICompatible({ name: 'bad', baseURL, apiKey: 'sk-wrong' });
  await assert.rejects(generateText({ ...ask(), model: bad(MODEL) }), (e) => e.statusCode === 401 && !e.isRetryable);
});
check(15, async () => {
  const { parts, error } = await streamed(ask({ tokens: 20, cut: 10 }));
  assert.ok(error, 'a cut stream ended without an error');
  assert.ok(parts.filter((p) => p.type === 'text-delta').length <= 10);
});
check(16, async () => {
  const { error } = await streamed(ask({ error: 3 }));
  assert.match(String(error?.message ?? error), /scripted error in the stream/);
});
check(17, async () => {
  await assert.rejects(generateText(ask({ html: 1 })), (e) => e.statusCode === 502);
});
check(18, async () => {
  for (const hold of [0, 4]) {
    await leaves((t, abortSignal) => streamed({ ...ask({ hold, tokens: 9, tag: t }), abortSignal }), hold);
  }
});
check(19, async () => {
  const t = tag();
  await assert.rejects(generateText({ ...ask({ hold: 0, tag: t }), abortSignal: AbortSignal.timeout(700) }));
  await released(t, Date.now());
});
check(20, async () => {
  const texts = await Promise.all([...Array(50).keys()].map(async () => (await streamed(ask({ tokens: 5, delay: '5ms' }))).text));
  assert.deepEqual(new Set(texts), new Set(['t0 t1 t2 t3 t4 ']));
});
check(22, async () => {
  assert.equal((await generateText({ ...ask(), system: 'x '.repeat(1 << 19) })).text, TOKENS8);
  await assert.rejects(generateText({ model, maxRetries: 0, prompt: 'x'.repeat(5 << 20) }), (e) => e.statusCode === 413);
});
check(23, async () => assert.equal((await streamed(ask({ odd: 1 }))).text, TOKENS8));
check(24, async () => {
  const whole = (await generateText(ask({ tokens: 6 }))).usage;
  const finish = (await streamed(ask({ tokens: 6 }))).parts.find((p) => p.type === 'finish').totalUsage;
  for (const u of [whole, finish]) assert.deepEqual([u.inputTokens, u.outputTokens], [11, 6]);
});

await run('vercel-ai');
