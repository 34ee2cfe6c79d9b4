import { Camera } from "./camera";
import { centreLabels } from "./centre";
import { cleanSvg } from "./clean";
import { download, svgFile } from "./download";
import { layOut } from "./layout";
import css from "./style.css?inline";

/** `above`: pixels of the page around the view; it takes what the window leaves. `file`: what is downloaded. */
export type Data = { dot: string; file: string; above: number; name: string; label: string; selected: string | null };
export type State = { node: string | null };

const LEAST_HEIGHT = 300; // pixels, toolbar included

/** One graph on the page: toolbar, stage and message. */
export class View {
  onSelect: (node: string | null) => void = () => {};

  private readonly stage = element("div", "stage", { tabindex: "0", role: "group", "data-testid": "graph-stage" });
  private readonly message = element("p", "message", { role: "status" });
  private readonly level = element("span", "level", { "aria-live": "off" });
  private readonly camera: Camera;
  private svg: SVGSVGElement | null = null;
  private nodes: SVGGElement[] = [];
  private dot = "";
  private file = "";
  private name = "graph";
  private selected: string | null = null;

  constructor(private readonly host: HTMLElement) {
    const style = document.createElement("style");
    style.textContent = css;
    const frame = element("div", "frame");
    frame.append(this.toolbar(), this.stage, this.message);
    host.replaceChildren(style, frame);
    this.camera = new Camera(this.stage, ({ x, y, scale }) => {
      this.level.textContent = `${Math.round(scale * 100)} %`;
      if (this.svg) this.svg.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    });
    this.stage.addEventListener("keydown", (event) => this.key(event));
    this.stage.addEventListener("click", (event) => this.click(event));
  }

  show(data: Data): void {
    this.host.style.height = `max(${LEAST_HEIGHT}px, calc(100vh - ${data.above}px))`;
    this.name = data.name;
    this.file = data.file;
    this.stage.setAttribute("aria-label", `${data.label}. Plus and minus zoom, 0 shows all, arrows move, N and P step through the nodes.`);
    if (data.dot !== this.dot) void this.draw(data.dot, data.selected);
    else this.select(data.selected, false);
  }

  close(): void {
    this.camera.close();
  }

  private async draw(dot: string, selected: string | null): Promise<void> {
    this.dot = dot;
    const slow = setTimeout(() => this.say("Drawing…"), 300);
    try {
      const text = await layOut(dot);
      if (dot !== this.dot) return;
      this.put(cleanSvg(text));
      this.say("");
      this.select(selected, false);
    } catch (problem) {
      if (dot !== this.dot) return;
      this.put(null);
      this.say(problem instanceof Error ? problem.message : String(problem));
    } finally {
      clearTimeout(slow);
    }
  }

  private put(svg: SVGSVGElement | null): void {
    this.svg = svg;
    this.nodes = [];
    this.host.classList.toggle("empty", svg === null);
    this.stage.replaceChildren(...(svg ? [svg] : []));
    if (!svg) return;
    const [, , width = 1, height = 1] = (svg.getAttribute("viewBox") ?? "").split(/[\s,]+/).map(Number);
    // Graphviz measures in points of 1/72 inch; drawn one to one, its 14-point text is 14 pixels.
    svg.setAttribute("width", String(width));
    svg.setAttribute("height", String(height));
    this.nodes = [...svg.querySelectorAll<SVGGElement>("g.node")];
    for (const node of this.nodes) {
      node.dataset["node"] = node.querySelector(":scope > title")?.textContent ?? "";
      centreLabels(node);
      const words = [...node.querySelectorAll("text")].map((text) => text.textContent ?? "");
      node.setAttribute("tabindex", "-1");
      node.setAttribute("role", "button");
      node.setAttribute("aria-pressed", "false");
      node.setAttribute("aria-label", words.join(" ").trim() || nameOf(node));
    }
    // Titles are Graphviz's names of things; a browser would show them under the pointer.
    for (const title of svg.querySelectorAll("title")) title.remove();
    this.camera.look(width, height, () => this.topmost(width));
  }

  /** How far across the drawing its topmost box stands, in its own pixels. */
  private topmost(width: number): number {
    const boxes = this.nodes.map((node) => node.getBBox());
    const top = boxes.reduce<DOMRect | null>((best, box) => (!best || box.y < best.y ? box : best), null);
    const origin = this.svg?.querySelector("g")?.transform.baseVal.consolidate()?.matrix.e ?? 0;
    return top ? top.x + top.width / 2 + origin : width / 2;
  }

