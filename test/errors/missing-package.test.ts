import t from 'tap'
import { MissingPackageError, missingAmong } from '../../errors/missing-package.ts'

const PACKAGES = ['@nowhere/sdk', '@nowhere/handler']

/** What the import of a module that is not there fails with. */
async function importing (specifier: string): Promise<unknown> {
  try {
    return await import(specifier)
  } catch (error) {
    return error
  }
}

t.test('a package that is not installed is named, with what to install', async t => {
  const cause = await importing('@nowhere/sdk')
  const error = missingAmong(PACKAGES, 'The provider x', cause)
  t.ok(error instanceof MissingPackageError)
  t.match(error, { name: 'MissingPackageError', code: 'MISSING_PACKAGE', packages: PACKAGES, cause, message: 'The provider x needs @nowhere/sdk and @nowhere/handler: npm install @nowhere/sdk @nowhere/handler' })
})

t.test('anything else that fails is what it was', async t => {
  for (const error of [await importing('@nowhere/else'), await importing('./nowhere.ts'), new Error('\'@nowhere/sdk\''), undefined]) t.equal(missingAmong(PACKAGES, 'x', error), error)
})
