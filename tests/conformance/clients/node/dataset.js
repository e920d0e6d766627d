// The records of the suite, each computed from its number alone. ../../README.md has the rule in words.

const GREEK = 'alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mü nü ξ π 🦀'
const WORDS = GREEK.split(' ').map(word => Buffer.from(`${word} `))
const TAPE_LENGTH = 65536 + 2048
const FIRST_TIMESTAMP = 1_700_000_000_000
const EMPTY = Buffer.alloc(0)

// What kcat puts on every record.
const LINE_HEADERS = [
  ['trace', Buffer.from('conformance')],
  ['nullheader', null],
  ['emptyheader', EMPTY],
  ['trace', Buffer.from('again')],
  ['ключ', Buffer.from('значение')]
]

function mix (x) {
  x ^= x >>> 16
  x = Math.imul(x, 0x7feb352d)
  x ^= x >>> 15
  x = Math.imul(x, 0x846ca68b)
  return (x ^ (x >>> 16)) >>> 0
}

function makeTape () {
  const tape = Buffer.alloc(TAPE_LENGTH)
  let x = 0x2545f491
  for (let at = 0; at < TAPE_LENGTH;) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    if ((x & 3) === 0) {
      tape[at++] = x >>> 24
    } else {
      at += WORDS[(x >>> 8) & 15].copy(tape, at)
    }
  }
  return tape
}

const TAPE = makeTape()

// { key, value, headers, timestamp } of record `i`. The timestamp is null where the client stamps records itself.
function record (i, shape = 'full', keyed = false) {
  const a = mix(i + 1)
  const b = mix(a)
  const c = mix(b)

  const role = a & 15
  let key = null
  if (role > 1 || keyed) {
    const start = a >>> 16
    key = Buffer.concat([Buffer.from(`k${i}:`), TAPE.subarray(start, start + ((a >>> 4) & 31))])
  } else if (role === 1) {
    key = EMPTY
  }

  const size = b & 63
  const room = b >>> 8
  const start = b >>> 16
  let value = null
  if (size > 1) {
    const length = size < 4 ? 512 + (room % 1537) : size < 12 ? 128 + (room % 385) : room % 129
    value = TAPE.subarray(start, start + length)
  } else if (size === 1) {
    value = EMPTY
  }

  if (shape === 'lines') {
    value ??= EMPTY
    if (key === null && value.length === 0) key = EMPTY
    return { key, value, headers: LINE_HEADERS, timestamp: null }
  }
  if (shape === 'keyed-or-valued' && key === null) value ??= EMPTY
  return { key, value, headers: headers(i, c, shape), timestamp: FIRST_TIMESTAMP + i * 10 + ((c >>> 3) % 1000) }
}

function headers (i, c, shape) {
  const kind = c & 7
  if (kind < 3) return []
  const start = c >>> 16
  const text = TAPE.subarray(start, start + ((c >>> 8) & 31))
  const number = Buffer.from(String(i))
  if (kind === 3) return [['trace', number]]
  if (kind === 4) return [['ключ-ß-🦀', text]]
  if (kind === 5) {
    const binary = Buffer.alloc(4)
    binary.writeUInt32BE(mix(c))
    return [['empty', EMPTY], ['binary', binary]]
  }
  if (kind === 6) {
    const [first, other, second] = [['dup', number], ['other', text], ['dup', EMPTY]]
    return shape === 'grouped' ? [first, second, other] : [first, other, second]
  }
  return [['null', shape === 'grouped' ? EMPTY : null], ['after', number]]
}

export { FIRST_TIMESTAMP, record }
