// The checks with the official OpenAI client for Node.
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { MIB, MODEL, apiKey, ask, baseURL, check, collect, http, leaves, released, run, script, settleDown, stats, tag } from './suite.mjs';

const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, timeout: 60_000 });
const chat = client.chat.completions;
const TOKENS8 = [...Array(8).keys()].map((i) => `t${i} `).join('');
const text = (chunks) => chunks.map((c) => c.choices[0]?.delta.content ?? '').join('');

async function rejects(promise, kind, status, code) {
  let error;
  await assert.rejects(promise, (e) => {
    assert.ok(e instanceof kind, `${e?.constructor?.name}, want ${kind.name}: ${e?.message}`);
    if (status) {
      assert.equal(e.status, status);
      if (code) assert.equal(e.code, code);
      assert.equal(typeof e.code, 'string');
      assert.equal(typeof e.type, 'string');
      assert.match(e.requestID ?? '', /^req_/);
    }
    error = e;
    return true;
  });
  return error;
}

check(1, async () => {
  const { data, request_id } = await chat.create({ model: 'auto', messages: ask() }).withResponse();
  assert.match(request_id, /^req_/);
  assert.equal(data.choices[0].message.content, TOKENS8);
  assert.notEqual(data.model, 'auto');
  assert.equal(data.usage.total_tokens, data.usage.prompt_tokens + data.usage.completion_tokens);
});

check(2, async () => {
  const chunks = await collect(await chat.create({ model: MODEL, messages: ask({ tokens: 20 }), stream: true }));
  assert.equal(chunks.filter((c) => c.choices[0]?.delta.content).length, 20);
  assert.equal(new Set(chunks.map((c) => `${c.id} ${c.created} ${c.model} ${c.object}`)).size, 1);
  const raw = await (await chat.create({ model: MODEL, messages: ask({ tokens: 20 }), stream: true }).asResponse()).text();
  assert.equal(raw.split('data: [DONE]').length, 2);
  assert.ok(raw.endsWith('data: [DONE]\n\n'));
});

check(3, async () => {
  for (const words of [{}, { 'inline-usage': 1 }]) {
    const asked = await collect(await chat.create({ model: MODEL, messages: ask(words), stream: true, stream_options: { include_usage: true } }));
    assert.deepEqual(asked.map((c) => !!c.usage).indexOf(true), asked.length - 1);
    assert.deepEqual(asked.at(-1).choices, []);
    const plain = await collect(await chat.create({ model: MODEL, messages: ask(words), stream: true }));
    assert.ok(plain.every((c) => !c.usage && c.choices.length));
  }
});

check(4, async () => {
  const tools = [{ type: 'function', function: { name: 'get_weather' } }];
  const final = await chat.stream({ model: MODEL, messages: ask({ tool: 1 }), tools }).finalChatCompletion();
  const calls = final.choices[0].message.tool_calls;
  assert.equal(calls.length, 1);
  assert.deepEqual(JSON.parse(calls[0].function.arguments), { city: 'Paris', days: 3 });
  const whole = await chat.create({ model: MODEL, messages: ask({ tool: 1 }), tools });
  assert.equal(JSON.parse(whole.choices[0].message.tool_calls[0].function.arguments).days, 3);
});

check(5, async () => {
  const format = zodResponseFormat(z.object({ colour: z.string(), n: z.number() }), 'colour');
  const r = await chat.parse({ model: MODEL, messages: ask({ document: '{"colour":"red","n":3}' }), response_format: format });
  assert.deepEqual(r.choices[0].message.parsed, { colour: 'red', n: 3 });
});

check(6, async () => {
  const call = { id: 'c1', type: 'function', function: { name: 'look', arguments: '{}' } };
  const r = await chat.create({
    model: MODEL,
    messages: [
      { role: 'user', content: [{ type: 'text', text: 'Look' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } }] },
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c1', content: 'a pixel' },
      { role: 'user', content: [{ type: 'text', text: script() }] },
    ],
  });
  assert.deepEqual(r.x_seen, { images: 1, null_contents: 1 });
});

check(7, async () => {
  const x_probe = { b: [1, 2.5, null], a: 'é' };
  const r = await chat.create({ model: MODEL, messages: ask(), x_probe });
  assert.deepEqual(r.x_echo, { x_probe });
  assert.equal(r.usage.x_scripted, true);
  const chunks = await collect(await chat.create({ model: MODEL, messages: ask(), x_probe, stream: true }));
  for (const c of chunks) assert.deepEqual(c.x_echo, { x_probe });
});

