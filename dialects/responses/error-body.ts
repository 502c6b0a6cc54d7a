import type { GatewayError } from '../../errors/gateway-error.ts'
import type { ErrorBody } from '../../schemas/error.ts'

/** What the core calls a field, and what the caller called it. */
const NAMES: ReadonlyArray<readonly [RegExp, string]> = [
  // Several items may be one message, so that its number says nothing here.
  [/^messages\b.*/, 'input'],
  [/^response_format(\.json_schema)?/, 'text.format'],
  [/^max_(completion_)?tokens$/, 'max_output_tokens'],
  [/^reasoning_effort$/, 'reasoning.effort'],
  [/^verbosity$/, 'text.verbosity'],
  [/^logprobs$/, 'include'],
  [/^(tools\[\d+\])\.(?:function|custom)\b/, '$1'],
  [/^tool_choice\.(?:function|custom|allowed_tools)\b/, 'tool_choice']
]

/** An error's body, with the field at fault by the name that it has in the Responses API. */
export function errorBody (error: GatewayError): ErrorBody {
  const { error: body } = error.toBody()
  const { param } = body
  const [pattern, name] = NAMES.find(([core]) => param !== null && core.test(param)) ?? []
  return { error: { ...body, param: param === null || pattern === undefined || name === undefined ? param : param.replace(pattern, name) } }
}
