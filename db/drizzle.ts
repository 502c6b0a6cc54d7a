/**
 * Drizzle and the drivers below it, as CommonJS. As ES modules the same files cost 0.4 s and 100 MB more: for each file
 * whose name ends in `.js`, Node's loader parses the whole `exports` of the package.json around it, and drizzle's has
 * 180 KB. So far as of Node 24; see `getPackageScopeConfig` in Node's lib/internal/modules/package_json_reader.js.
 */
import { createRequire } from 'node:module'
import type * as Pglite from '@electric-sql/pglite'
import type * as MigrationReader from 'drizzle-orm/migrator'
import type * as DrizzleOnProxy from 'drizzle-orm/pg-proxy'
import type * as DrizzleOnPglite from 'drizzle-orm/pglite'
import type * as PgliteMigrator from 'drizzle-orm/pglite/migrator'
import type * as DrizzleOnPostgres from 'drizzle-orm/postgres-js'
import type * as DrizzleSql from 'drizzle-orm/sql'
import type Postgres from 'postgres'
import { missingAmong } from '../errors/missing-package.ts'

const require = createRequire(import.meta.url)

/** The template for SQL. */
export const { sql }: typeof DrizzleSql = require('drizzle-orm/sql')

/** What speaks to PostgreSQL, and drizzle on it. */
export function loadPostgres () {
  const postgres: typeof Postgres = require('postgres')
  const { drizzle }: typeof DrizzleOnPostgres = require('drizzle-orm/postgres-js')
  return { postgres, drizzle }
}

/** What reads the migrations' files. */
export function loadMigrationReader () {
  const { readMigrationFiles }: typeof MigrationReader = require('drizzle-orm/migrator')
  return { readMigrationFiles }
}

/** The embedded PostgreSQL, and drizzle on it. @throws {MissingPackageError} it is not installed */
export function loadPglite () {
  const { PGlite } = requirePglite()
  const { drizzle }: typeof DrizzleOnPglite = require('drizzle-orm/pglite')
  return { PGlite, drizzle }
}

function requirePglite (): typeof Pglite {
  try {
    return require('@electric-sql/pglite')
  } catch (error) {
    throw missingAmong(['@electric-sql/pglite'], 'The embedded database, used where there is no DATABASE_URL,', error)
  }
}

/** Drizzle on a database that somebody else speaks to. */
export function loadPgProxy () {
  const { drizzle }: typeof DrizzleOnProxy = require('drizzle-orm/pg-proxy')
  return { drizzle }
}

/** What changes PGlite's tables. */
export function loadPgliteMigrator () {
  const { migrate }: typeof PgliteMigrator = require('drizzle-orm/pglite/migrator')
  return { migrate }
}
