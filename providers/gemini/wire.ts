import type {
  FunctionCall, FunctionCallPart, FunctionDeclaration, FunctionResponse, FunctionResponsePart, GenerationConfig, InlineDataPart, TextPart, ToolConfig
} from '@google/generative-ai'
import type { JsonSchema } from '../../schemas/tools.ts'

/**
 * The body of `generateContent`: the SDK's types, and what the API has learnt since the SDK went out of support.
 * @see https://ai.google.dev/api/generate-content
 */

/** A call that the model made, as it is sent back to it. */
export interface CallPart extends FunctionCallPart {
  functionCall: FunctionCall & { id: string }
  /** What the model thought before the call, encrypted. @see https://ai.google.dev/gemini-api/docs/thought-signatures */
  thoughtSignature?: string
}

/** The result of a call. */
export interface ResultPart extends FunctionResponsePart {
  functionResponse: FunctionResponse & { id: string }
}

/** The parts that the gateway sends. */
export type RequestPart = TextPart | InlineDataPart | CallPart | ResultPart

/** One turn; turns alternate. */
export interface Turn {
  role: 'user' | 'model'
  parts: RequestPart[]
}

/** @see https://ai.google.dev/gemini-api/docs/thinking */
export interface ThinkingConfig {
  includeThoughts?: boolean
  /** Tokens; 0 is off. Not together with `thinkingLevel`. */
  thinkingBudget?: number
  /** Since Gemini 3. */
  thinkingLevel?: 'minimal' | 'low' | 'medium' | 'high'
}

/** The SDK's generation settings, and newer ones. */
export interface Settings extends GenerationConfig {
  seed?: number
  responseJsonSchema?: JsonSchema
  thinkingConfig?: ThinkingConfig
}

/** A function, its parameters as JSON Schema; `parameters` would take only a part of OpenAPI's schemas. */
export interface Declaration extends Omit<FunctionDeclaration, 'parameters'> {
  parametersJsonSchema?: JsonSchema
}

/** The body of a request. */
export interface GeminiRequest {
  contents: Turn[]
  systemInstruction?: { parts: TextPart[] }
  tools?: Array<{ functionDeclarations: Declaration[] }>
  toolConfig?: ToolConfig
  generationConfig?: Settings
}

/** The major version in a model's name (`gemini-3-pro`: 3); undefined for names without one. */
export function generationOf (model: string): number | undefined {
  const digits = /gemini-(\d+)/.exec(model)?.[1]
  return digits === undefined ? undefined : Number(digits)
}
