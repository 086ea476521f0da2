// Icons as shapes in a 24-unit square, drawn in the colour of the text.

const SHAPES = {
  play: "M7 4.5v15l12.5-7.5z",
  pause: "M6.5 5h4v14h-4zM13.5 5h4v14h-4z",
  sound: "M4 9.5v5h3.5L12 19V5L7.5 9.5zM14.5 8.6a4.6 4.6 0 0 1 0 6.8l1.2 1.3a6.4 6.4 0 0 0 0-9.4zM17.2 5.6a8.7 8.7 0 0 1 0 12.8l1.2 1.3a10.5 10.5 0 0 0 0-15.4z",
  muted: "M4 9.5v5h3.5L12 19V5L7.5 9.5zM14.6 9.9l1.3-1.3 2.2 2.2 2.2-2.2 1.3 1.3-2.2 2.1 2.2 2.1-1.3 1.3-2.2-2.2-2.2 2.2-1.3-1.3 2.2-2.1z",
  full: "M4 4h6v2H6v4H4zM14 4h6v6h-2V6h-4zM4 14h2v4h4v2H4zM18 14h2v6h-6v-2h4z",
  small: "M8 4h2v6H4V8h4zM14 4h2v4h4v2h-6zM4 14h6v6H8v-4H4zM14 14h6v2h-4v4h-2z",
  pip: "M3 5h18v6h-2V7H5v10h6v2H3zM13 13h8v6h-8z",
  info: "M11 10h2v7h-2zM11 7h2v2h-2zM12 2.5a9.5 9.5 0 1 0 0 19 9.5 9.5 0 0 0 0-19zm0 2a7.5 7.5 0 1 1 0 15 7.5 7.5 0 0 1 0-15z",
} as const;

export type IconName = keyof typeof SHAPES;

const SVG = "http://www.w3.org/2000/svg";

/** A decorative icon: its button carries the label. */
export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", SHAPES[name]);
  path.setAttribute("fill", "currentColor");
  path.setAttribute("fill-rule", "evenodd");
  svg.append(path);
  return svg;
}