  private say(text: string): void {
    this.message.textContent = text;
    this.message.hidden = text === "";
  }

  private key(event: KeyboardEvent): void {
    // Streamlit listens for single letters (r reruns, c clears): a graph in focus keeps its keys.
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key !== "Tab") event.stopPropagation();
    const at = this.nodes.indexOf(event.target as SVGGElement);
    if (event.key === "n" || event.key === "p") {
      const count = this.nodes.length;
      if (!count) return;
      const from = at >= 0 ? at : event.key === "n" ? -1 : 0;
      const next = this.nodes[(from + (event.key === "n" ? 1 : -1) + count) % count];
      next?.focus({ preventScroll: true });
      if (next) this.camera.reveal(next.getBoundingClientRect());
    } else if ((event.key === "Enter" || event.key === " ") && at >= 0) {
      this.select(nameOf(this.nodes[at]), true);
    } else if (event.key === "Escape") {
      this.select(null, true);
      this.stage.focus({ preventScroll: true });
    } else if (!this.camera.key(event.key)) {
      return;
    }
    event.preventDefault();
  }

  private click(event: MouseEvent): void {
    if (this.camera.wasDrag) return;
    const node = (event.target as Element).closest("g.node");
    this.select(node ? nameOf(node) : null, true);
  }

  private select(name: string | null, tell: boolean): void {
    const next = tell && name === this.selected ? null : name;
    for (const node of this.nodes) {
      const on = next !== null && nameOf(node) === next;
      node.classList.toggle("selected", on);
      node.setAttribute("aria-pressed", String(on));
    }
    if (tell && next !== this.selected) this.onSelect(next);
    this.selected = next;
  }

  private toolbar(): HTMLElement {
    const bar = element("div", "bar", { role: "toolbar", "aria-label": "Graph view" });
    bar.append(
      button([icon("M3 8h10")], "Zoom out (−)", () => this.camera.key("-")),
      this.level,
      button([icon("M3 8h10M8 3v10")], "Zoom in (+)", () => this.camera.key("+")),
      button(["Fit"], "Show the whole graph (0)", () => this.camera.fit()),
      button(["1:1"], "True size (1)", () => this.camera.readable()),
      element("span", "space"),
      button([icon(DOWN), "SVG"], "Download as SVG, light for slides and paper", () => void this.saveSvg()),
      button([icon(DOWN), "DOT"], "Download as DOT, the text Graphviz reads", () =>
        download(this.file, `${this.name}.dot`, "text/vnd.graphviz"),
      ),
      button([icon("M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4")], "Full screen", () => void this.fullScreen()),
    );
    return bar;
  }

  private async saveSvg(): Promise<void> {
    if (!this.svg) return;
    const name = this.name;
    try {
      const svg = cleanSvg(await layOut(this.file));
      for (const node of svg.querySelectorAll<SVGGElement>("g.node")) centreLabels(node);
      for (const title of svg.querySelectorAll("title")) title.remove();
      download(svgFile(svg), `${name}.svg`, "image/svg+xml");
    } catch (problem) {
      this.say(problem instanceof Error ? problem.message : String(problem));
    }
  }

  private async fullScreen(): Promise<void> {
    if (document.fullscreenElement) await document.exitFullscreen();
    else await this.host.requestFullscreen();
  }
}

/** A node's name in the DOT text. */
function nameOf(node: Element | null | undefined): string {
  return (node as SVGElement | null | undefined)?.dataset["node"] ?? "";
}

function element(tag: string, name: string, attributes: Record<string, string> = {}): HTMLElement {
  const made = document.createElement(tag);
  made.className = name;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

const DOWN = "M8 2v8M4.5 7 8 10.5 11.5 7M3 13.5h10";

/** A line drawing of 16 by 16 in the colour of the text. */
function icon(path: string): SVGElement {
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  drawing.setAttribute("viewBox", "0 0 16 16");
  drawing.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  drawing.append(line);
  return drawing;
}

function button(inside: (string | Node)[], title: string, action: () => void): HTMLElement {
  const made = element("button", "", { type: "button", title, "aria-label": title });
  made.append(...inside);
  made.addEventListener("click", action);
  return made;
}
