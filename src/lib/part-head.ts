/** The head of one part of a form. */
export interface PartHead {
  readonly name: string
  readonly isFile: boolean
}

const DISPOSITION = /^content-disposition[ \t]*:[ \t]*form-data[ \t]*(;.*)$/is
const ENCODING = /^content-transfer-encoding[ \t]*:[ \t]*(.*?)[ \t]*$/i
/** One parameter. A quoted value may hold any characters, with a backslash before a quote. */
const PARAMETER = /;[ \t]*([^\s=;"]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^;"]*))[ \t]*/gsy
/** Encodings that do not change the bytes. */
const PLAIN: ReadonlySet<string> = new Set(['7bit', '8bit', 'binary'])

/**
 * Reads the head of a part. Returns a message if it is malformed. It refuses heads that an upstream could read differently:
 * the model that the relay admits must be the one that the upstream runs.
 */
export function readPartHead(head: string): PartHead | string {
  const lines = head.split('\r\n')
  if (/[\r\n\0]/.test(lines.join(''))) return 'has a stray line end in its head'
  if (!lines.every((line) => /^[^\s:]+[ \t]*:/.test(line))) return 'has a line in its head that is not a header'
  const encoding = lines.map((line) => ENCODING.exec(line)?.[1]).find((found) => found !== undefined)
  if (encoding !== undefined && !PLAIN.has(encoding.toLowerCase())) return 'has a content-transfer-encoding'
  const dispositions = lines.filter((line) => /^content-disposition\b/i.test(line))
  if (dispositions.length > 1) return 'has more than one content-disposition'
  const parameters = readParameters(DISPOSITION.exec(dispositions[0] ?? '')?.[1] ?? '')
  if (!parameters) return 'has a content-disposition that cannot be read'
  const names = parameters.filter(([key]) => key === 'name' || key === 'name*')
  const [name] = names
  if (!name) return 'has no name'
  if (names.length > 1 || name[0] === 'name*') return 'has a name that can be read in two ways'
  return { name: name[1], isFile: parameters.some(([key]) => key === 'filename' || key === 'filename*') }
}

/** Returns undefined if the text holds anything but parameters. */
function readParameters(text: string): readonly (readonly [key: string, value: string])[] | undefined {
  const found = [...text.matchAll(PARAMETER)]
  if (found.reduce((length, [whole]) => length + whole.length, 0) !== text.length) return undefined
  return found.map(([, key = '', quoted, plain = '']) => [
    key.toLowerCase(),
    quoted?.replace(/\\(.)/g, '$1') ?? plain.trim(),
  ])
}
