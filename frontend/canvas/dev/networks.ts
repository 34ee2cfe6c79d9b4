/** Networks to look at: a residual one, one with long skips, one of a hundred layers. */
import { EMPTY, provisional } from "../src/replay";
import { wireId, type Document, type LayerData, type PortKind, type Slot } from "../src/types";

class Draft {
  private document: Document = { ...EMPTY, nodes: {}, wires: {}, order: [], crumbs: ["demo"] };
  private count = 0;

  layer(type: string, family: string, shape: string, from: string[], more: Partial<LayerData> = {}): string {
    const id = `${type.toLowerCase()}${++this.count}`;
    const kind: PortKind = shape.split("×").length === 4 ? "image" : "features";
    const base = provisional(id, { key: type, name: type, family }, `torch.nn.${type}`, [0, 0], from.length || more.kind !== "input" ? ["input"] : []);
    const many = from.length > 1;
    const node: LayerData = {
      ...base, name: id, shape, axes: "batch × channels × height × width", at: null,
      ins: more.kind === "input" ? [] : [{ name: many ? "tensors" : "input", kind, wanted: kind, many, optional: false, slots: from.length }],
      outs: more.kind === "output" ? [] : [{ path: [], name: "", kind, shape }], ...more,
    };
    this.document.nodes[id] = node;
    this.document.order.push(id);
    from.forEach((source, index) => {
      const to: Slot = [id, node.ins[0]?.name ?? "input", index];
      const shown = this.document.nodes[source]?.outs[0]?.shape ?? "";
      this.document.wires[wireId(to)] = { from: [source, this.document.nodes[source]?.outs[0]?.path ?? []], to, shape: shown, axes: node.axes, bytes: 4 * shown.split("×").slice(1).map(Number).reduce((a, b) => a * b, 1), ok: true };
    });
    return id;
  }

  conv(channels: number, size: number, from: string, before = channels): string {
    return this.layer("Conv2d", "convolution", `N×${channels}×${size}×${size}`, [from], {
      words: `${before} → ${channels}, kernel_size=3`, weights: String(before * channels * 9), trained: true,
      quick: [{ name: "out_channels", value: channels, kind: "int", min: 1, max: 65536 }, { name: "kernel_size", value: 3, kind: "int", min: 1, max: 64 }],
    });
  }

  norm(channels: number, size: number, from: string): string {
    return this.layer("BatchNorm2d", "normalization", `N×${channels}×${size}×${size}`, [from], { words: String(channels), weights: String(2 * channels) });
  }

  relu(shape: string, from: string): string {
    return this.layer("ReLU", "activation", shape, [from]);
  }

  done(change: Partial<Document> = {}): Document {
    const layers = this.document.order.length;
    return {
      ...this.document,
      totals: { layers: `${layers} layers`, parameters: "11.7 M", flops: "1.82 GFLOPs", memory: "214 MiB", words: [[String(layers), "layers", `${layers} layers`], ["11.7 M", "parameters", "11 689 512"], ["1.82 G", "FLOPs", "a sample"], ["214 MiB", "to train", "with Adam"]], problems: 0 },
      ...change,
    };
  }

  node(id: string): LayerData {
    const node = this.document.nodes[id];
    if (!node) throw new Error(id);
    return node;
  }
}

const input = (draft: Draft, shape: string): string => draft.layer("Input", "other", shape, [], { kind: "input", words: "float32" });
const output = (draft: Draft, shape: string, from: string): string => draft.layer("Output", "other", shape, [from], { kind: "output" });

function resnet(): Document {
  const draft = new Draft();
  let x = draft.relu("N×64×112×112", draft.norm(64, 112, draft.conv(64, 112, input(draft, "N×3×224×224"), 3)));
  x = draft.layer("MaxPool2d", "pooling", "N×64×56×56", [x], { words: "3, stride=2" });
  let before = 64;
  for (const [channels, size] of [[64, 56], [128, 28], [256, 14], [512, 7]] as const) {
    for (let block = 0; block < 2; block++) {
      const skip = before === channels ? x : draft.norm(channels, size, draft.conv(channels, size, x, before));
      const shape = `N×${channels}×${size}×${size}`;
      const main = draft.norm(channels, size, draft.conv(channels, size, draft.relu(shape, draft.norm(channels, size, draft.conv(channels, size, x, before)))));
      x = draft.relu(shape, draft.layer("Add", "merge", shape, [main, skip], { kind: "operation" }));
      before = channels;
    }
  }
  x = draft.layer("AdaptiveAvgPool2d", "pooling", "N×512×1×1", [x], { words: "1" });
  x = draft.layer("Flatten", "shape", "N×512", [x]);
  x = draft.layer("Linear", "linear", "N×1000", [x], { words: "512 → 1000", weights: "513 000", quick: [{ name: "out_features", value: 1000, kind: "int", min: 1, max: 65536 }] });
  output(draft, "N×1000", x);
  return draft.done({ folds: [{ nodes: [["conv2d6"], ["conv2d13"]], text: "8 × Conv2d–BatchNorm2d–ReLU" }] });
}

