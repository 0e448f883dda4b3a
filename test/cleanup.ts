/** Closes everything that a test has opened, in reverse order. */
export class Cleanup {
  readonly #tasks: (() => unknown)[] = []

  add<Thing extends { close(): unknown }>(thing: Thing): Thing {
    this.#tasks.push(() => thing.close())
    return thing
  }

  async run(): Promise<void> {
    for (const task of this.#tasks.splice(0).reverse()) await task()
  }
}
