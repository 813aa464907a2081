// Ticked rows: all at once, how many, and no action without one.
function wire(form) {
  const rows = [...form.querySelectorAll("input[name=rowid]")];
  const all = form.querySelector("[data-tick-all]");
  const count = form.querySelector("[data-ticked]");
  const everything = form.querySelector("[data-scope-all]");
  if (!all || !rows.length) return;

  const show = () => {
    const ticked = rows.filter((row) => row.checked).length;
    all.checked = ticked === rows.length;
    all.indeterminate = ticked > 0 && ticked < rows.length;
    count.textContent = ticked ? count.dataset.text.replace("{n}", ticked) : "";
    const isReady = ticked || (everything && everything.checked);
    form.querySelectorAll("[data-needs-tick]").forEach((button) => { button.disabled = !isReady; });
  };
  if (everything) everything.addEventListener("change", show);
  all.addEventListener("change", () => {
    rows.forEach((row) => { row.checked = all.checked; });
    show();
  });
  rows.forEach((row) => row.addEventListener("change", show));
  show();
}

// How many match is known a moment after the page is there.
function nameAll(form) {
  const count = document.querySelector("#matching")?.textContent.trim();
  const label = form.querySelector("[data-text-all]");
  if (count && label) label.textContent = label.dataset.textAll.replace("{n}", count);
}

export function watchTicks(page) {
  document.querySelectorAll("form[data-bulk]").forEach(nameAll);
  page.querySelectorAll("form[data-bulk]").forEach(wire);
}
