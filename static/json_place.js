// Where a text stops being JSON; browsers do not always say it.
const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const ATOM = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

class Fault {
  constructor(at) { this.at = at; }
}

function match(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : -1;
}

function spaced(text, at) {
  return match(SPACE, text, at);
}

function expect(pattern, text, at) {
  const end = match(pattern, text, at);
  if (end < 0) throw new Fault(at);
  return end;
}

// The place behind a list or an object whose first sign is at `at`; `item` reads one of its items.
function row(text, at, close, item) {
  at = spaced(text, at + 1);
  if (text[at] === close) return at + 1;
  for (;;) {
    at = spaced(text, item(text, at));
    if (text[at] === close) return at + 1;
    if (text[at] !== ",") throw new Fault(at);
    at = spaced(text, at + 1);
  }
}

function pair(text, at) {
  at = spaced(text, expect(STRING, text, at));
  if (text[at] !== ":") throw new Fault(at);
  return value(text, at + 1);
}

function value(text, at) {
  at = spaced(text, at);
  if (text[at] === "[") return row(text, at, "]", value);
  if (text[at] === "{") return row(text, at, "}", pair);
  return expect(text[at] === '"' ? STRING : ATOM, text, at);
}

// The first place that is wrong; null when `text` is JSON.
export function faultIn(text) {
  try {
    const end = spaced(text, value(text, 0));
    return end === text.length ? null : end;
  } catch (fault) {
    if (fault instanceof Fault) return fault.at;
    throw fault;
  }
}
