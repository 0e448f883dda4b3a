import { RelayError } from '../../errors.js'

/** A request that is about to be sent to a provider. */
export interface UnsignedRequest {
  /** The provider's id in the config. */
  readonly provider: string
  /** `GET` for a provider's list of models. */
  readonly method: 'GET' | 'POST'
  readonly url: string
  /** Name, value, name, value. */
  readonly headers: readonly string[]
  readonly body: Buffer
}

type Signature = Readonly<Record<string, string>> | undefined

/** Returns the headers that sign a request; undefined where the provider's key is enough. */
export type Sign = (request: UnsignedRequest) => Signature | Promise<Signature>

/** All headers of a request. Headers of the signature replace others of the same name. @throws {RelayError} */
export async function signedHeaders(sign: Sign, request: UnsignedRequest): Promise<readonly string[]> {
  const signature = await signatureOf(sign, request)
  if (!signature) return request.headers
  const names = new Set(Object.keys(signature).map((name) => name.toLowerCase()))
  const others = request.headers.filter((_text, at) => !names.has((request.headers[at - (at % 2)] ?? '').toLowerCase()))
  return [...others, ...Object.entries(signature).flat()]
}

async function signatureOf(sign: Sign, request: UnsignedRequest): Promise<Signature> {
  try {
    return await sign(request)
  } catch (cause) {
    throw new RelayError('upstream_refused', 'The relay has no credential for the provider.', { cause })
  }
}
