// What the pages gain from a browser that runs scripts; without it they work all the same.
import { writeTimes } from "./times.js";
import { watchTicks } from "./ticks.js";
import { improveForms } from "./forms.js";
import { closeMenus } from "./menus.js";

writeTimes(document);
watchTicks(document);
improveForms(document);
closeMenus(document);
