/** Lists one chooses from: the first can be taken at once, arrows go on, Escape closes them. */
import { useEffect, useLayoutEffect, useRef, type CSSProperties, type KeyboardEvent, type ReactNode } from "react";

const MARGIN = 8;
const LEAST = 120;

export function MenuList({ label, className = "", style, first = 0, children }: { label: string; className?: string; style?: CSSProperties; first?: number; children: ReactNode }) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const all = buttonsIn(list.current);
    (all[first] ?? all[0])?.focus({ preventScroll: true });
  }, [first]);
  // It opens under its button, and moves in where the canvas is narrow or low.
  useLayoutEffect(() => {
    const element = list.current;
    const frame = element?.closest(".canvas")?.getBoundingClientRect();
    if (!element || !frame) return;
    const box = element.getBoundingClientRect();
    const across = Math.max(frame.left + MARGIN - box.left, Math.min(0, frame.right - MARGIN - box.right));
    if (across) element.style.translate = `${across}px 0`;
    element.style.maxHeight = `${Math.max(LEAST, frame.bottom - MARGIN - box.top)}px`;
  }, []);
  return <div className={`popup menu-list ${className}`} role="menu" tabIndex={-1} aria-label={label} ref={list} style={style} onKeyDown={(event) => walk(event, "ArrowUp", "ArrowDown")}>{children}</div>;
}

const buttonsIn = (element: Element | null): HTMLButtonElement[] =>
  [...(element?.querySelectorAll<HTMLButtonElement>("button") ?? [])].filter((one) => !one.disabled && one.checkVisibility());

/** Arrows, Home and End go from button to button. */
export function walk(event: KeyboardEvent<HTMLElement>, back: string, on: string): void {
  if (![back, on, "Home", "End"].includes(event.key) || event.altKey || event.ctrlKey || event.metaKey) return;
  const all = buttonsIn(event.currentTarget);
  const at = all.findIndex((one) => one.matches(":focus"));
  if (at < 0 && event.currentTarget.getAttribute("role") === "toolbar") return;
  event.preventDefault();
  event.stopPropagation();
  const next = event.key === "Home" ? 0 : event.key === "End" ? all.length - 1 : at + (event.key === on ? 1 : all.length - 1);
  all[next % all.length]?.focus();
}

/** Within a dialog Tab goes round. */
export function trap(event: KeyboardEvent<HTMLElement>): void {
  if (event.key !== "Tab") return;
  const all = buttonsIn(event.currentTarget);
  const root = event.currentTarget.getRootNode() as ShadowRoot | Document;
  const at = all.indexOf(root.activeElement as HTMLButtonElement);
  event.preventDefault();
  event.stopPropagation();
  all[(at + (event.shiftKey ? all.length - 1 : 1)) % all.length]?.focus();
}
