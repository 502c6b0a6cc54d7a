import t from 'tap'
import { errorBody } from '../../../dialects/responses/error-body.ts'
import { invalidRequest } from '../../../errors/gateway-error.ts'

t.test('a field at fault has the name that the caller knows', async t => {
  for (const [core, known] of [
    ['messages[3].content[0].image_url.url', 'input'],
    ['messages', 'input'],
    ['response_format', 'text.format'],
    ['response_format.json_schema.schema', 'text.format.schema'],
    ['max_completion_tokens', 'max_output_tokens'],
    ['reasoning_effort', 'reasoning.effort'],
    ['verbosity', 'text.verbosity'],
    ['logprobs', 'include'],
    ['tools[2].function.parameters', 'tools[2].parameters'],
    ['tools[2].type', 'tools[2].type'],
    ['tool_choice.function.name', 'tool_choice.name'],
    ['tool_choice', 'tool_choice'],
    ['temperature', 'temperature'],
    ['top_logprobs', 'top_logprobs'],
    [null, null]
  ] as const) t.same(errorBody(invalidRequest('No.', core)), { error: { message: 'No.', type: 'invalid_request_error', code: 'invalid_request', param: known } }, String(core))
})
