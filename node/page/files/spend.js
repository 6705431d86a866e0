// Spend, beside what always asking the best single model would have cost.

import {bar, clock, copyable, count, drawingWidth, el, empty, fact, frame, panel, percent, plural, put, quality, short, svg, usd, usdExact, usdShort} from './dom.js';
import {saveButton, stateChip} from './requests.js';

/** maxNamed of the best single models are named in the claim. */
const maxNamed = 4;

export function spendView(main) {
  const body = el('div.page');
  put(main, body);
  return (s) => put(body, el('header', el('h1', 'Spend'), el('p.note', s.requests ? `since ${clock(s.since)}; ${s.viewer.owner ? 'all keys' : 'this key'}${s.failed === s.requests ? `; ${plural(s.requests, 'request')}, all failed` : ''}` : 'nothing yet')),
    s.requests > s.failed || s.cost_micro_usd ? [claim(s), hours(s), models(s)] :
      empty('Nothing spent yet', 'Once requests are answered, this compares what they cost with what always asking the best single model would have cost.'), keys(s));
}

function claim(s) {
  const c = s.compared;
  const facts = el('dl.facts',
    fact('Spent', usdExact(s.cost_micro_usd), `${plural(s.requests, 'request')}, ${count(s.failed)} failed`),
    fact('Tokens', count(s.prompt_tokens + s.completion_tokens), `${count(s.prompt_tokens)} in, ${count(s.completion_tokens)} out`),
    fact('Per 1,000 requests', usd((s.cost_micro_usd / Math.max(1, s.requests - s.failed)) * 1000, 4), 'that were answered'),
    c.rated > 0 && fact('Predicted quality', quality(c.quality), `best single: ${quality(c.baseline_quality)}; automatic answers`));
  return [el('section.claim', el('p.big', headline(c)), el('p', counterfactual(s))), facts];
}

function headline(c) {
  if (!c.requests || !c.baseline_micro_usd) return 'Saving: unknown';
  const share = 1 - c.cost_micro_usd / c.baseline_micro_usd;
  const money = usdShort(Math.abs(c.baseline_micro_usd - c.cost_micro_usd));
  if (c.cost_micro_usd === c.baseline_micro_usd) return 'Saved nothing: the same as always the best single model';
  return share > 0 ? `Saved ${percent(share)}: ${money} less than always the best single model` : `Saved nothing: ${money} more than always the best single model (${percent(-share)})`;
}

function counterfactual(s) {
  const c = s.compared;
  const rest = s.requests - s.failed - (c.requests - c.failed);
  const left = rest > 0 ? ` ${plural(rest, 'answer')} ${rest === 1 ? 'is' : 'are'} left out: ${s.named.requests ? 'their requests named a model, or ' : ''}there is nothing to compare them with.` : '';
  if (!c.requests) return `No automatic answer has been compared yet.${left}`;
  return `${plural(c.requests, 'automatic answer')} cost ${usdShort(c.cost_micro_usd)}. Had each gone to the most able model that could be asked then (${s.best.slice(0, maxNamed).join(', ')}${s.best.length > maxNamed ? ` and ${count(s.best.length - maxNamed)} more` : ''}), at its cheapest operator, ` +
    `they would have cost ${usdShort(c.baseline_micro_usd)}: for the same prompts, and answers as long as the routing index predicts of that model. Nobody ran that; it is an estimate.${predicted(c)}${left}`;
}

const predicted = (c) => (c.rated ? ` Predicted quality: ${quality(c.quality)} on average, against ${quality(c.baseline_quality)}.` : '');

function hours(s) {
  const top = Math.max(...s.hours.map((h) => Math.max(h.cost_micro_usd, h.cost_micro_usd - h.compared_micro_usd + h.baseline_micro_usd)), 1e-9);
  const w = Math.max(drawingWidth(), Math.min(document.getElementById('main').clientWidth - 90, 1000)), h = 170, base = h - 22, step = w / s.hours.length;
  const bars = s.hours.map((x, i) => {
    const other = x.cost_micro_usd - x.compared_micro_usd + x.baseline_micro_usd;
    const tall = (v) => (v / top) * (base - 18);
    return svg('g', svg('title', `${clock(x.at)}: ${usd(x.cost_micro_usd)} for ${plural(x.requests, 'request')}; always best single ${usd(other)}`),
      svg('rect.hit', {x: i * step, y: 0, width: step, height: base}),
      svg('rect.would', {x: i * step + step * 0.16, y: base - tall(other), width: step * 0.68, height: tall(other), rx: 2}),
      svg('rect.did', {x: i * step + step * 0.16, y: base - tall(x.cost_micro_usd), width: step * 0.68, height: tall(x.cost_micro_usd), rx: 2}),
      i % 6 === 0 || i === s.hours.length - 1 ? svg('text.tick', {x: i * step + step / 2, y: h - 4, 'text-anchor': i === 0 ? 'start' : i === s.hours.length - 1 ? 'end' : 'middle'}, new Date(x.at).toLocaleTimeString('en', {hour12: false, hour: '2-digit', minute: '2-digit'})) : null);
  });
  return panel('The last 24 hours', null, el('figure.plane', svg('svg', {viewBox: `0 0 ${w} ${h}`, role: 'img', 'aria-label': 'Spend of each hour beside always best single'},
    svg('line.grid', {x1: 0, x2: w, y1: base, y2: base}), svg('text.tick', {x: 0, y: 11}, `${usdShort(top)} an hour`), bars),
  el('figcaption', el('span.key.did', 'spent'), el('span.key.would', 'always best single'))));
}

