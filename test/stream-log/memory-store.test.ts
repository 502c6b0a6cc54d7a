import t from 'tap'
import { MemoryStreamStore } from '../../stream-log/memory-store.ts'
import { testStreamStore } from '../support/stream-store-contract.ts'

t.test('fulfils the contract of stream stores', async t => {
  let now = 0
  await testStreamStore(t, new MemoryStreamStore(() => now), async ms => { now += ms })
})
