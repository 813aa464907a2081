// Live parts are fetched again every two seconds (htmx) and morphed, unless a person is busy in them.
const SLOWEST_MS = 60000;
const AIMING_MS = 2500;  // how long a pointer that rests on a button may be about to press it
// A ticked row, an opened fold or menu.
const BUSY = "input:is([name=rowid], [name=scope]):checked, details[open]:not([data-shown]), dialog[open]";
const AIMED_AT = ":is(a, button, input, label, summary):hover";
let quietUntil = 0;
let patience_ms = 2000;
let movedAt = 0;

function isBusy(part) {
  if (document.hidden || !getSelection().isCollapsed || Date.now() < quietUntil) return true;
  if (part.querySelector(BUSY)) return true;
  if (Date.now() - movedAt < AIMING_MS && part.querySelector(AIMED_AT)) return true;
  return part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea");
}

// What the page shows beside the answer of the server stays: charts, unfolded rows, written times.
function keepWhatWasMade() {
  const keeps = Idiomorph.defaults.callbacks;
  keeps.beforeNodeMorphed = (old, fresh) => {
    if (!(old instanceof Element) || !(fresh instanceof Element)) return true;
    if (old.matches("[data-chart]") && fresh.matches("[data-chart]")) {
      old.dataset.chart = fresh.dataset.chart;
      return false;
    }
    if (old.matches("[data-keep]") && old.childElementCount) return false;
    const isSameTime = old.matches("time") && old.dateTime === fresh.dateTime && old.dataset.style === fresh.dataset.style;
    return !isSameTime;
  };
  keeps.beforeAttributeUpdated = (name, node) => !(name === "open" && node.matches("details"));
}

function tell(part, isPaused) {
  const mark = part.querySelector("[data-live-mark]");
  if (!mark) return;
  mark.classList.toggle("is-paused", isPaused);
  mark.title = isPaused ? mark.dataset.paused : "";
}

export function keepLive(page, dress) {
  if (!globalThis.Idiomorph) return;
  keepWhatWasMade();
  page.addEventListener("pointermove", () => { movedAt = Date.now(); }, { passive: true });
  page.addEventListener("htmx:configRequest", (event) => {
    const seen = event.target.dataset.seen;
    if (seen) event.detail.headers["X-Part-Seen"] = seen;
  });
  page.addEventListener("htmx:beforeRequest", (event) => {
    if (!event.target.matches("[data-live]")) return;
    const paused = isBusy(event.target);
    tell(event.target, paused);
    if (paused) event.preventDefault();
  });
  page.addEventListener("htmx:beforeSwap", (event) => {
    // The session has ended, and the answer is the login page: it belongs into no part of this one.
    const asked = new URL(event.detail.pathInfo.requestPath, location.href).pathname;
    if (new URL(event.detail.xhr.responseURL).pathname !== asked) {
      event.detail.shouldSwap = false;
      return location.reload();
    }
    if (!event.target.matches("[data-live]")) return;
    patience_ms = 2000;
    // A person became busy meanwhile: the next time.
    if (isBusy(event.target)) event.detail.shouldSwap = false;
    else if (event.detail.shouldSwap) event.target.dataset.seen = event.detail.xhr.getResponseHeader("X-Part") || "";
  });
  page.addEventListener("htmx:afterSwap", (event) => dress(event.target));
  // The server is away: ask less and less often.
  for (const fault of ["htmx:sendError", "htmx:responseError"]) {
    page.addEventListener(fault, () => {
      patience_ms = Math.min(patience_ms * 2, SLOWEST_MS);
      quietUntil = Date.now() + patience_ms;
    });
  }
}
