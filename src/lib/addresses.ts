import { BlockList, isIP } from 'node:net'

/** Whether a text is an IP address or a range like `10.0.0.0/8` or `2001:db8::/32`. */
export function isAddressRange(text: string): boolean {
  const { bits, family } = parseRange(text)
  return family !== 0 && bits <= longestPrefix(family)
}

/** Creates a function that tells whether an address lies in a range. An IPv4-mapped IPv6 address counts as IPv4. */
export function addressMatcher(ranges: readonly string[]): (address: string | undefined) => boolean {
  const list = new BlockList()
  for (const range of ranges) {
    const { address, bits, family } = parseRange(range)
    list.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6')
  }
  return (address) => {
    // `BlockList` recognizes IPv4-mapped addresses such as `::ffff:7f00:1` itself. Only the zone (`%eth0`) must go.
    const plain = address?.replace(/%.*$/s, '') ?? ''
    const family = isIP(plain)
    return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6')
  }
}

/** `family` is 0 if the address is invalid. `bits` is NaN if the prefix length is not a number. */
function parseRange(text: string): { address: string; bits: number; family: number } {
  const slash = text.indexOf('/')
  const address = slash < 0 ? text : text.slice(0, slash)
  const bits = slash < 0 ? undefined : text.slice(slash + 1)
  const family = isIP(address)
  if (bits === undefined) return { address, bits: longestPrefix(family), family }
  return { address, bits: /^\d+$/.test(bits) ? Number(bits) : Number.NaN, family }
}

function longestPrefix(family: number): number {
  return family === 4 ? 32 : 128
}
