/** A value for each label. */
export type Labels<L extends string> = Readonly<Record<L, string>>

/**
 * A series for each set of labels that was asked for, found label by label: joining them would make a string for each look-up, and
 * could take two sets for one.
 */
export class LabelledSeries<L extends string, S> {
  /** In the order in which they were first asked for. */
  readonly list: S[] = []
  readonly #labelNames: readonly L[]
  readonly #make: (labels: readonly string[]) => S
  readonly #root: Branch<S> = new Branch()

  /** @param make a new series; `labels` in the order of `labelNames` */
  constructor (labelNames: readonly L[], make: (labels: readonly string[]) => S) {
    this.#labelNames = labelNames
    this.#make = make
  }

  of (labels: Labels<L>): S {
    let branch = this.#root
    for (const name of this.#labelNames) branch = branch.to(labels[name])
    if (branch.series === undefined) {
      branch.series = this.#make(this.#labelNames.map(name => labels[name]))
      this.list.push(branch.series)
    }
    return branch.series
  }
}

class Branch<S> {
  series: S | undefined
  readonly #branches = new Map<string, Branch<S>>()

  to (value: string): Branch<S> {
    let branch = this.#branches.get(value)
    if (branch === undefined) this.#branches.set(value, branch = new Branch())
    return branch
  }
}
