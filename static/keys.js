// The keyboard of an operator; the help dialog (?) lists what there is. Never while somebody types.
const TYPING = "input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]";
const SEQUENCE_MS = 1500;
const SWITCH = "keys";

const help = () => document.getElementById("help");
const rows = () => [...document.querySelectorAll(".rows tbody tr")].filter((row) => row.querySelector("a"));
const currentRow = () => document.activeElement?.closest(".rows tbody tr");

function areOn() {
  return localStorage.getItem(SWITCH) !== "off";
}

function step(by) {
  const all = rows();
  if (!all.length) return;
  const place = all.indexOf(currentRow());
  const next = place < 0 ? (by > 0 ? 0 : all.length - 1) : place + by;
  const row = all[Math.min(Math.max(next, 0), all.length - 1)];
  row.querySelector("a").focus();
  row.scrollIntoView({ block: "nearest" });
}

function tick() {
  const box = currentRow()?.querySelector("input[name=rowid]");
  if (!box) return;
  box.checked = !box.checked;
  box.dispatchEvent(new Event("change", { bubbles: true }));
}

function search() {
  const field = document.querySelector("form.filters :is(input:not([type=hidden]), select)");
  const wanted = document.querySelector("form.filters :is([type=search], [data-search])") || field;
  if (wanted) wanted.focus();
  else go("j");
}

function retry() {
  const ofPage = document.querySelector(".page-head :is(button[value=retry], button[value=reprocess])");
  if (ofPage) return ofPage.click();
  const button = document.querySelector("form[data-bulk] button[value=retry], form[data-bulk] button[value=reprocess]");
  if (!button) return;
  if (!button.form.querySelector("input[name=rowid]:checked")) tick();
  if (!button.disabled) button.click();
}

function go(letter) {
  const place = help()?.querySelector(`[data-go="${CSS.escape(letter)}"]`);
  if (place) location.assign(place.dataset.url);
}

const ACTS = { "/": search, j: () => step(1), k: () => step(-1), x: tick, r: retry };
let waitsUntil = 0; // for the letter behind a g

function press(event) {
  const key = event.key;
  if (Date.now() < waitsUntil) {
    waitsUntil = 0;
    return go(key);
  }
  if (key === "g") waitsUntil = Date.now() + SEQUENCE_MS;
  else if (key === "?") help()?.showModal();
  else ACTS[key]?.();
  if (key === "/") event.preventDefault(); // browsers search the page with it
}

function isForUs(event) {
  const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.isComposing;
  return isPlain && !event.defaultPrevented && !document.activeElement?.matches(TYPING) && !document.querySelector("dialog[open]");
}

export function listenToKeys(page) {
  page.addEventListener("keydown", (event) => {
    // The help opens always: it is where single keys are switched on again.
    if (isForUs(event) && (areOn() || event.key === "?")) press(event);
  });
  page.addEventListener("click", (event) => {
    if (event.target.closest("[data-open-help]")) help().showModal();
  });
  const box = page.querySelector("[data-keys-on]");
  if (!box) return;
  box.checked = areOn();
  box.addEventListener("change", () => localStorage.setItem(SWITCH, box.checked ? "on" : "off"));
}
