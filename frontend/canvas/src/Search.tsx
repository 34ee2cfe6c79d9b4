/** The search that opens where a layer shall stand; what fits the value at hand comes first. */
import { useEffect, useMemo, useRef, useState, type CSSProperties } from "react";
import { useController } from "./context";
import type { Group } from "./types";
import { useUi } from "./ui";
import { ranked } from "./wiring";

const SHOWN = 40;
const WIDTH = 300;
const HEIGHT = 340;

export function Search({ groups }: { groups: Group[] }) {
  const controller = useController();
  const search = useUi(controller.ui, (state) => state.search);
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const place = search?.flow;
  useEffect(() => {
    setTyped("");
    setAt(0);
  }, [place]);
  const found = useMemo(() => (search ? ranked(groups, typed, search.keys).slice(0, SHOWN) : []), [groups, typed, search]);
  useEffect(() => {
    list.current?.children[at]?.scrollIntoView({ block: "nearest" });
  }, [at]);
  if (!search) return null;
  const box = controller.box?.getBoundingClientRect();
  const left = Math.max(8, Math.min(search.screen[0], (box?.width ?? 0) - WIDTH - 8));
  const top = Math.max(8, Math.min(search.screen[1], (box?.height ?? 0) - HEIGHT - 8));
  const fits = new Set(search.keys ?? []);
  const close = (): void => {
    controller.ui.set({ search: null });
    controller.focus();
  };
  const source = search.from ? controller.name(search.from[0]) : "";
  return (
    <div className="search popup" role="dialog" aria-label="Add a layer here" style={{ left, top, width: WIDTH }}>
      <input
        role="combobox" aria-expanded="true" aria-controls="lw-search-list" aria-activedescendant={`lw-search-${at}`}
        aria-label="Search layers to add here" placeholder={source ? `What reads ${source}?` : "Add a layer"} value={typed} spellCheck={false}
        ref={(element) => {
          if (element && element !== (element.getRootNode() as ShadowRoot).activeElement) element.focus({ preventScroll: true });
        }}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          event.stopPropagation();
          const entry = found[at];
          if (event.key === "Escape" || event.key === "Tab") {
            event.preventDefault();
            close();
          } else if (event.key === "Enter" && entry) controller.chosen(entry.key, entry.name);
          else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
            event.preventDefault();
            setAt(Math.min(found.length - 1, Math.max(0, at + (event.key === "ArrowDown" ? 1 : -1))));
          }
        }}
        onBlur={(event) => {
          if (!(event.relatedTarget as HTMLElement | null)?.closest(".search")) controller.ui.set({ search: null });
        }}
      />
      <div className="search-list" role="listbox" id="lw-search-list" ref={list} aria-label="Layers">
        {found.map((entry, index) => (
          <button key={entry.key} id={`lw-search-${index}`} type="button" role="option" aria-selected={index === at} tabIndex={-1}
            className={`item${index === at ? " at" : ""}`} style={{ "--family": `var(--family-${entry.family})` } as CSSProperties}
            onPointerDown={(event) => event.preventDefault()} onClick={() => controller.chosen(entry.key, entry.name)}>
            <i /><span>{entry.name}</span>{fits.has(entry.key) ? <em>fits</em> : entry.hint && <small>{entry.hint}</small>}
          </button>
        ))}
        {!found.length && <p>No layer is called that.</p>}
      </div>
      <div className="search-help">{found[at]?.help ?? ""}</div>
    </div>
  );
}
