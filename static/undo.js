// Counts down how long something can be undone; then the offer goes.
const TICK_MS = 250;

function countDown(form) {
  const ends = Date.now() + Number(form.dataset.undo) * 1000;
  const left = form.querySelector("[data-undo-left]");
  const timer = setInterval(() => {
    const left_s = Math.ceil((ends - Date.now()) / 1000);
    if (left) left.textContent = left_s > 0 ? left_s : "";
    if (left_s > 0) return;
    clearInterval(timer);
    (form.closest("[role=status]") || form).remove();
  }, TICK_MS);
}

export function offerUndo(page) {
  page.querySelectorAll("form[data-undo]").forEach(countDown);
}
