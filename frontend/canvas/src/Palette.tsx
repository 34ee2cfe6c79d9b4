/** What can be added: searched, clicked (behind the selected layer) or dragged to its place. */
import { createPortal } from "react-dom";
import { useMemo, useRef, useState, type CSSProperties, type PointerEvent } from "react";
import { useController } from "./context";
import { Icon } from "./icons";
import type { Entry, Group, Point } from "./types";
import { useUi } from "./ui";
import { ranked } from "./wiring";

const DRAG_PX = 5;
/** What can be put on a wire: it has both ends. */
const SPLICED = (key: string): boolean => key !== "input" && key !== "output";

export function Palette({ groups }: { groups: Group[] }) {
  const controller = useController();
  const open = useUi(controller.ui, (state) => state.palette);
  const [typed, setTyped] = useState("");
  const [unfolded, setUnfolded] = useState<ReadonlySet<string>>(new Set());
  const found = useMemo(() => (typed.trim() ? ranked(groups, typed, null).slice(0, 60) : null), [groups, typed]);
  const [ghost, setGhost] = useState<{ entry: Entry; at: Point; w?: number; h?: number } | null>(null);
  const items = useRef<HTMLDivElement>(null);

  const drag = (entry: Entry) => (event: PointerEvent<HTMLButtonElement>): void => {
    if (event.button !== 0) return;
    const target = event.currentTarget;
    const start: Point = [event.clientX, event.clientY];
    const touch = event.pointerType === "touch";
    let moved = false;
    const move = (now: globalThis.PointerEvent): void => {
      if (now.pointerId !== event.pointerId) return;
      if (!moved) {
        const [dx, dy] = [now.clientX - start[0], now.clientY - start[1]];
        if (Math.hypot(dx, dy) < DRAG_PX) return;
        if (touch && Math.abs(dy) > Math.abs(dx)) return stop(); // a list is being scrolled
        moved = true;
        target.setPointerCapture(now.pointerId);
      }
      const at: Point = [now.clientX, now.clientY];
      const over = controller.onStage(at);
      const box = controller.ghostBox(controller.toFlow(at));
      const zoom = controller.flow?.getZoom() ?? 1;
      setGhost({ entry, at: controller.local(at), ...(over ? { w: box.w * zoom, h: box.h * zoom } : {}) });
      controller.hover(over && SPLICED(entry.key) ? box : null);
    };
    const up = (now: globalThis.PointerEvent): void => {
      if (now.pointerId !== event.pointerId) return;
      const on = controller.ui.state.overWire;
      stop();
      const at: Point = [now.clientX, now.clientY];
      if (!moved || now.type === "pointercancel" || !controller.onStage(at)) return;
      target.addEventListener("click", swallow, { capture: true, once: true });
      setTimeout(() => target.removeEventListener("click", swallow, { capture: true }), 0);
      controller.addAt(entry.key, entry.name, controller.toFlow(at), { on });
      controller.focus();
    };
    const key = (now: KeyboardEvent): void => {
      if (now.key === "Escape") stop();
    };
    const stop = (): void => {
      window.removeEventListener("pointermove", move);
      window.removeEventListener("pointerup", up);
      window.removeEventListener("pointercancel", up);
      window.removeEventListener("keydown", key);
      setGhost(null);
      controller.hover(null);
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", up);
    window.addEventListener("pointercancel", up);
    window.addEventListener("keydown", key);
  };
  const item = (entry: Entry) => (
    <button key={entry.key} type="button" className="item" data-testid={`palette-${entry.key}`} title={entry.help}
      style={{ "--family": `var(--family-${entry.family})` } as CSSProperties}
      onPointerDown={drag(entry)} onClick={() => controller.addBehind(entry.key, entry.name)}>
      <i /><span>{entry.name}</span>{entry.hint && <small>{entry.hint}</small>}
    </button>
  );
  return (
    <aside className={`palette${open ? " open" : ""}`} aria-label="Layers to add">
      <div className="palette-search">
        <Icon name="search" />
        <input type="search" placeholder="Search layers" aria-label="Search layers" value={typed} onChange={(event) => setTyped(event.currentTarget.value)}
          onKeyDown={(event) => {
            event.stopPropagation();
            if (event.key === "Escape") {
              setTyped("");
              controller.focus();
            }
            const first = found?.[0];
            if (event.key === "Enter" && first) controller.addBehind(first.key, first.name);
            if (event.key === "ArrowDown") items.current?.querySelector("button")?.focus();
          }} />
      </div>
      <div className="palette-list" ref={items} onKeyDown={(event) => {
        if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
        event.preventDefault();
        event.stopPropagation();
        const all = [...event.currentTarget.querySelectorAll("button")];
        const at = all.findIndex((one) => one.matches(":focus"));
        all[at + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
      }}>
        {found ? (found.length ? found.map(item) : <p>No layer is called that.</p>) : groups.map((group, place) => {
          const shown = place === 0 || unfolded.has(group.title);
          return (
            <section key={group.title}>
              {place === 1 && <h4>Everything</h4>}
              {place === 0 ? <h4>{group.title}</h4> : <button type="button" className="group" aria-expanded={shown} onClick={() => {
                const next = new Set(unfolded);
                if (!next.delete(group.title)) next.add(group.title);
                setUnfolded(next);
              }}>
                <i style={{ background: `var(--family-${group.family})` }} />
                <span>{group.title}</span>
                <small>{group.entries.length}</small>
              </button>}
              {shown && group.entries.map(item)}
            </section>
          );
        })}
      </div>
      {ghost && controller.box && createPortal(<div className={ghost.w ? "ghost sized" : "ghost"} style={{ left: ghost.at[0], top: ghost.at[1], width: ghost.w, height: ghost.h, "--family": `var(--family-${ghost.entry.family})` } as CSSProperties}>{ghost.entry.name}</div>, controller.box)}
    </aside>
  );
}

function swallow(event: Event): void {
  event.stopPropagation();
  event.preventDefault();
}
