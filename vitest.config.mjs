import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { include: ["survey_app/client/tests/**/*.test.ts"], environment: "node", pool: "threads", maxWorkers: 1 },
});
