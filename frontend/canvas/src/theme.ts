/** Whether the page is dark: by how light its ground is, whatever the theme is called. */
export function isDark(element: HTMLElement): boolean {
  const ground = getComputedStyle(element).getPropertyValue("--st-background-color").trim();
  return luminance(ground) < 0.4;
}

/** 0 for black to 1 for white; 1 for what is no colour. */
export function luminance(colour: string): number {
  const hex = /^#([0-9a-f]{3,8})$/i.exec(colour)?.[1];
  let parts: number[];
  if (hex) {
    const long = hex.length < 6 ? [...hex].map((digit) => digit + digit).join("") : hex;
    parts = [0, 2, 4].map((at) => parseInt(long.slice(at, at + 2), 16));
  } else parts = (/^rgba?\(([^)]*)\)/.exec(colour)?.[1] ?? "").split(/[\s,/]+/).slice(0, 3).map(Number);
  const [r, g, b] = parts;
  if (r === undefined || g === undefined || b === undefined || [r, g, b].some(Number.isNaN)) return 1;
  return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
}
