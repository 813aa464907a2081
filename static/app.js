// What the pages gain from a browser that runs scripts; without it they work all the same.
import { drawCharts, keepColours } from "./charts.js";
import { improveForms } from "./forms.js";
import { keepLive } from "./live.js";
import { closeMenus } from "./menus.js";
import { watchTicks } from "./ticks.js";
import { keepTimes, writeTimes } from "./times.js";
import { offerUndo } from "./undo.js";

function dress(part) {
  writeTimes(part);
  watchTicks(part);
  drawCharts(part);
}

keepLive(document, dress);
dress(document);
improveForms(document);
closeMenus(document);
keepTimes(document);
keepColours(document);
offerUndo(document);
