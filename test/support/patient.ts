/** Options of a database that is there, on a machine that may be too busy to answer soon. */
export const PATIENT = { firstAnswerMs: 60_000, statementTimeoutMs: 60_000 }
