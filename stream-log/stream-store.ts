/**
 * Where the frames of resumable streams are kept, for every replica to read.
 *
 * A stream belongs to the replica that runs it, which writes and gives signs of life. Whoever finds that it gives none any
 * more takes it over, where that is possible, or declares it lost; from then on the former owner's writes are refused, so nobody
 * reads on in a stream that has two ends.
 */
import type { Segment } from './frame-log.ts'

/** How a stored stream stands. `lost`: its replica died; the last frame says so. `deleted`: nobody may read it any more. */
export type StoredStreamState = 'running' | 'ended' | 'lost' | 'deleted'

/** A stream as it begins. */
export interface NewStream {
  /** A UUID that cannot be guessed. */
  readonly id: string
  /** Who may read it; null: whoever knows its id. */
  readonly caller: string | null
  /** The target that began to answer. */
  readonly target: string
  /** What its frames are written in: a word of whoever keeps it, for whoever has to add a last one. */
  readonly dialect: string
  /** What another replica has to know to carry it on: words of whoever takes it over. Undefined: nobody can. */
  readonly request?: string | undefined
}

/** What one stream has to have stored. */
export interface StreamWrite {
  readonly id: string
  /** The stream itself, where it is not stored yet. */
  readonly begun: NewStream | undefined
  readonly segment: Segment | undefined
  readonly ended: boolean
}

/** A stream and what follows a position in it. */
export interface StoredStream {
  readonly caller: string | null
  /** Empty: it was claimed, and has not begun. */
  readonly target: string
  readonly dialect: string
  readonly state: StoredStreamState
  /** The number of its newest stored frame. */
  readonly lastId: number
  /** Changes with each sign of life of its replica. */
  readonly beat: string
  /** Its replica has let go of it, for another one to take over. */
  readonly handedOver: boolean
  /** In order, from the one that holds the frame after the position; not all, where that is much. */
  readonly segments: readonly Segment[]
}

/** What has become of a replica's own streams. */
export interface Ownership {
  /** No longer its own: declared lost, or expired. */
  readonly lost: readonly string[]
  /** To be ended, as a caller wants. */
  readonly deleted: readonly string[]
  /** Read at other replicas. */
  readonly followed: readonly string[]
}

/** Who wants to take a stream over, and on which condition. */
export interface Takeover {
  readonly id: string
  /** The last sign of life that was seen: if there has been another one, it is not silent. */
  readonly beat: string
  /** The replica that will run it. */
  readonly owner: string
  /** How long it is kept from now on, in ms. */
  readonly ttlMs: number
  /** How often a stream may be taken over: what kills each replica that runs it must not kill them all. */
  readonly atMost: number
}

/** A stream that was taken over. */
export interface TakenStream {
  readonly stream: NewStream & { readonly request: string }
  /** The number of its newest stored frame. */
  readonly lastId: number
  /** How long ago it began, in ms. */
  readonly ageMs: number
  /** Its replica had let go of it in order; otherwise it has died, or stands still. */
  readonly handedOver: boolean
}

/** A request that its caller has given a name, so that it can ask again without asking twice. */
export interface RequestClaim {
  /** The stream that it will be. */
  readonly id: string
  readonly caller: string | null
  readonly key: string
  /** What its frames will be written in. */
  readonly dialect: string
  /** Of what was asked for: the same name for something else is a mistake. */
  readonly digest: string
}

/** Every method may reject; the same write may come twice. */
export interface StreamStore {
  /** Makes a stream that has not begun, unless there is one of this caller and key: gives the one there is. */
  claim (owner: string, claim: RequestClaim, ttlMs: number): Promise<{ readonly id: string, readonly digest: string }>
  /** Frees the key of a stream: the next who asks with it starts anew. One that has not begun is gone. */
  release (id: string): Promise<void>
  /** Stores what is new of several streams of one replica; `ttlMs`: how long they are kept from now on. */
  write (owner: string, writes: readonly StreamWrite[], ttlMs: number): Promise<Ownership>
  /** A sign of life for running streams, which keeps them for another `ttlMs`. */
  beat (owner: string, ids: readonly string[], ttlMs: number): Promise<Ownership>
  /** Undefined: there is none, or none any more. Being read, it announces what is new. */
  read (id: string, afterId: number): Promise<StoredStream | undefined>
  /** Ends a running stream whose replica has been silent since `beat`, with a last frame made of the next number and the dialect. False: it lives, or was ended already. */
  declareLost (id: string, beat: string, lastFrame: (id: number, dialect: string) => string): Promise<boolean>
  /** Makes a running stream this replica's own. Undefined: it lives, has ended, cannot be carried on, or was taken over too often. */
  takeOver (takeover: Takeover): Promise<TakenStream | undefined>
  /** Replaces what another replica has to know of a running stream, where it is this replica's own and there is such. */
  renew (owner: string, id: string, request: string): Promise<void>
  /** Lets go of a replica's own streams, so that others need not wait before they take them over. */
  handOver (owner: string, ids: readonly string[]): Promise<void>
  /** Forgets its frames, and has its replica end it. */
  remove (id: string): Promise<void>
  /** Forgets what has expired. */
  sweep (): Promise<void>
  /** Tells of streams with something new until the returned function is called. A store without it is only polled. */
  watch?(onChange: (id: string) => void): () => Promise<void>
}
