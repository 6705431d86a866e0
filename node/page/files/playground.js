// The playground: type a prompt, move the dial, see what would be chosen; then send it.

import {bar, chip, count, el, ms, operator, panel, put, quality, usd} from './dom.js';
import {candidates, neighbours, plane, reasons} from './decision.js';
import {ask, door, events, key} from './gateway.js';
import {saved, sentence} from './requests.js';

/** draft is what a key has typed and was answered last, kept while other views are looked at: nothing else keeps it. */
let draft = {};

/** pause before a dry run: each counts in the key's requests a minute. */
const settleMS = 200;

const examples = ['What is the capital of France?', 'Prove that the square root of 2 is irrational.', 'Write a Go function that merges two sorted slices.', 'A train leaves at 9:40 and arrives at 13:05. How long does it take?'];

export function playgroundView(main) {
  if (door.door === 'owner') {
    const at = `${location.protocol}//${location.hostname}:${door.apiPort}/#playground`;
    put(main, el('div.page', el('h1', 'Playground'), el('div.empty', el('h2', 'It sends requests as a client does, with an API key'),
      el('p', 'Make a key with ', el('code', 'flotilla keys create NAME'), ' and open ', el('a', {href: at}, at), '.'))));
    return () => {};
  }
  if (draft.key !== key.get()) draft = {key: key.get(), prompt: '', dial: 7, most: 256, answer: el('div.answer', {'aria-live': 'polite', hidden: true})};
  const prompt = el('textarea', {id: 'prompt', rows: 5, placeholder: 'Ask something…', spellcheck: 'false'});
  const dial = el('input', {id: 'dial', type: 'range', min: 0, max: 10, step: 0.5, value: draft.dial, 'aria-describedby': 'dial-ends'});
  const dialValue = el('output', {for: 'dial'}, String(draft.dial));
  const most = el('input', {id: 'most', type: 'number', min: 1, max: 4096, value: draft.most});
  const send = el('button.primary', {type: 'submit'}, 'Send');
  const stop = el('button', {type: 'button', hidden: true}, 'Stop');
  const preview = el('div.preview', {'aria-live': 'polite'});
  const {answer} = draft;
  const detail = el('div.stack');
  const form = el('form.ask', el('label', {for: 'prompt'}, 'Prompt'), prompt,
    el('div.examples', 'Try: ', examples.map((e) => el('button.quiet', {type: 'button', onclick: () => { prompt.value = e; later(0); }}, e))),
    el('div.dial', el('label', {for: 'dial'}, 'Dial'), dialValue, dial, el('div.ends', {id: 'dial-ends'}, el('span', '0: most capable'), el('span', '10: cheapest capable'))),
    el('div.row', el('label', {for: 'most'}, 'Most tokens'), most, el('span.grow'), stop, send));
  put(main, el('div.page', el('header', el('h1', 'Playground'), el('p.note', 'A dry run costs nothing and runs nothing: it is the same code that decides for real. Sending is paid from your key. The gateway keeps no prompt; whoever answers one has read it.')),
    el('div.split.even', el('div.stack', el('section.panel', form), answer), el('div.stack', preview)), detail));

  let timer, asking = new AbortController(), sending = null;
  const body = (more) => JSON.stringify({model: 'auto', messages: [{role: 'user', content: prompt.value}], cost_quality_tradeoff: Number(dial.value), max_tokens: Number(most.value) || undefined, ...more});
  const later = (after) => { Object.assign(draft, {prompt: prompt.value, dial: dial.value, most: most.value}); clearTimeout(timer); timer = setTimeout(dryRun, after); };

  async function dryRun() {
    asking.abort();
    asking = new AbortController();
    if (!prompt.value.trim()) { put(preview, hint()); put(detail); return; }
    try {
      const got = await ask('/v1/route', {method: 'POST', body: body(), headers: {'Content-Type': 'application/json'}, signal: asking.signal});
      const d = await got.json();
      put(preview, d.cache && given(d.cache), d.pick && would(d));
      put(detail, d.pick && panel('What each model would bring', null, plane(d)), d.pick && [candidates(d), neighbours(d)]);
    } catch (e) {
      if (e.name === 'AbortError') return;
      put(preview, el('p.problem', e.message));
      put(detail);
    }
  }

  async function run() {
    sending?.abort();
    sending = new AbortController();
    const thought = el('p.text.thought', {hidden: true, title: 'What the model thought before it answered'}), text = el('p.text'), foot = el('p.note', 'waiting for the first byte…');
    answer.hidden = false;
    put(answer, panel('Answer', null, thought, text, foot));
    send.disabled = true;
    stop.hidden = false;
    const began = performance.now();
    try {
      const got = await ask('/v1/chat/completions', {method: 'POST', body: body({stream: true, stream_options: {include_usage: true}}), headers: {'Content-Type': 'application/json'}, signal: sending.signal});
      await read(got, thought, text, foot, began);
    } catch (e) {
      put(foot, e.name === 'AbortError' ? 'Stopped; what was delivered is billed.' : el('span.problem', e.message));
    } finally {
      send.disabled = false;
      stop.hidden = true;
    }
  }

  prompt.addEventListener('input', () => later(settleMS));
  most.addEventListener('input', () => later(settleMS));
  dial.addEventListener('input', () => { dialValue.textContent = dial.value; later(settleMS); });
  stop.addEventListener('click', () => sending?.abort());
  form.addEventListener('submit', (e) => { e.preventDefault(); if (prompt.value.trim()) run(); });
  prompt.addEventListener('keydown', (e) => { if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) form.requestSubmit(); });
  prompt.value = draft.prompt;
  put(preview, hint());
  if (draft.prompt) later(0);
  if (!key.get()) prompt.disabled = true;
  return () => { clearTimeout(timer); asking.abort(); sending?.abort(); };
}

