import { describe, expect, it } from 'vitest'
import { type WriteFailure, WriteQueue } from '../../src/stores/sql/write-queue.js'

/** A queue whose writes can be made to fail. */
class Bench {
  readonly written: (readonly number[])[] = []
  readonly failures: WriteFailure[] = []
  isBroken = false
  readonly queue: WriteQueue<number>

  constructor(flushMs = 5, maxQueued = 100_000) {
    const onWriteFailure = (failure: WriteFailure): void => void this.failures.push(failure)
    this.queue = new WriteQueue<number>((items) => this.#write(items), { flushMs, maxQueued, onWriteFailure })
  }

  async #write(items: readonly number[]): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 2))
    if (this.isBroken) throw new Error('broken')
    this.written.push(items)
  }

  add(start: number, end: number): void {
    for (let number = start; number < end; number++) this.queue.add(number)
  }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

describe('a write queue', () => {
  it('soon writes waiting items together', async () => {
    const bench = new Bench()
    bench.add(0, 10)
    await expect.poll(() => bench.written).toEqual([upTo(10)])
    expect(bench.queue.some(() => true)).toBe(false)
  })

  it('keeps items that were added in one turn in one batch, however many they are', async () => {
    const bench = new Bench(60_000)
    bench.add(0, 1000)
    const flushed = bench.queue.flush()
    bench.add(1000, 1001)
    await flushed
    await bench.queue.flush()
    expect(bench.written).toEqual([upTo(1001)])
  })

  it('writes a full batch without waiting', async () => {
    const bench = new Bench(60_000)
    bench.add(0, 300)
    await expect.poll(() => bench.written).toEqual([upTo(300)])
  })

  it('keeps items in order and retries while writes fail', async () => {
    const bench = new Bench()
    bench.isBroken = true
    bench.add(0, 5)
    await expect.poll(() => bench.failures.length).toBeGreaterThan(1)
    bench.add(5, 400)
    await expect(bench.queue.flush()).rejects.toThrow('broken')
    bench.isBroken = false
    await expect.poll(() => bench.written.flat(), { timeout: 5000 }).toEqual(upTo(400))
    expect(bench.failures.every(({ lostCount }) => lostCount === 0)).toBe(true)
  })

  it('drops the oldest items when too many wait, and reports how many', async () => {
    const bench = new Bench(5, 1000)
    bench.isBroken = true
    for (let turn = 0; turn < 8; turn++) {
      bench.add(300 * turn, 300 * turn + 300)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    bench.isBroken = false
    await bench.queue.flush()
    const lost = bench.failures.reduce((sum, { lostCount }) => sum + lostCount, 0)
    expect(lost).toBeGreaterThanOrEqual(1400)
    expect(bench.written.flat().length + lost).toBe(2400)
    expect(bench.written.flat().at(-1)).toBe(2399)
  })

  it('drops all items when it closes and writes still fail, and reports how many', async () => {
    const bench = new Bench()
    bench.isBroken = true
    bench.add(0, 7)
    await bench.queue.close()
    expect(bench.failures.at(-1)?.lostCount).toBe(7)
    expect(bench.queue.some(() => true)).toBe(false)
  })
})
