// Fetches the page again every few seconds and shows what has changed, unless a person is busy in it.
const EVERY_MS = 3000;
const SLOWEST_MS = 60000;
// A ticked row, an opened fold, a pointer that is about to press something.
const BUSY = "input[name=rowid]:checked, details[open]:not([data-shown]), :is(a, button, input, label):hover";
const FOCUSABLE = "a[href], button, input, select, textarea, summary";

function isBusy(part) {
  if (document.hidden || !getSelection().isCollapsed) return true;
  if (part.querySelector(BUSY)) return true;
  return part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea");
}

// The token of the forms is another one in each answer.
function content(part) {
  return part.innerHTML.replace(/name="csrf_token" value="[^"]*"/g, "");
}

function swap(part, fresh, dress) {
  const place = [...part.querySelectorAll(FOCUSABLE)].indexOf(document.activeElement);
  part.replaceChildren(...fresh.childNodes);
  dress(part);
  if (place >= 0) part.querySelectorAll(FOCUSABLE)[place]?.focus({ preventScroll: true });
}

export function keepLive(page, dress) {
  const part = page.querySelector("[data-live]");
  if (!part) return;
  let shown = content(part);
  let wait_ms = EVERY_MS;

  async function refresh() {
    const answer = await fetch(location.href);
    if (answer.redirected) return location.reload(); // the session has ended: show the login page
    if (!answer.ok) throw new Error(answer.status);
    const text = await answer.text();
    const fresh = new DOMParser().parseFromString(text, "text/html").querySelector("[data-live]");
    if (content(fresh) === shown || isBusy(part)) return;
    shown = content(fresh);
    swap(part, fresh, dress);
  }

  async function tick() {
    try {
      if (!isBusy(part)) await refresh();
      wait_ms = EVERY_MS;
    } catch {
      wait_ms = Math.min(wait_ms * 2, SLOWEST_MS); // the server is away: ask less and less often
    }
    setTimeout(tick, wait_ms);
  }
  setTimeout(tick, wait_ms);
}
