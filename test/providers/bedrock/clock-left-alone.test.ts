/** A file of its own: the SDK reads the variable once for the process. */
import t from 'tap'
import { amzDate } from '../../../providers/bedrock/signature-v4.ts'
import { Signer } from '../../../providers/bedrock/signer.ts'
import { IDLE, MODEL } from './target.ts'

process.env['AWS_DISABLE_CLOCK_SKEW_CORRECTION'] = 'true'

t.test('the clock is not set where the SDK is told not to correct it', async t => {
  const signer = new Signer({ region: 'eu-west-1' })
  t.teardown(() => signer.close())
  const time = async (): Promise<string> => (await signer.sign('converse', MODEL, '{}', IDLE)).headers['x-amz-date'] ?? ''
  await time()
  signer.correctClock({ date: new Date(Date.now() + 86_400_000).toUTCString() })
  t.ok(await time() < amzDate(Date.now() + 43_200_000))
})
