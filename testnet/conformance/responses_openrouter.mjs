// The checks of the Responses API with OpenRouter's own client for Node, which refuses answers that lack a member of theirs. It has
// their address for a base URL: the gateway's with /api/v1.
import assert from 'node:assert/strict';
import { OpenRouter } from '@openrouter/sdk';
import * as errors from '@openrouter/sdk/models/errors';
import { MODEL, apiKey, baseURL, check, collect, run, script, settleDown } from './suite.mjs';

const serverURL = baseURL.replace(/\/v1$/, '/api/v1');
const retryConfig = { strategy: 'none' };
const client = new OpenRouter({ apiKey, serverURL, retryConfig });
const send = (words, more = {}) => client.responses.send({ responsesRequest: { model: MODEL, input: script(words), ...more } });
const TOKENS8 = [...Array(8).keys()].map((i) => `t${i} `).join('');
const text = (r) => r.output.filter((o) => o.type === 'message').map((o) => o.content[0].text).join('');
const tools = [{ type: 'function', name: 'get_weather', parameters: { type: 'object', properties: {} } }];

check(1, async () => {
  const r = await send({}, { model: 'openrouter/auto', instructions: 'Be brief.' });
  assert.equal(text(r), TOKENS8);
  assert.match(r.id, /^resp_/);
});
check(2, async () => {
  const events = await collect(await send({ tokens: 20 }, { stream: true }));
  assert.equal(events.filter((e) => e.type === 'response.output_text.delta').length, 20);
  assert.equal(events.at(-1).type, 'response.completed');
});
check(3, async () => {
  const events = await collect(await send({ tool: 1 }, { stream: true, tools }));
  for (const r of [events.at(-1).response, await send({ tool: 1 }, { tools })]) {
    const [call] = r.output;
    assert.deepEqual([call.name, JSON.parse(call.arguments)], ['get_weather', { city: 'Paris', days: 3 }]);
    const input = [{ role: 'user', content: 'Hello.' }, call, { type: 'function_call_output', callId: call.callId, output: 'rain' }];
    assert.equal(text(await send({}, { input, tools })), TOKENS8);
  }
});
check(4, async () => {
  const format = { type: 'json_schema', name: 'n', strict: true, schema: { type: 'object' } };
  assert.deepEqual(JSON.parse(text(await send({ document: '{"n":3}' }, { text: { format } }))), { n: 3 });
});
check(6, async () => {
  const [thoughts] = (await send({ think: 2 })).output;
  assert.equal(thoughts.content[0].text, 't0 t1 ');
  const events = await collect(await send({ think: 2 }, { stream: true, reasoning: { summary: 'auto' } }));
  assert.equal(events.filter((e) => e.type === 'response.reasoning_summary_text.delta').map((e) => e.delta).join(''), 't0 t1 ');
});
check(7, async () => {
  const { usage } = await send({ tokens: 6 });
  const streamed = (await collect(await send({ tokens: 6 }, { stream: true }))).at(-1).response.usage;
  for (const u of [usage, streamed]) assert.ok(u.inputTokens === 11 && u.outputTokens === 6 && u.cost > 0, JSON.stringify(u));
});
check(9, async () => {
  for (const [status, kind] of [[400, errors.BadRequestResponseError], [429, errors.TooManyRequestsResponseError]]) {
    await settleDown();
    await assert.rejects(send({ status }), (e) => e instanceof kind && e.statusCode === status && /scripted error/.test(e.message));
  }
});
check(10, async () => {
  await assert.rejects(send({}, { previousResponseId: 'resp_1' }), (e) => e instanceof errors.BadRequestResponseError);
});
check(11, async () => {
  assert.equal((await send({ finish: 'length' })).status, 'incomplete');
});
check(12, async () => {
  const events = await collect(await send({ tokens: 20, cut: 10 }, { stream: true }));
  assert.deepEqual(events.slice(-2).map((e) => e.type), ['error', 'response.failed']);
});

run('openrouter');
