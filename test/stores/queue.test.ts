import { describe, expect, it } from 'vitest'
import { Queue, type SqlTrouble } from '../../src/stores/sql/queue.js'

/** A queue over a place that can be broken. */
class Bench {
  readonly written: (readonly number[])[] = []
  readonly troubles: SqlTrouble[] = []
  broken = false
  readonly queue: Queue<number>

  constructor(flushMs = 5, mostQueued = 100_000) {
    const onTrouble = (trouble: SqlTrouble): void => void this.troubles.push(trouble)
    this.queue = new Queue<number>((items) => this.#write(items), { flushMs, mostQueued, onTrouble })
  }

  async #write(items: readonly number[]): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 2))
    if (this.broken) throw new Error('away')
    this.written.push(items)
  }

  add(from: number, to: number): void {
    for (let number = from; number < to; number++) this.queue.add(number)
  }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

describe('what waits to be written', () => {
  it('is written together, soon', async () => {
    const bench = new Bench()
    bench.add(0, 10)
    await expect.poll(() => bench.written).toEqual([upTo(10)])
    expect(bench.queue.some(() => true)).toBe(false)
  })

  it('is not parted when it was added in one turn, however much it is', async () => {
    const bench = new Bench(60_000)
    bench.add(0, 1000)
    const flushed = bench.queue.flush()
    bench.add(1000, 1001)
    await flushed
    await bench.queue.flush()
    expect(bench.written).toEqual([upTo(1001)])
  })

  it('is written without waiting when there is much of it', async () => {
    const bench = new Bench(60_000)
    bench.add(0, 300)
    await expect.poll(() => bench.written).toEqual([upTo(300)])
  })

  it('is kept in order, and tried again, while that fails', async () => {
    const bench = new Bench()
    bench.broken = true
    bench.add(0, 5)
    await expect.poll(() => bench.troubles.length).toBeGreaterThan(1)
    bench.add(5, 400)
    await expect(bench.queue.flush()).rejects.toThrow('away')
    bench.broken = false
    await expect.poll(() => bench.written.flat(), { timeout: 5000 }).toEqual(upTo(400))
    expect(bench.troubles.every(({ lost }) => lost === 0)).toBe(true)
  })

  it('is given up, the oldest first, beyond what may wait; somebody is told how much', async () => {
    const bench = new Bench(5, 1000)
    bench.broken = true
    for (let turn = 0; turn < 8; turn++) {
      bench.add(300 * turn, 300 * turn + 300)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    bench.broken = false
    await bench.queue.flush()
    const lost = bench.troubles.reduce((sum, trouble) => sum + trouble.lost, 0)
    expect(lost).toBeGreaterThanOrEqual(1400)
    expect(bench.written.flat().length + lost).toBe(2400)
    expect(bench.written.flat().at(-1)).toBe(2399)
  })

  it('is given up at the end if nobody takes it, and somebody is told', async () => {
    const bench = new Bench()
    bench.broken = true
    bench.add(0, 7)
    await bench.queue.close()
    expect(bench.troubles.at(-1)?.lost).toBe(7)
    expect(bench.queue.some(() => true)).toBe(false)
  })
})
