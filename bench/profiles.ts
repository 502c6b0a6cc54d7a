import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Type } from 'typebox'
import type { Static } from 'typebox'
import { Value } from 'typebox/value'

/** V8's profiles, summed up. @see https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile */

const CallFrame = Type.Object({ functionName: Type.String(), url: Type.String(), lineNumber: Type.Number() })
type CallFrame = Static<typeof CallFrame>

const CpuProfile = Type.Object({
  nodes: Type.Array(Type.Object({ id: Type.Number(), callFrame: CallFrame })),
  startTime: Type.Number(),
  samples: Type.Array(Type.Number()),
  timeDeltas: Type.Array(Type.Number())
})

const HeapNode = Type.Cyclic({
  Node: Type.Object({ callFrame: CallFrame, selfSize: Type.Number(), children: Type.Array(Type.Ref('Node')) })
}, 'Node')
const HeapProfile = Type.Object({ head: HeapNode })

/** A part of the whole. */
export interface Share {
  readonly name: string
  readonly part: number
}

/** The largest parts first. */
export interface Profile {
  readonly groups: readonly Share[]
  readonly functions: readonly Share[]
}

const PROJECT = fileURLToPath(new URL('..', import.meta.url))
const IDLE = '(idle)'

/** Self time between two times (in µs of the profile's clock), idle time left out. */
export async function cpuTimeOf (file: string, { from, to }: { readonly from: number, readonly to: number }): Promise<Profile> {
  const { nodes, startTime, samples, timeDeltas } = Value.Parse(CpuProfile, JSON.parse(await readFile(file, 'utf8')))
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  const weights: Array<[CallFrame, number]> = []
  let at = startTime
  samples.forEach((id, i) => {
    const delta = timeDeltas[i] ?? 0
    const frame = frames.get(id)
    at += delta
    if (frame !== undefined && at >= from && at <= to && frame.functionName !== IDLE) weights.push([frame, delta])
  })
  return sumUp(weights)
}

/** Allocated bytes, over the time that was sampled. */
export async function allocationsOf (file: string): Promise<Profile> {
  const { head } = Value.Parse(HeapProfile, JSON.parse(await readFile(file, 'utf8')))
  const weights: Array<[CallFrame, number]> = []
  const visit = ({ callFrame, selfSize, children }: Static<typeof HeapNode>): void => {
    weights.push([callFrame, selfSize])
    children.forEach(visit)
  }
  visit(head)
  return sumUp(weights)
}

function sumUp (weights: ReadonlyArray<readonly [CallFrame, number]>): Profile {
  const total = weights.reduce((sum, [, weight]) => sum + weight, 0)
  const shares = (nameOf: (frame: CallFrame) => string): Share[] => {
    const sums = new Map<string, number>()
    for (const [frame, weight] of weights) sums.set(nameOf(frame), (sums.get(nameOf(frame)) ?? 0) + weight)
    return [...sums].map(([name, sum]) => ({ name, part: sum / total })).sort((a, b) => b.part - a.part)
  }
  return { groups: shares(groupOf), functions: shares(frame => `${frame.functionName || '(anonymous)'}  ${placeOf(frame)}`) }
}

function placeOf ({ url, lineNumber }: CallFrame): string {
  return url === '' ? '' : `${shortened(url)}:${lineNumber + 1}`
}

/** A package, a file of the project, a part of Node, or what V8 itself does. */
function groupOf ({ functionName, url }: CallFrame): string {
  if (functionName === '(garbage collector)') return '(garbage collector)'
  if (functionName === '(program)') return '(program: system calls, native code)'
  if (url === '') return `(native) ${functionName}`
  return /^(?:@[^/]+\/)?[^/]+/.exec(/node_modules\/(?!.*node_modules\/)(.*)$/.exec(url)?.[1] ?? '')?.[0] ?? shortened(url)
}

function shortened (url: string): string {
  return url.replace(/^.*node_modules\//, '').replace(`file://${PROJECT}`, '')
}
