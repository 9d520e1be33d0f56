/**
 * What the page does: waits on an event stream, which ends when something else is served or the server stops, asks then
 * who answers at its address, and reloads itself as soon as that is not this page any more. The stream says as well
 * which page it is of.
 */

/** Where the event stream is. */
export const streamPath = '/.tsicorn/error-page'

/** Names the page: in a request it asks whether this page is still there, and the response says which one is. */
export const pageHeader = 'Tsicorn-Page'

/** The name of a page that is about to go: a connection that was kept still leads to its worker. */
export const leaving = 'leaving'

export const script = `
'use strict';
const id = document.documentElement.dataset.page;
const state = document.querySelector('.state');
const pause = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));
let source;
let isAsking = false;

function follow() {
  state.textContent = 'Waiting for a change: this page reloads itself when the app loads';
  source = new EventSource('${streamPath}');
  source.onmessage = ({ data }) => data === id || location.reload();
  source.onerror = ask;
}

function leave() {
  if (source) source.close();
  source = undefined;
}

async function ask() {
  leave();
  if (isAsking) return;
  isAsking = true;
  for (;;) {
    const answer = await fetch(location.origin + location.pathname + location.search, {
      method: 'HEAD',
      headers: { '${pageHeader}': id },
      cache: 'no-store',
      redirect: 'manual',
    }).catch(() => undefined);
    // A proxy says so where the server is away.
    if (answer && answer.status !== 502 && answer.status !== 504) {
      const page = answer.headers.get('${pageHeader}');
      if (page === id) break;
      if (page !== '${leaving}') return location.reload();
      await pause(50);
    } else {
      state.textContent = 'The server is away';
      await pause(500);
    }
  }
  isAsking = false;
  if (!document.hidden) follow();
}

// A browser opens only a few connections to one server, and hidden tabs must not use them up.
document.addEventListener('visibilitychange', () => {
  if (document.hidden) leave();
  else if (!source) ask();
});
if (!document.hidden) follow();
`
