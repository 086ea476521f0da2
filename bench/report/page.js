"use strict";
// What one points at is said at once, instead of after the browser's delay.
const tip = document.createElement("div");
tip.id = "tip";
tip.hidden = true;
tip.setAttribute("aria-hidden", "true");
document.body.append(tip);
for (const hit of document.querySelectorAll(".hit")) {
  const text = hit.textContent;
  hit.textContent = "";
  hit.addEventListener("pointermove", (e) => {
    tip.textContent = text;
    tip.hidden = false;
    const right = document.documentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = window.scrollX + Math.max(0, Math.min(e.clientX + 14, right)) + "px";
    tip.style.top = window.scrollY + e.clientY + 14 + "px";
  });
  hit.addEventListener("pointerleave", () => { tip.hidden = true; });
}
const save = document.getElementById("save");
if (save) {
  save.hidden = false;
  save.addEventListener("click", () => {
    const a = document.createElement("a");
    const data = document.getElementById("result").textContent;
    a.href = URL.createObjectURL(new Blob([data], { type: "application/json" }));
    a.download = "result.json";
    a.click();
    setTimeout(() => URL.revokeObjectURL(a.href), 1000);
  });
}
