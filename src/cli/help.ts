import { providersWithKeys } from '../providers/index.js'

const KEY_VARIABLES = providersWithKeys.map(({ keyVariable }) => keyVariable)
const VARIABLES_PER_LINE = 5

function keyVariableLines(): string {
  const lines = KEY_VARIABLES.flatMap((_name, index) =>
    index % VARIABLES_PER_LINE === 0 ? [KEY_VARIABLES.slice(index, index + VARIABLES_PER_LINE).join(', ')] : [],
  )
  return lines.join(',\n      ')
}

export const helpText: string = `modelmount: an LLM relay for clients of OpenAI, Anthropic and Gemini

  modelmount [--config FILE] [--port 8787] [--host 127.0.0.1]
      Starts the relay. Without --config, it uses the providers whose API keys are in these environment variables:
      ${keyVariableLines()}.
      If none is set, it starts a demo upstream. Clients then call with the key in MODELMOUNT_KEY, or with the key
      that the command prints. Port 0 picks a free port. PORT and HOST in the environment replace the defaults.
      HTTPS_PROXY, HTTP_PROXY and NO_PROXY apply to requests to providers.
  modelmount check --config FILE
      Checks a config and prints where each model name goes.
  modelmount schema
      Prints the JSON schema of the config.

  modelmount key create --id ID [--config FILE] [--group NAME] [--models 'gpt-*,fast'] [--expires 2027-01-01T00:00:00Z]
      Creates a key, prints it once and adds its digest to the config file. Without --config, it prints the entry to
      paste into the config.
  modelmount key list --config FILE
      Lists the keys without their secrets.
  modelmount key revoke ID|PUBLICID --config FILE
      Removes all keys of a caller, or one key.
  modelmount key rotate ID --config FILE [--overlap 24h] [--expires 2027-01-01T00:00:00Z]
      Adds a new key for a caller. The old keys expire after the overlap (90s, 15m, 24h, 7d).

  modelmount --help | --version

Commands without --config use the file that MODELMOUNT_CONFIG in the environment names.
A config file is JSON, or a JavaScript or TypeScript module with a default export. In JSON, \${NAME} is replaced by an
environment variable. The key commands can edit only JSON.`
