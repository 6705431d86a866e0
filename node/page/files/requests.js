// The first view: requests as they come, and the decision behind one of them.

import {buoy, chip, clock, copyable, count, el, empty, fact, ms, operator, operatorShort, own, panel, percent, perMTok, plural, put, quality, say, short, usd} from './dom.js';
import {candidates, neighbours, plane, reasons} from './decision.js';
import {saveReceipt} from './gateway.js';

export const stateChip = (state) => chip(`state-${state}`, state, {
  pending: 'signed by both sides, in no batch yet', sealed: 'in a batch that is fixed but not sent', submitted: 'in a batch that is on its way to the chain',
  settled: 'in a batch that the chain holds', served: 'signed by the operator only',
}[state]);

/** saveButton saves a receipt, or says why it could not. */
export function saveButton(id, kind, text) {
  const said = el('span.problem', {role: 'status'});
  const save = async () => {
    try { await saveReceipt(id); say(said, ''); } catch (e) { say(said, e.message); }
  };
  return [el(kind, {type: 'button', 'aria-label': `Save receipt ${id}`, onclick: save}, text), said];
}

/** saved compares one answer with what the best single model would have cost. */
export function saved(cost, baseline) {
  if (!baseline) return 'unknown';
  const share = 1 - cost / baseline;
  if (Math.abs(share) < 5e-4) return 'the same';
  return share > 0 ? `${percent(share)} less` : `${percent(-share)} more`;
}

export function requestsView(main, choose) {
  const none = el('p.note', {hidden: true}, 'None of these.');
  const list = el('ol.requests', {'aria-label': 'Requests, newest first'});
  const head = el('p.note', {'aria-live': 'off'});
  const detail = el('article.detail', {'aria-label': 'The decision behind the request'});
  const filter = el('select', {'aria-label': 'Show', onchange: () => draw()},
    el('option', {value: 'all'}, 'all requests'), el('option', {value: 'auto'}, 'chosen by the router'), el('option', {value: 'failed'}, 'failed'));
  put(main, el('div.split',
    el('section.side', el('header', el('h1', 'Requests'), filter), head, list, none,
      el('p.note', 'Prompts and answers are not kept, so none are shown: the log has who asked, what was chosen and why, and what it cost.')),
    detail));
  const rows = new Map();
  let state = null, asked = '', drawn = '', tapped = false;
  const pick = (id) => { tapped = true; choose(id); };

  function draw() {
    if (!state) return;
    const wanted = state.requests.filter((r) => (filter.value === 'failed' ? bad(r) : filter.value === 'auto' ? r.model && r.reason !== 'pinned' : true));
    const failed = state.requests.filter(bad).length;
    say(head, state.requests.length ? `the newest ${count(state.requests.length)}, ${count(failed)} failed` : '');
    const keep = new Set(wanted.map((r) => r.id));
    for (const [id, row] of rows) if (!keep.has(id)) { row.remove(); rows.delete(id); }
    wanted.forEach((r, i) => {
      if (!rows.has(r.id)) rows.set(r.id, line(r, pick));
      const row = rows.get(r.id);
      if (list.children[i] !== row) list.insertBefore(row, list.children[i] || null);
      row.firstChild.setAttribute('aria-current', state.open?.request.id === r.id ? 'true' : 'false');
    });
    none.hidden = wanted.length > 0 || !state.requests.length;
    const now = JSON.stringify([state.open, asked]);
    if (now !== drawn) {
      drawn = now;
      put(detail, state.open ? opened(state.open, state.viewer.owner) : nothing(state, asked));
      if (tapped && list.offsetWidth + 100 > main.clientWidth) detail.scrollIntoView(); // there it is below the list
      tapped = false;
    }
  }
  return (next, id) => { [state, asked] = [next, id]; draw(); };
}

