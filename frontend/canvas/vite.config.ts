import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { licences } from "../licences";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig(({ command }) => ({
  root: here("."),
  base: "./",
  ...(command === "build" ? { define: { "process.env.NODE_ENV": JSON.stringify("production") } } : {}),
  plugins: [react(), licences()],
  build: {
    outDir: here("../../builder/ui/canvas/assets"),
    emptyOutDir: true,
    target: "es2022",
    lib: { entry: here("src/index.tsx"), formats: ["es"], fileName: () => "index-[hash].js" },
    rollupOptions: { output: { entryFileNames: "index-[hash].js", minify: true } },
  },
}));
