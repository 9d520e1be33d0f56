export function create() {
  return 42
}
