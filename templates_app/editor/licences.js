// Prints the licence of every package that may be in the bundle, as its package holds it.
import { readFileSync, readdirSync } from "node:fs";

const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
for (const [path, entry] of Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1))) {
  if (!path || entry.dev || entry.optional) continue;
  const name = readdirSync(path).find((file) => /^licen[cs]e/i.test(file));
  const text = name ? readFileSync(`${path}/${name}`, "utf8").trim() : "(no licence file)";
  console.log(`${path.replace("node_modules/", "")} ${entry.version} (${entry.license})\n\n${text}\n\n${"-".repeat(80)}\n`);
}
