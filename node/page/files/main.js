// The shell: which view is shown, for whom, and whether the gateway is there.

import {el, put, say} from './dom.js';
import {askedAgain, door, follow, key, Refused, takeKey, Undrawn} from './gateway.js';
import {fleetView} from './fleet.js';
import {playgroundView} from './playground.js';
import {requestsView} from './requests.js';
import {receiptsView, spendView} from './spend.js';

const views = {requests: requestsView, fleet: fleetView, spend: spendView, receipts: receiptsView, playground: playgroundView};
const main = document.getElementById('main');
const link = document.getElementById('link');
const trouble = document.getElementById('trouble');
const leave = document.getElementById('leave');
const viewer = document.getElementById('viewer');

let stop = () => {};
let shown = '';
let update = null;
let pressed = false, late = null; // a click is lost where its button is drawn anew before it is let go

function where() {
  const [name, ...rest] = location.hash.slice(1).split('/');
  let id = rest.join('/');
  try { id = decodeURIComponent(id); } catch { /* somebody typed it: an id that nothing has */ }
  return {name: Object.hasOwn(views, name) ? name : 'requests', id};
}

function show() {
  late = null; // of the view that was
  takeKey();
  const {name, id} = where();
  const within = main.contains(document.activeElement); // a link there led here
  stop();
  for (const tab of document.querySelectorAll('#tabs a')) {
    if (tab.hash === `#${name}`) tab.setAttribute('aria-current', 'page'); else tab.removeAttribute('aria-current');
  }
  document.title = `${name[0].toUpperCase()}${name.slice(1)} · flotilla`;
  const signedIn = door.door === 'owner' || key.get() !== '';
  leave.hidden = door.door === 'owner' || !signedIn;
  if (!signedIn) { signIn(); return; }
  if (name === 'playground') {
    shown = name;
    told(null);
    link.className = 'link';
    link.textContent = '';
    stop = playgroundView(main);
    return;
  }
  if (shown !== name) {
    shown = name;
    put(main, el('p.waiting', 'Asking the gateway…'));
    update = null;
    if (within) main.focus();
  }
  link.textContent = '';
  stop = follow(name === 'requests' && id ? `requests?open=${encodeURIComponent(id)}` : name, (state) => {
    update ||= views[name](main, (chosen) => { location.hash = `#requests/${encodeURIComponent(chosen)}`; });
    viewer.textContent = state.viewer.owner ? 'owner' : state.viewer.key;
    const draw = () => update(state, id);
    if (pressed) late = draw; else draw();
  }, told);
}

/** told says what is wrong with the gateway, or that nothing is. */
function told(e) {
  if (!e) {
    trouble.hidden = true;
    link.className = 'link on';
    say(link, 'live');
    return;
  }
  link.className = 'link off';
  say(link, 'not live');
  if (e instanceof Refused && e.status === 401) { key.forget(); viewer.textContent = ''; leave.hidden = true; signIn(e.message); return; }
  trouble.hidden = false;
  say(trouble, e instanceof Refused ? `The gateway refuses: ${e.message}.${askedAgain(e) ? ' This page asks again by itself.' : ''}` :
    e instanceof Undrawn ? 'This page could not draw what the gateway sent, which is a fault of the page: its console says more. Trying again…' :
      'The gateway cannot be reached. What is shown may be old; trying again…');
  if (!update && shown !== 'playground') put(main, el('p.waiting', 'Nothing to show until the gateway answers.'));
}

function signIn(problem) {
  stop();
  stop = () => {};
  late = null;
  shown = '';
  link.textContent = '';
  viewer.textContent = '';
  trouble.hidden = true;
  const field = el('input', {id: 'key', type: 'password', autocomplete: 'off', spellcheck: 'false', required: true, placeholder: 'sk-flotilla-…'});
  put(main, el('form.signin', {onsubmit: (e) => { e.preventDefault(); key.set(field.value.trim()); show(); }},
    el('img', {src: '/page/mark.svg', alt: '', width: 44, height: 44}),
    el('h1', 'What was asked, who answered, and why'),
    el('p', 'Your API key shows your own requests. It stays in this tab, and goes to this gateway only.'),
    el('label', {for: 'key'}, 'API key'), field, el('button.primary', {type: 'submit'}, 'Show'),
    problem && el('p.problem', {role: 'alert'}, problem),
    el('p.note', 'None yet? ', el('code', 'flotilla keys create NAME'), ' makes one. The owner’s page, with the requests of all keys, is on the gateway’s own machine at its administration address (',
      el('code', '--admin-listen'), ').')));
  field.focus();
}

document.querySelector('.skip').addEventListener('click', (e) => { e.preventDefault(); main.focus(); }); // what follows # names the view
leave.addEventListener('click', () => { key.forget(); show(); });
window.addEventListener('pointerdown', (e) => { pressed = e.button === 0; }); // of another, a menu may swallow the release
for (const over of ['pointerup', 'pointercancel', 'blur']) {
  window.addEventListener(over, () => { pressed = false; setTimeout(() => { late?.(); late = null; }); }); // the click comes first
}
window.addEventListener('hashchange', show);
show();
