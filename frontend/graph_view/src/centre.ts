/**
 * Graphviz places each line of a label by the width it expects of the font. The page's own font is
 * narrower, so lines in a box would stand left of its middle: they are hung on the middle instead.
 * Lines in a typewriter face are listings, and stay where they begin.
 */
export function centreLabels(node: SVGGElement): void {
  const middle = middleOf(node.querySelector(":scope > path, :scope > polygon, :scope > ellipse"));
  if (middle === null) return;
  for (const text of node.querySelectorAll("text")) {
    if (/mono|courier/i.test(text.getAttribute("font-family") ?? "")) continue;
    text.setAttribute("text-anchor", "middle");
    text.setAttribute("x", String(middle));
  }
}

function middleOf(shape: Element | null): number | null {
  if (!shape) return null;
  const centre = shape.getAttribute("cx");
  if (centre !== null) return Number(centre);
  const numbers = (shape.getAttribute("points") ?? shape.getAttribute("d") ?? "").match(/-?\d+(\.\d+)?/g);
  const across = (numbers ?? []).map(Number).filter((_, index) => index % 2 === 0);
  return across.length ? (Math.min(...across) + Math.max(...across)) / 2 : null;
}