function nothing(state, asked) {
  if (asked) return empty('No such request', 'This link names a request that this key did not make here, or that the log no longer has.', el('p', el('a', {href: '#requests'}, 'Show the newest'), '.'));
  if (state.requests.length) return empty('No answer yet', 'Every request so far failed before an operator was chosen. Pick one on the left to see why.');
  return empty('No requests yet', 'They appear here as they end, each with the decision behind it.',
    state.viewer.owner ? el('p', 'Send one with an OpenAI client, model ', el('code', 'auto'), '.') : el('p', 'Send one from the ', el('a', {href: '#playground'}, 'playground'), ', or with an OpenAI client, model ', el('code', 'auto'), '.'));
}

function line(r, choose) {
  const failed = r.status >= 400;
  const cut = r.code && !failed;
  return el('li', el('button.request', {type: 'button', onclick: () => choose(r.id)},
    el('span.first', el('span.model', r.model || r.asked || r.route), failed ? chip('bad', `${r.status} ${r.code || ''}`.trim()) : el('b.num', usd(r.cost_micro_usd))),
    el('span.second', el('span', clock(r.at)), r.cache && chip('good', `cached, ${r.cache}`), cut && chip('bad', r.code),
      r.reason && !cut && !r.cache && chip(r.reason === 'pinned' ? 'plain' : 'why', reasons[r.reason] || r.reason),
      el('span.grow'), r.operator && el('span', {title: r.operator}, buoy(r.operator)), el('span.num', ms(r.total_ms)))));
}

function opened({request: r, decision: d, outcomes, receipt}, owner) {
  const head = el('header.lead', el('p.eyebrow', `${clock(r.at)} · asked for `, el('b', r.asked || 'nothing that could be read'), owner && ` · ${r.key}`), el('h1', r.why ? sentence(r.why) : failure(r)), bad(r) && el('p.problem', r.why ? `${failure(r)} ${remedy(r)}` : remedy(r)));
  if (!d) return [head, facts(r, null), el('p.note', r.receipt_id ? 'Another gateway answered: it has the receipt, and the decision in it.' : r.status >= 400 ? 'Nothing was charged, so there is no receipt, and the decision is kept with receipts only.' : 'There is no receipt, so no decision was kept.')];
  return [head, facts(r, d), panel('What each model would bring', null, plane(d)), candidates(d), neighbours(d, outcomes), bill(r, receipt)];
}

/** sentence ends with a stop, and begins with a capital unless it begins with a model's name. */
export const sentence = (why) => (/^[a-z]+ /.test(why) ? why.charAt(0).toUpperCase() + why.slice(1) : why).replace(/0x[0-9a-f]{40}(\/\w+)?/gi, operatorShort).replaceAll(' %', '\u00a0%') + (/[.!?]$/.test(why) ? '' : '.');

/** bad: the client did not get a whole answer. */
const bad = (r) => r.status >= 400 || Boolean(r.code);

function failure(r) {
  if (r.status === 499) return r.receipt_id ? 'The client left before the end.' : 'The client left before there was an answer.';
  if (r.status >= 400) return `${r.status >= 500 ? 'Failed' : 'Refused'}: ${`${r.status} ${r.code || ''}`.trim()}.`;
  return r.code ? `The answer broke off: ${r.code.replace('cut: ', '')}.` : 'Answered by the gateway itself.';
}

/** remedies say what to do about a refusal, by its code. */
const remedies = {
  model_not_found: 'No operator offers this model to this key. The fleet lists what there is; “auto” chooses among it.',
  model_not_allowed: 'This key may not use this model: ask for another, or have the owner make a key that may.',
  insufficient_quota: 'What is left of this key’s budget does not cover it: ask for fewer tokens or a cheaper model. Spend shows when the budget starts again.',
  rate_limit_exceeded: 'Too much in one minute for this key: wait as long as Retry-After says.',
  no_operator: 'Nobody offers a model just now. The fleet shows who is expected.',
  no_capable_operator: 'No offer fits what the request demands (context, features, price, operators), or those that fit are paused: see the fleet.',
  no_operator_answered: 'All operators that were asked failed. The fleet shows their trouble; try again.',
  overloaded: 'All operators were busy for too long: try again, or let more operators in.',
  operator_not_found: 'None of the operators that the request allows is there: see the fleet for their addresses.',
  context_length_exceeded: 'The prompt and the answer’s limit are too long for every model on offer: shorten them.',
  first_byte_timeout: 'The operator was silent for too long: try again.',
};

