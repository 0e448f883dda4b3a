/** A path as people write it: `messages[2].content`. */
export function formatPath(path: readonly PropertyKey[]): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else text += text ? `.${String(step)}` : String(step)
  }
  return text
}
