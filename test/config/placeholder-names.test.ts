/* eslint no-template-curly-in-string: off -- that is what the file's placeholders look like */
import t from 'tap'
import { fileComplaints as complaints } from '../support/configure.ts'

const OPENAI = { name: 'a', provider: 'openai', options: { apiKey: 'k', model: 'm' } }

// The variables are a plain object, and what it inherits counted as set.
t.test('a placeholder named like something that every object has is not set either', async t => {
  for (const name of ['constructor', 'toString', '__proto__']) {
    t.same(complaints({ targets: [{ ...OPENAI, options: { apiKey: `\${${name}}`, model: 'm' } }] }), [`targets[0].options.apiKey: \${${name}} is not set`])
  }
})
