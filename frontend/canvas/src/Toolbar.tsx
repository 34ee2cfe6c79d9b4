/** The head of the canvas: where one is, what was done, and how it is looked at. */
import { useRef, type MouseEvent, type ReactNode } from "react";
import { reasonNot } from "./able";
import { useController } from "./context";
import { Icon, type IconName } from "./icons";
import { MenuList, walk } from "./menus";
import type { Document, Point } from "./types";
import { useUi } from "./ui";

function Tool({ icon, label, keys, on, disabled, why, testid, children, run }: {
  icon: IconName; label: string; keys?: string; on?: boolean; disabled?: boolean; why?: string; testid?: string; children?: ReactNode; run: () => void;
}) {
  return (
    <button type="button" className="tool" aria-label={label} title={why || (keys ? `${label} (${keys})` : label)} disabled={disabled || Boolean(why)}
      {...(on === undefined ? {} : { "aria-pressed": on })} data-testid={testid} onClick={run}>
      <Icon name={icon} />{children}
    </button>
  );
}

export function Menu({ id, icon, label, children, wide }: { id: string; icon: IconName; label: string; children: ReactNode; wide?: boolean }) {
  const { ui } = useController();
  const open = useUi(ui, (state) => state.menu === id);
  return (
    <div className="menu" role="presentation" onKeyDown={(event) => {
      if (event.key !== "Escape" || !open) return;
      event.stopPropagation();
      ui.set({ menu: null });
      event.currentTarget.querySelector("button")?.focus();
    }}>
      <button type="button" className="tool" aria-label={label} title={label} aria-haspopup="menu" aria-expanded={open} onClick={() => ui.set({ menu: open ? null : id })}>
        <Icon name={icon} /><Icon name="down" />
      </button>
      {open && <MenuList label={label} className={wide ? "wide" : ""}>{children}</MenuList>}
    </div>
  );
}

export function Choice({ label, keys, on, disabled, run, stay }: { label: string; keys?: string; on?: boolean; disabled?: boolean; stay?: boolean; run: () => void }) {
  const controller = useController();
  return (
    <button type="button" role={on === undefined ? "menuitem" : "menuitemcheckbox"} {...(on === undefined ? {} : { "aria-checked": on })} disabled={disabled} onClick={() => {
      if (!stay) controller.ui.set({ menu: null });
      run();
      if (!stay) controller.focus();
    }}>
      {on !== undefined && <i className={on ? "tick on" : "tick"} />}<span>{label}</span>{keys && <kbd>{keys}</kbd>}
    </button>
  );
}

export function Toolbar({ doc }: { doc: Document }) {
  const controller = useController();
  const { ui, store } = controller;
  const frameTool = useUi(ui, (state) => state.frameTool);
  const wireFrom = useUi(ui, (state) => state.wireFrom);
  const palette = useUi(ui, (state) => state.palette);
  const bytes = useUi(ui, (state) => state.bytes);
  const minimap = useUi(ui, (state) => state.minimap);
  const snap = useUi(ui, (state) => state.snap);
  const [labels, position, first = 0] = doc.history;
  const chosen = doc.selected.length;
  return (
    <header className="toolbar" role="toolbar" aria-label="Canvas" tabIndex={-1} onKeyDown={(event) => walk(event, "ArrowLeft", "ArrowRight")}>
      <Tool icon="palette" label="Layers to add" on={palette} run={() => ui.set({ palette: !palette })} testid="canvas-palette" />
      <nav className="crumbs" aria-label="Blocks">
        {doc.crumbs.map((crumb, depth) => depth < doc.crumbs.length - 1
          ? <span key={`${depth}${crumb}`}><button type="button" onClick={() => controller.leave(depth)}>{crumb}</button><i>/</i></span>
          : <b key={`${depth}${crumb}`} aria-current="page">{crumb}</b>)}
      </nav>
      <span className="space" />
      <div className="tools">
        <Tool icon="undo" label={doc.undo ? `Undo: ${doc.undo}` : "Undo"} keys="Ctrl+Z" disabled={doc.undo === null} testid="canvas-undo" run={() => controller.undo()} />
        <Tool icon="redo" label={doc.redo ? `Redo: ${doc.redo}` : "Redo"} keys="Ctrl+Y" disabled={doc.redo === null} testid="canvas-redo" run={() => controller.redo()} />
        <Menu id="history" icon="history" label="What was done" wide>
          {[first ? "Earlier" : "As it was opened", ...labels].map((name, at) => (
            <button key={`${first + at}${name}`} type="button" role="menuitemradio" aria-checked={first + at === position} className={first + at > position ? "later" : ""}
              onClick={() => {
                ui.set({ menu: null });
                if (first + at !== position) store.dispatch({ op: "goto", position: first + at });
                controller.focus();
              }}><i className={first + at === position ? "tick on" : "tick"} /><span>{name}</span></button>
          )).reverse()}
        </Menu>
      </div>
      <div className="tools">
        <Tool icon="select" label="Select by a frame" keys="Shift+drag" on={frameTool} run={() => ui.set({ frameTool: !frameTool })} />
        <Tool icon="wire" label="Wire from the selected layer" keys="W" on={wireFrom !== null} disabled={!chosen && !wireFrom} run={() => controller.wireMode()} />
        <Tool icon="note" label="Note" keys="N" run={() => controller.addFrame("note")} />
        <Tool icon="frame" label="Frame" keys="Ctrl+Shift+M" run={() => controller.addFrame("frame")} />
      </div>
      <div className="tools">
        <Menu id="arrange" icon="arrange" label="Arrange">
          <Choice label="Left to right" run={() => controller.arrange("LR")} disabled={!doc.order.length} />
          <Choice label="Left to right, in rows" run={() => controller.arrange("rows")} disabled={!doc.order.length} />
          <Choice label="Top to bottom" run={() => controller.arrange("TB")} disabled={!doc.order.length} />
          <hr />
          {(["left", "centre", "right", "top", "middle", "bottom"] as const).map((edge) =>
            <Choice key={edge} label={`Align ${edge}`} disabled={chosen < 2} run={() => controller.align(edge)} />)}
          <Choice label="Distribute across" disabled={chosen < 3} run={() => controller.distribute(true)} />
          <Choice label="Distribute down" disabled={chosen < 3} run={() => controller.distribute(false)} />
          <hr />
          <Choice label="Snap to the grid" on={snap} run={() => ui.set({ snap: !snap })} />
        </Menu>
        <Menu id="view" icon="view" label="View">
          <Choice label="Fit all" keys="0" run={() => controller.fit()} />
          <Choice label="Zoom to selection" keys="2" disabled={!chosen} run={() => controller.zoomToSelection()} />
          <hr />
          <Choice label="Map" keys="M" on={minimap} run={() => ui.set({ minimap: !minimap })} />
          <Choice label="Wires by size" on={bytes} run={() => ui.set({ bytes: !bytes })} />
        </Menu>
        <Menu id="picture" icon="picture" label="Picture">
          <Choice label="SVG, for a paper" run={() => controller.picture("svg")} />
          <Choice label="PNG, for a slide" run={() => controller.picture("png")} />
        </Menu>
        <Tool icon="fit" label="Fit all" keys="0" run={() => controller.fit()} testid="canvas-fit" />
        <Tool icon="keys" label="Keys" keys="?" run={() => ui.set({ keys: !ui.state.keys })} />
      </div>
    </header>
  );
}

