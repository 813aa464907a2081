// What the pages gain from a browser that runs scripts; without it they work all the same.
import { offerCopies } from "./copy.js";
import { followLogs } from "./follow.js";
import { drawCharts, keepColours } from "./charts.js";
import { improveForms } from "./forms.js";
import { improveJson } from "./json_editor.js";
import { listenToKeys } from "./keys.js";
import { keepLive } from "./live.js";
import { closeMenus } from "./menus.js";
import { watchTicks } from "./ticks.js";
import { keepTimes, writeTimes } from "./times.js";
import { offerUndo } from "./undo.js";

function dress(part) {
  writeTimes(part);
  watchTicks(part);
  followLogs(part);
  drawCharts(part);
}

keepLive(document, dress);
dress(document);
improveForms(document);
improveJson(document);
closeMenus(document);
offerCopies(document);
keepTimes(document);
listenToKeys(document);
keepColours(document);
offerUndo(document);
