// The decision: why this model and this operator, from the record that the receipt binds or a dry run gives.

import {bar, chip, count, drawingWidth, el, flat, frame, operator, own, panel, perMTok, plural, quality, svg, usd} from './dom.js';

/** reasons in a few words; the record's own sentence says it in full. */
export const reasons = {
  pinned: 'named', only_model: 'only model', best_and_cheapest: 'best and cheapest', worth_price: 'worth its price',
  near_tie_cheaper: 'as good, cheaper', dial_cheaper: 'cheaper by the dial', default_model: 'default model', best_single: 'best single',
  unproven: 'other has too few rows', session_stays: 'conversation stays', tool_loop: 'tool loop', upgrade_budget: 'upgrade budget',
};

/** worth is what one whole unit of quality may cost at a dial, in µUSD (routing/dial.go). */
const worth = (dial) => 10_000 * 2.5 ** (7 - dial);

const maxRows = 12;
const maxColumns = 8;

const sameOffer = (a, b) => a.operator === b.operator && a.model === b.model &&
  a.input_per_mtok === b.input_per_mtok && a.output_per_mtok === b.output_per_mtok && a.per_request === b.per_request;

/** cheapestOfEach keeps one offer a model: what differs between operators of a model is only its price. */
function cheapestOfEach(considered) {
  const best = new Map();
  for (const c of considered) {
    if (!best.has(c.model) || c.expected_cost < best.get(c.model).expected_cost) best.set(c.model, c);
  }
  return [...best.values()];
}

/** plane draws predicted quality over expected cost, with the line of what is worth the same at this dial. */
export function plane(d) {
  const points = cheapestOfEach(d.considered).slice(0, 24);
  const at = points.findIndex((c) => c.model === d.pick.model);
  if (at >= 0) points[at] = d.pick; else points.push(d.pick);
  const base = d.baseline.model && !points.some((c) => c.model === d.baseline.model) ? [d.baseline] : [];
  const all = [...points, ...base];
  const w = drawingWidth(), h = 280, left = 34, right = 12, top = 22, bottom = 42;
  const costs = all.map((c) => Math.max(c.expected_cost, 1e-3));
  let lo = Math.min(...costs), hi = Math.max(...costs);
  const log = hi / lo > 6;
  if (log) { lo /= 1.5; hi *= 1.9; } else { lo = 0; hi *= 1.2; }
  const qlo = Math.max(0, Math.min(...all.map((c) => c.quality - c.quality_se)) - 0.04);
  const qhi = Math.min(1, Math.max(...all.map((c) => c.quality + c.quality_se)) + 0.04);
  const x = (c) => left + (w - left - right) * (log ? Math.log(Math.max(c, lo) / lo) / Math.log(hi / lo) : (c - lo) / (hi - lo));
  const y = (q) => h - bottom - (h - top - bottom) * ((q - qlo) / (qhi - qlo || 1));
  const parts = [];
  for (let q = Math.ceil(qlo * 10) / 10; q <= qhi + 1e-9; q += 0.1) {
    parts.push(svg('line.grid', {x1: left, x2: w - right, y1: y(q), y2: y(q)}), svg('text.tick', {x: left - 8, y: y(q) + 4, 'text-anchor': 'end'}, q.toFixed(1)));
  }
  for (const cost of ticks(lo, hi, log)) {
    parts.push(svg('text.tick', {x: x(cost), y: h - bottom + 18, 'text-anchor': 'middle'}, `$${(cost / 1e6).toLocaleString('en', {maximumSignificantDigits: 2})}`));
  }
  parts.push(svg('text.axis', {x: w - right, y: h - 4, 'text-anchor': 'end'}, `expected cost of this answer${log ? ' (logarithmic)' : ''} →`),
    svg('text.axis', {x: left, y: 10}, '↑ predicted quality'), worthLine(d, x, y, {lo, hi, log, qlo, qhi}), marks(d, points, base, x, y, w));
  const label = `Predicted quality over expected cost. Chosen: ${d.pick.model}, ${quality(d.pick.quality)} for ${usd(d.pick.expected_cost)}. ` +
    points.filter((c) => c !== d.pick).map((c) => `${c.model}: ${quality(c.quality)} for ${usd(c.expected_cost)}`).join('; ');
  return el('figure.plane', svg('svg', {viewBox: `0 0 ${w} ${h}`, role: 'img', 'aria-label': label}, parts),
    el('figcaption', el('span.key.pick', d.baseline.model === d.pick.model ? 'chosen, and the best single model' : 'chosen'), d.baseline.model && d.baseline.model !== d.pick.model && el('span.key.best', 'best single model'), el('span.key.other', 'considered'),
      !d.pinned && el('span.key.line', `worth the same as the choice at dial ${d.dial}`)));
}

