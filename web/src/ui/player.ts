// Entry: defines <moqedge-player>, and is the worker of the player when it runs
// as one: in one file, because a second would come a round trip later. Safe to
// load twice.

import { serve } from "../media/worker.ts";
import { MoqedgePlayer } from "./player-element.ts";

if (typeof document === "undefined") serve();
else if (customElements.get("moqedge-player") === undefined) customElements.define("moqedge-player", MoqedgePlayer);

export { MoqedgePlayer };
