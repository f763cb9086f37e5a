// Bundles the client into survey_app/static/dist/ (or the folder named) under hashed names and writes the manifest that
// assets.py reads. A server may run meanwhile, and a phone may hold a page of the build before: the files of earlier
// builds stay for some days, and the manifest changes in one stroke when everything it names is there.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const dist = process.argv[2] ? resolve(process.argv[2]) : join(here, "..", "static", "dist");
const DAYS_KEPT = 14;

// What is loaded later leans on the main file: then all that they share stays in it, one file that compresses well,
// where the bundler would cut a piece for every group of files that have something in common.
const sources = readdirSync(here, { recursive: true }).filter((file) => file.endsWith(".ts") && !file.startsWith("tests"));
const later = new Set(sources.flatMap((file) =>
  [...readFileSync(join(here, file), "utf8").matchAll(/\bimport\("(\.[^"]+)"\)/g)].map(([, path]) => `${join(here, dirname(file), path)}.ts`)));
const leaning = {
  name: "leaning",
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => (later.has(path)
      ? { contents: `${readFileSync(path, "utf8")}\nimport ${JSON.stringify(join(here, "main.ts"))};\n`, loader: "ts" } : undefined));
  },
};

mkdirSync(dist, { recursive: true });
const result = await build({
  absWorkingDir: here,
  entryPoints: ["main.ts", "staff.ts"],
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
  plugins: [leaning],
});
const manifest = {};
for (const [file, output] of Object.entries(result.metafile.outputs)) {
  if (output.entryPoint) manifest[output.entryPoint.replace(/\.ts$/, ".js")] = file.split("/").pop();
}
// What main.js imports at once is named in the page too, so that a phone does not wait a round trip to learn of it.
const { outputs } = result.metafile;
const main = Object.keys(outputs).find((file) => outputs[file].entryPoint === "main.ts");
const needed = (file) => outputs[file].imports.filter(({ kind }) => kind === "import-statement").map(({ path }) => path);
const atOnce = (file) => needed(file).flatMap((path) => [path, ...atOnce(path)]);
// Its own file is an empty shell around that one, and spared.
const body = Object.keys(outputs[main].inputs).length ? main : (needed(main)[0] ?? main);
manifest["main.js"] = body.split("/").pop();
manifest.preload = [...new Set(atOnce(body))].map((file) => file.split("/").pop()).join(" ");
const files = Object.keys(outputs).map((file) => file.split("/").pop()).sort();
const hash = createHash("sha256");
for (const file of files) hash.update(file).update(readFileSync(join(dist, file)));
// Styles are served as they are, with the build id in their address: a changed style is a new build too.
const styles = join(here, "..", "static", "css");
for (const file of readdirSync(styles).sort()) hash.update(file).update(readFileSync(join(styles, file)));
manifest.build = hash.digest("hex").slice(0, 12);
writeFileSync(join(dist, "manifest.new"), JSON.stringify(manifest, null, 1) + "\n");
renameSync(join(dist, "manifest.new"), join(dist, "manifest.json"));
const kept = new Set([...files, "manifest.json"]);
for (const file of readdirSync(dist)) {
  const age = Date.now() - statSync(join(dist, file)).mtimeMs;
  if (!kept.has(file) && age > DAYS_KEPT * 86_400_000) rmSync(join(dist, file), { recursive: true, force: true });
}
for (const file of files) {
  const bytes = readFileSync(join(dist, file));
  console.log(`${file}  ${bytes.length} bytes, ${gzipSync(bytes, { level: 9 }).length} compressed`);
}
