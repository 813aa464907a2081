// A log stays at its last line while new ones come, unless the person has scrolled up.
const NEAR_PX = 40;
const away = new WeakSet();

function isAtEnd(log) {
  return log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_PX;
}

export function followLogs(part) {
  part.querySelectorAll("[data-follow]").forEach((log) => {
    if (!away.has(log)) log.scrollTop = log.scrollHeight;
    log.onscroll = () => { if (isAtEnd(log)) away.delete(log); else away.add(log); };
  });
}
