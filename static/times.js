// Writes every <time> in the person's zone, calendar and digits.
const locale = document.documentElement.dataset.intl || "en-GB";
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const REFRESH_MS = 15000;

const full = new Intl.DateTimeFormat(locale, {
  year: "numeric", month: "short", day: "numeric",
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
const clock = new Intl.DateTimeFormat(locale, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23",
});
const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });

function ago(at) {
  const seconds = (at - Date.now()) / 1000;
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) || UNITS.at(-1);
  return relative.format(Math.round(seconds / size), unit);
}

const STYLES = { full: (at) => full.format(at), clock: (at) => clock.format(at), relative: ago };

function write(element) {
  const at = new Date(element.dateTime);
  const text = document.createElement("bdi");
  text.textContent = (STYLES[element.dataset.style] || STYLES.full)(at);
  element.title = `${full.format(at)} · ${element.dateTime}`;
  element.replaceChildren(text);
}

export function writeTimes(part) {
  part.querySelectorAll("time[datetime]").forEach(write);
}

export function keepTimes(page) {
  setInterval(() => {
    if (!page.hidden) page.querySelectorAll("time[data-style=relative]").forEach(write);
  }, REFRESH_MS);
}
