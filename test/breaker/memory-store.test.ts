import t from 'tap'
import { MemoryBreakerStore } from '../../breaker/memory-store.ts'
import { testBreakerStore } from '../support/breaker-store-contract.ts'
import { VirtualTime } from '../support/virtual-time.ts'

t.test('the memory store fulfils the contract', async t => {
  const time = new VirtualTime()
  await testBreakerStore(t, { store: new MemoryBreakerStore(time.now), elapse: async ms => await time.advance(ms) })
})
