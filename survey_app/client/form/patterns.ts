/** Regular expressions in the subset that Python and JavaScript read alike and that cannot run away.
 *  The twin of forms/expressions/patterns.py: published forms hold only such patterns, composed ones are checked here. */

import { EAGER } from "./functions";
import { toText, type Result } from "./expressions";

const LONGEST = 2000;
const MANY = 50;
const OTHER = 128;

type Points = Set<number>;
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const ALL = range(0, OTHER);
const DIGIT = range(48, 57);
const WORD = [...DIGIT, ...range(65, 90), ...range(97, 122), 95];
const BLANK = [...range(9, 13), 32];
const without = (points: readonly number[] | Points): Points => {
  const out = new Set(points);
  return new Set(ALL.filter((point) => !out.has(point)));
};
const SPACE = " \\t\\n\\r\\f\\v";
const CLASSES: Record<string, [string, Points]> = {
  d: ["0-9", new Set(DIGIT)], D: ["^0-9", without(DIGIT)], w: ["A-Za-z0-9_", new Set(WORD)],
  W: ["^A-Za-z0-9_", without(WORD)], s: [SPACE, new Set(BLANK)], S: [`^${SPACE}`, without(BLANK)],
};
const CONTROL: Record<string, string> = { t: "\t", n: "\n", r: "\r", f: "\f", v: "\v" };

interface Piece {
  source: string;
  points: Points;
  first: Points;
  mayBeEmpty: boolean;
  varies: boolean;
  isEndless: boolean;
  isPosition?: boolean;
}

class Refused extends Error {}

const piece = (source: string, points: Points, more: Partial<Piece> = {}): Piece =>
  ({ source, points, first: points, mayBeEmpty: false, varies: false, isEndless: false, ...more });
const meets = (one: Points, other: Points): boolean => [...one].some((point) => other.has(point));
const join = (sets: Points[]): Points => new Set(sets.flatMap((set) => [...set]));
const escaped = (letter: string): string => letter.replace(/[\^$\\.*+?()[\]{}|/-]/, (mark) => (mark === "-" ? "\\u002d" : `\\${mark}`));
const pointOf = (letter: string): Points => new Set([Math.min(letter.codePointAt(0) ?? 0, OTHER)]);

class Reader {
  private at = 0;
  private readonly letters: string[];

  constructor(pattern: string) {
    this.letters = Array.from(pattern);
  }

  peek(ahead = 0): string {
    return this.letters[this.at + ahead] ?? "";
  }

  take(): string {
    const letter = this.peek();
    if (!letter) throw new Refused();
    this.at += 1;
    return letter;
  }

  takeBraces(): RegExpExecArray {
    const match = /^\{(\d{1,4})(?:(,)(\d{0,4}))?\}/.exec(this.letters.slice(this.at, this.at + 12).join(""));
    if (!match) throw new Refused();
    this.at += match[0].length;
    return match;
  }
}

function alternatives(reader: Reader, depth: number, distinct?: boolean[]): Piece {
  if (depth > 20) throw new Refused();
  const branches = [sequence(reader, depth)];
  while (reader.peek() === "|") {
    reader.take();
    branches.push(sequence(reader, depth));
  }
  const seen: Points = new Set();
  for (const branch of branches) {
    distinct?.push(!meets(seen, branch.first) && !branch.mayBeEmpty);
    for (const point of branch.first) seen.add(point);
  }
  return {
    source: branches.map((branch) => branch.source).join("|"), points: join(branches.map((branch) => branch.points)), first: seen,
    mayBeEmpty: branches.some((branch) => branch.mayBeEmpty), varies: branches.some((branch) => branch.varies),
    isEndless: branches.some((branch) => branch.isEndless),
  };
}

function sequence(reader: Reader, depth: number): Piece {
  const pieces: Piece[] = [];
  let chain: Points[] = [];
  let isAdjacent = false;
  while (!["", "|", ")"].includes(reader.peek())) {
    const next = repeated(reader, depth);
    pieces.push(next);
    if (next.isEndless) {
      const overlapping = chain.filter((points) => meets(points, next.points)).length;
      if (overlapping && (isAdjacent || overlapping > 1)) throw new Refused();
      chain.push(next.points);
      isAdjacent = true;
    } else if (!next.mayBeEmpty) {
      isAdjacent = false;
      if (!chain.some((points) => meets(points, next.points))) chain = [];
    }
  }
  const solid = pieces.findIndex((one) => !one.mayBeEmpty);
  return {
    source: pieces.map((one) => one.source).join(""), points: join(pieces.map((one) => one.points)),
    first: join(pieces.slice(0, solid < 0 ? undefined : solid + 1).map((one) => one.first)),
    mayBeEmpty: solid < 0, varies: pieces.some((one) => one.varies), isEndless: pieces.some((one) => one.isEndless),
  };
}

