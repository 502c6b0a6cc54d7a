/**
 * How a runtime starts the image on a cluster: the chart's settings, as an OCI bundle for runc.
 * @see https://github.com/opencontainers/runtime-spec/blob/main/config.md
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Type } from 'typebox'
import type { Static } from 'typebox'
import { Assert } from 'typebox/value'

/** Docker's default profile, as Debian's golang-github-containers-common has it: what `RuntimeDefault` means. */
const SECCOMP_PROFILE = '/usr/share/containers/seccomp.json'
/** Of `runc spec`'s mounts those that would need a network or a cgroup of its own. */
const LEFT_OUT = ['/sys', '/sys/fs/cgroup']

const Image = Type.Object({
  Docker: Type.Object({
    config: Type.Object({
      User: Type.String(),
      Env: Type.Array(Type.String()),
      Entrypoint: Type.Array(Type.String()),
      Cmd: Type.Array(Type.String()),
      WorkingDir: Type.String(),
      StopSignal: Type.Optional(Type.String()),
      Healthcheck: Type.Object({ Test: Type.Array(Type.String()) })
    })
  })
})
/** What the image says of itself, by `buildah inspect`. */
export type ImageConfig = Static<typeof Image>['Docker']['config']

const Spec = Type.Object({
  mounts: Type.Array(Type.Object({ destination: Type.String() })),
  process: Type.Object({}),
  linux: Type.Object({ namespaces: Type.Array(Type.Object({ type: Type.String() })) })
})

const Profile = Type.Object({
  defaultAction: Type.String(),
  defaultErrnoRet: Type.Optional(Type.Integer()),
  syscalls: Type.Array(Type.Object({
    names: Type.Array(Type.String()),
    action: Type.String(),
    errnoRet: Type.Optional(Type.Integer()),
    args: Type.Optional(Type.Union([Type.Null(), Type.Array(Type.Unknown())])),
    includes: Type.Optional(Type.Object({ caps: Type.Optional(Type.Array(Type.String())), arches: Type.Optional(Type.Array(Type.String())) })),
    excludes: Type.Optional(Type.Object({ caps: Type.Optional(Type.Array(Type.String())), arches: Type.Optional(Type.Array(Type.String())) }))
  }))
})

/** @param file where `buildah inspect --type image` was written to */
export function readImage (file: string): ImageConfig {
  const image: unknown = JSON.parse(readFileSync(file, 'utf8'))
  Assert(Image, image)
  return image.Docker.config
}

export interface BundleOptions {
  /** The image's file system. */
  readonly rootfs: string
  readonly image: ImageConfig
  /** Where the bundle is made. */
  readonly directory: string
  readonly env: Readonly<Record<string, string>>
  /** Whether there is a place to write to, at /data. */
  readonly data: boolean
}

/**
 * Makes a bundle for a process that may do as little as the chart's pods: its user, no capabilities and none to be had, a
 * read-only root, the default seccomp profile. It has the machine's network.
 */
export function makeBundle ({ rootfs, image, directory, env, data }: BundleOptions): void {
  mkdirSync(directory, { recursive: true })
  execFileSync('runc', ['spec', '--bundle', directory])
  const file = join(directory, 'config.json')
  const spec: unknown = JSON.parse(readFileSync(file, 'utf8'))
  Assert(Spec, spec)
  const [uid = NaN, gid = NaN] = image.User.split(':').map(Number)
  const mounts = spec.mounts.filter(({ destination }) => !LEFT_OUT.includes(destination))
  writeFileSync(file, JSON.stringify({
    ...spec,
    hostname: undefined,
    root: { path: rootfs, readonly: true },
    process: {
      ...spec.process,
      terminal: false,
      user: { uid, gid },
      args: [...image.Entrypoint, ...image.Cmd],
      env: [...image.Env, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)],
      cwd: image.WorkingDir,
      capabilities: { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] },
      rlimits: undefined, // those of the machine
      noNewPrivileges: true
    },
    mounts: data ? [...mounts, emptyDir(join(directory, 'data'), gid)] : mounts,
    linux: { ...spec.linux, namespaces: spec.linux.namespaces.filter(({ type }) => type !== 'network' && type !== 'cgroup'), seccomp: seccomp() }
  }))
}

/** A directory as Kubernetes gives it to a pod with an `fsGroup`: root's, with the group's rights. */
function emptyDir (source: string, gid: number) {
  mkdirSync(source)
  chownSync(source, 0, gid)
  chmodSync(source, 0o2770)
  return { destination: '/data', type: 'bind', source, options: ['bind', 'rw', 'nosuid', 'nodev'] }
}

/** The profile for a process without capabilities. */
function seccomp () {
  const profile: unknown = JSON.parse(readFileSync(SECCOMP_PROFILE, 'utf8'))
  Assert(Profile, profile)
  const [arch, architectures] = process.arch === 'arm64' ? ['arm64', ['SCMP_ARCH_AARCH64']] as const : ['amd64', ['SCMP_ARCH_X86_64']] as const
  const applies = ({ includes = {}, excludes = {} }: (typeof profile.syscalls)[number]): boolean =>
    (includes.caps ?? []).length === 0 &&
    ((includes.arches ?? []).length === 0 || includes.arches?.includes(arch) === true) &&
    excludes.arches?.includes(arch) !== true
  return {
    defaultAction: profile.defaultAction,
    defaultErrnoRet: profile.defaultErrnoRet,
    architectures,
    syscalls: profile.syscalls.filter(applies).map(({ names, action, errnoRet, args }) => ({ names, action, errnoRet, args: args ?? [] }))
  }
}