const hint = () => el('section.panel', el('h2', 'What would be chosen'), el('p.note', 'Type a prompt: the choice appears here, and changes as you move the dial.'));

/** read shows the stream; one that breaks is shown as broken. */
async function read(got, thought, text, foot, began) {
  let usage = null, ended = false, first = 0;
  for await (const data of events(got)) {
    if (data === '[DONE]') { ended = true; break; }
    const chunk = JSON.parse(data);
    if (chunk.error) throw new Error(chunk.error.message);
    const delta = chunk.choices?.[0]?.delta ?? {};
    const reasoning = delta.reasoning_content || delta.reasoning; // llama.cpp and vLLM, Ollama
    if (reasoning || delta.content) {
      first ||= performance.now() - began;
      thought.append(reasoning || '');
      thought.hidden = !thought.textContent;
      text.append(delta.content || '');
      put(foot, `first byte after ${ms(first)}`);
    }
    usage = chunk.usage || usage;
  }
  if (!ended) throw new Error('the answer broke off');
  const f = usage?.flotilla;
  if (!f) { put(foot, 'done'); return; }
  put(foot, el('span.model', f.model), ' on ', operator(f.operator), ` · ${count(usage.prompt_tokens)} + ${count(usage.completion_tokens)} tokens · ${ms(performance.now() - began)} · `,
    el('b', usd(f.cost_micro_usd)), f.baseline_model ? `, ${saved(f.cost_micro_usd, f.baseline_micro_usd)} than ${f.baseline_model} (${usd(f.baseline_micro_usd)})`.replace('the same than', 'the same as').replace('unknown than', 'unknown beside') : '',
    f.receipt_id && [' · ', el('a', {href: `#requests/${f.receipt_id}`}, 'see the decision')]);
}

function given(c) {
  return el('section.panel', el('p', `The cache has the answer, ${c.age_seconds} s old: sending gives it again, runs nothing and costs nothing. Without it:`));
}

function would(d) {
  const p = d.pick;
  return el('section.panel.choice', el('p.eyebrow', `at dial ${d.dial} · `, chip('why', reasons[d.reason] || d.reason)), el('h2', el('span.model', p.model)), operator(p.operator),
    el('p', sentence(d.why)),
    el('dl.facts', el('div.fact', el('dt', 'Predicted quality'), el('dd', quality(p.quality), el('small', bar(p.quality, 'predicted quality')))),
      el('div.fact', el('dt', 'Expected cost'), el('dd', usd(p.expected_cost), el('small', `≈ ${count(p.expected_output_tokens)} tokens`))),
      d.baseline.model && el('div.fact', el('dt', 'Always best single'), el('dd', usd(d.baseline.expected_cost), el('small', `${d.baseline.model} at ${quality(d.baseline.quality)}; this: ${saved(p.expected_cost, d.baseline.expected_cost)}`)))));
}
