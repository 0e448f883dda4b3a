import { providersWithKeys } from '../providers/index.js'

const VARIABLES = providersWithKeys.map(({ keyVariable }) => keyVariable)
const PER_LINE = 5

/** The variables of all keys, so many on a line. */
function variables(): string {
  const lines = VARIABLES.flatMap((_name, at) =>
    at % PER_LINE === 0 ? [VARIABLES.slice(at, at + PER_LINE).join(', ')] : [],
  )
  return lines.join(',\n      ')
}

/** All that the command line takes. */
export const helpText: string = `modelmount: an LLM relay for clients of OpenAI, Anthropic and Gemini

  modelmount [--config FILE] [--port 8787] [--host 127.0.0.1]
      Serves the relay. Without a config file it relays to the providers whose keys are in the environment;
      without those, to a demo upstream. Callers' key is then MODELMOUNT_KEY, or one that is printed. Port 0
      takes a free one. Keys are looked for in
      ${variables()}.
  modelmount check --config FILE
      Checks a config and prints where each model name goes.
  modelmount schema
      Prints the config's JSON schema.

  modelmount key create --id ID [--config FILE] [--group NAME] [--models 'gpt-*,fast'] [--expires 2027-01-01T00:00:00Z]
      Makes a key, adds it to the config file and prints it once. Without a file it prints the row to paste.
  modelmount key list --config FILE
      Lists the keys, without their secrets.
  modelmount key revoke ID|PUBLICID --config FILE
      Removes all keys of a caller, or one key.
  modelmount key rotate ID --config FILE [--overlap 24h] [--expires 2027-01-01T00:00:00Z]
      Adds a new key for a caller; the old ones end after the overlap (90s, 15m, 24h, 7d).

  modelmount --help | --version

A config file is JSON, or a JavaScript or TypeScript module with a default export. In JSON, \${NAME} is taken from the
environment. Editing keys needs JSON.`
