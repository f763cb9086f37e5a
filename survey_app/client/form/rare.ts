/** Every function that phones load only when a form uses it, for tests and tools that must know them all. */

export * from "./codes";
import "./calendar";
import "./patterns";
import "./places";
import "./seldom";
