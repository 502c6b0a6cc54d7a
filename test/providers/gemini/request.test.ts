import t from 'tap'
import { UpstreamError } from '../../../errors/upstream-error.ts'
import { geminiRequest } from '../../../providers/gemini/request.ts'
import type { ChatCompletionRequest } from '../../../schemas/chat-completion-request.ts'
import type { Message } from '../../../schemas/messages.ts'

const hello: Message[] = [{ role: 'user', content: 'Hello' }]

/** With fields that the schema lets through unnamed. */
function translate (request: ChatCompletionRequest & Record<string, unknown>, model = 'gemini-2.5-flash') {
  return geminiRequest(request, model)
}

/** The error that a request is refused with. */
function refusal (request: ChatCompletionRequest & Record<string, unknown>, model?: string): Pick<UpstreamError, 'reason' | 'param'> {
  try {
    translate(request, model)
  } catch (error) {
    if (error instanceof UpstreamError) return { reason: error.reason, param: error.param }
    throw error
  }
  throw new Error('the request was not refused')
}

const unsupported = (param: string) => ({ reason: 'unsupported', param })

t.test('the least', async t => {
  t.strictSame(translate({ messages: hello }), { contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] })
})

t.test('messages', async t => {
  t.test('system and developer messages become the instruction, in order', async t => {
    const { systemInstruction, contents } = translate({
      messages: [
        { role: 'system', content: 'Be brief.' },
        ...hello,
        { role: 'developer', content: [{ type: 'text', text: 'Be kind.' }, { type: 'text', text: 'Be right.' }] }
      ]
    })
    t.strictSame(systemInstruction, { parts: [{ text: 'Be brief.' }, { text: 'Be kind.' }, { text: 'Be right.' }] })
    t.strictSame(contents, [{ role: 'user', parts: [{ text: 'Hello' }] }])
  })

  t.test('turns alternate, and empty text is left out', async t => {
    const { contents } = translate({
      messages: [
        { role: 'user', content: 'one' },
        { role: 'user', content: [{ type: 'text', text: 'two' }, { type: 'text', text: '' }] },
        { role: 'assistant', content: 'three', refusal: null, reasoning_content: 'not sent back' },
        { role: 'assistant', content: null, refusal: 'four' },
        { role: 'assistant', content: '' },
        { role: 'user', content: 'five' }
      ]
    })
    t.strictSame(contents, [
      { role: 'user', parts: [{ text: 'one' }, { text: 'two' }] },
      { role: 'model', parts: [{ text: 'three' }, { text: 'four' }] },
      { role: 'user', parts: [{ text: 'five' }] }
    ])
  })

  t.test('media come as data URLs', async t => {
    const { contents } = translate({
      messages: [{
        role: 'user',
        content: [
          { type: 'image_url', image_url: { url: 'data:image/png;base64,aW1n', detail: 'low' } },
          { type: 'input_audio', input_audio: { data: 'd2F2', format: 'wav' } },
          { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;name=a.pdf;base64,cGRm' } }
        ]
      }]
    })
    t.strictSame(contents[0]?.parts, [
      { inlineData: { mimeType: 'image/png', data: 'aW1n' } },
      { inlineData: { mimeType: 'audio/wav', data: 'd2F2' } },
      { inlineData: { mimeType: 'application/pdf', data: 'cGRm' } }
    ])
  })

  t.test('what cannot be expressed is named', async t => {
    const content = (part: Record<string, unknown> & { type: string }) => refusal(JSON.parse(JSON.stringify({ messages: [...hello, { role: 'user', content: [part] }] })))
    t.strictSame(content({ type: 'thing' }), unsupported('messages[1].content[0].type'))
    t.strictSame(refusal({ messages: [{ role: 'system', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,aW1n' } }] }, ...hello] }), unsupported('messages[0].content[0].type'))
    t.strictSame(refusal(JSON.parse('{"messages":[{"role":"user","content":"Hello"},{"role":"assistant","audio":{"id":"audio_1"}}]}')), unsupported('messages[1].audio'))
    for (const messages of [
      [{ role: 'system', content: 'Be brief.' }], [{ role: 'user', content: '' }], [{ role: 'assistant', content: 'Alone.' }]
    ] satisfies Message[][]) t.strictSame(refusal({ messages }), unsupported('messages'))
    for (const role of ['system', 'developer', 'user'] as const) {
      t.strictSame(refusal({ messages: [...hello, { role, content: [] }] }), { reason: 'invalid_request', param: 'messages[1].content' })
    }
  })
})

t.test('tool calls and results', async t => {
  const call = (id: string, name: string, args = '{}', extra: Record<string, unknown> = {}) => ({ id, type: 'function' as const, function: { name, arguments: args }, ...extra })

  t.test('results get the name of their call, and merge into one turn', async t => {
    const { contents } = translate({
      messages: [
        ...hello,
        { role: 'assistant', content: 'Looking.', tool_calls: [call('c1', 'weather', '{"city":"Oslo"}'), call('c2', 'time', '')] },
        { role: 'tool', tool_call_id: 'c2', content: 'noon' },
        { role: 'tool', tool_call_id: 'c1', content: '{"sky":"clear"}' },
        { role: 'user', content: 'And now?' }
      ]
    })
    t.strictSame(contents.slice(1), [
      {
        role: 'model',
        parts: [
          { text: 'Looking.' },
          { functionCall: { id: 'c1', name: 'weather', args: { city: 'Oslo' } } },
          { functionCall: { id: 'c2', name: 'time', args: {} } }
        ]
      },
      {
        role: 'user',
        parts: [
          { functionResponse: { id: 'c2', name: 'time', response: { result: 'noon' } } },
          { functionResponse: { id: 'c1', name: 'weather', response: { sky: 'clear' } } },
          { text: 'And now?' }
        ]
      }
    ])
  })

  for (const [content, response] of [
    ['[1,2]', { result: [1, 2] }], ['7', { result: 7 }], ['null', { result: null }], ['', { result: '' }], ['{"a":', { result: '{"a":' }]
  ] as const) {
    t.test(`the result ${content} becomes an object`, async t => {
      const { contents } = translate({ messages: [...hello, { role: 'assistant', tool_calls: [call('c1', 'f')] }, { role: 'tool', tool_call_id: 'c1', content }] })
      t.strictSame(contents[2]?.parts, [{ functionResponse: { id: 'c1', name: 'f', response } }])
    })
  }

  t.test('what cannot be expressed is named', async t => {
    t.strictSame(refusal({ messages: [...hello, { role: 'assistant', tool_calls: [call('c1', 'f', '{"a":')] }] }), unsupported('messages[1].tool_calls[0].function.arguments'))
    t.strictSame(refusal({ messages: [...hello, { role: 'assistant', tool_calls: [call('c1', 'f', '[]')] }] }), unsupported('messages[1].tool_calls[0].function.arguments'))
    t.strictSame(
      refusal({ messages: [...hello, { role: 'assistant', tool_calls: [{ id: 'c1', type: 'custom', custom: { name: 'f', input: '' } }] }] }),
      unsupported('messages[1].tool_calls[0].type')
    )
    t.strictSame(refusal({ messages: [...hello, { role: 'assistant', tool_calls: [call('c1', 'f'), call('c1', 'g')] }] }), {
      reason: 'invalid_request', param: 'messages[1].tool_calls[1].id'
    })
    t.strictSame(refusal({ messages: [...hello, { role: 'tool', tool_call_id: 'c9', content: '1' }] }), {
      reason: 'invalid_request', param: 'messages[1].tool_call_id'
    })
  })

  t.test('signatures go back; what another model called gets a stand-in where Gemini wants one', async t => {
    const messages: Message[] = [
      ...hello,
      { role: 'assistant', tool_calls: [call('c1', 'f', '{}', { extra_content: { google: { thought_signature: 'c2ln' } } }), call('c2', 'f')] },
      { role: 'tool', tool_call_id: 'c1', content: '1' },
      { role: 'tool', tool_call_id: 'c2', content: '2' },
      { role: 'assistant', tool_calls: [call('c3', 'f', '{}', { extra_content: 'of another server' }), call('c4', 'f')] }
    ]
    const signatures = (model: string) => translate({ messages }, model).contents
      .flatMap(({ parts }) => parts)
      .flatMap(part => part.functionCall === undefined ? [] : ['thoughtSignature' in part ? part.thoughtSignature : undefined])
    t.strictSame(signatures('gemini-2.5-pro'), ['c2ln', undefined, undefined, undefined])
    t.strictSame(signatures('gemini-3-flash-preview'), ['c2ln', undefined, 'skip_thought_signature_validator', undefined])
  })
})

t.test('settings', async t => {
  const settings = (request: Partial<ChatCompletionRequest>, model?: string) => translate({ messages: hello, ...request }, model).generationConfig

  t.strictSame(settings({
    temperature: 0, top_p: 0.5, max_tokens: 10, n: 2, stop: ['a', 'b'], seed: 7, presence_penalty: 0.1, frequency_penalty: -0.1, logprobs: true, top_logprobs: 3
  }), {
    temperature: 0, topP: 0.5, maxOutputTokens: 10, candidateCount: 2, stopSequences: ['a', 'b'], seed: 7, presencePenalty: 0.1, frequencyPenalty: -0.1, responseLogprobs: true, logprobs: 3
  })
  t.strictSame(settings({ stop: 'a', max_tokens: 10, max_completion_tokens: 20 }), { stopSequences: ['a'], maxOutputTokens: 20 })
  t.equal(settings({ temperature: null, stop: null, logprobs: false, tools: null, tool_choice: null, response_format: null, reasoning_effort: null }), undefined)

  t.test('response format', async t => {
    const schema = { type: 'object', properties: { n: { type: 'integer' } } }
    t.equal(settings({ response_format: { type: 'text' } }), undefined)
    t.strictSame(settings({ response_format: { type: 'json_object' } }), { responseMimeType: 'application/json' })
    t.strictSame(settings({ response_format: { type: 'json_schema', json_schema: { name: 'a', strict: true, schema } } }), {
      responseMimeType: 'application/json', responseJsonSchema: schema
    })
    t.strictSame(refusal(JSON.parse('{"messages":[{"role":"user","content":"Hello"}],"response_format":{"type":"grammar"}}')), unsupported('response_format.type'))
  })

  t.test('numbers that it does not take', async t => {
    for (const [field, value] of Object.entries({
      n: 9, stop: ['a', 'b', 'c', 'd', 'e', 'f'], seed: 2 ** 31, max_tokens: 2 ** 31, max_completion_tokens: 2 ** 40
    })) t.strictSame(refusal({ messages: hello, [field]: value }), unsupported(field), field)
    t.strictSame(settings({ n: 8, stop: ['a', 'b', 'c', 'd', 'e'], seed: -1 }), { candidateCount: 8, stopSequences: ['a', 'b', 'c', 'd', 'e'], seed: -1 })
    for (const value of [0, -1, 2 ** 31]) t.strictSame(refusal({ messages: hello, top_k: value }), { reason: 'invalid_request', param: 'top_k' })
    t.strictSame(refusal({ messages: hello, top_logprobs: 3 }), { reason: 'invalid_request', param: 'top_logprobs' })
    t.equal(settings({ top_logprobs: 0, logprobs: false }), undefined)
  })
})

t.test('other fields', async t => {
  t.test('hints are dropped, and so is what asks for nothing', async t => {
    t.strictSame(translate({
      messages: hello,
      model: 'any',
      stream: true,
      stream_options: { include_usage: true },
      user: 'u',
      metadata: { a: 'b' },
      store: true,
      service_tier: 'auto',
      prompt_cache_key: 'k',
      safety_identifier: 's',
      cache_control: { type: 'ephemeral' },
      parallel_tool_calls: false,
      functions: [],
      logit_bias: {},
      modalities: ['text'],
      prediction: null
    }), translate({ messages: hello }))
  })

  for (const [field, value] of Object.entries({
    logit_bias: { 50_256: -100 },
    modalities: ['text', 'audio'],
    audio: { voice: 'alloy', format: 'wav' },
    prediction: { type: 'content', content: 'a' },
    verbosity: 'low',
    no_such_field: 0
  })) {
    t.test(`${field} is refused by name`, async t => {
      t.strictSame(refusal({ messages: hello, [field]: value }), unsupported(field))
    })
  }
})

t.test('the request stays as it was: the next target gets the same one', async t => {
  const request: ChatCompletionRequest = { messages: [...hello, ...hello, { role: 'assistant', content: 'a' }, { role: 'assistant', content: 'b' }], stop: ['a'] }
  const before = structuredClone(request)
  translate(request)
  t.strictSame(request, before)
})