/** ticks are round costs: 1, 2 and 5 of each power of ten, thinned to what has room. */
function ticks(lo, hi, log) {
  const round = [];
  for (let p = Math.floor(Math.log10(log ? lo : hi / 100)); 10 ** p <= hi; p++) {
    for (const m of log ? [1, 2, 5] : [1, 2, 3, 4, 5, 6, 7, 8, 9]) if (m * 10 ** p >= lo * 1.15 && m * 10 ** p <= hi / 1.05) round.push(m * 10 ** p);
  }
  if (log) return round.filter((c, i) => round.length <= 6 || i % 2 === 0);
  const step = [1, 2, 5, 10].map((m) => m * 10 ** Math.floor(Math.log10(hi / 4))).find((st) => hi / st <= 5.5);
  return Array.from({length: Math.floor(hi / step / 1.04)}, (_, i) => (i + 1) * step);
}

function worthLine(d, x, y, {lo, hi, log, qlo, qhi}) {
  if (d.pinned) return null;
  const net = d.pick.quality - d.pick.expected_cost / worth(d.dial);
  const dots = [];
  for (let i = 0; i <= 60; i++) {
    const cost = log ? lo * (hi / lo) ** (i / 60) : (hi * i) / 60;
    const q = net + cost / worth(d.dial);
    if (q >= qlo && q <= qhi) dots.push(`${x(cost).toFixed(1)},${y(q).toFixed(1)}`);
  }
  return svg('polyline.worth', {points: dots.join(' ')});
}

function marks(d, points, base, x, y, w) {
  const all = [...points, ...base].sort((a, b) => (b === d.pick) - (a === d.pick) || (b.model === d.baseline.model) - (a.model === d.baseline.model) || b.utility - a.utility);
  const boxes = all.map((c) => ({from: x(c.expected_cost) - 8, to: x(c.expected_cost) + 8, top: y(c.quality) - 8, bottom: y(c.quality) + 8}));
  const free = (box) => box.from > 30 && box.to < w && boxes.every((b) => box.to < b.from || b.to < box.from || box.bottom < b.top || b.bottom < box.top);
  return all.map((c, i) => {
    const kind = c === d.pick ? 'pick' : c.model === d.baseline.model ? 'best' : 'other';
    const cx = x(c.expected_cost), cy = y(c.quality), long = c.model.length * 7;
    const places = [
      {x: cx + 13, y: cy + 4, anchor: 'start', from: cx + 11, to: cx + 13 + long}, {x: cx - 13, y: cy + 4, anchor: 'end', from: cx - 13 - long, to: cx - 11},
      {x: cx, y: cy - 14, anchor: 'middle', from: cx - long / 2, to: cx + long / 2}, {x: cx, y: cy + 23, anchor: 'middle', from: cx - long / 2, to: cx + long / 2},
    ].map((p) => ({...p, top: p.y - 11, bottom: p.y + 3}));
    const at = i < 10 && places.find(free);
    if (at) boxes.push(at);
    return svg(`g.mark.${kind}`, svg('title', `${c.model}: ${quality(c.quality)} ± ${quality(c.quality_se)} for ${usd(c.expected_cost)}`),
      svg('line.whisker', {x1: cx, x2: cx, y1: y(Math.min(1, c.quality + c.quality_se)), y2: y(Math.max(0, c.quality - c.quality_se))}),
      kind === 'pick' && svg('circle.halo', {cx, cy, r: 13}), svg('circle', {cx, cy, r: kind === 'pick' ? 7.5 : 5.5}),
      at && svg('text.name', {x: at.x, y: at.y, 'text-anchor': at.anchor}, c.model));
  }).reverse();
}

