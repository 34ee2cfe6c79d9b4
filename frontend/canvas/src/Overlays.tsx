/** What speaks up over the drawing: questions before something is lost, choices, reasons. */
import { useState } from "react";
import { useController } from "./context";
import { Icon } from "./icons";
import { MenuList } from "./menus";
import { projectOf, type Document } from "./types";
import { useUi } from "./ui";

export function AskBar() {
  const controller = useController();
  const asked = useUi(controller.ui, (state) => state.asked);
  if (!asked) return null;
  return (
    <div className="ask popup" role="alertdialog" aria-label={asked.title} data-testid="canvas-ask">
      <span><b>{asked.title}</b> {asked.text}</span>
      <button type="button" className="danger" onClick={() => controller.confirm()}>{asked.yes}</button>
      <button type="button" onClick={() => {
        controller.ui.set({ asked: null });
        controller.focus();
      }}>Keep</button>
    </div>
  );
}

export function SlotChoice() {
  const controller = useController();
  const menu = useUi(controller.ui, (state) => state.slotMenu);
  if (!menu) return null;
  return (
    <MenuList className="slot-choice" label="This input is taken" style={{ left: menu.screen[0], top: menu.screen[1] }}>
      <p>This input is taken</p>
      <button type="button" role="menuitem" onClick={() => controller.pickSlot("replace")}><span>Replace</span></button>
      <button type="button" role="menuitem" onClick={() => controller.pickSlot("add")}><span>Add</span><kbd>+</kbd></button>
      <button type="button" role="menuitem" onClick={() => controller.pickSlot("cat")}><span>Concatenate</span><kbd>cat</kbd></button>
    </MenuList>
  );
}

/** Which port a wire that is drawn by keys begins or ends at. */
export function PortChoice() {
  const { ui } = useController();
  const choosing = useUi(ui, (state) => state.choosing);
  if (!choosing) return null;
  return (
    <MenuList key={choosing.title} className="slot-choice" label={choosing.title} first={choosing.first} style={{ left: choosing.screen[0], top: choosing.screen[1] }}>
      <p>{choosing.title}</p>
      {choosing.items.map(({ name, hint, barred, run }) => (
        <button key={name} type="button" role="menuitem" aria-disabled={barred} title={hint} onClick={() => {
          if (barred) return ui.say(hint);
          ui.set({ choosing: null });
          run();
        }}><span>{name}</span><small>{hint}</small></button>
      ))}
    </MenuList>
  );
}

export function CursorReason() {
  const { ui } = useController();
  const cursor = useUi(ui, (state) => state.cursor);
  if (!cursor) return null;
  return <div className="cursor-reason popup" style={{ left: cursor.screen[0] + 14, top: cursor.screen[1] + 14 }}>{cursor.text}</div>;
}

export function MessageBar({ doc }: { doc: Document }) {
  const { store } = useController();
  const { message } = doc;
  const [closed, setClosed] = useState("");
  const said = message ? `${message.seq} ${message.text}` : "";
  if (!message || closed === said) return null;
  return (
    <div className={`message popup ${message.tone}`} role={message.tone === "error" ? "alert" : "status"}>
      <span>{message.text}</span>
      {message.offer && <button type="button" onClick={() => {
        setClosed(said);
        if (message.offer) store.dispatch(message.offer.op);
      }}>Use {message.offer.label}</button>}
      <button type="button" className="close" aria-label="Close" onClick={() => setClosed(said)}><Icon name="close" /></button>
    </div>
  );
}

/** Of more letters than these only the numbers are said: the rest would be cut off. */
const LONG = 32;

/** Repeats that were found in the network, offered as blocks; who does not want that says so once. */
export function Folds({ doc }: { doc: Document }) {
  const controller = useController();
  const { store } = controller;
  const [closed, setClosed] = useState(() => readClosed());
  const fold = doc.folds[0];
  const project = projectOf(store.canvas);
  const repeats = new Set(fold?.nodes.flat());
  if (!fold || closed.includes(project) || !doc.selected.every((id) => repeats.has(id)) || (doc.selected.length && doc.selected.length < repeats.size)) return null;
  const title = `Found ${fold.text}. A block holds what repeats once, and says how often.`;
  return (
    <div className="folds popup" role="status" title={title}>
      <Icon name="fold" /><span>{fold.text.length > LONG ? `${fold.nodes.length} × ${fold.nodes[0]?.length ?? 0} layers` : fold.text}</span>
      <button type="button" onClick={() => controller.fold(0)}>Fold<span className="aloud"> into a block</span></button>
      <button type="button" onClick={() => controller.select(fold.nodes.flat())}>Show</button>
      <button type="button" className="close" aria-label="Not in this network" title="Not in this network" onClick={() => {
        const now = [...closed.filter((one) => one !== project), project].slice(-100);
        setClosed(now);
        try {
          localStorage.setItem(CLOSED, JSON.stringify(now));
        } catch {
          // Then it is remembered until the page is left.
        }
      }}><Icon name="close" /></button>
    </div>
  );
}

const CLOSED = "layerwise.canvas.folds.closed";

function readClosed(): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(CLOSED) ?? "[]");
    return Array.isArray(kept) ? kept.filter((one) => typeof one === "string") : [];
  } catch {
    return [];
  }
}

const REPEAT_WIDTH = 216;
const REPEAT_HEIGHT = 132;
const GAP = 8;

export function RepeatChoice({ doc }: { doc: Document }) {
  const controller = useController();
  const id = useUi(controller.ui, (state) => (state.menu?.startsWith("repeat:") ? state.menu.slice(7) : null));
  const node = id ? doc.nodes[id] : undefined;
  if (!node || !id) return null;
  const box = controller.boxOf(id);
  const [left, under] = controller.local(controller.toScreen([box?.x ?? 0, (box?.y ?? 0) + (box?.h ?? 0)]));
  const over = controller.local(controller.toScreen([box?.x ?? 0, box?.y ?? 0]))[1];
  const frame = controller.box?.getBoundingClientRect();
  const [w, h] = [frame?.width ?? 0, frame?.height ?? 0];
  const top = under + GAP + REPEAT_HEIGHT > h ? over - GAP - REPEAT_HEIGHT : under + GAP;
  return (
    <form className="popup repeat-choice" style={{ left: Math.max(GAP, Math.min(left, w - REPEAT_WIDTH - GAP)), top: Math.max(GAP, top), width: REPEAT_WIDTH }} aria-label={`Repeat ${node.name}`} onSubmit={(event) => {
      event.preventDefault();
      const form = new FormData(event.currentTarget);
      const repeat = Math.round(Number(form.get("repeat")));
      controller.ui.set({ menu: null });
      if (repeat >= 1) controller.store.dispatch({ op: "repeat", node: id, repeat, shared: form.get("shared") === "on" });
      controller.focus();
    }} onKeyDown={(event) => {
      event.stopPropagation();
      if (event.key === "Escape") {
        controller.ui.set({ menu: null });
        controller.focus();
      }
    }}>
      <label><span>Repeat</span><input name="repeat" type="number" min={1} max={999} defaultValue={node.repeat} ref={(element) => element?.focus({ preventScroll: true })} /><span>times</span></label>
      <label><input name="shared" type="checkbox" defaultChecked={node.shared} /><span>with the same weights</span></label>
      <button type="submit" className="primary">Set</button>
    </form>
  );
}
