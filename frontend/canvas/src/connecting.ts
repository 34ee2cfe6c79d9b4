/** How wires are drawn: what may be joined, and what happens to a wire that is dropped. */
import { Adding } from "./adding";
import { portSlots, takesMore } from "./layout";
import { wireId, type OutPort, type Point, type Slot, type Value } from "./types";
import type { Choosing } from "./ui";
import { label, reasonAgainst, slotOnBody, slotTaken, sourcesOf } from "./wiring";
import { portName } from "./words";

/** Why a value does not go into a slot, by slot; null where Python has not said. */
type Fits = Record<string, string> | null;
interface Asking { said: string; fits: Fits | undefined; answer: Promise<Fits> }

/** So long a dropped wire waits for Python's word. */
const PATIENCE_MS = 300;

export class Connecting extends Adding {
  private asking: Asking | null = null;

  connect(from: Value, to: Slot, screen: Point | null, instead: string | null = null): void {
    this.once(from, (fits) => this.connectKnowing(from, to, screen, instead, fits));
  }

  private connectKnowing(from: Value, to: Slot, screen: Point | null, instead: string | null, fits: Fits): void {
    const { doc } = this;
    const reason = reasonAgainst(doc, from, to, fits);
    if (reason) return this.refuse(reason, screen);
    const present = doc.wires[wireId(to)];
    if (present && JSON.stringify(present.from) === JSON.stringify(from)) return;
    if (present && wireId(to) !== instead) {
      const port = doc.nodes[to[0]]?.ins.find((one) => one.name === to[1]);
      if (port && takesMore(port)) to = [to[0], to[1], port.slots];
      else {
        const at = screen ?? this.toScreen(this.store.placement.at[to[0]] ?? [0, 0]);
        return this.ui.set({ slotMenu: { screen: this.local(at), from, to, instead } });
      }
    }
    this.store.dispatch({ op: "connect", from, to, instead: instead === wireId(to) ? null : instead });
    this.ui.say(`${this.name(from[0])} connected to ${this.name(to[0])}`);
  }

  toBody(from: Value, to: string, screen: Point | null, instead: string | null = null): void {
    this.once(from, (fits) => this.toBodyKnowing(from, to, screen, instead, fits));
  }

  private toBodyKnowing(from: Value, to: string, screen: Point | null, instead: string | null, fits: Fits): void {
    const reader = this.doc.nodes[to];
    if (!reader) return;
    const slot = slotOnBody(this.doc, from, reader, fits);
    if (slot) return this.connectKnowing(from, slot, screen, instead, fits);
    const first = reader.ins[0];
    this.refuse(first ? reasonAgainst(this.doc, from, [to, first.name, 0], fits) || `No port of ${label(reader)} fits.` : `${label(reader)} reads nothing.`, screen);
  }

  pickSlot(how: "replace" | "add" | "cat"): void {
    const menu = this.ui.state.slotMenu;
    if (!menu) return;
    this.ui.set({ slotMenu: null });
    this.focus();
    const { from, to, instead } = menu;
    if (how === "replace") {
      this.store.dispatch({ op: "connect", from, to, instead });
      return this.ui.say("Wire replaced");
    }
    const present = this.doc.wires[wireId(to)];
    if (!present) return;
    const id = this.newId(how);
    this.store.dispatch({ op: "join", a: present.from, b: from, how, id, to, ...this.joinAt(wireId(to), id) });
    this.show([id]);
    this.ui.say(how === "add" ? "Added" : "Concatenated");
  }

  pull(value: Value | null, slot: Slot | null): void {
    this.ui.set({ pulling: { value, slot }, fits: null, slotMenu: null, barred: value ? sourcesOf(this.doc, value[0]) : new Set() });
    if (!value) return;
    void this.ask(value).then((fits) => {
      if (this.ui.state.pulling?.value === value && fits) this.ui.set({ fits });
    });
  }

  /** Python's word on where a value fits, asked for once as long as the network stays the same. */
  private ask(value: Value): Promise<Fits> {
    const said = `${this.store.canvas} ${this.store.rev} ${JSON.stringify(value)}`;
    if (this.asking?.said === said) return this.asking.answer;
    const asking: Asking = { said, fits: undefined, answer: this.store.ask({ op: "fits", from: value }).then((answer) => (asking.fits = answer?.slots ?? null)) };
    this.asking = asking;
    return asking.answer;
  }

