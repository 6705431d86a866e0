// The checks with OpenRouter's own client for Node, which refuses answers that lack a member of theirs. It has their address for a
// base URL: the gateway's with /api/v1.
import assert from 'node:assert/strict';
import { OpenRouter } from '@openrouter/sdk';
import * as errors from '@openrouter/sdk/models/errors';
import { MODEL, apiKey, ask, baseURL, check, collect, run, settleDown } from './suite.mjs';

const serverURL = baseURL.replace(/\/v1$/, '/api/v1');
const retryConfig = { strategy: 'none' };
const client = new OpenRouter({ apiKey, serverURL, retryConfig });
const send = (words, more = {}, by = client) => by.chat.send({ chatRequest: { model: MODEL, messages: ask(words), ...more } });
const streamed = async (words, more) => collect(await send(words, { stream: true, ...more }));
const text = (chunks) => chunks.map((c) => c.choices[0]?.delta.content ?? '').join('');
const TOKENS8 = [...Array(8).keys()].map((i) => `t${i} `).join('');

check(1, async () => {
  const r = await send({}, { model: 'openrouter/auto' });
  assert.equal(r.choices[0].message.content, TOKENS8);
  assert.equal(r.usage.totalTokens, r.usage.promptTokens + r.usage.completionTokens);
  assert.ok(r.usage.cost > 0);
  assert.equal((await send({ think: 2 })).choices[0].message.reasoning, 't0 t1 ');
});
check(2, async () => {
  const chunks = await streamed({ tokens: 20, think: 2 });
  assert.equal(chunks.filter((c) => c.choices[0]?.delta.content).length, 18);
  assert.equal(chunks.map((c) => c.choices[0]?.delta.reasoning ?? '').join(''), 't0 t1 ');
  assert.equal(new Set(chunks.map((c) => `${c.id} ${c.created} ${c.model} ${c.object}`)).size, 1);
});
check(3, async () => { // here it comes unasked
  for (const more of [{}, { streamOptions: { includeUsage: true } }]) {
    const chunks = await streamed({ 'inline-usage': 1 }, more);
    assert.equal(chunks.map((c) => !!c.usage).indexOf(true), chunks.length - 1);
    assert.ok(chunks.at(-1).usage.cost > 0);
  }
});
check(4, async () => {
  const tools = [{ type: 'function', function: { name: 'get_weather' } }];
  const chunks = await streamed({ tool: 1 }, { tools });
  const args = chunks.map((c) => c.choices[0]?.delta.toolCalls?.[0].function?.arguments ?? '').join('');
  for (const json of [args, (await send({ tool: 1 }, { tools })).choices[0].message.toolCalls[0].function.arguments]) {
    assert.deepEqual(JSON.parse(json), { city: 'Paris', days: 3 });
  }
});
check(5, async () => {
  const responseFormat = { type: 'json_schema', jsonSchema: { name: 'n', strict: true, schema: { type: 'object' } } };
  assert.deepEqual(JSON.parse((await send({ document: '{"n":3}' }, { responseFormat })).choices[0].message.content), { n: 3 });
});
check(6, async () => {
  const content = [{ type: 'text', text: ask()[0].content }, { type: 'image_url', imageUrl: { url: 'data:image/png;base64,iVBORw0KGgo=' } }];
  const r = await client.chat.send({ chatRequest: { model: MODEL, messages: [{ role: 'developer', content: 'Be brief.' }, { role: 'user', content }] } });
  assert.equal(r.choices[0].message.content, TOKENS8);
});
check(8, async () => {
  const { data, totalCount } = (await client.models.list()).result;
  assert.ok(['auto', MODEL].every((id) => data.some((m) => m.id === id)));
  assert.equal((await client.models.count()).data.count, totalCount);
  assert.equal((await client.models.get({ author: 'huggingfacetb', slug: MODEL })).data.id, MODEL);
  assert.equal((await client.models.get({ author: 'openrouter', slug: 'auto' })).data.id, 'auto');
  const { endpoints } = (await client.endpoints.list({ author: 'huggingfacetb', slug: MODEL })).data;
  assert.equal(endpoints.length, 1);
  assert.equal(endpoints[0].modelId, MODEL);
  assert.equal(Number(endpoints[0].pricing.completion), 2e-6);
  await assert.rejects(client.models.get({ author: 'no', slug: 'such-model' }), errors.NotFoundResponseError);
});
check(9, async () => {
  const [model] = (await client.embeddings.listModels()).result.data;
  const r = await client.embeddings.generate({ requestBody: { model: model.id, input: ['a', 'b'] } });
  assert.deepEqual(r.data.map((d) => d.embedding.length), [384, 384]);
});
check(11, async () => {
  const kinds = {
    400: errors.BadRequestResponseError, 403: errors.ForbiddenResponseError, 422: errors.UnprocessableEntityResponseError,
    429: errors.TooManyRequestsResponseError, 500: errors.BadGatewayResponseError, 503: errors.ServiceUnavailableResponseError,
  };
  for (const [status, kind] of Object.entries(kinds)) {
    for (const stream of [false, true]) {
      await settleDown();
      await assert.rejects(send({ status }, { stream }), (e) => e instanceof kind && e.error.code === e.statusCode && /scripted error/.test(e.message));
    }
  }
});
check(13, async () => {
  const bad = new OpenRouter({ apiKey: 'sk-wrong', serverURL, retryConfig });
  await assert.rejects(send({}, {}, bad), errors.UnauthorizedResponseError);
});
for (const [number, words] of [[15, { tokens: 20, cut: 10 }], [16, { error: 3 }]]) {
  check(number, async () => { // the library raises nothing: the last chunk has the error
    const chunks = await streamed(words);
    assert.equal(chunks.at(-1).error.code, 502);
    assert.deepEqual(chunks.at(-1).choices, []);
    assert.ok(chunks.slice(0, -1).every((c) => !c.error && !c.choices[0]?.finishReason));
  });
}
check(17, async () => assert.rejects(send({ html: 1 }), errors.BadGatewayResponseError));
check(20, async () => {
  const texts = await Promise.all([...Array(50).keys()].map(async () => text(await streamed({ tokens: 5, delay: '5ms' }))));
  assert.deepEqual(new Set(texts), new Set(['t0 t1 t2 t3 t4 ']));
});
check(23, async () => assert.equal(text(await streamed({ odd: 1 })), TOKENS8));
check(24, async () => {
  const whole = await send({ tokens: 6 });
  const last = (await streamed({ tokens: 6 })).at(-1);
  for (const { id, usage } of [whole, last]) {
    const record = (await client.generations.getGeneration({ id })).data;
    assert.deepEqual([usage.promptTokens, usage.completionTokens, usage.cost], [record.tokensPrompt, record.tokensCompletion, record.totalCost]);
    assert.deepEqual([record.tokensPrompt, record.tokensCompletion], [11, 6]);
  }
});

await run('openrouter');
