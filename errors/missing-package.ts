/** A package that is installed only where it is needed is not there. One line, which says what to install. */
export class MissingPackageError extends Error {
  override readonly name = 'MissingPackageError'
  readonly code = 'MISSING_PACKAGE'
  /** What to install. */
  readonly packages: readonly string[]

  /** @param who needs them, as the message begins */
  constructor (who: string, packages: readonly string[], cause: unknown) {
    super(`${who} needs ${packages.join(' and ')}: npm install ${packages.join(' ')}`, { cause })
    this.packages = packages
  }
}

/** The codes of Node's two loaders. */
const NOT_FOUND = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'])

/** What a failed import came of: a MissingPackageError where it is one of these packages that was not found, else the error as it is. */
export function missingAmong (packages: readonly string[], who: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || !NOT_FOUND.has(String(error.code))) return error
  return packages.some(name => error.message.includes(`'${name}'`)) ? new MissingPackageError(who, packages, error) : error
}
