// Runs in a page before its own scripts. row says where in the picture the cells of
// the clock lie, in shares of its width and height, and how many there are.
(row) => {
  const CELL = 8; // pixels of a cell here
  const HEIGHT = 4;
  const context = new OffscreenCanvas(row.cells * CELL, HEIGHT).getContext("2d", { willReadFrequently: true });
  let looks = [];
  let first = null;

  // The picture of a <video>, of the player, or of any <canvas>.
  const picture = () => {
    const video = document.querySelector("video");
    if (video !== null && video.readyState >= 2 && video.videoWidth > 0) return [video, video.videoWidth, video.videoHeight];
    const canvas = document.querySelector("moqedge-player")?.shadowRoot?.querySelector("canvas") ?? document.querySelector("canvas");
    return canvas !== null && canvas.width > 0 && canvas.height > 0 ? [canvas, canvas.width, canvas.height] : undefined;
  };

  // Brightness of each cell, 0 to 255; of its middle, as compression blurs the edges.
  const levels = ([source, width, height]) => {
    const { canvas } = context;
    context.drawImage(source, row.x * width, row.y * height, row.width * width, row.height * height, 0, 0, canvas.width, canvas.height);
    const { data } = context.getImageData(0, 1, canvas.width, HEIGHT - 2);
    return Array.from({ length: row.cells }, (_, cell) => {
      let sum = 0;
      for (let y = 0; y < HEIGHT - 2; y++) {
        for (let x = CELL / 4; x < CELL * 0.75; x++) {
          const at = (y * canvas.width + cell * CELL + x) * 4;
          sum += 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
        }
      }
      return Math.round(sum / ((CELL / 2) * (HEIGHT - 2)));
    });
  };

  const look = () => {
    requestAnimationFrame(look);
    const found = picture();
    if (found === undefined) return;
    const at = Date.now();
    const since = performance.now();
    const seen = levels(found);
    if (first === null && seen[0] - seen[1] > row.contrast) first = since;
    looks.push([at, ...seen]);
  };

  // The player's own "play" does not bubble.
  document.addEventListener("play", (e) => {
    if (e.target instanceof Element && e.target.localName === "moqedge-player" && performance.getEntriesByName("play").length === 0) performance.mark("play");
  }, { capture: true });

  if (row.target > 0) {
    document.addEventListener("readystatechange", () => {
      document.querySelector("moqedge-player")?.setAttribute("target-latency", String(row.target));
    }, { once: true });
  }

  const mark = (name) => performance.getEntriesByName(name)[0]?.startTime ?? null;

  window.moqedgeGlass = {
    // What was seen since the last time. Times since the navigation are in ms.
    take() {
      const taken = looks;
      looks = [];
      return { looks: taken, first, play: mark("play"), connected: mark("connected"), failed: window.failed || document.querySelector("moqedge-player")?.condition?.text || "" };
    },
    // What the player, or the peer connection, says of itself: numbers by name.
    async own() {
      const all = {};
      const add = (from) => {
        for (const [name, value] of Object.entries(from ?? {})) if (Number.isFinite(value)) all[name] = value;
      };
      add(document.querySelector("moqedge-player")?.getStats?.());
      // When the parts of the page were there.
      for (const e of [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]) {
        add({ [`${new URL(e.name).pathname} loaded`]: e.responseEnd });
      }
      if (window.peer !== undefined) {
        for (const stats of (await window.peer.getStats()).values()) {
          if (stats.type === "inbound-rtp" && stats.kind === "video") add(stats);
        }
      }
      return all;
    },
  };
  requestAnimationFrame(look);
}