function unet(): Document {
  const draft = new Draft();
  let x = input(draft, "N×3×128×128");
  const kept: string[] = [];
  let [channels, size, before] = [32, 128, 3];
  for (let level = 0; level < 4; level++) {
    x = draft.relu(`N×${channels}×${size}×${size}`, draft.conv(channels, size, x, before));
    kept.push(x);
    x = draft.layer("MaxPool2d", "pooling", `N×${channels}×${size / 2}×${size / 2}`, [x], { words: "2" });
    [before, channels, size] = [channels, channels * 2, size / 2];
  }
  x = draft.relu(`N×${channels}×${size}×${size}`, draft.conv(channels, size, x, before));
  for (const skip of kept.reverse()) {
    [channels, size] = [channels / 2, size * 2];
    x = draft.layer("ConvTranspose2d", "convolution", `N×${channels}×${size}×${size}`, [x], { words: `${channels * 2} → ${channels}, kernel_size=2, stride=2`, weights: "131 200" });
    x = draft.layer("Concatenate", "merge", `N×${channels * 2}×${size}×${size}`, [x, skip], { kind: "operation", words: "dim=1" });
    x = draft.relu(`N×${channels}×${size}×${size}`, draft.conv(channels, size, x, channels * 2));
  }
  output(draft, "N×1×128×128", draft.conv(1, 128, x, 32));
  return draft.done();
}

function hundred(count = 100): Document {
  const draft = new Draft();
  let x = input(draft, "N×3×32×32");
  for (let at = 0; at < count / 4; at++) {
    const block = x;
    x = draft.relu("N×32×32×32", draft.norm(32, 32, draft.conv(32, 32, x, 32)));
    if (at % 3 === 2) x = draft.layer("Add", "merge", "N×32×32×32", [x, block], { kind: "operation" });
    else x = draft.layer("Dropout", "dropout", "N×32×32×32", [x], { words: "0.1" });
  }
  return draft.done();
}

/** One of everything: marks, problems, tuple parts, optional ports, frames. */
function parts(): Document {
  const draft = new Draft();
  const text = draft.layer("Input", "other", "N×64", [], { kind: "input", words: "int64", outs: [{ path: [], name: "", kind: "tokens", shape: "N×64" }] });
  const embedded = draft.layer("Embedding", "embedding", "N×64×128", [text], { words: "30 000 → 128", weights: "3.84 M", frozen: true, marks: ["frozen"], ins: [{ name: "input", kind: "tokens", wanted: "tokens", many: false, optional: false, slots: 1 }], outs: [{ path: [], name: "", kind: "sequence", shape: "N×64×128" }] });
  const lstm = draft.layer("LSTM", "recurrent", "N×64×256", [embedded], {
    words: "128 → 256", weights: "395 264",
    ins: [{ name: "input", kind: "sequence", wanted: "sequence", many: false, optional: false, slots: 1 }, { name: "hx", kind: "state", wanted: "state", many: false, optional: true, slots: 0 }],
    outs: [{ path: [0], name: "output", kind: "sequence", shape: "N×64×256" }, { path: [1, 0], name: "h_n", kind: "state", shape: "1×N×256" }, { path: [1, 1], name: "c_n", kind: "state", shape: "1×N×256" }],
  });
  const drop = draft.layer("Dropout", "dropout", "N×64×256", [lstm], { words: "0.2", bypassed: true, marks: ["bypassed"] });
  const block = draft.layer("Encoder", "other", "N×64×256", [drop], { kind: "block", block: "Encoder", words: "attention, mlp", weights: "4.7 M", repeat: 6, marks: ["×6"] });
  const head = draft.layer("Linear", "linear", "?", [block], {
    words: "512 → 10", weights: "5 130", note: "Try 20 classes later",
    quick: [{ name: "in_features", value: 512, kind: "int", min: 1, max: 65536 }, { name: "out_features", value: 10, kind: "int", min: 1, max: 65536 }],
    problems: [{ message: "Linear “linear6” expects in_features=512 but receives 256, from “encoder5”. Set in_features to 256.", severity: "error", port: "input", repairs: [{ id: "a", label: "Set in_features to 256", cost: "−2 560 parameters" }, { id: "b", label: "Insert a Linear 256 → 512 before it", cost: "+131 584 parameters" }] }],
  });
  output(draft, "?", head);
  const document = draft.done({ first_problem: { node: head, scope: "" }, frames: { f1: { title: "Text in", colour: "teal", at: [-32, -56], size: [560, 216], text: "", kind: "frame" } } });
  const wire = document.wires[`${head}:input:0`];
  if (wire) wire.ok = false;
  return { ...document, totals: { ...document.totals, problems: 1 } };
}

export const NETWORKS: Record<string, () => Document> = { resnet, unet, hundred, "300": () => hundred(300), parts, empty: () => ({ ...EMPTY, crumbs: ["demo"] }) };