/** candidates is the table of what was weighed, and of what could not be chosen. */
export function candidates(d) {
  const shown = d.considered.slice(0, maxRows);
  const rows = shown.map((c) => {
    const chosen = sameOffer(c, d.pick);
    const next = d.fallbacks.findIndex((f) => sameOffer(f, c));
    return el(chosen ? 'tr.chosen' : 'tr',
      el('th', {scope: 'row'}, el('span.model', c.model), operator(c.operator)),
      el('td.num', el('span.measure', bar(c.quality, `predicted quality ${quality(c.quality)}`), el('b', quality(c.quality)), el('small', `± ${quality(c.quality_se)}`)), c.unknown && el('small', {title: 'Neither labelled outcomes nor a known name speak for this model'}, 'a guess')),
      el('td.num.wide', el('span', `${perMTok(c.input_per_mtok)} / ${perMTok(c.output_per_mtok)}`), flat(c.per_request)),
      el('td.num', el('b', usd(c.expected_cost)), el('small', `≈ ${count(c.expected_output_tokens)} tokens`)),
      el('td.num.wide', c.utility.toFixed(3)),
      el('td.verdict', verdict(d, c, chosen, next)));
  });
  for (const r of d.rejected.slice(0, maxRows)) {
    rows.push(el('tr.refused', el('th', {scope: 'row'}, el('span.model', r.model), operator(r.operator)),
      el('td', {colspan: 4}, r.reason + (r.detail ? `: ${r.detail}` : '')), el('td.verdict', chip('off', 'not possible'))));
  }
  const more = d.considered_total - shown.length + d.rejected_total - Math.min(d.rejected.length, maxRows);
  return panel('Candidates',
    `${plural(d.considered_total, 'offer')} weighed, ${count(d.rejected_total)} ruled out. Utility = quality − cost ÷ what the dial says quality is worth − doubt.`,
    frame('Candidates', el('table.candidates',
      el('thead', el('tr', el('th', {scope: 'col'}, 'Model and operator'), el('th.num', {scope: 'col'}, 'Predicted quality'),
        el('th.num.wide', {scope: 'col', title: 'USD per million tokens, in / out'}, 'USD per Mtok'), el('th.num', {scope: 'col'}, 'Expected cost'),
        el('th.num.wide', {scope: 'col'}, 'Utility'), el('th', {scope: 'col'}, 'Outcome'))),
      el('tbody', rows))), more > 0 && el('p.note', `and ${count(more)} more`));
}

function verdict(d, c, chosen, next) {
  if (chosen) return chip('pick', 'chosen');
  if (d.pinned) return chip('plain', next >= 0 ? `fallback ${next + 1}` : 'weighed');
  const behind = d.pick.utility - c.utility;
  if (behind < 0) return el('span', chip('plain', 'held back'), el('small', 'see the reason'));
  const why = c.doubt > 0 && c.utility + c.doubt > d.pick.utility ? `doubt takes ${c.doubt.toFixed(2)}` : behind < 5e-4 ? 'level' : `behind by ${behind.toFixed(behind < 0.1 ? 3 : 2)}`;
  return el('span', chip('plain', next >= 0 ? `fallback ${next + 1}` : 'weighed'), el('small', why));
}

/** neighbours is what the prediction rests on: the nearest labelled prompts and how the models did on them. */
export function neighbours(d, outcomes) {
  if (d.pinned) return panel('Nearest labelled prompts', null, el('p.note', 'The request names its model, so the prompt was not looked at: the figures are the models’ general ability.'));
  if (!d.neighbors.length) return panel('Nearest labelled prompts', null, el('p.note', 'There was no text to compare, so models are rated by their general ability.'));
  const known = outcomes && outcomes.length === d.neighbors.length;
  const models = known ? cheapestOfEach(d.considered).slice(0, maxColumns) : [];
  const cell = (score) => (score === undefined ? el('td.cell.none', {title: 'no label'}, '·') :
    el('td.cell', {style: {'--score': score}}, el('span', score === 0 || score === 1 ? String(score) : score.toFixed(2))));
  const rows = d.neighbors.map((n, i) => el('tr',
    el('th', {scope: 'row'}, el('span.mono', `${n.source} #${n.row}`)),
    el('td.num', el('span.measure', bar(n.similarity, `similarity ${n.similarity.toFixed(2)}`), n.similarity.toFixed(2))),
    el('td.num', (1 - n.similarity).toFixed(2)),
    models.map((m) => cell(own(outcomes[i], m.model)))));
  const foot = known && el('tfoot', el('tr', el('th', {scope: 'row', colspan: 3}, 'predicted for this prompt'), models.map((m) => el('td.cell.sum', quality(m.quality)))));
  return panel('Nearest labelled prompts',
    d.out_of_distribution ? 'None is near enough: this prompt is unlike everything labelled, so the models’ general ability decided.' :
      'The 8 nearest of the 200 that the prediction rests on: how near each is (cosine), and how well each model answered them.',
    frame('Nearest labelled prompts', el('table.neighbours',
      el('thead', el('tr', el('th', {scope: 'col'}, 'Labelled prompt'), el('th.num', {scope: 'col'}, 'Similarity'), el('th.num', {scope: 'col'}, 'Distance'),
        models.map((m) => el(m.model === d.pick.model ? 'th.tilt.on' : 'th.tilt', {scope: 'col'}, el('span', m.model))), known && el('td.room'))),
      el('tbody', rows), foot)),
    outcomes && !known && el('p.note', 'The index has been edited since, so what it said of these rows then is no longer at hand here.'));
}
