// Fields of JSON: said at once whether it is right and where it is not, and tidied without loss.

import { faultIn } from "./json_place.js";

// Numbers stay as they were typed: what JavaScript would round travels as a marked text.
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const MARK = "\uE000";

function fault(text, kind) {
  const at = faultIn(text);
  if (at !== null) return { at };
  const first = text.trimStart()[0];
  return first === (kind === "list" ? "[" : "{") ? null : { kind };
}

function lineAndColumn(text, at) {
  const before = text.slice(0, at).split("\n");
  return { line: before.length, column: before.at(-1).length + 1 };
}

function tidied(text) {
  const marked = text.replace(TOKEN, (token) => (token.startsWith('"') ? token : `"${MARK}${token}"`));
  const shown = JSON.stringify(JSON.parse(marked), null, 2);
  return shown.replace(new RegExp(`"${MARK}([^"]*)"`, "g"), "$1");
}

function wire(field) {
  const area = field.querySelector("textarea");
  const verdict = field.querySelector(".json-verdict");
  const tidy = field.querySelector("[data-tidy]");

  const check = () => {
    const wrong = area.value.trim() ? fault(area.value, field.dataset.json) : null;
    tidy.disabled = Boolean(wrong && "at" in wrong);
    verdict.toggleAttribute("data-is-bad", Boolean(wrong));
    if (!wrong) verdict.textContent = area.value.trim() ? verdict.dataset.good : "";
    else if ("kind" in wrong) verdict.textContent = verdict.dataset.kind;
    else {
      const { line, column } = lineAndColumn(area.value, wrong.at);
      verdict.textContent = verdict.dataset.bad.replace("{line}", line).replace("{column}", column);
    }
  };
  area.addEventListener("input", check);
  tidy.addEventListener("click", () => {
    if (area.value.trim()) area.value = tidied(area.value);
    check();
  });
}

export function improveJson(page) {
  page.querySelectorAll("[data-json]").forEach(wire);
}
