const LATER_MS = 120;

/** Whether the page is dark: by how light its ground is, whatever the theme is called. */
export function isDark(element: HTMLElement): boolean {
  const ground = getComputedStyle(element).getPropertyValue("--st-background-color").trim();
  return luminance(ground) < 0.4;
}

/** Tells now and with every change of theme around the element whether the page is dark; returns the way to stop. */
export function watchTheme(element: HTMLElement, tell: (dark: boolean) => void): () => void {
  const look = (): void => tell(isDark(element));
  let timer: ReturnType<typeof setTimeout> | undefined;
  // Streamlit adds styles with every run: asking at once would have all of them worked out there and then.
  const observer = new MutationObserver(() => {
    clearTimeout(timer);
    timer = setTimeout(look, LATER_MS);
  });
  const root = element.getRootNode();
  const around = [document.documentElement, document.body, document.head, root instanceof ShadowRoot ? root.host : null];
  for (let one = root instanceof ShadowRoot ? root.host.parentElement : null, up = 0; one && up < 6; one = one.parentElement, up++) around.push(one);
  for (const one of around) if (one) observer.observe(one, { attributes: true, attributeFilter: ["style", "class", "data-theme"], childList: one === document.head });
  look();
  return () => {
    clearTimeout(timer);
    observer.disconnect();
  };
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
