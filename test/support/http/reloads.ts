/** Reloads of an app under load. */
import { expect } from 'chai'
import { fresh } from '../requests.ts'
import type { Tsicorn } from '../tsicorn.ts'
import { Load } from './load.ts'

export interface VersionedApp {
  readonly file: string
  /** Answers with `v` and the version, at `/slow` after it has printed that a slow one has begun. */
  readonly text: (version: number) => string
  /** How many clients there are. */
  readonly clients: number
}

/** Replaces version 1 by 2, and that by 3: no request is lost, and the old version finishes what it has begun. */
export async function reloadTwice(server: Tsicorn, { file, text, clients }: VersionedApp): Promise<void> {
  const { url } = server
  const load = new Load({ url, clients, keepAlive: true })
  for (let version = 2; version <= 3; version += 1) {
    const slow = fresh(`${url}/slow`)
    await server.says(/a slow one has begun/)
    server.write(file, text(version))
    await server.reload()
    expect(await slow).to.equal(`v${version - 1}`)
    expect(await fresh(url)).to.equal(`v${version}`)
  }
  const { failures, ok } = await load.stop()
  expect(failures).to.deep.equal([])
  expect(ok).to.be.greaterThan(0)
}
