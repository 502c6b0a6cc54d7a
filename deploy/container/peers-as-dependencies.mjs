/**
 * For the image, which is complete: what package.json has as peers, which others may leave out, becomes its dependencies, so that
 * `npm prune --omit=dev` keeps them. Changes the package.json of the working directory.
 */
import { readFileSync, writeFileSync } from 'node:fs'

const { dependencies = {}, devDependencies = {}, peerDependencies = {}, peerDependenciesMeta, ...rest } = JSON.parse(readFileSync('package.json', 'utf8'))
const dev = Object.fromEntries(Object.entries(devDependencies).filter(([name]) => !Object.hasOwn(peerDependencies, name)))
writeFileSync('package.json', JSON.stringify({ ...rest, dependencies: { ...dependencies, ...peerDependencies }, devDependencies: dev }))
