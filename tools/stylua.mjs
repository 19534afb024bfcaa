// stylua --check, or stylua, for the files given: the formatter's WebAssembly build from npm, because its
// package of binaries downloads them from elsewhere while it installs.
//
//   node tools/stylua.mjs [--check] FILE…        settings: stylua.toml beside the Makefile

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { Config, IndentType, LuaVersion, OutputVerification, QuoteStyle, formatCode } from "@johnnymorganz/stylua";

const named = { indent_type: IndentType, quote_style: QuoteStyle };

function settings() {
  const config = Config.new();
  config.syntax = LuaVersion.LuaJIT;
  for (const line of readFileSync(new URL("../stylua.toml", import.meta.url), "utf8").split("\n")) {
    const found = line.match(/^(\w+)\s*=\s*"?(\w+)"?$/);
    if (!found) continue;
    const [, key, value] = found;
    config[key] = named[key] ? named[key][value] : Number(value);
  }
  return config;
}

const check = process.argv.includes("--check");
const files = process.argv.slice(2).filter((word) => word !== "--check" && existsSync(word));
let differing = 0;
for (const file of files) {
  const before = readFileSync(file, "utf8");
  let after;
  try {
    after = formatCode(before, settings(), undefined, OutputVerification.Full);
  } catch (error) {
    console.error(`${file}: ${error}`);
    differing += 1;
    continue;
  }
  if (after === before) continue;
  differing += 1;
  if (!check) {
    writeFileSync(file, after);
    console.log(`formatted ${file}`);
    continue;
  }
  const [was, is] = [before.split("\n"), after.split("\n")];
  const line = was.findIndex((text, i) => text !== is[i]);
  console.error(`${file}:${line + 1}: not formatted\n  found    ${was[line]}\n  expected ${is[line] ?? ""}`);
}
if (check && differing) {
  console.error(`stylua: ${differing} of ${files.length} files; \`make format\` formats them.`);
  process.exit(1);
}
if (check) console.log(`stylua: ${files.length} files are formatted`);
