/** The canvas's symbols, drawn on a grid of 16. */
import type { ReactNode } from "react";

const PATHS = {
  undo: <path d="M6 3.5 2.5 7 6 10.5M3 7h6.5a3.5 3.5 0 0 1 0 7H7" />,
  redo: <path d="M10 3.5 13.5 7 10 10.5M13 7H6.5a3.5 3.5 0 0 0 0 7H9" />,
  history: <path d="M2.5 8a5.5 5.5 0 1 0 2-4.2M2.5 2.5v3h3M8 5v3.2l2 1.3" />,
  down: <path d="m4.5 6.5 3.5 3.5 3.5-3.5" />,
  plus: <path d="M8 3v10M3 8h10" />,
  minus: <path d="M3 8h10" />,
  fit: <path d="M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10" />,
  arrange: <path d="M2 6h4v4H2zM10 2.5h4v4h-4zM10 9.5h4v4h-4zM6 8h2V4.5h2M8 8v3.5h2" />,
  view: <path d="M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8Zm6.5 1.8a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6Z" />,
  picture: <path d="M2.5 3h11v10h-11zM2.5 11l3.2-3.4 2.6 2.6 2-1.9 3.2 3M10.8 6a.6.6 0 1 0 0-.1" />,
  keys: <path d="M1.5 4.5h13v7h-13zM4 7h.1M6.7 7h.1M9.3 7h.1M12 7h.1M5 9.5h6" />,
  select: <path d="M2.5 5V2.5H5M8 2.5h.1M11 2.5h2.5V5M13.5 8v.1M13.5 11v2.5H11M8 13.5h.1M5 13.5H2.5V11M2.5 8v.1" />,
  wire: <path d="M4 12.5a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4ZM12 6.9a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4ZM5.7 10.8c3.3 0 1.3-5.6 4.6-5.6" />,
  note: <path d="M3 2.5h10v7.2L9.2 13.5H3zM9 13.3V9.5h4" />,
  frame: <path d="M2 3.5h12v9.5H2zM2 6h12" />,
  group: <path d="M5 5h6v6H5zM2 2h1.5M2 2v1.5M14 2h-1.5M14 2v1.5M2 14h1.5M2 14v-1.5M14 14h-1.5M14 14v-1.5" />,
  ungroup: <path d="M2 2h6v6H2zM8.5 5.5H14v8.5H5.500V8.500" />,
  trash: <path d="M2.5 4.5h11M6 4.500V2.500h4v2M4 4.500l.7 9h6.600l.7-9M6.700 7v4M9.300 7v4" />,
  copy: <path d="M5.500 5.500h8v8h-8zM10.500 5.500v-3h-8v8h3" />,
  bypass: <path d="M2 8h2.500c2 0 1.500-4.500 3.500-4.500S9.500 8 11.500 8H14M12 6l2 2-2 2M6 11h4" />,
  frozen: <path d="M8 1.500v13M2.400 4.750l11.200 6.500M13.600 4.750 2.400 11.250M6.300 2.700 8 4.300l1.700-1.600M6.300 13.300 8 11.700l1.700 1.600" />,
  palette: <path d="M2.500 2.500h4.500v4.500H2.500zM9 2.500h4.500v4.500H9zM2.500 9h4.500v4.500H2.500zM11.250 9v4.500M9 11.250h4.500" />,
  search: <path d="M7 11.500a4.500 4.500 0 1 0 0-9 4.500 4.500 0 0 0 0 9ZM10.300 10.300l3.200 3.200" />,
  close: <path d="m4 4 8 8M12 4l-8 8" />,
  enter: <path d="M3 8h8M8 5l3 3-3 3M13.500 3v10" />,
  fold: <path d="M3 3h10v3H3zM3 10h10v3H3zM8 6v4" />,
  align: <path d="M2.500 2v12M5 4h8v2.500H5zM5 9.500h5V12H5z" />,
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" aria-hidden="true">{PATHS[name]}</svg>
  );
}
