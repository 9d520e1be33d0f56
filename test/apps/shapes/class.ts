export default class App {
  fetch() {
    return new Response('class')
  }
}
