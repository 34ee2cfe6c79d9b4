import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Plugin } from "vite";

/** The package a module of the bundle comes from: its folder, found by its package.json with a name. */
function packageOf(module: string): string | null {
  const file = module.replace(/^\0/, "").split("?")[0] ?? "";
  if (!file.includes("node_modules")) return null;
  for (let folder = dirname(file); folder.includes("node_modules"); folder = dirname(folder)) {
    const manifest = join(folder, "package.json");
    if (existsSync(manifest) && (JSON.parse(readFileSync(manifest, "utf8")) as { name?: string }).name) return folder;
  }
  return null;
}

/** The licences of what is inside the bundle travel beside it; a package without one stops the build. */
export function licences(): Plugin {
  return {
    name: "licences",
    generateBundle(_, bundle) {
      const folders = new Set<string>();
      for (const part of Object.values(bundle)) {
        if (part.type !== "chunk") continue;
        for (const module of part.moduleIds) {
          const folder = packageOf(module);
          if (folder) folders.add(folder);
        }
      }
      const texts = [...folders].map((folder) => {
        const { name, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Record<string, string>;
        const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
        if (!file) throw new Error(`${name} ships no licence text`);
        const title = `${name} (${license})`;
        return `${title}\n${"=".repeat(title.length)}\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
      });
      this.emitFile({ type: "asset", fileName: "LICENCES.txt", source: texts.sort().join("\n\n") });
    },
  };
}
