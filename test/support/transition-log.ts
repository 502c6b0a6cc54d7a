import type postgres from 'postgres'

/**
 * What is wrong with the log of transitions: each target's epochs have to be contiguous, each `from` the `to` before, and
 * the stored breaker the last of them. One line for each fault.
 */
export async function faultsInLog (sql: postgres.Sql): Promise<string[]> {
  const rows = await sql<Array<{ fault: string }>>`
    with log as (
      select target, epoch, from_state, to_state,
        lag(epoch) over each_target as epoch_before, lag(to_state) over each_target as state_before
      from breaker_transition window each_target as (partition by target order by epoch)
    )
    select format('%s: epoch %s follows %s', target, epoch, coalesce(epoch_before, 0)) as fault
      from log where epoch <> coalesce(epoch_before, 0) + 1
    union all
    select format('%s: epoch %s comes from %s, but %s was before', target, epoch, from_state, coalesce(state_before, 'closed'))
      from log where from_state <> coalesce(state_before, 'closed')
    union all
    select format('%s: stored is %s at epoch %s, logged last %s at %s', b.target, b.state, b.epoch, l.to_state, l.epoch)
      from breaker b left join (select distinct on (target) target, epoch, to_state from breaker_transition order by target, epoch desc) l using (target)
      where b.epoch <> coalesce(l.epoch, 0) or b.state <> coalesce(l.to_state, 'closed')`
  return rows.map(({ fault }) => fault)
}
