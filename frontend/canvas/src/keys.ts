/** Which key does what: one table, read by the keyboard and shown by the "?" sheet. */
import type { Controller } from "./controller";

export interface Command {
  keys: string[]; label: string; group: string; run: (controller: Controller, event: KeyboardEvent) => void;
  /** The browser does its part too: it brings what is pasted. */
  goesOn?: boolean;
}

const GRID = 8;
const moves: Record<string, [number, number]> = { arrowleft: [-1, 0], arrowright: [1, 0], arrowup: [0, -1], arrowdown: [0, 1] };
const ARROWS = ["arrowleft", "arrowright", "arrowup", "arrowdown"];
const arrowOf = (event: KeyboardEvent): "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown" => event.key as "ArrowLeft";

function enter(controller: Controller): void {
  const { ui, selected, doc } = controller;
  const one = selected.at(-1);
  if (ui.state.asked) return controller.confirm();
  if (!one) return controller.rename();
  if (ui.state.wireFrom) return controller.endWire(one);
  if (doc.nodes[one]?.problems.length) ui.set({ problem: one });
  else if (!controller.openBlock(one)) ui.set({ editing: one });
}

export function escape(controller: Controller): void {
  const { ui, store } = controller;
  const { asked, search, slotMenu, choosing, context, menu, keys, problem, wireFrom, palette } = ui.state;
  if (asked || search || slotMenu || choosing || context || menu || keys || problem || wireFrom || palette) {
    const one = selectedOne(controller);
    if (one) controller.focusNode(one);
    else controller.focus();
    return ui.set({ asked: null, search: null, slotMenu: null, choosing: null, context: null, menu: null, keys: false, problem: null, wireFrom: null, palette: false });
  }
  if (controller.selected.length || controller.frames.size || controller.wires.size) {
    controller.clearMarks();
    return controller.select([]);
  }
  if (store.doc.crumbs.length > 1) controller.leave();
}

const selectedOne = ({ selected }: Controller): string | null => (selected.length === 1 ? (selected[0] ?? null) : null);

