/**
 * An answer that has to follow a schema, for the tests of clients that ask for one and check it: as content, and as a
 * tool's arguments.
 */
import type { Fixture } from '@copilotkit/aimock'
import { z } from 'zod'

export const City = z.object({
  name: z.string().describe('As its people write it.'),
  inhabitants: z.number().int(),
  twinned: z.array(z.string())
})
export type City = z.infer<typeof City>

/** What the model knows. */
export const LODZ: City = { name: 'Łódź 🏭', inhabitants: 655_279, twinned: ['Lyon', 'Odesa'] }

/** To be answered by content that follows the schema. */
export const ASK_JSON = 'describe the city as JSON'
/** To be answered by a call of the tool with such arguments. */
export const ASK_TOOL = 'describe the city by the tool'
export const CITY_TOOL = 'describe_city'

export const CITY_FIXTURES: readonly Fixture[] = [
  { match: { userMessage: ASK_TOOL, toolName: CITY_TOOL }, response: { toolCalls: [{ name: CITY_TOOL, arguments: JSON.stringify(LODZ) }] }, chunkSize: 6 },
  { match: { userMessage: ASK_JSON }, response: { content: JSON.stringify(LODZ) }, chunkSize: 6 }
]
