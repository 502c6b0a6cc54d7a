import type { ChatCompletionRequest } from '../../schemas/chat-completion-request.ts'
import type { ClientTool, MessagesRequest, MessagesTool, MessagesToolChoice } from '../../schemas/messages-api-request.ts'
import type { FunctionTool, ToolChoice } from '../../schemas/tools.ts'
import { cached } from './content.ts'
import { refused } from './refused.ts'

/** What a chat request says of tools. */
type ToolSettings = Pick<ChatCompletionRequest, 'tools' | 'tool_choice' | 'parallel_tool_calls'>

/**
 * The tools that the caller runs, and the choice among them.
 * @throws {GatewayError} 400: a tool of Anthropic's, or what only such tools are for
 */
export function toolSettings ({ tools, tool_choice: choice }: MessagesRequest): ToolSettings {
  return {
    ...(tools == null || tools.length === 0 ? {} : { tools: tools.map((tool, index) => functionTool(tool, `tools[${index}]`)) }),
    ...(choice == null ? {} : { tool_choice: choiceOf(choice) }),
    ...(choice != null && choice.type !== 'none' && choice.disable_parallel_tool_use === true ? { parallel_tool_calls: false } : {})
  }
}

function functionTool (tool: MessagesTool, at: string): FunctionTool {
  if (!isClientTool(tool)) throw refused(`${at}.type`, 'tools that Anthropic defines')
  const { name, description, input_schema: parameters, strict, cache_control: control } = tool
  if (tool.defer_loading === true) throw refused(`${at}.defer_loading`, 'tools that are loaded later')
  if (tool.input_examples != null && tool.input_examples.length > 0) throw refused(`${at}.input_examples`, 'examples of a tool\'s input')
  if (tool.allowed_callers?.includes('direct') === false) throw refused(`${at}.allowed_callers`, 'tools that the model itself may not call')
  return cached({
    type: 'function',
    function: { name, parameters, ...(description == null ? {} : { description }), ...(strict == null ? {} : { strict }) }
  }, control)
}

function isClientTool (tool: MessagesTool): tool is ClientTool { return tool.type == null || tool.type === 'custom' }

function choiceOf (choice: MessagesToolChoice): ToolChoice {
  switch (choice.type) {
    case 'auto': return 'auto'
    case 'any': return 'required'
    case 'none': return 'none'
    case 'tool': return { type: 'function', function: { name: choice.name } }
  }
}