export const COMMANDS: Command[] = [
  { group: "Add and wire", keys: ["/"], label: "Search a layer to add here (double-click does too)", run: (c) => c.searchHere() },
  { group: "Add and wire", keys: ["w"], label: "Wire from the selected layer: go to another and press Enter, or click it", run: (c) => c.wireMode() },
  { group: "Add and wire", keys: ["x"], label: "Cut the wires into the selected layers", run: (c) => c.cutInputs() },
  { group: "Add and wire", keys: ["n"], label: "Write a note", run: (c) => c.addFrame("note") },
  { group: "Add and wire", keys: ["ctrl+shift+m"], label: "Frame the selected layers", run: (c) => c.addFrame("frame") },
  { group: "Select", keys: ARROWS, label: "Go along the wires", run: (c, e) => c.step(arrowOf(e), false) },
  { group: "Select", keys: ARROWS.map((key) => `shift+${key}`), label: "Go and select more", run: (c, e) => c.step(arrowOf(e), true) },
  { group: "Select", keys: ["e"], label: "The next wire of the layer: Delete cuts it, / puts a layer on it", run: (c) => c.nextWire() },
  { group: "Select", keys: ["ctrl+a"], label: "Select all", run: (c) => c.selectAll() },
  { group: "Select", keys: ["escape"], label: "Close, deselect, then leave the block", run: (c) => escape(c) },
  { group: "Edit", keys: ["enter"], label: "Problems of the layer, into a block, its name; the text of a note", run: (c) => enter(c) },
  { group: "Edit", keys: ["shift+f10", "contextmenu"], label: "Menu of what is selected", run: (c) => c.menuByKey() },
  { group: "Edit", keys: ["f2"], label: "Rename", run: (c) => c.rename() },
  { group: "Edit", keys: ["delete", "backspace"], label: "Delete; again to confirm", run: (c) => c.delete() },
  { group: "Edit", keys: ["ctrl+c"], label: "Copy", run: (c) => c.onNodes("copy") },
  { group: "Edit", keys: ["ctrl+x"], label: "Cut", run: (c) => c.onNodes("cut") },
  { group: "Edit", keys: ["ctrl+v"], label: "Paste", run: (c) => c.expectPaste(false), goesOn: true },
  { group: "Edit", keys: ["ctrl+shift+v"], label: "Paste and keep the incoming wires", run: (c) => c.expectPaste(true), goesOn: true },
  { group: "Edit", keys: ["ctrl+d"], label: "Duplicate", run: (c) => c.onNodes("duplicate") },
  { group: "Edit", keys: ["ctrl+b"], label: "Bypass", run: (c) => c.onNodes("bypass") },
  { group: "Edit", keys: ["ctrl+shift+f", "f"], label: "Freeze the weights", run: (c) => c.onNodes("freeze") },
  { group: "Edit", keys: ["ctrl+g"], label: "Group into a block", run: (c) => c.group() },
  { group: "Edit", keys: ["ctrl+shift+g"], label: "Ungroup", run: (c) => c.ungroup() },
  { group: "Edit", keys: ["ctrl+z"], label: "Undo", run: (c) => c.undo() },
  { group: "Edit", keys: ["ctrl+shift+z", "ctrl+y"], label: "Redo", run: (c) => c.redo() },
  {
    group: "View", keys: ARROWS.map((key) => `alt+${key}`), label: "Move what is selected",
    run: (c, e) => {
      const [dx, dy] = moves[e.key.toLowerCase()] ?? [0, 0];
      c.moveSelected(dx * GRID * 2, dy * GRID * 2);
    },
  },
  {
    group: "View", keys: ARROWS.map((key) => `alt+shift+${key}`), label: "Make a frame or note larger, smaller",
    run: (c, e) => {
      const [dx, dy] = moves[e.key.toLowerCase()] ?? [0, 0];
      c.resizeFrames(dx * GRID * 2, dy * GRID * 2);
    },
  },
  { group: "View", keys: ["f6"], label: "To the toolbar, the layers to add, the drawing, the footer", run: (c) => c.nextRegion() },
  { group: "View", keys: ["0", "1"], label: "Fit all into the view", run: (c) => c.fit() },
  { group: "View", keys: ["2"], label: "Zoom to the selected layers", run: (c) => c.zoomToSelection() },
  { group: "View", keys: ["+", "="], label: "Zoom in", run: (c) => c.zoom(1.25) },
  { group: "View", keys: ["-"], label: "Zoom out", run: (c) => c.zoom(0.8) },
  { group: "View", keys: ["m"], label: "Map of the whole network", run: (c) => c.ui.set({ minimap: !c.ui.state.minimap }) },
  { group: "View", keys: ["p"], label: "Go to the first problem", run: (c) => c.firstProblem() },
  { group: "View", keys: ["?"], label: "This sheet", run: (c) => c.ui.set({ keys: !c.ui.state.keys }) },
];

/** With the mouse and with fingers: what the sheet says besides. */
export const GESTURES: [how: string, what: string][] = [
  ["Drag on the ground", "move the view"],
  ["Shift + drag", "select by a frame"],
  ["Shift + click", "select more"],
  ["Alt + click", "wire the selected layer to another"],
  ["Double-click", "search here; into a block; rename"],
  ["Right-click", "menu of what is there"],
  ["Wheel, pinch", "zoom"],
  ["Space + drag", "move the view from anywhere"],
  ["Tap a port, then another", "wire them"],
  ["Tab", "to the numbers of a layer, to frames, notes and buttons"],
];

const table = new Map(COMMANDS.flatMap((command) => command.keys.map((key) => [key, command] as const)));

export function comboOf(event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">): string {
  const key = event.key.toLowerCase();
  const plain = event.key.length === 1 && !/[a-z]/i.test(event.key); // "?" and "+" say their Shift themselves
  const ctrl = event.ctrlKey || event.metaKey;
  return `${ctrl ? "ctrl+" : ""}${event.altKey ? "alt+" : ""}${event.shiftKey && !plain ? "shift+" : ""}${key}`;
}

export const commandFor = (event: KeyboardEvent): Command | undefined => table.get(comboOf(event));
