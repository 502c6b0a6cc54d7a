/** An error of the gateway's own code, as it may be logged. */
export interface Defect {
  readonly name: string
  /** The lines of its stack. */
  readonly at?: readonly string[]
}

/** The error at the root of a chain of causes: its name and stack, without messages, which may quote what was handled. */
export function defectOf (error: unknown): Defect {
  if (!(error instanceof Error)) return { name: typeof error }
  if (error.cause instanceof Error) return defectOf(error.cause)
  return { name: error.name, at: (error.stack ?? '').split('\n').filter(line => /^\s+at /.test(line)).map(line => line.trim()) }
}
