// Making elements without markup strings, so that nothing from the network is
// ever read as markup.

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** An element with attributes (true: present without value; false, undefined: absent) and children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children);
  return element;
}