  /** Does it once Python has said where a value fits; a moment later at the latest, as the problem would show then. */
  private once(value: Value, then: (fits: Fits) => void): void {
    if (this.ui.state.pulling?.value && this.ui.state.fits) return then(this.ui.state.fits);
    const answer = this.ask(value);
    if (this.asking?.fits !== undefined) return then(this.asking.fits);
    const { canvas } = this.store;
    void Promise.race([answer, new Promise<null>((resolve) => setTimeout(resolve, PATIENCE_MS, null))]).then((fits) => {
      if (this.store.canvas === canvas) then(fits);
    });
  }

  letGo(): void {
    this.ui.set({ pulling: null, fits: null, barred: new Set(), overNode: null });
  }

  wireMode(): void {
    const from = this.ui.state.wireFrom ? null : (this.selected.at(-1) ?? null);
    if (!from && !this.ui.state.wireFrom) return this.refuse("Select the layer the wire shall start from.", null);
    if (!from) return this.ui.set({ wireFrom: null });
    const outs = this.doc.nodes[from]?.outs ?? [];
    if (!outs.length) return this.refuse(`${this.name(from)} gives nothing.`, null);
    const start = (out: OutPort): void => {
      this.ui.set({ wireFrom: from, wirePath: out.path });
      this.ui.say(`Wire from ${out.name ? `${out.name} of ` : ""}${this.name(from)}: choose the layer to connect to`);
      this.focusNode(from);
    };
    const [only] = outs;
    if (outs.length === 1 && only) return start(only);
    this.choose(from, `Which result of ${this.name(from)}?`, outs.map((out) => ({ name: out.name || "result", hint: out.shape, barred: false, run: () => start(out) })), 0);
  }

  /** The wire that was begun ends here: at the only port, or at the one chosen of several. */
  endWire(to: string): void {
    const { wireFrom, wirePath } = this.ui.state;
    const reader = this.doc.nodes[to];
    if (!wireFrom || !reader || wireFrom === to) return;
    const from: Value = [wireFrom, wirePath];
    this.ui.set({ wireFrom: null });
    const slots = portSlots(reader, true);
    if (slots.length < 2) return this.toBody(from, to, null);
    this.once(from, (fits) => {
      const best = slotOnBody(this.doc, from, reader, fits);
      const items = slots.map(({ port, index }) => {
        const slot: Slot = [to, port.name, index];
        const present = this.doc.wires[wireId(slot)];
        const reason = reasonAgainst(this.doc, from, slot, fits);
        const name = portName(reader.kind, port.name) + (port.many ? ` ${index + 1}` : "");
        return { name, hint: reason || (present ? `reads ${this.name(present.from[0])}` : port.optional ? "optional" : "free"), barred: reason !== "", run: () => this.connectKnowing(from, slot, null, null, fits) };
      });
      if (items.every((item) => item.barred)) return this.toBodyKnowing(from, to, null, null, fits);
      this.choose(to, `Which input of ${this.name(to)}?`, items, best ? slots.findIndex(({ port, index }) => port.name === best[1] && index === best[2]) : 0);
    });
  }

  private choose(node: string, title: string, items: Choosing["items"], first: number): void {
    const screen = this.local(this.inside(this.toScreen(this.store.placement.at[node] ?? [0, 0])));
    this.ui.set({ choosing: { screen, title, items, first: Math.max(0, first) } });
    this.ui.say(title);
  }

  cutInputs(): void {
    const chosen = new Set(this.selected);
    const wires = Object.entries(this.doc.wires).filter(([, wire]) => chosen.has(wire.to[0]) && !wire.fixed).map(([id]) => id);
    if (!wires.length) return;
    this.store.dispatch({ op: "disconnect", wires });
    this.ui.say(wires.length === 1 ? "Wire cut" : `${wires.length} wires cut`);
  }

  slotTaken(slot: Slot): boolean {
    return slotTaken(this.doc, slot);
  }
}
