import { beforeEach, describe, expect, it } from 'vitest'
import { DeadlineTimer } from '../../src/lib/time.js'
import { UpstreamConnection } from '../../src/upstream/connection/upstream-connection.js'

const HEAD = ['content-type', 'text/event-stream'].map((text) => Buffer.from(text))
const nextTick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('a connection that gathers the chunks of a stream', () => {
  /** What the consumer returns for each write. */
  let answers: boolean[]
  let log: string[]
  let connection: UpstreamConnection

  beforeEach(() => {
    answers = []
    log = []
    const consumer = {
      write(bytes: Buffer) {
        log.push(`write ${bytes}`)
        if (String(bytes) === 'throw') throw new Error('thrown')
        return answers.shift() ?? true
      },
      end: () => void log.push('end'),
      fail: () => undefined,
    }
    const events = {
      onHead: () => consumer,
      onBytes: (canTakeMore: boolean) => void log.push(canTakeMore ? 'more' : 'full'),
      onComplete: () => undefined,
      onFailure() {
        log.push('failure')
        throw new Error('thrown again')
      },
    }
    connection = new UpstreamConnection(events, new DeadlineTimer())
    connection.onConnect(() => void log.push('abort'))
    connection.onHeaders(200, HEAD, () => void log.push('resume'))
  })

  it('stays full until the consumer resumes, even if what arrives meanwhile writes nothing', async () => {
    answers = [false, true, true]
    expect(connection.onData(Buffer.from('a'))).toBe(true)
    expect(connection.onData(Buffer.from('b'))).toBe(true)
    await nextTick()
    expect(connection.onData(Buffer.from('c'))).toBe(false)
    await nextTick()
    expect(log.splice(0)).toEqual(['write ab', 'full', 'write c', 'full'])
    connection.resume()
    expect(connection.onData(Buffer.from('d'))).toBe(true)
    await nextTick()
    expect(log).toEqual(['resume', 'write d', 'more'])
  })

  it('reads the end of a response whose answer is complete before the consumer resumes', async () => {
    answers = [false]
    connection.onData(Buffer.from('a'))
    await nextTick()
    expect(connection.onData(Buffer.from('b'))).toBe(false)
    await nextTick()
    connection.close()
    connection.awaitEnd()
    expect(log).toEqual(['write a', 'full', 'write b', 'full', 'resume'])
    expect(connection.onData(Buffer.from('c'))).toBe(true)
    connection.onComplete()
    expect(log).toHaveLength(5)
  })

  it('aborts where the consumer throws and its failure throws too', async () => {
    connection.onData(Buffer.from('throw'))
    await nextTick()
    expect(log).toEqual(['write throw', 'failure', 'abort'])
  })
})
