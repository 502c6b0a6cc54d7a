/** The plugin that a target names is none, or cannot be loaded. One line. */
export class ProviderPluginError extends Error {
  override readonly name = 'ProviderPluginError'
  readonly code = 'PROVIDER_PLUGIN'
}
