export default function hello(_req, res) {
  res.end('hello')
}
