/** What an interview needs only after its first screen is in use: checks, the review, sending. Fetched at once then. */

export { runChecks } from "../form/scoring";
export { Review } from "./review";
