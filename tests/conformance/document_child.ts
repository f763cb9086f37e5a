/** Expressions over XML documents on the client's engine: a document and its cases as one line of JSON in, results out. */
import { createInterface } from "node:readline";
import type { Ast, InstanceItem } from "../../survey_app/client/form/definition";
import { STEPS, evaluate, toBoolean, toNumber, toText, within, type Clock, type Host, type Result, type XNode } from "../../survey_app/client/form/expressions";
import "../../survey_app/client/form/rare";

/** [name, all text inside, attributes, children] */
type Tree = [string, string, [string, string][], Tree[]];

interface Request {
  document: Tree;
  root: string;
  named: Record<string, string>;
  texts: Record<string, string[]>;
  language: string;
  now: string;
  offset: number;
  cases: { expression: Ast; context: string }[];
}

class Element implements XNode {
  readonly children: Element[];
  readonly attributes: Element[];

  constructor(readonly name: string, readonly value: string, readonly parent: Element | null, attributes: [string, string][] = [], children: Tree[] = [], readonly place = 0) {
    this.attributes = attributes.map(([key, text]) => new Element(`@${key}`, text, this));
    this.children = children.map((child, index) => new Element(child[0], child[1], this, child[2], child[3], index + 1));
  }

  get address(): string {
    if (!this.parent) return "/";
    return `${this.parent.address.replace(/\/$/, "")}/${this.name.startsWith("@") ? this.name : `*[${this.place}]`}`;
  }

  get order(): number[] {
    return this.parent ? [...this.parent.order, this.place] : [];
  }

  walk(): Element[] {
    return [this, ...this.children.flatMap((child) => child.walk())];
  }

  step(name: string): Element[] {
    if (name === "..") return this.parent ? [this.parent] : [];
    if (name === "") return this.walk();
    if (name.includes("::")) {
      const [axis, wanted] = name.split("::");
      const node = axis === "self" ? this : this.parent;
      return node?.name === wanted ? [node as Element] : [];
    }
    if (name.startsWith("@")) return this.attributes.filter((one) => name === "@*" || one.name === name);
    return name === "*" ? this.children : this.children.filter((child) => child.name === name);
  }
}

class DocumentHost implements Host<never> {
  readonly whole: Element;
  readonly work = { left: STEPS };
  readonly version = "";
  readonly language: string;

  constructor(private readonly request: Request) {
    const [name, text, attributes, children] = request.document;
    this.whole = new Element(name, text, null, attributes, children);
    this.language = request.language;
  }

  at(address: string): Element {
    const steps = address.split("/").filter(Boolean);
    return steps.reduce((node, step) => node.children[Number(step.slice(2, -1)) - 1] as Element, this.whole);
  }

  nodes(path: string): XNode[] {
    const [first = "", ...rest] = path.split("/");
    const named = first.startsWith("#") ? this.request.named[first.slice(1)] : undefined;
    let found: Element[] = first.startsWith("#") ? (named === undefined ? [] : [this.at(named)]) : [this.at(this.request.root)];
    // The root element of a primary instance stands under the root of every path.
    for (const step of first.startsWith("#") ? rest : path ? [first, ...rest] : []) {
      found = found.flatMap((node) => node.step(step));
      if (step === "" || step === "..") found = [...new Set(found)];
    }
    return found;
  }

  step = (node: XNode, name: string): XNode[] => (node instanceof Element ? node.step(name) : []);
  family = (node: XNode): unknown => (node as Element).parent;
  order = (node: XNode): number[] => (node instanceof Element ? node.order : []);
  instance = (): InstanceItem[] => [];
  rowPosition = (node: XNode): number => {
    const { parent, name } = node as Element;
    return parent ? parent.step(name).indexOf(node as Element) + 1 : 1;
  };
  indexed = (): XNode[] => [];
  choiceName = (value: string): string => value;
  itext = (id: string): Result => (this.request.texts[id] ?? []).map((address) => this.at(address));
  clock = (): Clock => ({ now: Date.parse(this.request.now), offset: this.request.offset });
}

function run(request: Request): unknown[] {
  const host = new DocumentHost(request);
  return request.cases.map(({ expression, context }) => {
    host.work.left = STEPS;
    const node = host.at(context);
    const result = within<Result | null>(() => evaluate(expression, { host, rows: [], self: node.value, node, item: node }), null);
    if (result === null) return { text: "", number: "NaN", truth: false, nodes: null, stopped: true };
    return {
      text: toText(result), number: String(toNumber(result)), truth: toBoolean(result),
      nodes: Array.isArray(result) ? result.map((one) => (one instanceof Element ? one.address : "")) : null,
    };
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(run(JSON.parse(line) as Request))}\n`);
}
