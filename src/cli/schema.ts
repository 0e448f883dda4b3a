import { configJsonSchema } from '../index.js'
import type { Command } from './command.js'

/** `modelmount schema`: what a config file may hold, for editors. */
export const schemaCommand: Command = {
  options: [],
  takes: [],
  run: () => console.log(JSON.stringify(configJsonSchema(), null, 2)),
}
