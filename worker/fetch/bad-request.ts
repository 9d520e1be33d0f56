/** The request cannot be expressed as a Request: a malformed Host, TRACE, a target that is not a URL. */
export class BadRequest extends Error {}
