/* eslint no-template-curly-in-string: off -- that is what the file's placeholders look like */
import t from 'tap'
import { complaints, fileComplaints } from '../support/configure.ts'

// A key that slipped into the wrong line of a .env file, or a placeholder in the wrong place of the file, was printed.
t.test('a name that is not known is told by its place, not by itself', async t => {
  t.same(await complaints({ PROVIDERS: 'sk-hunter2' }), ['PROVIDERS: name 1 is none of azure-apim, azure-openai, openai, gemini, bedrock'])
  const target = { name: '${KEY}', provider: 'openai', options: { apiKey: 'k', model: 'm' } }
  const lines = fileComplaints({ targets: [target, target], models: { m: { targets: ['x${KEY}', 'x${KEY}'] } }, default: 'y${KEY}' }, { KEY: 'hunter2' })
  t.equal(lines.length, 5)
  t.notMatch(lines.join(), /hunter2/)
})
