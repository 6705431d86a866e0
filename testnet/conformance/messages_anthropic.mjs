// The checks of the Messages API with the official Anthropic client for Node.
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import { z } from 'zod';
import { MODEL, apiKey, ask, baseURL as withVersion, check, collect, leaves, run, script, settleDown, tag } from './suite.mjs';

const baseURL = withVersion.replace(/\/v1$/, '');
const client = new Anthropic({ baseURL, apiKey, maxRetries: 0, timeout: 60_000 });
const body = (words, more) => ({ model: MODEL, max_tokens: 99, messages: ask(words), ...more });
const create = (words, more, options) => client.messages.create(body(words, more), options);
const final = (words, more) => client.messages.stream(body(words, more)).finalMessage();
const TOKENS8 = [...Array(8).keys()].map((i) => `t${i} `).join('');
const tools = [{ name: 'get_weather', description: 'weather', input_schema: { type: 'object', properties: {} } }];
const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } };

async function refused(promise, kind, status, type, param) {
  await assert.rejects(promise, (e) => {
    assert.ok(e instanceof kind, `${e?.constructor?.name}, want ${kind.name}: ${e?.message}`);
    assert.equal(e.status, status);
    assert.equal(e.error.error.type, type);
    if (param) assert.equal(e.error.error.param, param);
    assert.match(e.requestID ?? '', /^req_/);
    return true;
  });
}

check(1, async () => {
  const { data, request_id, response } = await create({}, { model: 'auto', system: 'Be brief.', stop_sequences: ['END'] }).withResponse();
  assert.match(request_id, /^req_/);
  assert.match(data.id, /^msg_/);
  assert.deepEqual([data.type, data.stop_reason, data.stop_sequence, data.content], ['message', 'end_turn', null, [{ type: 'text', text: TOKENS8 }]]);
  assert.equal(response.headers.get('x-flotilla-model'), data.model);
});

check(2, async () => {
  const events = await collect(await create({ tokens: 20 }, { stream: true }));
  const deltas = Array(20).fill('content_block_delta');
  assert.deepEqual(events.map((e) => e.type), ['message_start', 'content_block_start', ...deltas, 'content_block_stop', 'message_delta', 'message_stop']);
  const m = await final();
  assert.deepEqual([m.content[0].text, m.stop_reason, m.usage.input_tokens], [TOKENS8, 'end_turn', 11]);
});

check(3, async () => {
  const messages = ask({ tool: 1 });
  for (const answer of [create, final]) {
    const m = await answer({}, { messages, tools });
    assert.deepEqual([m.stop_reason, m.content[0].name, m.content[0].input], ['tool_use', 'get_weather', { city: 'Paris', days: 3 }]);
    if (answer === final) messages.push({ role: 'assistant', content: m.content });
  }
  messages.push({ role: 'user', content: [{ type: 'tool_result', tool_use_id: messages[1].content[0].id, is_error: true, content: [{ type: 'text', text: 'rain' }, image] }] });
  assert.deepEqual((await create({}, { messages, tools })).x_seen, { images: 1, null_contents: 1 });
});

check(4, async () => {
  const output_config = { format: zodOutputFormat(z.object({ colour: z.string(), n: z.number() })) };
  const r = await client.messages.parse(body({ document: '{"colour":"red","n":3}' }, { output_config }));
  assert.deepEqual(r.parsed_output, { colour: 'red', n: 3 });
});

check(5, async () => {
  const content = [image, { type: 'text', text: script() }];
  assert.deepEqual((await create({}, { messages: [{ role: 'user', content }] })).x_seen, { images: 1 });
});

check(6, async () => {
  for (const answer of [create, final]) {
    const [thoughts, said] = (await answer({ think: 2 }, { thinking: { type: 'adaptive' } })).content;
    assert.deepEqual([thoughts.type, thoughts.thinking], ['thinking', 't0 t1 ']);
    assert.match(said.text, /^t2 /);
  }
});

check(7, async () => {
  const whole = (await create({ tokens: 6 })).usage;
  const streamed = (await collect(await create({ tokens: 6 }, { stream: true }))).find((e) => e.type === 'message_delta').usage;
  for (const u of [whole, streamed]) {
    assert.deepEqual([u.input_tokens, u.output_tokens], [11, 6]);
    const { receipt } = await client.get(`/v1/receipts/${u.flotilla.receipt_id}`);
    assert.equal(Number(receipt.amount), u.flotilla.cost_micro_usd);
    assert.equal(Math.round(u.cost * 1e6), u.flotilla.cost_micro_usd);
  }
});

check(8, async () => {
  const x_probe = { b: [1, 2.5, null], a: 'é' };
  assert.deepEqual((await create({}, { x_probe })).x_echo, { x_probe });
});

check(9, async () => {
  await refused(create({}, { model: 'no-such' }), Anthropic.NotFoundError, 404, 'not_found_error');
  await assert.rejects(create({}, { model: 'no-such' }), (e) => e.errorCode === 'model_not_found');
  for (const [status, kind, type] of [[400, Anthropic.BadRequestError, 'invalid_request_error'], [429, Anthropic.RateLimitError, 'rate_limit_error'], [500, Anthropic.InternalServerError, 'api_error']]) {
    for (const stream of [false, true]) {
      await settleDown();
      await refused(create({ status }, { stream }), kind, status === 500 ? 502 : status, type);
    }
  }
});

check(10, async () => {
  assert.ok((await new Anthropic({ baseURL, apiKey: null, authToken: apiKey, maxRetries: 0 }).messages.create(body())).content);
  const bad = new Anthropic({ baseURL, apiKey: 'sk-wrong', maxRetries: 0 });
  await refused(bad.messages.create(body()), Anthropic.AuthenticationError, 401, 'authentication_error');
});

check(11, async () => {
  await refused(create({}, { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }), Anthropic.BadRequestError, 400, 'invalid_request_error', 'tools[0].type');
  await refused(client.messages.batches.retrieve('b'), Anthropic.NotFoundError, 404, 'not_found_error');
});

check(12, async () => {
  for (const answer of [create, final]) assert.equal((await answer({ finish: 'length' })).stop_reason, 'max_tokens');
});

check(13, async () => {
  for (const words of [{ tokens: 20, cut: 10 }, { error: 3 }]) {
    const seen = [];
    const read = async () => {
      for await (const e of await create(words, { stream: true })) seen.push(e.type);
    };
    await assert.rejects(read(), (e) => e instanceof Anthropic.APIError && e.type === 'api_error' && /^0x/.test(e.error.error.flotilla.receipt_id));
    assert.ok(seen.length > 2 && !seen.includes('message_delta'), seen.join());
    await settleDown();
    await assert.rejects(final(words), Anthropic.APIError);
    await settleDown();
  }
});

check(14, async () => {
  const start = (stream) => (t, signal) => create({ hold: 4, tokens: 9, tag: t }, { stream }, { signal }).then((r) => (stream ? collect(r) : r));
  await leaves(start(false));
  await leaves(start(true), 4);
});

check(15, async () => {
  const models = await collect(client.models.list());
  assert.deepEqual(models.map((m) => m.display_name).slice(0, 1), ['Automatic choice']);
  assert.equal((await client.models.retrieve(MODEL)).type, 'model');
  assert.equal((await client.messages.countTokens({ model: MODEL, messages: [{ role: 'user', content: 'u'.repeat(40) }] })).input_tokens, 10);
});

run('anthropic-js');
