import type {
  FileDataPart, FunctionCall, FunctionCallPart, FunctionDeclaration, FunctionResponse, FunctionResponsePart, GenerationConfig, InlineDataPart, TextPart
} from '@google/generative-ai'
import type { JsonSchema } from '../../schemas/tools.ts'

/**
 * The body of `generateContent`: the SDK's types, and what the API has learnt since the SDK went out of support.
 * @see https://ai.google.dev/api/generate-content
 */

/** What the model thought before a part, encrypted. @see https://ai.google.dev/gemini-api/docs/thought-signatures */
interface Signable { thoughtSignature?: string }

/** A call that the model made, as it is sent back to it. */
export interface CallPart extends FunctionCallPart, Signable {
  functionCall: FunctionCall & { id?: string }
}

/** The result of a call. */
export interface ResultPart extends FunctionResponsePart {
  functionResponse: FunctionResponse & {
    id?: string
    /** Media in it, since Gemini 3. */
    parts?: InlineDataPart[]
  }
}

/** Text and media, inline or at an address. The file's type may be left out where the server knows it. */
export type ContentPart = (TextPart | InlineDataPart | FilePart) & Signable

/** Media at an address. */
export interface FilePart extends Omit<FileDataPart, 'fileData'> {
  fileData: { fileUri: string, mimeType?: string }
}

/** The parts that the gateway sends. */
export type RequestPart = ContentPart | CallPart | ResultPart

/** One turn; turns alternate. */
export interface Turn {
  role: 'user' | 'model'
  parts: RequestPart[]
}

/** @see https://ai.google.dev/gemini-api/docs/thinking */
export interface ThinkingConfig {
  includeThoughts?: boolean
  /** Tokens; 0 is off, -1 as many as the model finds right. Not together with `thinkingLevel`. */
  thinkingBudget?: number
  /** Since Gemini 3. */
  thinkingLevel?: 'minimal' | 'low' | 'medium' | 'high'
}

/** The SDK's generation settings, and newer ones. */
export interface Settings extends GenerationConfig {
  seed?: number
  responseJsonSchema?: JsonSchema
  thinkingConfig?: ThinkingConfig
  responseModalities?: Array<'TEXT' | 'IMAGE'>
}

/** A function, its parameters as JSON Schema; `parameters` would take only a part of OpenAPI's schemas. */
export interface Declaration extends Omit<FunctionDeclaration, 'parameters'> {
  parametersJsonSchema?: JsonSchema
}

/** Which functions the model may call, and whether it must. @see https://ai.google.dev/api/caching#FunctionCallingConfig */
export interface CallingConfig {
  /** `VALIDATED`: a call or text; calls follow their schema. */
  mode: 'NONE' | 'AUTO' | 'ANY' | 'VALIDATED'
  /** With `ANY` and `VALIDATED`. */
  allowedFunctionNames?: string[]
}

/** Functions, or a tool that the provider runs itself. */
export type Tool = { functionDeclarations: Declaration[] } | { googleSearch: Record<string, never> }

/** The body of a request. */
export interface GeminiRequest {
  contents: Turn[]
  systemInstruction?: { parts: TextPart[] }
  tools?: Tool[]
  toolConfig?: { functionCallingConfig: CallingConfig }
  generationConfig?: Settings
}

/** The version in a model's name (`gemini-2.5-pro`: 2.5); undefined for names without one. */
export function generationOf (model: string): number | undefined {
  const version = /gemini-(\d+(?:\.\d+)?)/.exec(model)?.[1]
  return version === undefined ? undefined : Number(version)
}
