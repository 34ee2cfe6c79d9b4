import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { licences } from "../licences";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig(({ command }) => ({
  root: here("."),
  base: "./",
  ...(command === "build" ? { define: { "process.env.NODE_ENV": JSON.stringify("production") } } : {}),
  plugins: [licences()],
  build: {
    outDir: here("../../builder/ui/code_editor/assets"),
    emptyOutDir: true,
    target: "es2022",
    lib: { entry: here("src/index.ts"), formats: ["es"], fileName: () => "index-[hash].js" },
    rollupOptions: { output: { entryFileNames: "index-[hash].js", minify: true } },
  },
}));