function repeated(reader: Reader, depth: number): Piece {
  const distinct: boolean[] = [];
  const inner = atom(reader, depth, distinct);
  const bounds = quantifier(reader);
  if (!bounds) return inner;
  const [low, high, source] = bounds;
  const isEndless = high > MANY;
  if (inner.isPosition) throw new Refused();
  if (isEndless && (inner.isEndless || inner.varies || inner.mayBeEmpty || distinct.includes(false))) throw new Refused();
  if (inner.isEndless && high !== 1) throw new Refused();
  return {
    source: inner.source + source, points: inner.points, first: inner.first, mayBeEmpty: low === 0 || inner.mayBeEmpty,
    varies: low !== high || inner.varies, isEndless: isEndless || inner.isEndless,
  };
}

function quantifier(reader: Reader): [number, number, string] | null {
  const sign = reader.peek();
  let bounds: [number, number, string];
  if (sign === "*" || sign === "+" || sign === "?") bounds = [sign === "+" ? 1 : 0, sign === "?" ? 1 : Infinity, reader.take()];
  else if (sign === "{") {
    const [whole, low = "0", comma, high] = reader.takeBraces();
    bounds = [Number(low), comma ? (high ? Number(high) : Infinity) : Number(low), whole];
  } else return null;
  const next = reader.peek();
  if (bounds[1] < bounds[0] || (next && "?+*{".includes(next))) throw new Refused();
  return bounds;
}

function atom(reader: Reader, depth: number, distinct: boolean[]): Piece {
  const letter = reader.take();
  const nothing: Points = new Set();
  if (letter === "(") return group(reader, depth, distinct);
  if (letter === "[") return charClass(reader);
  if (letter === "\\") return escape(reader);
  if (letter === "^" || letter === "$") return piece(letter, nothing, { mayBeEmpty: true, isPosition: true });
  if (letter === ".") return piece("[^\\n\\r\\u2028\\u2029]", new Set(ALL.filter((point) => point !== 10 && point !== 13)));
  if ("*+?{}]".includes(letter)) throw new Refused();
  return piece(escaped(letter), pointOf(letter));
}

function group(reader: Reader, depth: number, distinct: boolean[]): Piece {
  if (reader.peek() === "?") {
    reader.take();
    if (reader.take() !== ":") throw new Refused();
  }
  const inner = alternatives(reader, depth + 1, distinct);
  if (reader.take() !== ")") throw new Refused();
  return { ...inner, source: `(?:${inner.source})` };
}

function escape(reader: Reader): Piece {
  const letter = reader.take();
  const known = CLASSES[letter];
  if (known) return piece(`[${known[0]}]`, known[1]);
  if (letter === "b" || letter === "B") return piece(`\\${letter}`, new Set(), { mayBeEmpty: true, isPosition: true });
  const plain = unescaped(letter);
  return piece(escaped(plain), pointOf(plain));
}

function unescaped(letter: string): string {
  const control = CONTROL[letter];
  if (control) return control;
  if (/[A-Za-z0-9]/.test(letter)) throw new Refused();
  return letter;
}

function charClass(reader: Reader): Piece {
  const isNegated = reader.peek() === "^";
  if (isNegated) reader.take();
  const parts: [string, Points][] = [];
  while (reader.peek() !== "]") parts.push(member(reader));
  reader.take();
  if (!parts.length) throw new Refused();
  const points = join(parts.map(([, members]) => members));
  return piece(`[${isNegated ? "^" : ""}${parts.map(([source]) => source).join("")}]`, isNegated ? without(points).add(OTHER) : points);
}

function member(reader: Reader): [string, Points] {
  let letter = reader.take();
  if (letter === "[") throw new Refused();
  if (letter === "\\") {
    const kind = reader.take();
    const known = "dws".includes(kind) ? CLASSES[kind] : undefined;
    if (known) return known;
    letter = unescaped(kind);
  }
  if (reader.peek() !== "-" || ["]", ""].includes(reader.peek(1))) return [escaped(letter), pointOf(letter)];
  reader.take();
  let last = reader.take();
  if (last === "\\") last = unescaped(reader.take());
  const [from, to] = [letter.codePointAt(0) ?? 0, last.codePointAt(0) ?? 0];
  if (to < from) throw new Refused();
  return [`${escaped(letter)}-${escaped(last)}`, new Set(range(Math.min(from, OTHER), Math.min(to, OTHER)))];
}

const compiled = new Map<string, RegExp | null>();

/** Letters as people count them, not UTF-16 units. */
const isShort = (text: string): boolean => text.length <= LONGEST || (text.length <= 2 * LONGEST && Array.from(text).length <= LONGEST);

function compile(pattern: string): RegExp | null {
  const reader = new Reader(pattern);
  try {
    const { source } = alternatives(reader, 0);
    return reader.peek() || !isShort(pattern) ? null : new RegExp(`^(?:${source})$`, "u");
  } catch {
    return null;
  }
}

/** True when the pattern matches the whole subject; a refused pattern or an overlong subject never matches. */
export function matches(subject: string, pattern: string): boolean {
  let known = compiled.get(pattern);
  if (known === undefined) compiled.set(pattern, (known = compile(pattern)));
  return known !== null && isShort(subject) && known.test(subject);
}

Object.assign(EAGER, { regex: ([text = "", pattern = ""]: Result[]) => matches(toText(text), toText(pattern)) });