/** A bar that came up under the pointer takes no click at once: it was meant for what stood there. */
const STILL_MS = 400;
const STILL = 6;

/** What can be done with what is selected: for the mouse and for fingers. */
export function SelectionBar({ doc }: { doc: Document }) {
  const controller = useController();
  const came = useRef<{ since: number; at: Point | null } | null>(null);
  const asked = useUi(controller.ui, (state) => state.asked);
  const nodes = doc.selected.filter((id) => doc.nodes[id]);
  const pulling = useUi(controller.ui, (state) => state.pulling);
  const problem = useUi(controller.ui, (state) => state.problem);
  if (!nodes.length || asked || pulling || (problem && doc.nodes[problem]?.problems.length)) {
    came.current = null;
    return null;
  }
  came.current ??= { since: performance.now(), at: controller.pointer };
  const early = (event: MouseEvent): void => {
    const { since, at } = came.current ?? { since: 0, at: null };
    const stayed = at !== null && event.detail > 0 && Math.hypot(event.clientX - at[0], event.clientY - at[1]) < STILL;
    if (stayed && performance.now() - since < STILL_MS) event.stopPropagation();
  };
  const one = nodes.length === 1 ? doc.nodes[nodes[0] ?? ""] : undefined;
  const block = nodes.some((id) => doc.nodes[id]?.kind === "block");
  return (
    <div className="selection-bar popup" role="toolbar" aria-label="Selected layers" tabIndex={-1} onClickCapture={early} onKeyDown={(event) => walk(event, "ArrowLeft", "ArrowRight")}>
      <span>{one ? one.name || one.type : `${nodes.length} layers`}</span>
      {one?.kind === "block" && <Tool icon="enter" label="Into the block" keys="Enter" run={() => controller.openBlock(one.id)} />}
      <Tool icon="bypass" label="Bypass" keys="Ctrl+B" on={nodes.every((id) => doc.nodes[id]?.bypassed)} why={reasonNot("bypass", doc, nodes)} run={() => controller.onNodes("bypass")} />
      <Tool icon="frozen" label="Freeze" keys="F" on={nodes.every((id) => doc.nodes[id]?.frozen)} why={reasonNot("freeze", doc, nodes)} run={() => controller.onNodes("freeze")} />
      <Tool icon="copy" label="Duplicate" keys="Ctrl+D" run={() => controller.onNodes("duplicate")} />
      <Tool icon="group" label="Group into a block" keys="Ctrl+G" run={() => controller.group()} />
      {block && <Tool icon="ungroup" label="Ungroup" keys="Ctrl+Shift+G" run={() => controller.ungroup()} />}
      <Tool icon="trash" label="Delete" keys="Delete" run={() => controller.delete()} testid="canvas-delete" />
    </div>
  );
}
