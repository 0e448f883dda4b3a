import { describe, expect, it } from 'vitest'
import { contentTypeOf, readMultipart, writeFirstField } from '../../src/lib/multipart.js'

const MODEL = 'content-disposition: form-data; name="model"'
const form = (head: string, content = 'm', boundary = 'b'): Buffer =>
  Buffer.from(`--${boundary}\r\n${head}\r\n\r\n${content}\r\n--${boundary}--\r\n`)

function read(body: Buffer): { name: string; isFile: boolean; text: string }[] {
  return readMultipart(body).parts.map(({ name, isFile, start, end }) => ({
    name,
    isFile,
    text: body.toString('utf8', start, end),
  }))
}

describe('a part of a form', () => {
  it.each([
    [
      'as undici writes it',
      'Content-Disposition: form-data; name="file"; filename="a.mp3"\r\nContent-Type: audio/mpeg',
      'file',
      true,
    ],
    ['without quotes', 'content-disposition:form-data;name=model', 'model', false],
    [
      'whose parameters come the other way round',
      'content-disposition: form-data; filename="x"; name="file"',
      'file',
      true,
    ],
    [
      'whose file is called like a parameter',
      'content-disposition: form-data; filename="x; name=model"; name="file"',
      'file',
      true,
    ],
    [
      'whose file name has a quote behind a backslash',
      'content-disposition: form-data; name="file"; filename="a\\"; name=\\"model.mp3"',
      'file',
      true,
    ],
    [
      'whose file name is no ASCII, in both spellings',
      'content-disposition: form-data; name="file"; filename="nä\u2028me"; filename*=UTF-8\'\'n%C3%A4me',
      'file',
      true,
    ],
    ['whose name looks like a file’s', 'content-disposition: form-data; name="a; filename=b"', 'a; filename=b', false],
    ['with content-transfer-encoding binary', `${MODEL}\r\ncontent-transfer-encoding: binary`, 'model', false],
    ['with other headers before', `content-type: text/plain\r\ncontent-length: 1\r\n${MODEL}`, 'model', false],
  ])('%s', (_what, head, name, isFile) => {
    expect(read(form(head))).toEqual([{ name, isFile, text: 'm' }])
  })

  it('may be empty, or contain an incomplete boundary', () => {
    expect(read(form(MODEL, ''))).toMatchObject([{ text: '' }])
    expect(read(Buffer.from(`--b\r\n${MODEL}\r\n\r\n--b--\r\n`))).toMatchObject([{ text: '' }])
    expect(read(form(MODEL, 'x--b\r\n-b\r\n--'))).toMatchObject([{ text: 'x--b\r\n-b\r\n--' }])
  })

  // What is let in here is what another reader further on will ask for: so nothing may be read in two ways.
  it.each([
    ['two names', 'content-disposition: form-data; name="x"; name="model"', 'part 1 has a name that can be read'],
    ['a name in another encoding', "content-disposition: form-data; name*=UTF-8''model", 'part 1 has a name'],
    ['two dispositions', `${MODEL}\r\ncontent-disposition: form-data; name="x"`, 'more than one content-disposition'],
    ['a line end within its file name', 'content-disposition: form-data; name="x"; filename="\n', 'a stray line end'],
    ['a header behind a bare line end', `content-type: a\n${MODEL}`, 'a stray line end'],
    ['a folded header', 'content-disposition: form-data;\r\n name="model"', 'a line in its head that is not a header'],
    ['Base64', `${MODEL}\r\nContent-Transfer-Encoding: base64`, 'a content-transfer-encoding'],
    [
      'a quote that does not end',
      'content-disposition: form-data; name="model',
      'content-disposition that cannot be read',
    ],
    ['no name', 'content-disposition: form-data; filename="x"', 'part 1 has no name'],
    ['no form-data', 'content-disposition: attachment; name="model"', 'part 1 has no name'],
    ['a head of a megabyte', `x: ${'y'.repeat(1_000_000)}\r\n${MODEL}`, 'part 1 has a head of more than 16384 bytes'],
  ])('with %s is refused', (_what, head, words) => {
    expect(() => readMultipart(form(head))).toThrow(words)
  })
})

