// Drawing: everything that comes from the gateway becomes a text node or an attribute, never markup.

/** el makes an element: el('p.note', {title: '…'}, 'text', child, [children]). */
export function el(spec, ...rest) { return fill(document.createElement(spec.split('.')[0]), spec, rest); }

/** svg makes an element of a drawing. */
export function svg(spec, ...rest) { return fill(document.createElementNS('http://www.w3.org/2000/svg', spec.split('.')[0]), spec, rest); }

function fill(node, spec, rest) {
  const classes = spec.split('.').slice(1);
  if (classes.length) node.setAttribute('class', classes.join(' '));
  for (const part of rest.flat(Infinity)) {
    if (part === null || part === undefined || part === false) continue;
    if (typeof part === 'object' && !(part instanceof Node)) set(node, part);
    else node.append(part);
  }
  return node;
}

function set(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'style') for (const [k, v] of Object.entries(value)) node.style.setProperty(k, v);
    else node.setAttribute(name, value === true ? '' : value);
  }
}

/** put replaces what is in a node, and leaves the focus and what was scrolled sideways where they were, if that is still there. */
export function put(node, ...children) {
  const name = (e) => e.getAttribute('href') || e.ariaLabel || e.textContent;
  const focused = node !== document.activeElement && node.contains(document.activeElement) ? name(document.activeElement) : undefined;
  const again = (wanted) => [...node.querySelectorAll('a, button, .scroll')].find((e) => name(e) === wanted);
  const aside = [...node.querySelectorAll('.scroll')].filter((f) => f.scrollLeft).map((f) => [name(f), f.scrollLeft]);
  node.replaceChildren(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  for (const [frame, left] of aside) if (again(frame)) again(frame).scrollLeft = left;
  if (focused) again(focused)?.focus({preventScroll: true});
}

/** own is what an object has under a name that a stranger chose: a model may be called “constructor”. */
export const own = (object, name) => (Object.hasOwn(object, name) ? object[name] : undefined);

/** say sets a node's text if it is another: what a screen reader has read out it need not read again. */
export function say(node, text) { if (node.textContent !== text) node.textContent = text; }

const decimals = (n, least, most = least) => n.toLocaleString('en', {minimumFractionDigits: least, maximumFractionDigits: most});

/** usd writes µUSD in dollars, as exact as a bill is; what is expected may be less than a bill's least. */
export function usd(micro, digits = 6) {
  const dollars = Math.abs(micro) / 1e6;
  return `${micro < 0 ? '−' : ''}$${decimals(dollars, digits, dollars < 10 ** -digits ? digits + 3 : digits)}`;
}

/** usdShort is for sums: two digits from a dollar, else as many as there are. */
export function usdShort(micro) { return usd(micro, micro === 0 || Math.abs(micro) >= 1e6 ? 2 : 6); }

/** usdExact is for what was set or counted: as many digits as there are. */
export const usdExact = (micro) => `$${decimals(micro / 1e6, micro > 0 && micro < 1e6 ? 6 : 2, 6)}`;

/** perMTok is a price per million tokens: signed, so never rounded. */
export const perMTok = (micro) => decimals(micro / 1e6, 2, 6);

/** flat is what an operator asks for beside the tokens. */
export const flat = (micro) => micro > 0 && el('small', `+ ${usdExact(micro)} a request`);

export const percent = (share) => `${share > 0.99 && share < 1 ? Math.floor(share * 1000) / 10 : (share * 100).toFixed(Math.abs(share) < 0.1 ? 1 : 0)} %`; // not 100 before it is all
export const count = (n) => n.toLocaleString('en');
export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;
export const quality = (q) => q.toFixed(2);

export function ms(x) {
  if (!x) return '–';
  return x < 1000 ? `${Math.round(x)} ms` : `${(x / 1000).toFixed(x < 10000 ? 2 : 1)} s`;
}

export function clock(at) {
  const d = new Date(at);
  const day = d.toDateString() === new Date().toDateString() ? '' : `${d.toLocaleDateString('en', {day: 'numeric', month: 'short'})} `;
  return day + d.toLocaleTimeString('en', {hour12: false});
}

export const short = (id) => (id && id.length > 16 ? `${id.slice(0, 8)}…${id.slice(-4)}` : id || '');

/** operatorShort keeps the end of the node's name: an operator may have several. */
export function operatorShort(name) {
  const [address, peer] = (name || '').split('/');
  return address ? `${address.slice(0, 8)}…${peer ? `/${peer}` : address.slice(-4)}` : '';
}

/** buoy is an operator's colour: the same wherever it is named. */
export function buoy(name) {
  const hue = [...(name || '').slice(2, 10)].reduce((h, c) => (h * 31 + c.charCodeAt(0)) % 360, 7);
  return el('span.buoy', {style: {'--hue': hue}, 'aria-hidden': 'true'});
}

export const operator = (name) => el('span.operator', {title: name}, buoy(name), el('span.mono', operatorShort(name)));

/** drawingWidth is about what a drawing has room for, so that its text is as large as the page's. */
export function drawingWidth() {
  const room = document.getElementById('main').clientWidth;
  return Math.max(300, Math.min(room >= 992 ? Math.min(room, 1344) - 480 : room - 66, 1000));
}

/** context is a length in tokens, as it is spoken of. */
export const context = (n) => (n >= 1 << 20 ? `${+(n / (1 << 20)).toFixed(1)}M` : n >= 1024 ? `${+(n / 1024).toFixed(0)}k` : String(n));

/** bar is a share from 0 to 1. */
export function bar(share, label, kind = '') {
  return el(`span.bar${kind}`, {role: 'img', 'aria-label': label}, el('span', {style: {width: `${Math.max(0, Math.min(1, share)) * 100}%`}}));
}

export const chip = (kind, text, title = text) => el(`span.chip.${kind}`, {title}, text);

/** copyable is a command or an id with a button that copies it. */
export function copyable(text, shown = text) {
  const button = el('button.copy', {
    type: 'button', 'aria-label': `Copy: ${text}`,
    onclick: async () => {
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = 'Copied';
        setTimeout(() => { button.textContent = 'Copy'; }, 1500);
      } catch { // no clipboard without TLS or leave: then it is there to be copied by hand
        code.textContent = text;
        getSelection().selectAllChildren(code);
        button.textContent = 'Ctrl+C';
      }
    },
  }, 'Copy');
  const code = el('code', shown);
  return el('span.copyable', code, button);
}

export function empty(title, ...more) { return el('div.empty', el('h2', title), ...more.map((m) => (m instanceof Node ? m : el('p', m)))); }

export function fact(label, value, note) {
  return el('div.fact', el('dt', label), el('dd', value, note && el('small', note)));
}

/** frame lets a table be scrolled sideways by itself, with the keys too. */
export const frame = (label, table) => el('div.scroll', {tabindex: 0, role: 'region', 'aria-label': label}, table);

export const panel = (title, note, ...body) => el('section.panel', el('header', el('h2', title), note && el('p', note)), body);
