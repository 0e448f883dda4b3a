/** What the user must mend before the command can run. Told as it is written, without a stack. */
export class Refusal extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'Refusal'
  }
}
