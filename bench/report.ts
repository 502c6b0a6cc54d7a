/**
 * The report on a file of results.
 *
 *     node bench/report.ts FILE            prints it as Markdown
 *     node bench/report.ts FILE --publish  replaces RESULTS.md, results.svg and results.jsonl beside this file
 */
import { copyFile, rm, stat, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { readResults } from './measurement.ts'
import { markdown } from './markdown.ts'
import { plot } from './plot.ts'

/** Larger ones are not for a repository. */
const MAX_RAW_BYTES = 200_000
const here = fileURLToPath(new URL('.', import.meta.url))

/** The report as Markdown. */
export async function writeReport (file: string): Promise<string> {
  return markdown(await readResults(file))
}

/** Replaces the published report. */
export async function publish (file: string): Promise<void> {
  const results = await readResults(file)
  const { size } = await stat(file)
  const raw = `${here}results.jsonl`
  if (size > MAX_RAW_BYTES) await rm(raw, { force: true })
  else if (fileURLToPath(new URL(file, `file://${process.cwd()}/`)) !== raw) await copyFile(file, raw)
  await writeFile(`${here}results.svg`, plot(results))
  await writeFile(`${here}RESULTS.md`, markdown(results, { plot: 'results.svg', ...(size > MAX_RAW_BYTES ? {} : { raw: 'results.jsonl' }) }))
  console.log(`written: bench/RESULTS.md, bench/results.svg${size > MAX_RAW_BYTES ? '' : ', bench/results.jsonl'}`)
}

if (import.meta.main) {
  const [file, flag] = process.argv.slice(2)
  if (file === undefined) {
    console.error('node bench/report.ts FILE [--publish]')
    process.exit(2)
  }
  if (flag === '--publish') await publish(file)
  else process.stdout.write(await writeReport(file))
}
