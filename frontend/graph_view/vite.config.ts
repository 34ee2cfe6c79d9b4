import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The licences of what is inside the bundle travel beside it. */
function licences(): Plugin {
  const texts: [title: string, path: string][] = [
    ["@hpcc-js/wasm-graphviz (Apache-2.0)", "../node_modules/@hpcc-js/wasm-graphviz/LICENSE"],
    ["Graphviz, inside it as WebAssembly (Eclipse Public License)", "../licences/graphviz.txt"],
    ["Expat, inside Graphviz (MIT)", "../licences/expat.txt"],
  ];
  return {
    name: "licences",
    generateBundle() {
      const source = texts
        .map(([title, path]) => `${title}\n${"=".repeat(title.length)}\n\n${readFileSync(here(path), "utf8").trim()}\n`)
        .join("\n\n");
      this.emitFile({ type: "asset", fileName: "LICENCES.txt", source });
    },
  };
}

export default defineConfig({
  root: here("."),
  base: "./",
  define: { "process.env.NODE_ENV": JSON.stringify("production") },
  plugins: [licences()],
  build: {
    outDir: here("../../builder/ui/graph_view/assets"),
    emptyOutDir: true,
    target: "es2022",
    lib: { entry: here("src/index.ts"), formats: ["es"], fileName: () => "index-[hash].js" },
    rollupOptions: { output: { entryFileNames: "index-[hash].js", minify: true } },
  },
});
