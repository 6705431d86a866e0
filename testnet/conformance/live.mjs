// What any gateway must do, whatever models are behind it, with the official OpenAI client for Node. See live.sh.
import assert from 'node:assert/strict';
import OpenAI from 'openai';

const baseURL = process.env.FLOTILLA_BASE_URL;
const apiKey = process.env.FLOTILLA_API_KEY;
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, timeout: 120_000 });
const chat = { model: 'auto', messages: [{ role: 'user', content: 'Name one colour.' }], max_tokens: 8 };
let failures = 0;

async function check(name, fn) {
  try {
    await fn();
    console.log(`ok   node    ${name}`);
  } catch (e) {
    failures++;
    console.log(`FAIL node    ${name}: ${e?.constructor?.name}: ${e?.message}`);
  }
}

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

async function rejects(promise, kind, status, code) {
  await assert.rejects(promise, (e) => {
    assert.ok(e instanceof kind, `${e?.constructor?.name}, want ${kind.name}`);
    assert.equal(e.status, status);
    assert.equal(e.code, code);
    assert.equal(typeof e.type, 'string');
    assert.match(e.requestID ?? '', /^req_/);
    return true;
  });
}

await check('plain chat: content, model, usage with cost and receipt, request id', async () => {
  const { data, request_id } = await client.chat.completions.create(chat).withResponse();
  assert.match(request_id, /^req_/);
  assert.equal(data.object, 'chat.completion');
  assert.equal(typeof data.choices[0].message.content, 'string');
  assert.notEqual(data.model, 'auto');
  assert.equal(data.usage.total_tokens, data.usage.prompt_tokens + data.usage.completion_tokens);
  assert.match(data.usage.flotilla.receipt_id, /^0x/);
  assert.equal(Math.round(data.usage.cost * 1e6), data.usage.flotilla.cost_micro_usd);
});

await check('streamed chat: role first, equal ids, finish reason, no usage unless asked for', async () => {
  const chunks = await collect(await client.chat.completions.create({ ...chat, stream: true }));
  assert.ok(chunks.length >= 2);
  assert.equal(new Set(chunks.map((c) => `${c.id} ${c.created} ${c.model}`)).size, 1);
  assert.equal(chunks[0].choices[0].delta.role, 'assistant');
  assert.ok(chunks.some((c) => c.choices[0]?.finish_reason));
  assert.ok(chunks.every((c) => !c.usage));
});

await check('streamed chat with include_usage: one usage chunk, last, without choices', async () => {
  const chunks = await collect(
    await client.chat.completions.create({ ...chat, stream: true, stream_options: { include_usage: true } }),
  );
  assert.deepEqual(chunks.map((c) => !!c.usage).indexOf(true), chunks.length - 1);
  assert.deepEqual(chunks.at(-1).choices, []);
  assert.match(chunks.at(-1).usage.flotilla.receipt_id, /^0x/);
});

await check('stream helper puts the chunks together', async () => {
  const final = await client.chat.completions.stream(chat).finalChatCompletion();
  assert.equal(typeof final.choices[0].message.content, 'string');
});

await check('the Responses API: plain and streamed', async () => {
  const ask = { model: 'auto', input: 'Name one colour.', max_output_tokens: 8 };
  for (const r of [await client.responses.create(ask), await client.responses.create({ ...ask, stream: true }).then(collect).then((events) => events.at(-1).response)]) {
    assert.ok(r.output[0].content[0].text.length > 0 && ['completed', 'incomplete'].includes(r.status), JSON.stringify(r));
    assert.match(r.usage.flotilla.receipt_id, /^0x/);
  }
});

await check('a stream can be aborted by the client', async () => {
  const stream = await client.chat.completions.create({ ...chat, max_tokens: 64, stream: true });
  for await (const _ of stream) {
    stream.controller.abort();
    break;
  }
});

await check('models.list and models.retrieve', async () => {
  const models = (await client.models.list()).data;
  assert.ok(models.some((m) => m.id === 'auto'));
  const named = models.find((m) => m.id !== 'auto' && m.architecture.output_modalities.includes('text'));
  assert.equal((await client.models.retrieve(named.id)).id, named.id);
});

await check('errors: wrong key 401, unknown model 404, unknown path 404, bad dial 400', async () => {
  const bad = new OpenAI({ baseURL, apiKey: 'sk-wrong', maxRetries: 0 });
  await rejects(bad.chat.completions.create(chat), OpenAI.AuthenticationError, 401, 'invalid_api_key');
  await rejects(client.chat.completions.create({ ...chat, model: 'no-such-model' }), OpenAI.NotFoundError, 404, 'model_not_found');
  await rejects(client.get('/nowhere'), OpenAI.NotFoundError, 404, 'unknown_url');
  await rejects(client.chat.completions.create({ ...chat, cost_quality_tradeoff: -1 }), OpenAI.BadRequestError, 400, 'invalid_value');
});

process.exit(failures ? 1 : 0);
