// Entry: defines <moqedge-player>. Safe to load twice.

import { MoqedgePlayer } from "./player-element.ts";

if (customElements.get("moqedge-player") === undefined) customElements.define("moqedge-player", MoqedgePlayer);

export { MoqedgePlayer };
