// Entry of the watch page: keys work anywhere on the page, and the title tells
// whether the broadcast is live.

import type { MoqedgePlayer } from "./player-element.ts";

const WORDS = { ok: "Waiting", connecting: "Connecting", offline: "Not live", unreachable: "No connection", unsupported: "Cannot play" } as const;

const player = document.querySelector<MoqedgePlayer>("moqedge-player");
const badge = document.getElementById("badge");

if (player !== null && badge !== null) {
  await customElements.whenDefined("moqedge-player"); // by a script of its own, which does not wait for this one
  document.addEventListener("keydown", (e) => {
    if (e.target === document.body) player.handleKey(e);
  });
  const title = document.title;
  const show = (): void => {
    const live = !player.paused && player.readyState === 4;
    badge.textContent = live ? "Live" : player.paused ? "Paused" : WORDS[player.condition.kind];
    badge.classList.toggle("on", live);
    document.title = live ? `● ${title}` : title;
  };
  for (const event of ["playing", "waiting", "pause", "play", "conditionchange", "error"]) player.addEventListener(event, show);
  show();
}