check(8, async () => {
  const models = (await client.models.list()).data;
  assert.ok(['auto', MODEL].every((id) => models.some((m) => m.id === id && m.object === 'model' && m.owned_by)));
  assert.equal((await client.models.retrieve('flotilla/auto')).id, 'auto');
  assert.equal((await client.models.retrieve(MODEL)).context_length, MIB);
  await rejects(client.models.retrieve('no/such-model'), OpenAI.NotFoundError, 404, 'model_not_found');
});

check(9, async () => {
  const model = (await client.models.list()).data.find((m) => m.architecture.output_modalities.includes('embeddings')).id;
  const floats = (await client.embeddings.create({ model, input: 'A colour', encoding_format: 'float' })).data[0].embedding;
  const packed = (await client.embeddings.create({ model, input: 'A colour' })).data[0].embedding; // asks for base64
  assert.equal(floats.length, 384);
  assert.equal(packed.length, 384);
  assert.ok(floats.every((v, i) => Math.abs(v - packed[i]) < 1e-6));
  assert.equal((await client.embeddings.create({ model, input: ['a', 'b', 'c'] })).data.length, 3);
  await rejects(client.embeddings.create({ model, input: [1, 2] }), OpenAI.BadRequestError, 400);
});

check(10, async () => {
  const r = await client.completions.create({ model: MODEL, prompt: script({ tokens: 4 }), max_tokens: 16 });
  assert.equal(r.choices[0].text, 't0 t1 t2 t3 ');
  const chunks = await collect(await client.completions.create({ model: MODEL, prompt: script({ tokens: 4 }), stream: true }));
  assert.equal(chunks.map((c) => c.choices[0].text).join(''), 't0 t1 t2 t3 ');
  await rejects(client.completions.create({ model: MODEL, prompt: [1, 2] }), OpenAI.BadRequestError, 400);
});

check(11, async () => {
  const bad = new OpenAI({ baseURL, apiKey: 'sk-wrong', maxRetries: 0 });
  await rejects(bad.chat.completions.create({ model: MODEL, messages: ask() }), OpenAI.AuthenticationError, 401, 'invalid_api_key');
  await rejects(chat.create({ model: 'no-such', messages: ask() }), OpenAI.NotFoundError, 404, 'model_not_found');
  for (const [status, kind] of [
    [400, OpenAI.BadRequestError], [403, OpenAI.PermissionDeniedError], [422, OpenAI.UnprocessableEntityError],
    [429, OpenAI.RateLimitError], [500, OpenAI.InternalServerError], [503, OpenAI.InternalServerError],
  ]) {
    for (const stream of [false, true]) {
      await settleDown();
      const e = await rejects(chat.create({ model: MODEL, messages: ask({ status }), stream }), kind, status === 500 ? 502 : status, `scripted_${status}`);
      assert.match(e.message, /scripted error/);
    }
  }
});

check(12, async () => {
  const retrying = new OpenAI({ baseURL, apiKey, maxRetries: 2 });
  let t = tag();
  const e = await rejects(retrying.chat.completions.create({ model: MODEL, messages: ask({ status: 429, 'retry-after': 1, tag: t }) }), OpenAI.RateLimitError, 429);
  assert.equal(e.headers.get('retry-after'), '1');
  assert.equal((await stats(t)).calls, 3);
  t = tag(); // delivered in part and paid for: a repeat would pay again
  await rejects(retrying.chat.completions.create({ model: MODEL, messages: ask({ error: 3, tag: t }), stream: true }).then(collect), OpenAI.APIError);
  assert.equal((await stats(t)).calls, 1);
});

check(13, async () => {
  for (const [path, method] of [['/models', 'GET'], ['/chat/completions', 'POST'], ['/embeddings', 'POST'], ['/completions', 'POST']]) {
    const r = await http(path, { method, headers: { Authorization: 'Bearer sk-wrong' } });
    assert.deepEqual([r.status, r.body.error.code], [401, 'invalid_api_key']);
  }
});

check(14, async () => {
  for (const [path, init, want] of [
    ['/chat/completions', { method: 'POST', body: '{"model":' }, 400], ['/chat/completions', { method: 'GET' }, 405], ['/nowhere', {}, 404],
  ]) {
    const r = await http(path, init);
    assert.equal(r.status, want);
    assert.equal(typeof r.body.error.code, 'string');
    assert.match(r.headers.get('x-request-id'), /^req_/);
  }
});

