// The fleet: who offers what, for how much, with what stake, and how they have done here.

import {bar, chip, clock, context, count, el, empty, fact, flat, frame, ms, operator, panel, perMTok, plural, put, quality, say, usdExact} from './dom.js';

/** searchFrom so many operators they can be searched; maxCards are drawn, each second. */
const searchFrom = 6, maxCards = 50;

export function fleetView(main) {
  const facts = el('dl.facts'), body = el('div.operators'), found = el('p.note', {role: 'status'});
  const find = el('input', {type: 'search', id: 'find', placeholder: 'llama, 0x12ab…, tools', spellcheck: 'false', oninput: () => draw()});
  const search = el('div.row.find', {hidden: true}, el('label', {for: 'find'}, 'Find an operator, model or feature'), find, found);
  let fleet;

  function draw() {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const some = fleet.operators.filter((o) => { const text = [o.name, o.trouble, ...o.offers.map((m) => `${m.model} ${can(m)}`)].join(' ').toLowerCase(); return words.every((w) => text.includes(w)); });
    const shown = some.slice(0, maxCards);
    search.hidden = fleet.operators.length < searchFrom && !words.length;
    say(found, words.length ? `${plural(some.length, 'operator')}` : '');
    const more = (words.length ? some.length : fleet.total) - shown.length;
    put(body, shown.map(card), more > 0 && el('p.note', `and ${plural(more, 'more operator')}`), !some.length && el('p.note', 'None of these: look for less.'));
  }

  put(main, el('div.page', el('header', el('h1', 'Fleet'), el('p.note', 'Operators with stake that advertise signed prices. Prices are what you pay: nothing is added.')), facts, search, body));
  return (f) => {
    fleet = f;
    const up = f.operators.filter((o) => !o.trouble);
    const offers = up.flatMap((o) => o.offers).filter((m) => !m.trouble);
    const models = new Set(offers.map((m) => m.model));
    const cheapest = offers.sort((a, b) => a.output_micro_usd_per_mtok - b.output_micro_usd_per_mtok)[0];
    put(facts,
      fact('Can be asked', `${count(up.length)} of ${count(f.total)}`, 'operators'),
      fact('Models', count(models.size), 'with an operator that can be asked'),
      fact('Cheapest output', cheapest ? `${perMTok(cheapest.output_micro_usd_per_mtok)} USD` : '–', cheapest ? `per million tokens, ${cheapest.model}` : 'nobody can be asked'),
      fact('Stake', usdExact(f.operators.reduce((s, o) => s + o.stake_micro_usd, 0)), 'slashed for what an operator signs twice'),
      fact('Under way', count(f.operators.reduce((s, o) => s + o.in_flight, 0)), 'requests of this gateway'));
    if (!f.operators.length) {
      put(body, empty('No operator yet', el('p', 'Start one beside any Ollama, llama.cpp, vLLM or LM Studio: ', el('code', 'flotilla operator --help')), 'It appears here once its stake is on chain and it advertises a price.'));
      return;
    }
    draw();
  };
}

function health(o) {
  if (!o.trouble) return o.faults ? chip('warn', 'on trial') : chip('good', 'ready');
  return chip(/busy|full|slot/.test(o.trouble) ? 'warn' : 'bad', o.trouble);
}

function breaker(o) {
  if (!o.faults) return 'closed';
  const open = o.paused_until && o.trouble?.startsWith('paused'); // by the gateway's clock: a viewer's may be wrong
  return `${open ? `open until ${clock(o.paused_until)}` : 'half open'}, ${plural(o.faults, 'fault')} in a row`;
}

function card(o) {
  return panel(operator(o.name), health(o),
    el('dl.small',
      el('div', el('dt', 'Stake'), el('dd', usdExact(o.stake_micro_usd))),
      el('div', el('dt', 'Escrow for it'), el('dd', usdExact(o.lane_micro_usd))),
      el('div', el('dt', 'Circuit breaker'), el('dd', breaker(o))),
      el('div', el('dt', 'First byte'), el('dd', o.first_byte_ms ? ms(o.first_byte_ms) : 'not seen yet')),
      el('div', el('dt', 'Pace'), el('dd', o.tokens_per_second ? `${count(+o.tokens_per_second.toFixed(o.tokens_per_second < 10 ? 1 : 0))} tokens/s` : 'not seen yet')),
      el('div', el('dt', 'Under way'), el('dd', count(o.in_flight)))),
    o.offers.length > 0 && frame(`Offers of ${o.name}`, el('table.offers',
      el('thead', el('tr', el('th', {scope: 'col'}, 'Model'), el('th.num', {scope: 'col'}, 'USD per Mtok in'), el('th.num', {scope: 'col'}, 'out'),
        el('th', {scope: 'col', title: 'on an average prompt of the routing index'}, 'General ability'), el('th.wide', {scope: 'col'}, 'Can do'))),
      el('tbody', o.offers.map((m) => el('tr', el('th', {scope: 'row'}, el('span.model', m.model), !o.trouble && m.trouble && chip('warn', m.trouble)),
        el('td.num', perMTok(m.input_micro_usd_per_mtok)), el('td.num', perMTok(m.output_micro_usd_per_mtok), flat(m.per_request_micro_usd)),
        el('td', m.ability === null ? el('small', 'not in the index') : el('span.measure', bar(m.ability, `general ability ${quality(m.ability)}`), el('b', quality(m.ability)))),
        el('td.wide', el('small', can(m)))))))));
}

function can(m) {
  return [m.quantization, m.max_context ? `${context(m.max_context)} context` : null, ...(m.features || [])].filter(Boolean).join(' · ') || '–';
}
