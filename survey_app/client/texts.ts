/** The interface's texts, English here; the page carries their translations in the JSON island `#texts`. */

export const MESSAGES = [
  "This question needs an answer.",
  "This answer is not allowed here.",
  "“{value}” does not fit a question of type {type}.",
  "“{value}” is not one of the choices.",
  "Please look at this answer again.",
  "Please type a number, for example {example}.",
  "Please type a whole number.",
  "Which number do you mean?",
  "This can be read in two ways. Please choose one:",
  "Saved",
  "Saving…",
  "Not saved: no connection. We keep trying; please leave this page open.",
  "Not saved: {reason}",
  "Part {number}/{total}",
  "Next",
  "Review",
  "Remove this entry? Its answers are lost.",
  "Entry {number} added.",
  "Entry removed.",
  "no answer",
  "Send",
  "Sending…",
  "Not sent yet. {reason}",
  "There is no connection. Your answers are kept; try again when you are online.",
  "Send with {count} open points. The office will see them and may ask back.",
  "Some answers cannot be right together. Please correct them before sending.",
  "Please give the reason.",
  "Looking for your position…",
  "Position found, accurate to {metres} m.",
  "The position could not be found. You can type the coordinates instead.",
  "The photo is being made smaller…",
  "Attached: {name}",
  "This file could not be read. Please choose another one.",
  "This file is larger than {megabytes} MB. Please choose a smaller one.",
  "Nothing in the list fits.",
  "Please choose",
  "The questionnaire could not be opened. Please use the simple version of these pages.",
  "This questionnaire needs a newer version of this page. Please reload it.",
  "Your sign-in has ended. Sign in again in another window; your answers are kept here.",
  "This is a preview: nothing is sent.",
  "Clear the answer",
  "{choice}: place {number} of {most}",
  "The camera cannot be used here. Please type the code.",
  "Hold the code before the camera",
  "Stop",
  "Accurate to {metres} m only. Better go into the open and look again.",
  "Accurate to {metres} m so far, still looking…",
  "Points: {count}",
  "point {number}",
  "length {metres} m",
  "area {metres} m²",
  "Map",
  "Written on the picture: {words}",
  "VND",
  "thousand VND",
  "million VND",
  "billion VND",
] as const;

export type Message = (typeof MESSAGES)[number];

let translations: Record<string, string> = {};

/** Takes the translations the page carries. */
export function loadTexts(json: string): void {
  translations = JSON.parse(json) as Record<string, string>;
}

/** A text in the page's language with its {parameters} filled in. */
export function t(message: Message, parameters: Record<string, string | number> = {}): string {
  return (translations[message] ?? message).replace(/\{(\w+)\}/g, (whole, name: string) => String(parameters[name] ?? whole));
}
