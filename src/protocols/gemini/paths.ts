import { pathSegments } from '../path-segments.js'

/** Where a conversation is sent. @throws {RelayError} for a model whose name is no name: it stands in the path */
export function pathFor(model: string, stream: boolean): string {
  return `/v1beta/${resourceOf(model)}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`
}

/** `models/gemini-x` or `tunedModels/x`, fit for a path. Dots and slashes must not lead it elsewhere. */
export function resourceOf(model: string): string {
  const named = /^(?:models|tunedModels)\//.test(model) ? model : `models/${model}`
  return pathSegments(named).join('/')
}

/** A model's name without the collection that Google's clients may put before it. */
export function modelOf(name: string): string {
  return name.replace(/^models\//, '')
}
