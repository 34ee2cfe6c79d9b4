import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here("."),
  base: "./",
  build: {
    outDir: here("../../builder/ui/leaving/assets"),
    emptyOutDir: true,
    target: "es2022",
    lib: { entry: here("src/index.ts"), formats: ["es"], fileName: () => "index-[hash].js" },
    rollupOptions: { output: { entryFileNames: "index-[hash].js", minify: true } },
  },
});
