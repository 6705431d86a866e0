// The checks of the Responses API with the official OpenAI client for Node.
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { MODEL, apiKey, baseURL, check, collect, leaves, run, script, settleDown, tag } from './suite.mjs';

const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, timeout: 60_000 });
const create = (more, options) => client.responses.create({ model: MODEL, input: script(), ...more }, options);
const TOKENS8 = [...Array(8).keys()].map((i) => `t${i} `).join('');
const tools = [{ type: 'function', name: 'get_weather', parameters: { type: 'object', properties: {} }, strict: false }];

async function refused(promise, kind, status, code, param) {
  await assert.rejects(promise, (e) => {
    assert.ok(e instanceof kind, `${e?.constructor?.name}, want ${kind.name}: ${e?.message}`);
    assert.equal(e.status, status);
    if (code) assert.equal(e.code, code);
    if (param) assert.equal(e.param, param);
    assert.match(e.requestID ?? '', /^req_/);
    return true;
  });
}

check(1, async () => {
  const { data, request_id } = await create({ model: 'auto', store: true }).withResponse();
  assert.match(request_id, /^req_/);
  assert.match(data.id, /^resp_/);
  assert.deepEqual([data.output_text, data.status, data.store, data.error], [TOKENS8, 'completed', false, null]);
  assert.notEqual(data.model, 'auto');
});

check(2, async () => {
  const events = await collect(await create({ input: [{ role: 'user', content: script({ tokens: 20 }) }], stream: true }));
  assert.deepEqual(events.map((e) => e.sequence_number), [...events.keys()]);
  assert.equal(events.filter((e) => e.type === 'response.output_text.delta').length, 20);
  assert.deepEqual([events[0].type, events.at(-1).type], ['response.created', 'response.completed']);
  assert.equal((await client.responses.stream({ model: MODEL, input: script() }).finalResponse()).output_text, TOKENS8);
});

check(3, async () => {
  const input = [{ role: 'user', content: script({ tool: 1 }) }];
  const whole = (await create({ input, tools })).output;
  const streamed = (await client.responses.stream({ model: MODEL, input, tools }).finalResponse()).output;
  for (const call of [...whole, ...streamed]) assert.deepEqual([call.name, JSON.parse(call.arguments)], ['get_weather', { city: 'Paris', days: 3 }]);
  input.push(...streamed, { type: 'function_call_output', call_id: streamed[0].call_id, output: 'rain' });
  assert.equal((await create({ input, tools })).output_text, TOKENS8);
});

check(4, async () => {
  const format = zodTextFormat(z.object({ colour: z.string(), n: z.number() }), 'colour');
  const r = await client.responses.parse({ model: MODEL, input: script({ document: '{"colour":"red","n":3}' }), text: { format } });
  assert.deepEqual(r.output_parsed, { colour: 'red', n: 3 });
});

check(5, async () => {
  const content = [{ type: 'input_image', image_url: 'data:image/png;base64,iVBORw0KGgo=', detail: 'auto' }, { type: 'input_text', text: script() }];
  assert.deepEqual((await create({ input: [{ role: 'user', content }] })).x_seen, { images: 1 });
});

check(6, async () => {
  const [thoughts, answer] = (await create({ input: script({ think: 2 }) })).output;
  assert.equal(thoughts.content[0].text, 't0 t1 ');
  assert.match(answer.content[0].text, /^t2 /);
  const r = await client.responses.stream({ model: MODEL, input: script({ think: 2 }), reasoning: { summary: 'auto' } }).finalResponse();
  assert.equal(r.output[0].summary[0].text, 't0 t1 ');
});

check(7, async () => {
  const whole = (await create({ input: script({ tokens: 6 }) })).usage;
  const streamed = (await collect(await create({ input: script({ tokens: 6 }), stream: true }))).at(-1).response.usage;
  for (const u of [whole, streamed]) {
    assert.deepEqual([u.input_tokens, u.output_tokens, u.total_tokens], [11, 6, 17]);
    const { receipt } = await client.get(`/receipts/${u.flotilla.receipt_id}`);
    assert.equal(Number(receipt.amount), u.flotilla.cost_micro_usd);
    assert.equal(Math.round(u.cost * 1e6), u.flotilla.cost_micro_usd);
  }
});

check(8, async () => {
  const x_probe = { b: [1, 2.5, null], a: 'é' };
  assert.deepEqual((await create({ x_probe })).x_echo, { x_probe });
});

check(9, async () => {
  const bad = new OpenAI({ baseURL, apiKey: 'sk-wrong', maxRetries: 0 });
  await refused(bad.responses.create({ model: MODEL, input: 'x' }), OpenAI.AuthenticationError, 401, 'invalid_api_key');
  await refused(create({ model: 'no-such' }), OpenAI.NotFoundError, 404, 'model_not_found');
  for (const [status, kind] of [[400, OpenAI.BadRequestError], [429, OpenAI.RateLimitError], [500, OpenAI.InternalServerError]]) {
    for (const stream of [false, true]) {
      await settleDown();
      await refused(create({ input: script({ status }), stream }), kind, status === 500 ? 502 : status, `scripted_${status}`);
    }
  }
});

check(10, async () => {
  await refused(create({ previous_response_id: 'resp_1' }), OpenAI.BadRequestError, 400, 'unsupported_parameter', 'previous_response_id');
  await refused(create({ tools: [{ type: 'web_search' }] }), OpenAI.BadRequestError, 400, 'unsupported_value', 'tools[0].type');
  await refused(client.responses.retrieve('resp_1'), OpenAI.NotFoundError, 404, 'unknown_url');
});

check(11, async () => {
  const r = await create({ input: script({ finish: 'length' }) });
  assert.deepEqual([r.status, r.incomplete_details.reason], ['incomplete', 'max_output_tokens']);
});

check(12, async () => {
  for (const words of [{ tokens: 20, cut: 10 }, { error: 3 }]) {
    const seen = [];
    const read = async () => {
      for await (const e of await create({ input: script(words), stream: true })) seen.push(e.type);
    };
    await assert.rejects(read(), OpenAI.APIError);
    assert.ok(seen.length > 4 && !seen.includes('response.completed'), seen.join());
    await settleDown();
  }
});

check(13, async () => {
  const start = (stream) => (t, signal) => create({ input: script({ hold: 4, tokens: 9, tag: t }), stream }, { signal }).then((r) => (stream ? collect(r) : r));
  await leaves(start(false));
  await leaves(start(true), 4);
});

run('openai-node');