function remedy(r) {
  if (r.receipt_id) return 'What was delivered is billed.';
  if (r.status === 499) return 'Nothing is billed.';
  return own(remedies, r.code) || (r.status >= 500 ? 'Try again; if it stays, see the operator’s trouble in the fleet.' : 'The error that the client was given says what to do.');
}

function facts(r, d) {
  const compared = r.receipt_id && r.baseline_model;
  return el('dl.facts',
    r.model && fact('Answered by', el('span.model', r.model), operator(r.operator)),
    r.predicted_quality !== undefined && fact('Predicted quality', quality(r.predicted_quality), d && `± ${quality(d.pick.quality_se)}, of 1.00`),
    fact('Cost', usd(r.cost_micro_usd), r.receipt_id ? `${count(r.prompt_tokens)} + ${count(r.completion_tokens)} tokens` : r.cache ? `given again from the cache; when new it cost ${usd(r.cache_saved_micro_usd || 0)}` : 'nothing was charged'),
    compared ? fact('Always best single', usd(r.baseline_micro_usd || 0), `${r.baseline_model}${r.baseline_quality ? ` at ${quality(r.baseline_quality)}` : ''}; this cost ${saved(r.cost_micro_usd, r.baseline_micro_usd)}`) :
      fact('Always best single', 'unknown', 'no answer to compare'),
    fact('Time', ms(r.total_ms), r.first_byte_ms ? `first byte after ${ms(r.first_byte_ms)}` : null),
    d ? fact('Dial', d.pinned ? '–' : String(d.dial), d.pinned ? 'the request names its model' : '0 most capable, 10 cheapest') : fact('Status', String(r.status), r.code || 'ok'),
    r.attempts > 1 && fact('Operators asked', String(r.attempts), 'the first gave no first byte'));
}

function bill(r, p) { // the receipt's own price: what was weighed may have been another offer of the same model
  const inCost = (r.prompt_tokens * p.input_per_mtok) / 1e6, outCost = (r.completion_tokens * p.output_per_mtok) / 1e6;
  return panel('Bill and receipt', null,
    el('table.bill', el('tbody',
      el('tr', el('th', {scope: 'row'}, 'Prompt'), el('td', `${plural(r.prompt_tokens, 'token')} × ${perMTok(p.input_per_mtok)} USD per million`), el('td.num', usd(inCost, 7))),
      el('tr', el('th', {scope: 'row'}, 'Answer'), el('td', `${plural(r.completion_tokens, 'token')} × ${perMTok(p.output_per_mtok)} USD per million`), el('td.num', usd(outCost, 7))),
      p.per_request > 0 && el('tr', el('th', {scope: 'row'}, 'Request'), el('td', 'flat'), el('td.num', usd(p.per_request))),
      el('tr.total', el('th', {scope: 'row'}, 'Charged'), el('td', `rounded up to a whole µUSD; no markup${r.partial ? '; what was delivered of a broken answer' : ''}`), el('td.num', usd(r.cost_micro_usd))))),
    el('p.receipt', stateChip(p.state), copyable(p.id, short(p.id)), p.epoch > 0 && el('span', `batch ${p.epoch}`),
      p.tx && el('span', 'transaction ', copyable(p.tx, short(p.tx))),
      saveButton(p.id, 'button', 'Save receipt')),
    el('p.note', 'Anyone can check it from the file and the chain alone, the decision included: ', copyable(`flotilla verify receipt-${p.id.slice(0, 12)}.json --rpc URL`)));
}
