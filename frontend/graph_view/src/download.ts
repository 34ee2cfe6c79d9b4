/** Hands a text to the person as a file. */
export function download(text: string, fileName: string, type: string): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = fileName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** The drawing as a file of its own, at its own size and with no sign of what is selected here. */
export function svgFile(svg: SVGSVGElement, width: string, height: string): string {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  copy.removeAttribute("style");
  copy.removeAttribute("aria-hidden");
  for (const node of copy.querySelectorAll(".node")) {
    for (const name of ["tabindex", "role", "aria-label", "aria-pressed", "data-node"]) node.removeAttribute(name);
    node.classList.remove("selected");
  }
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(copy)}\n`;
}
