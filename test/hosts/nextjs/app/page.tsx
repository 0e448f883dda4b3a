export default function Page(): string {
  return 'the app itself'
}
