import type { ReactNode } from 'react'

// Next.js requires these two default exports.
export default function Layout({ children }: { children: ReactNode }): ReactNode {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  )
}
