import type { TargetRef } from './model-routes.ts'
import type { TargetLoad } from './target-load.ts'

/** How the targets of a model are put in order for a request. */
export type Balancing =
  /** As they are listed. */
  | { readonly kind: 'order' }
  /** By chance, each as likely to be first as its weight says. */
  | { readonly kind: 'weighted', readonly weights: ReadonlyMap<string, number> }
  /** Fewest attempts under way first, as measured by the weights. */
  | { readonly kind: 'least_busy', readonly weights: ReadonlyMap<string, number> }
  /** Whoever begins to answer soonest, of late. */
  | { readonly kind: 'fastest' }

/** Of so many requests one goes to another target than the fastest, to learn what has become of that. */
const EXPLORE = 20

/**
 * The targets in the order in which a request tries them: all of them, as the later ones are what failover is for.
 * @param random numbers from 0 to below 1
 */
export function inOrder (targets: readonly TargetRef[], balancing: Balancing, load: Pick<TargetLoad, 'busy' | 'firstOutputMs'>, random: () => number = Math.random): readonly TargetRef[] {
  if (targets.length < 2) return targets
  switch (balancing.kind) {
    case 'order': return targets
    case 'weighted': return drawn(targets, weightsOf(targets, balancing.weights), random)
    case 'least_busy': {
      const weights = weightsOf(targets, balancing.weights)
      return sorted(targets, targets.map(({ name }, i) => (load.busy(name) + 1) / (weights[i] ?? 1)))
    }
    case 'fastest': {
      const times = targets.map(({ name }) => load.firstOutputMs(name))
      if (random() * EXPLORE < 1) times[Math.floor(random() * times.length)] = -1
      return sorted(targets, times)
    }
  }
}

function weightsOf (targets: readonly TargetRef[], weights: ReadonlyMap<string, number>): number[] {
  return targets.map(({ name }) => weights.get(name) ?? 1)
}

/** Smallest first; of equal ones the one that is listed first. */
function sorted (targets: readonly TargetRef[], values: readonly number[]): TargetRef[] {
  return targets
    .map((target, i) => ({ target, value: values[i] ?? 0 }))
    .sort((a, b) => a.value - b.value)
    .map(({ target }) => target)
}

/** One after the other is drawn from those that are left. What weighs nothing comes last, in its order. */
function drawn (targets: readonly TargetRef[], weights: number[], random: () => number): TargetRef[] {
  const left = [...targets]
  const order: TargetRef[] = []
  let total = weights.reduce((sum, weight) => sum + weight, 0)
  while (left.length > 0) {
    let at = random() * total
    let i = 0
    while (i < left.length - 1 && at >= (weights[i] ?? 0)) at -= weights[i++] ?? 0
    const [target] = left.splice(i, 1)
    const [weight] = weights.splice(i, 1)
    if (target !== undefined) order.push(target)
    total -= weight ?? 0
  }
  return order
}
