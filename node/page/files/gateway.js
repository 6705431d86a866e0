// Talking to the gateway: the key, one stream per view, and the API for the playground.

export const door = document.documentElement.dataset;

const keyName = 'flotilla-key';
export const key = {
  get: () => sessionStorage.getItem(keyName) || '',
  set: (k) => sessionStorage.setItem(keyName, k),
  forget: () => sessionStorage.removeItem(keyName),
};

/** takeKey moves a key from the address (#key=…, as 'flotilla testnet up' prints it) to this tab's storage. */
export function takeKey() {
  const found = location.hash.match(/^#key=([^&]+)/);
  if (!found) return;
  let secret = found[1];
  try { secret = decodeURIComponent(secret); } catch { /* somebody typed it: the gateway says that it does not know it */ }
  key.set(secret);
  history.replaceState(null, '', '#requests'); // a fragment is never sent, and from here on it is in no history either
}

export class Refused extends Error {
  constructor(status, message, retryAfter) { super(message); this.status = status; this.retryAfter = retryAfter; }
}

function headers(more) { return key.get() ? {Authorization: `Bearer ${key.get()}`, ...more} : {...more}; }

async function refusal(answer) {
  let said = {};
  try { said = await answer.json(); } catch { /* no JSON: the status has to do */ }
  const message = typeof said.error === 'string' ? said.error : said.error?.message;
  return new Refused(answer.status, message || `the gateway answered ${answer.status}`, Number(answer.headers.get('Retry-After')) || 0);
}

export async function ask(path, options = {}) {
  if (/[^\x20-\x7e]/.test(key.get())) throw new Refused(401, 'this has characters that no API key has, perhaps invisible ones: copy the key anew'); // no header can carry them
  let answer;
  try {
    answer = await fetch(path, {...options, headers: headers(options.headers), cache: 'no-store', credentials: 'omit'});
  } catch (e) {
    throw options.signal?.aborted ? e : new Error('The gateway cannot be reached: see that it runs, then try again.');
  }
  if (!answer.ok) throw await refusal(answer);
  return answer;
}

/** events yields the data of each server-sent event, and calls heard whenever something has come. */
export async function* events(answer, heard = () => {}) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    for (;;) {
      const {done, value} = await reader.read();
      if (done) return;
      heard();
      rest += value;
      const parts = rest.split('\n\n');
      rest = parts.pop();
      for (const part of parts) {
        const data = part.split('\n').filter((l) => l.startsWith('data:')).map((l) => l.slice(5).trimStart()).join('\n');
        if (data) yield data;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** askedAgain: what went wrong may be over the next time. */
export const askedAgain = (e) => !(e instanceof Refused) || e.status >= 500 || e.status === 429;

/** quietMost in ms is three of the comments that the gateway sends when nothing changes (page/stream.go). */
const quietMost = 45_000;

/** Undrawn: the gateway answered, and this page could not draw it. */
export class Undrawn extends Error {}

const unseen = Symbol('unseen');

/**
 * follow opens a view and calls show with each state of it, until stop is called. What goes wrong is told by trouble(error);
 * null when it is over. A lost gateway is tried again after 1, 2, 4 … 15 s; one that is silent is lost. A tab that nobody sees
 * lets its view go, and opens it again when it is looked at: a browser has six connections to a gateway for all its tabs.
 */
export function follow(view, show, trouble) {
  const end = new AbortController();
  let line, alarm;
  const heard = () => { clearTimeout(alarm); alarm = setTimeout(() => line.abort(), quietMost); };
  const until = (target, event, s) => new Promise((wake) => {
    const over = () => { clearTimeout(t); target.removeEventListener(event, over); end.signal.removeEventListener('abort', over); wake(); };
    const t = s && setTimeout(over, s * 1000);
    target.addEventListener(event, over);
    end.signal.addEventListener('abort', over);
  });
  const pause = (s) => until(end.signal, 'abort', s);
  document.addEventListener('visibilitychange', () => { if (document.hidden) line?.abort(unseen); }, {signal: end.signal});
  const draw = (data) => {
    try { show(JSON.parse(data)); } catch (e) { console.error(e); throw new Undrawn(); }
  };
  (async () => {
    for (let wait = 1; !end.signal.aborted;) {
      if (document.hidden) { await until(document, 'visibilitychange'); continue; }
      line = new AbortController();
      heard();
      try {
        const answer = await ask(`/page/data/${view}`, {headers: {Accept: 'text/event-stream'}, signal: AbortSignal.any([end.signal, line.signal])});
        for await (const data of events(answer, heard)) {
          trouble(null);
          wait = 1;
          draw(data);
        }
        wait = 1; // it ended as it should: open the next
      } catch (e) {
        if (end.signal.aborted) return;
        if (line.signal.reason === unseen) continue;
        trouble(e);
        if (!askedAgain(e)) return;
        await pause(e.retryAfter || wait);
        wait = Math.min(wait * 2, 15);
        continue;
      } finally {
        clearTimeout(alarm);
      }
      await pause(wait);
    }
  })();
  return () => end.abort();
}

/** save downloads a receipt as the file that 'flotilla verify' reads. */
export async function saveReceipt(id) {
  const answer = await ask(`/page/data/receipt?id=${encodeURIComponent(id)}`);
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await answer.blob());
  link.download = `receipt-${id.slice(0, 12)}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
