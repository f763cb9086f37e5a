/** A form as the server bundles it (forms/serial.py): plain JSON, one language, expressions already parsed. */

/** The version of the expression trees this client can walk; a bundle with a newer one is refused. */
export const AST_VERSION = 1;

export type Value = string | number | null;

/** A number or a string stands for itself; arrays are paths, fields, filters and calls (see forms/model.py). */
export type Ast = string | number | Ast[];

/** Text and references in turn; a full definition keeps one per language. */
export type Part = string | { x: Ast };
export type Rich = string | Part[];
export type Text = Rich | { [language: string]: Rich };

export interface Action {
  event: string;
  expression: Ast;
  trigger?: string;
  /** The nodes it sets, where they are not those of the trigger's own row. */
  target?: Ast;
}

export interface Question {
  kind: "question";
  name: string;
  type: string;
  label?: Text;
  hint?: Text;
  relevant?: Ast;
  constraint?: Ast;
  constraint_message?: Text;
  required?: Ast;
  required_message?: Text;
  calculation?: Ast;
  default?: string;
  actions?: Action[];
  read_only?: Ast;
  choices?: string;
  choice_filter?: Ast;
  /** The rows of a repeat that are its choices. */
  itemset?: Ast;
  appearance?: string;
  parameters?: Record<string, string>;
  unit?: Text;
  unit_expression?: Ast;
  evidence?: string;
}

export interface Group {
  kind: "group" | "repeat";
  name: string;
  children: Item[];
  label?: Text;
  relevant?: Ast;
  read_only?: Ast;
  appearance?: string;
  count?: Ast;
  actions?: Action[];
  /** Rows that are there when its place comes to be: names and what they hold. */
  first?: { [name: string]: unknown }[];
}

export type Item = Question | Group;

export interface Choice {
  name: string;
  label: Text;
  extra?: Record<string, string>;
}

export interface ScoreRow {
  kind: "value" | "item" | "dimension" | "index" | "band";
  name: string;
  label?: Text;
  parents?: string[];
  rule?: Ast;
  applies?: Ast;
  questions?: string[];
  repeat?: string;
  weight?: number;
  method?: string;
  decimals?: number;
  minimum_share?: number;
  unit?: Text;
  where?: string;
}

export interface IndicatorRow {
  name: string;
  label?: Text;
  kind: "truth" | "number" | "text";
  rule: Ast;
  applies?: Ast;
  where?: string;
}

export interface ResourceRow {
  name: string;
  label?: Text;
  cost: Ast;
  quantity?: Ast;
  unit?: Text;
  cap?: number;
}

export interface MeasureRow {
  code: string;
  label?: Text;
  trigger: Ast;
  technique: string;
  resources: string[];
  base?: Text;
  share: Ast;
  saving_low: number;
  saving_high: number;
  payback_low: number;
  payback_high: number;
  group?: string;
  questions?: string[];
}

export interface CheckRow {
  name: string;
  question: string;
  rule: Ast;
  grade: "note" | "reason" | "stop";
  message?: Text;
  relevant?: Ast;
}

export type InstanceItem = Record<string, string>;

export interface Definition {
  ast: number;
  form_id: string;
  version: string;
  title?: Text;
  languages: string[];
  items: Item[];
  choice_lists?: Record<string, Choice[]>;
  instances?: Record<string, InstanceItem[]>;
  settings?: Record<string, string>;
  instance_name?: Ast;
  /** Parts of the engine that its expressions call for, see loading.ts. */
  parts?: string[];
  /** Texts that expressions ask for by name, with jr:itext(). */
  texts?: Record<string, Text>;
  scores?: ScoreRow[];
  indicators?: IndicatorRow[];
  resources?: ResourceRow[];
  measures?: MeasureRow[];
  checks?: CheckRow[];
  order?: string[];
}

/** One thing wrong with an answer; `ownMessage` holds the words of the form's author. */
export interface Issue {
  code: "required" | "constraint" | "wrong_type" | "unknown_choice" | "check";
  where: string;
  parameters: Record<string, string | number>;
  ownMessage: string;
}

/** Question types whose value is a number. */
export function isNumeric(question: Question): boolean {
  return question.type === "integer" || question.type === "decimal" || question.type === "range" || question.type === "percentage";
}

export function isWhole(question: Question): boolean {
  if (question.type === "range") {
    const { start = "0", step = "1" } = question.parameters ?? {};
    return /^-?\d+$/.test(start) && /^-?\d+$/.test(step);
  }
  return question.type === "integer" || question.type === "percentage";
}
