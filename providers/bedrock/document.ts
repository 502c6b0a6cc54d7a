import type { ToolInputSchema } from '@aws-sdk/client-bedrock-runtime'
import { isJsonObject } from '../../schemas/json-object.ts'

/** What the SDK calls a document: any JSON value, as in the input of a tool or its schema. */
export type JsonDocument = NonNullable<ToolInputSchema.JsonMember['json']>

/** Whether a JSON value is an object. Whatever stands inside a JSON value is one too, so the objects are documents. */
export function isDocumentObject (value: unknown): value is { [field: string]: JsonDocument } { return isJsonObject(value) }
