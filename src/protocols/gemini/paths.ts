import { pathSegments } from '../path-segments.js'

/** The path of a `generateContent` request. @throws {RelayError} for a name that a path cannot hold */
export function pathFor(model: string, stream: boolean): string {
  return `/v1beta/${resourceOf(model)}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`
}

/** The resource of a model, encoded for a path: `models/gemini-x` or `tunedModels/x`. @throws {RelayError} for a name that a path cannot hold */
export function resourceOf(model: string): string {
  const named = /^(?:models|tunedModels)\//.test(model) ? model : `models/${model}`
  return pathSegments(named).join('/')
}

/** Removes the prefix `models/` that Google's clients may put before a name. */
export function modelOf(name: string): string {
  return name.replace(/^models\//, '')
}