check(15, async () => {
  const seen = [];
  const read = async () => {
    for await (const c of await chat.create({ model: MODEL, messages: ask({ tokens: 20, cut: 10 }), stream: true })) seen.push(c);
  };
  await rejects(read(), OpenAI.APIError);
  assert.ok(seen.length > 0 && seen.length <= 10, `${seen.length} chunks`);
  await rejects(chat.create({ model: MODEL, messages: ask({ cut: 3 }) }), OpenAI.InternalServerError, 502);
});

check(16, async () => {
  const e = await rejects(chat.create({ model: MODEL, messages: ask({ error: 3 }), stream: true }).then(collect), OpenAI.APIError);
  assert.match(e.message, /scripted error in the stream/);
});

check(17, async () => {
  await rejects(chat.create({ model: MODEL, messages: ask({ html: 1 }) }), OpenAI.InternalServerError, 502);
});

check(18, async () => {
  for (const stream of [false, true]) {
    for (const hold of [0, 4]) {
      const start = (t, signal) =>
        chat.create({ model: MODEL, messages: ask({ hold, tokens: 9, tag: t }), stream }, { signal }).then((r) => (stream ? collect(r) : r));
      await leaves(start, stream ? hold : 0);
    }
  }
});

check(19, async () => {
  const t = tag();
  await rejects(chat.create({ model: MODEL, messages: ask({ hold: 0, tag: t }) }, { timeout: 700 }), OpenAI.APIConnectionTimeoutError);
  await released(t, Date.now());
});

check(20, async () => {
  const ids = await Promise.all(
    [...Array(50).keys()].map(async (x_n) => {
      const chunks = await collect(await chat.create({ model: MODEL, messages: ask({ tokens: 5, delay: '5ms' }), stream: true, x_n }));
      for (const c of chunks) assert.deepEqual(c.x_echo, { x_n });
      assert.equal(text(chunks), 't0 t1 t2 t3 t4 ');
      assert.equal(new Set(chunks.map((c) => c.id)).size, 1);
      return chunks[0].id;
    }),
  );
  assert.equal(new Set(ids).size, 50);
});

check(21, async () => {
  const raw = await chat.create({ model: MODEL, messages: ask() }).asResponse();
  for (const name of ['model', 'operator', 'reason', 'receipt', 'cost']) assert.ok(raw.headers.get(`x-flotilla-${name}`), name);
  assert.equal(raw.headers.get('x-flotilla-why'), null);
  const stream = await chat.create({ model: MODEL, messages: ask(), stream: true }).asResponse();
  assert.match(stream.headers.get('content-type'), /^text\/event-stream/);
});

check(22, async () => {
  const long = [{ role: 'system', content: 'x '.repeat(MIB / 2) }, ...ask()];
  assert.equal((await chat.create({ model: MODEL, messages: long })).choices[0].message.content, TOKENS8);
  for (const size of [5 * MIB, 10 * MIB]) {
    await rejects(chat.create({ model: MODEL, messages: [{ role: 'user', content: 'x'.repeat(size) }] }), OpenAI.APIError, 413, 'request_too_large');
  }
});

check(23, async () => {
  assert.equal(text(await collect(await chat.create({ model: MODEL, messages: ask({ odd: 1 }), stream: true }))), TOKENS8);
});

check(24, async () => {
  const whole = (await chat.create({ model: MODEL, messages: ask({ tokens: 6 }) })).usage;
  const chunks = await collect(await chat.create({ model: MODEL, messages: ask({ tokens: 6 }), stream: true, stream_options: { include_usage: true } }));
  for (const u of [whole, chunks.at(-1).usage]) {
    const { receipt } = await client.get(`/receipts/${u.flotilla.receipt_id}`);
    assert.deepEqual([u.prompt_tokens, u.completion_tokens, u.flotilla.cost_micro_usd], [Number(receipt.inputTokens), Number(receipt.outputTokens), Number(receipt.amount)]);
  }
});

check(25, async () => {
  const t = tag();
  const came = [];
  for await (const c of await chat.create({ model: MODEL, messages: ask({ tokens: 10, delay: '100ms', tag: t }), stream: true })) {
    if (c.choices[0]?.delta.content) came.push(Date.now());
  }
  const sent = (await stats(t)).sent_at;
  assert.equal(came.length, 10);
  const late = came.filter((at, k) => k < 9 && at >= sent[k + 1]);
  assert.ok(late.length <= 1, `${late.length} chunks came after the next was sent`); // one: a busy machine may stop for 100 ms
});

await run('openai-node');
