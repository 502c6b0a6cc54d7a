import { CPU_PER_CHUNK, CPU_PER_REQUEST } from './figures.ts'
import type { Results } from './measurement.ts'
import { pairedSpread, quotient } from './statistics.ts'
import type { Figure, Spread } from './statistics.ts'
import { BASE, TARGETS } from './targets.ts'

/** One picture: what each target costs in CPU, as a multiple of the bare pipe; bars, and a line from the least round to the greatest. */

const PANELS: ReadonlyArray<{ readonly title: string, readonly scenario: string, readonly figure: Figure }> = [
  { title: 'CPU per chunk, burst', scenario: 'burst', figure: CPU_PER_CHUNK },
  { title: 'CPU per chunk, 500 streams × 20 ms', scenario: 'paced', figure: CPU_PER_CHUNK },
  { title: 'CPU per small request', scenario: 'json', figure: CPU_PER_REQUEST }
]

const WIDTH = 860
const NAMES = 150
const NUMBERS = 70
const ROW = 24
const BAR = 14
const HEAD = 34
const GAP = 18
const TOP = 34

/** Colours for light and for dark surroundings. */
const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 }
  .note { fill: #59636e }
  .bar { fill: #8c959f }
  .own { fill: #0969da }
  .base { stroke: #cf222e; stroke-width: 1.5; stroke-dasharray: 4 3 }
  .range { stroke: #1f2328; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .note { fill: #9198a1 }
    .bar { fill: #656c76 }
    .own { fill: #4493f8 }
    .base { stroke: #f85149 }
    .range { stroke: #f0f6fc }
  }`

/** The picture, as SVG. */
export function plot (results: Results): string {
  const parts: string[] = []
  let y = TOP
  for (const { title, scenario, figure } of PANELS) {
    const rows = TARGETS.flatMap(({ name }) => {
      const spread = pairedSpread(results, name, BASE, scenario, figure, quotient)
      return spread === undefined ? [] : [{ name, spread }]
    })
    if (rows.length === 0) continue
    parts.push(panel(title, rows, y))
    y += HEAD + rows.length * ROW + GAP
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" role="img" aria-label="CPU against a bare undici pipe">
<style>${STYLE}
</style>
<text x="0" y="18" class="note">Multiples of ${BASE} (dashed); one process on one core; thin lines: from the least round to the greatest</text>
${parts.join('\n')}
</svg>
`
}

function panel (title: string, rows: ReadonlyArray<{ readonly name: string, readonly spread: Spread }>, top: number): string {
  const greatest = Math.max(1, ...rows.map(({ spread }) => spread.greatest))
  const scale = (value: number): string => (NAMES + value / greatest * (WIDTH - NAMES - NUMBERS)).toFixed(1)
  const width = (value: number): string => (value / greatest * (WIDTH - NAMES - NUMBERS)).toFixed(1)
  const bottom = top + HEAD + rows.length * ROW
  const bars = rows.map(({ name, spread: { median, least, greatest } }, i) => {
    const y = top + HEAD + i * ROW
    const middle = y + BAR / 2
    return `<text x="${NAMES - 8}" y="${y + 12}" text-anchor="end">${name}</text>` +
      `<rect x="${NAMES}" y="${y}" width="${width(median)}" height="${BAR}" rx="2" class="${name.startsWith('gateway') ? 'own' : 'bar'}"/>` +
      `<line x1="${scale(least)}" y1="${middle}" x2="${scale(greatest)}" y2="${middle}" class="range"/>` +
      `<text x="${Number(scale(greatest < 1 ? 1 : greatest)) + 6}" y="${y + 12}">${median.toFixed(2)} ×</text>`
  })
  return `<text x="0" y="${top + 16}" class="title">${title}</text>
${bars.join('\n')}
<line x1="${scale(1)}" y1="${top + HEAD - 6}" x2="${scale(1)}" y2="${bottom - 4}" class="base"/>`
}
