// Live parts are fetched again every two seconds (htmx) and morphed, unless a person is busy in them.
const SLOWEST_MS = 60000;
// A ticked row, an opened fold or menu, a pointer that is about to press something.
const BUSY = "input:is([name=rowid], [name=scope]):checked, details[open]:not([data-shown]), dialog[open], :is(a, button, input, label):hover";
let quietUntil = 0;
let patience_ms = 2000;

function isBusy(part) {
  if (document.hidden || !getSelection().isCollapsed || Date.now() < quietUntil) return true;
  if (part.querySelector(BUSY)) return true;
  return part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea");
}

export function keepLive(page, dress) {
  page.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.matches("[data-live]") && isBusy(event.target)) event.preventDefault();
  });
  page.addEventListener("htmx:beforeSwap", (event) => {
    if (!event.target.matches("[data-live]")) return;
    // The session has ended: show the login page. A person became busy meanwhile: the next time.
    if (new URL(event.detail.xhr.responseURL).pathname !== location.pathname) return location.reload();
    if (isBusy(event.target)) event.detail.shouldSwap = false;
    patience_ms = 2000;
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
