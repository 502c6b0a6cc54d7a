import type postgres from 'postgres'

/**
 * What is wrong with the log of attempts, as the history of requests that all were answered: each request's attempts are
 * numbered from 1 without gaps or doubles, the last one alone is a success, and no target was tried twice for it.
 * One line for each fault.
 */
export async function faultsInAttempts (sql: postgres.Sql): Promise<string[]> {
  const rows = await sql<Array<{ fault: string }>>`
    with history as (
      select request_id, target, attempt_no, class, reason, status,
        row_number() over each_request as place, count(*) over (partition by request_id) as attempts,
        count(*) over (partition by request_id, target) as times
      from attempt window each_request as (partition by request_id order by attempt_no, id)
    )
    select format('%s: attempt %s in place %s', request_id, attempt_no, place) as fault from history where attempt_no <> place
    union all
    select format('%s: the last of %s attempts is a %s (%s)', request_id, attempts, class, reason) from history where place = attempts and class <> 'success'
    union all
    select format('%s: attempt %s of %s is a success', request_id, attempt_no, attempts) from history where place < attempts and class = 'success'
    union all
    select format('%s: a %s with the reason %s', request_id, class, coalesce(reason, 'none')) from history where (class = 'success') <> (reason is null)
    union all
    select format('%s: tried %s times at %s', request_id, times, target) from history where times > 1 and place = 1`
  return rows.map(({ fault }) => fault)
}

/** The requests in the log that are not among these, and those of these that are not in the log. */
export async function strangersInAttempts (sql: postgres.Sql, requests: readonly string[]): Promise<string[]> {
  const rows = await sql<Array<{ request: string }>>`select distinct request_id as request from attempt`
  const logged = new Set(rows.map(({ request }) => request))
  const asked = new Set(requests)
  return [...[...logged].filter(id => !asked.has(id)).map(id => `${id} was never asked`), ...requests.filter(id => !logged.has(id)).map(id => `${id} is not in the log`)]
}

/** How many attempts at each target are in the log, by their reason; `success` where there is none. */
export async function countAttempts (sql: postgres.Sql): Promise<Record<string, Record<string, number>>> {
  const rows = await sql<Array<{ target: string, reason: string, count: number }>>`
    select target, coalesce(reason, 'success') as reason, count(*)::int as count from attempt group by 1, 2`
  const counts: Record<string, Record<string, number>> = {}
  for (const { target, reason, count } of rows) counts[target] = { ...counts[target], [reason]: count }
  return counts
}
