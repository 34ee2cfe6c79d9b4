import { readFileSync, writeFileSync, readdirSync } from "node:fs";
import { it } from "vitest";
import { arrange, directionOf, inAxis, outAxis, nodeSize, labelWidth, type Style } from "./layout";
import { shownBoxes } from "./shown";
import { routes, wirePath } from "./route";
import { EMPTY } from "./replay";
import type { Document } from "./types";

const style = (process.env["STYLE"] ?? "rows") as Style;
const only = process.env["ONLY"]?.split(",");
for (const file of readdirSync("/tmp/docs").filter((f) => f.endsWith(".json"))) {
  const name = file.replace(".json", "");
  if (only && !only.includes(name)) continue;
  it(name, () => {
    const doc = { ...EMPTY, ...(JSON.parse(readFileSync(`/tmp/docs/${file}`, "utf8")) as Document) };
    for (const [w, h] of [[725, 533], [780, 480], [1190, 800]] as const) {
      const at = arrange(doc, style, undefined, { w, h });
      const boxes = shownBoxes(doc, at, new Set());
      const direction = directionOf(doc, boxes);
      const found = routes(doc, boxes, direction);
      const all = [...boxes.values()];
      const X = Math.max(...all.map((b) => b.x + b.w)), Y = Math.max(...all.map((b) => b.y + b.h));
      const parts: string[] = [];
      for (const b of boxes) { const [id, { x, y, w: bw, h: bh }] = b; parts.push(`<rect x="${x}" y="${y}" width="${bw}" height="${bh}" fill="#dde6f5" stroke="#446"/><text x="${x + 8}" y="${y + 18}" font-size="15">${id}</text><text x="${x + 8}" y="${y + 36}" font-size="12">${doc.nodes[id]?.type}</text>`); }
      for (const [id, wire] of Object.entries(doc.wires)) {
        const [f, t, r] = [boxes.get(wire.from[0]), boxes.get(wire.to[0]), found.get(id)];
        const [fn, tn] = [doc.nodes[wire.from[0]], doc.nodes[wire.to[0]]];
        if (!f || !t || !r || !fn || !tn) continue;
        const lr = direction === "LR";
        const ends = lr ? { sx: f.x + f.w, sy: f.y + outAxis(fn, wire.from[1], false), tx: t.x, ty: t.y + inAxis(tn, wire.to[1], wire.to[2], false) } : { sx: f.x + f.w / 2, sy: f.y + f.h, tx: t.x + t.w / 2, ty: t.y };
        const { path, x, y } = wirePath(ends, r, direction);
        parts.push(`<path d="${path}" fill="none" stroke="${r.lane === null ? "#555" : "#b40"}" stroke-width="1.6"/>`);
        const lw = labelWidth(wire.shape);
        if (!r.quiet) parts.push(`<rect x="${x - lw / 2}" y="${y - 8}" width="${lw}" height="16" fill="#fff" fill-opacity=".85"/><text x="${x}" y="${y + 4}" text-anchor="middle" font-size="11.5">${wire.shape}</text>`);
      }
      const zoom = Math.min(1, (w - 96) / X, (h - 64) / Y);
      console.log(name, w, h, "size", X, Y, "zoom", zoom.toFixed(2), "wide", Math.min(1, (w - 96) / X).toFixed(2));
      void nodeSize;
      writeFileSync(`/tmp/lab/${name}_${w}.svg`, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-60 -60 ${X + 120} ${Y + 160}" width="${Math.min(1600, X + 120)}" font-family="Arial"><rect x="-60" y="-60" width="${X + 120}" height="${Y + 160}" fill="#f8f8f8"/>${parts.join("")}</svg>`);
    }
  });
}
