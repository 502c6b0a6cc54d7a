/** What is measured. */
export interface Target {
  readonly name: string
  /** For the report: what it is, with its version where that does not stand in `versions`. */
  readonly about: string
  /** How a request names the model; the upstream has to get a name that holds `fake`. */
  readonly model: (fake: string) => string
  /** Headers of every request; `upstream` as in {@link Place}. */
  readonly headers?: (upstream: string) => Readonly<Record<string, string>>
  /** Data events of a stream beyond one for each chunk, [DONE] left out; undefined: any number. */
  readonly extraEvents?: number
  /** Whether frames have to be numbered, 1, 2, 3 … */
  readonly numbered?: boolean
  /** A path that answers 200 when the process is ready; without it, an open port is enough. */
  readonly readyPath?: string
  /** Whether it wants a PostgreSQL database of its own. */
  readonly database?: boolean
  /** What is measured of it. Default: all. */
  readonly only?: 'load' | 'start'
  /** Left out unless it is named. */
  readonly optional?: boolean
  /** Why it cannot be measured on this machine; undefined: it can. */
  readonly missing?: () => string | undefined
  /** Installs what it needs into its folder, if that is not there yet. */
  readonly install?: (folder: string) => Promise<void>
  /** How its process is started; undefined: the load goes to the upstream itself. */
  readonly launch?: (at: Place) => Launch
  /** Its packages' versions, for the report; called after `install`. */
  readonly versions?: (folder: string) => Readonly<Record<string, string>>
}

/** Where a target runs. */
export interface Place {
  /** The port of 127.0.0.1 that it has to listen on. */
  readonly port: number
  /** `http://127.0.0.1:<port>`, where the fake upstream is. */
  readonly upstream: string
  /** The working directory of this process, empty. */
  readonly folder: string
  /** Where `install` put things. */
  readonly installed: string
  /** Of an empty database; the empty string where the target wants none. */
  readonly databaseUrl: string
}

/** A process. It must stay in the foreground. */
export interface Launch {
  readonly command: readonly string[]
  /** In addition to PATH and HOME; nothing else is handed on. */
  readonly env?: Readonly<Record<string, string>>
  /** Written into the working directory first. */
  readonly files?: Readonly<Record<string, string>>
}
