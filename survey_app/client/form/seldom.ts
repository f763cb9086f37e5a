/** Functions few forms call, loaded only for those: angles and logarithms, checklists, shuffles by a text. */

import { EAGER, LATE, PRIME, letters, members, numeric, power, round, texts } from "./functions";
import { indexOf, toNumber, toText, type Context, type Result } from "./expressions";
import { sha256 } from "./sha";

function checklist(values: Result[], weighted: boolean): boolean {
  const [low = NaN, high = NaN] = values.slice(0, 2).map(toNumber);
  const rest = values.slice(2).map(members);
  let sum = 0;
  // With weights values and weights come in turn; of two node-sets the first value has the first weight.
  const step = weighted ? 2 : 1;
  for (let index = 0; index + step <= rest.length; index += step) {
    const weights = rest[index + 1] ?? [];
    (rest[index] ?? []).forEach((value, place) => {
      if (weighted && place >= weights.length) return;
      if (toNumber(value) > 0) sum += weighted ? toNumber(weights[place] ?? "") : 1;
    });
  }
  return (low < 0 || sum >= low) && (high < 0 || sum <= high);
}

/** XPath's substring: 1-based, rounded bounds. */
function substring(values: Result[]): string {
  const from = round(toNumber(values[1] ?? NaN));
  const until = values[2] === undefined ? Infinity : from + round(toNumber(values[2]));
  return letters(toText(values[0] ?? "")).filter((_, index) => index + 1 >= from && index + 1 < until).join("");
}

function translate(text: string, from: string, to: string): string {
  const [source, target] = [letters(from), letters(to)];
  return letters(text).map((letter) => {
    const at = source.indexOf(letter);
    return at < 0 ? letter : (target[at] ?? "");
  }).join("");
}

function pulldata(values: Result[], context: Context): string {
  const [id = "", column = "", key = "", wanted = ""] = values.map(toText);
  return indexOf(context.host.instance(id), key).get(wanted)?.find(({ item }) => item && key in item)?.item?.[column] ?? "";
}

/** The first 64 bits of a text's SHA-256, as a signed number, without whole multiples of the prime. */
LATE.textSeed = (text) => {
  const bytes = sha256(new TextEncoder().encode(text)).subarray(0, 8);
  const rest = bytes.reduce((sum, byte) => (sum * 256 + byte) % PRIME, 0);
  return (bytes[0] ?? 0) < 128 ? rest : -((PRIME + 4 - rest) % PRIME); // 2 ** 64 leaves 4
};

Object.assign(EAGER, {
  checklist: (values: Result[]) => checklist(values, false),
  "weighted-checklist": (values: Result[]) => checklist(values, true),
  pulldata,
  substring,
  translate: texts((text = "", from = "", to = "") => translate(text, from, to)),
  sqrt: numeric(Math.sqrt),
  exp: numeric(Math.exp),
  exp10: numeric((value = NaN) => power(10, value)),
  log: numeric(Math.log),
  log10: numeric(Math.log10),
  pi: () => Math.PI,
  sin: numeric(Math.sin),
  cos: numeric(Math.cos),
  tan: numeric(Math.tan),
  asin: numeric(Math.asin),
  acos: numeric(Math.acos),
  atan: numeric(Math.atan),
  atan2: numeric(Math.atan2),
});
