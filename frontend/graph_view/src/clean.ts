/**
 * Graphviz's SVG, copied element by element from a short list of what a drawing needs. Labels carry
 * names a person chose, so nothing that runs, loads or links is on the list.
 */
const SVG = "http://www.w3.org/2000/svg";

const ELEMENTS = new Set([
  "svg", "g", "title", "path", "polygon", "polyline", "ellipse", "circle", "rect", "line", "text",
  "tspan", "defs", "linearGradient", "radialGradient", "stop",
]);

const ATTRIBUTES = new Set([
  "id", "class", "d", "points", "cx", "cy", "rx", "ry", "r", "x", "y", "x1", "y1", "x2", "y2", "dx",
  "dy", "width", "height", "viewBox", "transform", "fill", "fill-opacity", "fill-rule", "stroke",
  "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-linecap", "stroke-linejoin",
  "opacity", "font-family", "font-size", "font-weight", "font-style", "text-anchor",
  "text-decoration", "dominant-baseline", "baseline-shift", "textLength", "lengthAdjust",
  "gradientUnits", "offset", "stop-color", "stop-opacity", "preserveAspectRatio",
]);

/** Parses an SVG text and gives a copy that is safe to put into the page. Throws when it is none. */
export function cleanSvg(text: string): SVGSVGElement {
  const parsed = new DOMParser().parseFromString(text, "image/svg+xml");
  const root = parsed.documentElement;
  if (root.localName !== "svg" || parsed.querySelector("parsererror")) {
    throw new Error("This graph could not be drawn: the picture is not whole.");
  }
  return copy(root) as SVGSVGElement;
}

function copy(element: Element): SVGElement {
  const clean = document.createElementNS(SVG, element.localName);
  for (const { name, value } of element.attributes) {
    if (ATTRIBUTES.has(name) && !/url\s*\(\s*["']?(?!#)/i.test(value)) clean.setAttribute(name, value);
  }
  for (const child of element.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) clean.append(child.nodeValue ?? "");
    else if (child instanceof Element) clean.append(...copyChild(child));
  }
  return clean;
}

/** A link stays only as what it holds; what is not on the list goes with all it holds. */
function copyChild(element: Element): SVGElement[] {
  if (element.namespaceURI !== SVG) return [];
  if (element.localName === "a") return [...element.children].flatMap(copyChild);
  return ELEMENTS.has(element.localName) ? [copy(element)] : [];
}
