/** Hands a text to the person as a file. */
export function download(text: string, fileName: string, type: string): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = fileName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** A laid-out drawing as a file of its own, on white: a dark slide shows it as a light one does. */
export function svgFile(svg: SVGSVGElement): string {
  const [x = "0", y = "0", width = "100%", height = "100%"] = (svg.getAttribute("viewBox") ?? "").split(/[\s,]+/);
  const ground = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, value] of Object.entries({ x, y, width, height, fill: "#ffffff" })) ground.setAttribute(name, value);
  svg.prepend(ground);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(svg)}\n`;
}
