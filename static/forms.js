// Small mercies of forms: the own time zone, the chosen task at once, no double sending.
function offerZone(page) {
  const zone = page.querySelector("input[name=zone]");
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const isUntouched = zone && zone.value === "UTC" && !page.querySelector("[aria-invalid]");
  if (isUntouched && own) zone.value = own;
}

function submitOnChange(select) {
  select.addEventListener("change", () => { if (select.value) select.form.requestSubmit(); });
}

function sendOnce(form) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
  // A page that comes back from the browser's memory may be sent again.
  addEventListener("pageshow", () => { delete form.dataset.sent; });
}

export function improveForms(page) {
  offerZone(page);
  page.querySelectorAll("[data-submit-on-change]").forEach(submitOnChange);
  page.querySelectorAll("form[data-once]").forEach(sendOnce);
}
