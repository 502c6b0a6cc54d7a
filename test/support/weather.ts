/**
 * A conversation with a tool, for the tests of clients that call tools by themselves: asked for the weather in two
 * cities, the model calls the tool for both at once, and answers when it has both results.
 */
import type { ChatMessage, Fixture } from '@copilotkit/aimock'

export const QUESTION = 'what is the weather in Łódź and in Paris?'
export const ANSWER = 'It is warm in Łódź 🏭, and cold in Paris.'
/** The tool's name. */
export const TOOL_NAME = 'get_weather'
export const DESCRIPTION = 'The weather of a city, now.'
/** What it is called with, in this order. */
export const CITIES = ['Łódź 🏭', 'Paris']

/** What the tool says. */
export function weatherOf (city: string): { city: string, degrees: number } {
  return { city, degrees: city === 'Paris' ? 7 : 21 }
}

/** The model's side: the calls to this question with this tool, and the answer to these results alone. */
export const WEATHER: readonly Fixture[] = [
  { match: { userMessage: QUESTION, predicate: ({ messages }) => knowsBoth(messages) }, response: { content: ANSWER }, chunkSize: 5 },
  {
    match: { userMessage: QUESTION, toolName: TOOL_NAME, hasToolResult: false, predicate: ({ tools }) => tools?.[0]?.function.description === DESCRIPTION },
    response: { toolCalls: CITIES.map((city, index) => ({ id: `call_${index}`, name: TOOL_NAME, arguments: JSON.stringify({ city }) })) },
    chunkSize: 4
  }
]

/** Whether the calls and their results stand there, each pair under one id. */
function knowsBoth (messages: readonly ChatMessage[]): boolean {
  const calls = messages.flatMap(message => message.tool_calls ?? [])
  const results = messages.filter(({ role }) => role === 'tool')
  return calls.length === CITIES.length && results.length === CITIES.length && calls.every(({ id, function: { arguments: text } }, index) => {
    const city = CITIES[index]
    const result = results.find(({ tool_call_id: callId }) => callId === id)
    return city !== undefined && text === JSON.stringify({ city }) && typeof result?.content === 'string' && result.content.includes(`${weatherOf(city).degrees}`)
  })
}
