// Bundles the client into survey_app/static/dist/ under hashed names and writes the manifest that assets.py reads.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "..", "static", "dist");

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
const result = await build({
  absWorkingDir: here,
  entryPoints: ["main.ts"],
  bundle: true,
  splitting: true,
  minify: true,
  format: "esm",
  target: "es2020",
  charset: "utf8",
  outdir: dist,
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  metafile: true,
});
const manifest = {};
for (const [file, output] of Object.entries(result.metafile.outputs)) {
  if (output.entryPoint) manifest[output.entryPoint.replace(/\.ts$/, ".js")] = file.split("/").pop();
}
// What main.js imports at once is named in the page too, so that a phone does not wait a round trip to learn of it.
const { outputs } = result.metafile;
const main = Object.keys(outputs).find((file) => outputs[file].entryPoint === "main.ts");
const atOnce = (file) => outputs[file].imports.filter(({ kind }) => kind === "import-statement").flatMap(({ path }) => [path, ...atOnce(path)]);
manifest.preload = [...new Set(atOnce(main))].map((file) => file.split("/").pop()).join(" ");
const files = readdirSync(dist).sort();
const hash = createHash("sha256");
for (const file of files) hash.update(file).update(readFileSync(join(dist, file)));
// Styles are served as they are, with the build id in their address: a changed style is a new build too.
const styles = join(here, "..", "static", "css");
for (const file of readdirSync(styles).sort()) hash.update(file).update(readFileSync(join(styles, file)));
manifest.build = hash.digest("hex").slice(0, 12);
writeFileSync(join(dist, "manifest.json"), JSON.stringify(manifest, null, 1) + "\n");
for (const file of files) {
  const bytes = readFileSync(join(dist, file));
  console.log(`${file}  ${bytes.length} bytes, ${gzipSync(bytes, { level: 9 }).length} compressed`);
}