function models(s) {
  const top = Math.max(...s.models.map((m) => m.cost_micro_usd), 1e-9);
  const digits = top >= 1e8 ? 2 : 6; // one column, one exactness
  return panel('By model', null, s.models.length ? frame('By model', el('table.plain',
    el('thead', el('tr', el('th', {scope: 'col'}, 'Model'), el('th.num', {scope: 'col'}, 'Requests'), el('th.num.wide', {scope: 'col'}, 'Tokens'), el('th.num', {scope: 'col'}, 'Spent'))),
    el('tbody', s.models.map((m) => el('tr', el('th', {scope: 'row'}, el('span.model', m.model)), el('td.num', count(m.requests)),
      el('td.num.wide', count(m.prompt_tokens + m.completion_tokens)),
      el('td.num', el('span.measure', bar(m.cost_micro_usd / top, `${usd(m.cost_micro_usd)} spent`, '.cost'), el('b', usd(m.cost_micro_usd, digits))))))))) :
    el('p.note', 'No model has answered yet.'));
}

function keys(s) {
  if (!s.keys.length) return null;
  return panel(s.viewer.owner ? 'Keys' : 'This key', null, frame('Keys', el('table.plain',
    el('thead', el('tr', el('th', {scope: 'col'}, 'Key'), el('th.num', {scope: 'col'}, 'Spent in its period'), el('th', {scope: 'col'}, 'Budget'))),
    el('tbody', s.keys.map((k) => el('tr', el('th', {scope: 'row'}, el('span.mono', k.key), k.name && el('small', k.name), k.revoked && chipOff()), el('td.num', usd(k.spent_micro_usd)),
      el('td', k.budget_micro_usd ? el('span.measure', bar(k.spent_micro_usd / k.budget_micro_usd, 'share of the budget'), el('b', usdExact(k.budget_micro_usd)), k.reset_at && el('small', `again at ${clock(k.reset_at)}`)) : el('small', 'no limit'))))))));
}

const chipOff = () => el('span.chip.off', 'revoked');

const states = ['pending', 'sealed', 'submitted', 'settled'];

export function receiptsView(main) {
  const body = el('div.page');
  put(main, body);
  return (r) => put(body,
    el('header', el('h1', 'Receipts'), el('p.note', 'Each answer leaves a receipt that the operator and the gateway have signed. Batches of them go on chain; then anyone can check one from its file and the chain alone.'), r.receipts.length > 0 && el('p.note', `Counted here are the newest ${count(r.receipts.length)}.`)),
    el('dl.facts', states.map((state) => {
      const of = r.receipts.filter((x) => x.state === state);
      return fact(state, count(of.length), usdExact(of.reduce((s, x) => s + x.cost_micro_usd, 0)));
    }), fact('Chain', String(r.chain_id), el('span.mono', {title: r.contract}, short(r.contract)))),
    r.settling && settling(r.settling),
    r.receipts.length ? table(r) : empty('No receipts among the newest requests', el('p', 'Each answer that is charged leaves one. All of a key: ', el('code', 'GET /v1/receipts'), '.')));
}

function settling(s) {
  const flight = s.inFlight && `Batch ${s.inFlight.epoch} is ${s.inFlight.state}: ${plural(s.inFlight.receipts, 'receipt')} on ${plural(s.inFlight.lanes, 'lane')}, ${s.inFlight.depth} of ${s.inFlight.wanted} blocks deep. `;
  const pending = `${plural(s.pending.receipts, 'receipt')} pending, worth ${usd(Number(s.pending.value))}. `;
  const done = s.settledEpoch ? `Newest settled batch: ${s.settledEpoch}.` : 'No batch has been settled yet.';
  return panel('Settling', null, s.error && el('p.problem', `It waits: ${s.error}. It tries again by itself once that is mended.`), el('p', flight || '', pending, done),
    s.evidence > 0 && el('p.problem', `${plural(s.evidence, 'provable fault')} of operators. Bring them to the chain: `, copyable('flotilla dispute')),
    el('p.note', 'More, and a way to hurry it: ', copyable('flotilla settle status')));
}

function table(r) {
  return panel('Newest receipts', `the newest ${r.receipts.length} of ${r.viewer.owner ? 'all keys' : 'this key'}`, frame('Newest receipts', el('table.plain',
    el('thead', el('tr', el('th', {scope: 'col'}, 'Receipt'), el('th', {scope: 'col'}, 'State'), el('th.wide', {scope: 'col'}, 'Answered'), el('th', {scope: 'col'}, 'Model'), el('th.num', {scope: 'col'}, 'Amount'), el('th', {scope: 'col'}, el('span.sr', 'Actions')))),
    el('tbody', r.receipts.map((x) => el('tr', el('th', {scope: 'row'}, el('a.mono', {href: `#requests/${x.id}`, title: x.id}, short(x.id))),
      el('td', stateChip(x.state), x.epoch > 0 && el('small', {title: x.tx}, `batch ${x.epoch}`)), el('td.wide', clock(x.at)), el('td', el('span.model', x.model), x.partial && el('small', 'partial')), el('td.num', usd(x.cost_micro_usd)),
      el('td', saveButton(x.id, 'button.quiet', 'Save'))))))),
  el('p.note', 'Check what you saved: ', copyable('flotilla verify receipt-*.json --rpc URL')));
}