describe('a boundary', () => {
  it('is not matched by a longer line', () => {
    const body = Buffer.from(
      `--b\r\n${MODEL}\r\n\r\ncheap\r\n--bx\r\n${MODEL.replace('model', 'file')}; filename="a"\r\n\r\nx\r\n--b--\r\n`,
    )
    expect(() => readMultipart(body)).toThrow('part 1 is not followed by a boundary on a line of its own')
  })

  it.each(['\n', '\r', 'x\n', '\r\r'])('after %j is refused, since parsers disagree about it', (before) => {
    const file = `${MODEL.replace('model', 'file')}; filename="a"`
    const content = `a${before}--b\r\n${MODEL}\r\n\r\nother`
    expect(() => readMultipart(Buffer.from(`--b\r\n${file}\r\n\r\n${content}\r\n--b--\r\n`))).toThrow(
      'part 1, "file", has a boundary after an incomplete line end',
    )
  })

  it.each([
    ['', true],
    ['\r\n', true],
    ['\n', false],
    ['\r\n\r\n', false],
    [`\r\n--b\r\n${MODEL}\r\n\r\nother\r\n--b--\r\n`, false],
  ])('that is the last may be followed by %j: %s', (behind, isRight) => {
    const body = Buffer.from(`--b\r\n${MODEL}\r\n\r\nm\r\n--b--${behind}`)
    if (isRight) expect(read(body)).toMatchObject([{ text: 'm' }])
    else expect(() => readMultipart(body)).toThrow('it continues after its last boundary')
  })

  it.each([
    ['', 'nothing'],
    ['x'.repeat(71), 'too long'],
    ['x'.repeat(5000), 'far too long'],
    ['b\nx-header: 1', 'a line end'],
    ['b;charset=x', 'a semicolon'],
    ['b"', 'a quote'],
    ['grün', 'no ASCII'],
    ['b ', 'a blank at its end'],
  ])('%j is refused: %s', (boundary) => {
    expect(() => readMultipart(form(MODEL, 'm', boundary))).toThrow('its first line is not a boundary')
  })

  it('is quoted in the content type if necessary', () => {
    expect(contentTypeOf(form(MODEL, 'm', '----WebKitFormBoundary7MA'))).toBe(
      'multipart/form-data; boundary=----WebKitFormBoundary7MA',
    )
    expect(contentTypeOf(form(MODEL, 'm', '=_Part(1)/2:?,'))).toBe('multipart/form-data; boundary="=_Part(1)/2:?,"')
  })
})

it('inserts a field before the others', () => {
  const body = form('content-disposition: form-data; name="prompt"', 'a cat')
  expect(read(Buffer.concat([writeFirstField(body, 'model', 'm2'), body]))).toEqual([
    { name: 'model', isFile: false, text: 'm2' },
    { name: 'prompt', isFile: false, text: 'a cat' },
  ])
})

describe('a form in chunks', () => {
  const bytes = Buffer.from(
    `--b\r\n${MODEL}\r\n\r\nm\r\n--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\nx--b\r\n-\r\r\n--\r\n--b--\r\n`,
  )
  const inChunks = (body: Buffer, size: number): Buffer[] =>
    Array.from({ length: Math.ceil(body.length / size) }, (_, index) => body.subarray(index * size, (index + 1) * size))

  it('is read as the same form, wherever the chunks are split', () => {
    const whole = readMultipart(bytes)
    expect(whole.parts).toMatchObject([{ name: 'model' }, { name: 'file', isFile: true }])
    for (let size = 1; size < bytes.length; size++) {
      const chunks = inChunks(bytes, size)
      expect(readMultipart(chunks)).toEqual(whole)
      expect(readMultipart([bytes.subarray(0, size), bytes.subarray(size)])).toEqual(whole)
      expect(contentTypeOf(chunks)).toBe(contentTypeOf(bytes))
      expect(writeFirstField(chunks, 'model', 'm2')).toEqual(writeFirstField(bytes, 'model', 'm2'))
    }
  })

  it.each([
    ['a boundary that only begins like its own', '--b\r\nA\r\n\r\nm\r\n--bx\r\n', 'not followed by a boundary'],
    ['a head that does not end', '--b\r\nA\r\n', 'part 1 has no head'],
    ['no end', '--b\r\nA\r\n\r\nm\r\n--', 'has no boundary after it'],
    ['a folded head', '--b\r\ncontent-disposition: form-data;\r\n name="model"\r\n\r\nm\r\n--b--', 'is not a header'],
    ['a boundary with a line end', '--b\nx: y\r\nA\r\n\r\nm\r\n--b--', 'its first line is not a boundary'],
  ])('with %s is refused, wherever the chunks are split', (_what, text, words) => {
    const body = Buffer.from(text.replace('A', MODEL))
    for (let size = 1; size <= body.length; size++) expect(() => readMultipart(inChunks(body, size))).toThrow(words)
  })
})

describe('thirty megabytes', () => {
  const SIZE = 30 * 1024 * 1024
  const maxLength = 'a'.repeat(70)

  it.each([
    ['of line ends', 'b', '\r\n'],
    ['of what almost is the boundary', maxLength, `\r\n--${maxLength.slice(1)}b`],
    ['of the boundary’s letter', maxLength, 'a'],
    ['of dashes', maxLength, '--'],
    ['of line ends and dashes', maxLength, '\r\n--'],
  ])('%s are searched quickly', (_what, boundary, unit) => {
    const body = form(MODEL, '', boundary)
    const at = body.length - boundary.length - 8
    const large = Buffer.concat([body.subarray(0, at), Buffer.alloc(SIZE, unit), body.subarray(at)])
    const chunks = Array.from({ length: Math.ceil(large.length / 65_536) }, (_, index) =>
      large.subarray(index * 65_536, (index + 1) * 65_536),
    )
    const from = performance.now()
    expect(readMultipart(large).parts).toHaveLength(1)
    expect(readMultipart(chunks).parts).toHaveLength(1)
    expect(performance.now() - from).toBeLessThan(1000)
  })

  it("without the end of a part's headers are not searched", () => {
    const body = Buffer.concat([Buffer.from('--b\r\n'), Buffer.alloc(SIZE, '\r\n\r')])
    expect(() => readMultipart(body)).toThrow('part 1 has a head of more than')
  })
})
