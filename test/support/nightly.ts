/**
 * How much of a long test is run: a share that is quick, or with `NIGHTLY=1`, as `npm run nightly` sets it, all of it.
 */
export function share (quick: number, whole: number): number {
  return process.env['NIGHTLY'] === '1' ? whole : quick
}
