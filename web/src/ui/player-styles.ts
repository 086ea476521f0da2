// The look of the player. A constructed sheet: a page with a strict
// Content-Security-Policy does not allow style elements.

const css = `
:host {
  --ink: #eef2f6;
  --dim: #a9b4c0;
  --panel: rgb(14 18 23 / .82);
  --line: rgb(255 255 255 / .14);
  --accent: #5fd3bc;
  --live: #ff5d5d;
  display: block;
  position: relative;
  aspect-ratio: 16 / 9;
  min-width: 0;
  overflow: hidden;
  background: #000;
  color: var(--ink);
  font: 14px/1.4 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  outline: none;
  -webkit-tap-highlight-color: transparent;
}
:host([hidden]) { display: none; }
:host(:fullscreen) { width: 100%; height: 100%; border-radius: 0; }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
canvas { display: block; width: 100%; height: 100%; object-fit: contain; }
.stage, .veil { position: absolute; inset: 0; }
:host(:focus-visible) .stage::after {
  content: ""; position: absolute; inset: 0; border: 3px solid var(--accent); border-radius: inherit; pointer-events: none;
}
.quiet { cursor: none; }

.veil {
  display: grid; place-content: center; justify-items: center; gap: 14px;
  padding: 20px 20px 64px; text-align: center; pointer-events: none;
  background: rgb(6 8 11 / .58);
}
.veil.light { background: none; }
.spinner {
  width: 38px; height: 38px; border-radius: 50%;
  border: 3px solid rgb(255 255 255 / .22); border-top-color: var(--ink);
  animation: turn .9s linear infinite;
}
@keyframes turn { to { transform: rotate(1turn); } }
.message { max-width: 34em; margin: 0; font-size: 15px; text-wrap: balance; overflow-wrap: anywhere; text-shadow: 0 1px 3px #000; }
.message:empty { display: none; }
.countdown { color: var(--dim); font-variant-numeric: tabular-nums; }

button, select, input { font: inherit; color: inherit; }
button { border: 0; background: none; cursor: pointer; padding: 0; }
button:focus-visible, select:focus-visible, input:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
svg { display: block; width: 22px; height: 22px; }

.start {
  position: absolute; left: 50%; top: 50%; translate: -50% -50%;
  width: 76px; height: 76px; border-radius: 50%; display: grid; place-items: center;
  background: var(--panel); border: 1px solid var(--line); backdrop-filter: blur(6px);
  transition: background .15s;
}
.start:hover { background: rgb(30 38 47 / .92); }
.start svg { width: 34px; height: 34px; }
.unmute {
  position: absolute; left: 50%; bottom: 72px; translate: -50% 0; white-space: nowrap;
  display: flex; gap: 8px; align-items: center; padding: 9px 16px 9px 12px;
  border-radius: 99px; background: var(--ink); color: #10151a; font-weight: 600;
  box-shadow: 0 4px 18px rgb(0 0 0 / .45);
}

.bar {
  position: absolute; inset: auto 0 0; display: flex; align-items: center; gap: 2px;
  padding: 34px 8px 8px; background: linear-gradient(transparent, rgb(0 0 0 / .78));
  transition: opacity .2s;
}
.quiet .bar:not(:focus-within) { opacity: 0; pointer-events: none; }
.bar button { display: grid; place-items: center; width: 40px; height: 40px; border-radius: 9px; flex: none; }
.bar button:hover { background: rgb(255 255 255 / .13); }
.bar button[aria-pressed=true] { color: var(--accent); }
.live { display: flex; align-items: center; gap: 7px; padding: 0 8px; font-size: 12px; font-weight: 650; letter-spacing: .05em; white-space: nowrap; }
.live::before { content: ""; width: 8px; height: 8px; border-radius: 50%; background: #7b8794; }
.live.on::before { background: var(--live); }
.delay { color: var(--dim); font-size: 13px; font-variant-numeric: tabular-nums; white-space: nowrap; }
.space { flex: 1; min-width: 0; }
.volume { width: 84px; height: 20px; margin: 0 8px 0 2px; accent-color: var(--ink); cursor: pointer; }
.target {
  height: 32px; max-width: 104px; padding: 0 4px 0 8px; border-radius: 8px; background: rgb(0 0 0 / .35);
  border: 1px solid var(--line); font-size: 13px; cursor: pointer;
}
.target option { background: #161c23; color: var(--ink); }

.stats {
  position: absolute; left: 10px; top: 10px; max-width: calc(100% - 20px); max-height: calc(100% - 70px); overflow: auto;
  padding: 10px 14px 11px; border-radius: 10px; background: var(--panel); border: 1px solid var(--line);
  backdrop-filter: blur(8px); font-size: 12px;
}
.stats dl { display: grid; grid-template-columns: auto auto; gap: 2px 16px; margin: 0; }
.stats dt { color: var(--dim); white-space: nowrap; }
.stats dd { margin: 0; font-variant-numeric: tabular-nums; text-align: right; white-space: nowrap; }
.stats .head { grid-column: 1 / -1; display: flex; align-items: baseline; gap: 8px; padding-bottom: 5px; }
.stats .head dt { order: 2; }
.stats .head dd { font-size: 24px; font-weight: 650; line-height: 1.1; }
.stats p { margin: 7px 0 0; color: #ffc46b; max-width: 24em; }

@container (max-width: 480px) {
  .volume, .delay { display: none; }
  .stats { left: 6px; top: 6px; max-width: calc(100% - 12px); max-height: calc(100% - 54px); padding: 7px 10px 8px; font-size: 10.5px; line-height: 1.35; }
  .stats dl { grid-template-columns: auto auto auto auto; gap: 0 10px; }
  .stats .head { padding-bottom: 2px; }
  .stats .head dd { font-size: 18px; }
  .target { max-width: 82px; }
  .start { width: 64px; height: 64px; }
}
@container (max-width: 400px) { .pip { display: none !important; } .bar { gap: 0; padding-inline: 4px; } .bar button { width: 38px; } .live { padding: 0 4px; } }
.stage { container-type: inline-size; }
@media (prefers-reduced-motion: reduce) {
  .spinner { animation: none; border-top-color: rgb(255 255 255 / .22); border-style: dotted; }
  .bar, .start { transition: none; }
}
@media (forced-colors: active) { .bar button, .start, .unmute { border: 1px solid; } }
`;

/** The sheet, to be adopted by the player's shadow root. */
export function playerStyles(): CSSStyleSheet {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  return sheet;
}
