/** Digests and signed texts: loaded only for forms that use them. */

import { EAGER } from "./functions";
import { spend, toText, type Context, type Result } from "./expressions";
import { hex, padded, sha256 } from "./sha";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const turnLeft = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

function fromBase64(text: string): Uint8Array | null {
  if (!/^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) return null;
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return "";
  }
}

export function sha1(bytes: Uint8Array): Uint8Array {
  const view = padded(bytes, 64);
  let state: number[] = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476, 0xc3d2e1f0 | 0];
  const w = new Int32Array(80);
  for (let offset = 0; offset < view.byteLength; offset += 64) {
    for (let i = 0; i < 16; i += 1) w[i] = view.getInt32(offset + i * 4);
    for (let i = 16; i < 80; i += 1) w[i] = turnLeft((w[i - 3] as number) ^ (w[i - 8] as number) ^ (w[i - 14] as number) ^ (w[i - 16] as number), 1);
    let [a, b, c, d, e] = state as [number, number, number, number, number];
    for (let i = 0; i < 80; i += 1) {
      const [f, k] = i < 20 ? [(b & c) | (~b & d), 0x5a827999] : i < 40 ? [b ^ c ^ d, 0x6ed9eba1]
        : i < 60 ? [(b & c) | (b & d) | (c & d), 0x8f1bbcdc] : [b ^ c ^ d, 0xca62c1d6];
      [e, d, c, b, a] = [d, c, turnLeft(b, 30), a, (turnLeft(a, 5) + f + e + k + (w[i] as number)) | 0];
    }
    state = [a, b, c, d, e].map((value, index) => (value + (state[index] as number)) | 0);
  }
  const out = new DataView(new ArrayBuffer(20));
  state.forEach((word, index) => { out.setInt32(index * 4, word); });
  return new Uint8Array(out.buffer);
}

const SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];

export function md5(bytes: Uint8Array): Uint8Array {
  const view = padded(bytes, 64);
  const size = view.byteLength;
  view.setUint32(size - 8, (bytes.length << 3) >>> 0, true);
  view.setUint32(size - 4, Math.floor(bytes.length / 0x2000_0000), true);
  let state: number[] = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476];
  for (let offset = 0; offset < size; offset += 64) {
    let [a, b, c, d] = state as [number, number, number, number];
    for (let i = 0; i < 64; i += 1) {
      const [f, g] = i < 16 ? [(b & c) | (~b & d), i] : i < 32 ? [(d & b) | (~d & c), (5 * i + 1) % 16]
        : i < 48 ? [b ^ c ^ d, (3 * i + 5) % 16] : [c ^ (b | ~d), (7 * i) % 16];
      const constant = Math.floor(Math.abs(Math.sin(i + 1)) * 0x1_0000_0000) | 0;
      const sum = (a + f + constant + view.getInt32(offset + g * 4, true)) | 0;
      [a, d, c, b] = [d, c, b, (b + turnLeft(sum, SHIFTS[(i >> 4) * 4 + (i % 4)] as number)) | 0];
    }
    state = [a, b, c, d].map((value, index) => (value + (state[index] as number)) | 0);
  }
  const out = new DataView(new ArrayBuffer(16));
  state.forEach((word, index) => { out.setInt32(index * 4, word, true); });
  return new Uint8Array(out.buffer);
}

// SHA-384 and SHA-512 over BigInt: slow, short texts only.
const M64 = (1n << 64n) - 1n;
const right = (word: bigint, bits: bigint): bigint => ((word >> bits) | (word << (64n - bits))) & M64;

function root(value: bigint, degree: bigint): bigint {
  let [low, high] = [0n, 1n << 72n];
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** degree <= value) low = middle;
    else high = middle;
  }
  return low;
}

function primes(count: number): bigint[] {
  const found: bigint[] = [];
  for (let candidate = 2n; found.length < count; candidate += 1n) if (found.every((prime) => candidate % prime)) found.push(candidate);
  return found;
}

const firstRoots = (list: bigint[], degree: bigint): bigint[] => list.map((prime) => root(prime << (64n * degree), degree) & M64);

export function sha512(bytes: Uint8Array, size = 64): Uint8Array {
  const view = padded(bytes, 128);
  const k = firstRoots(primes(80), 3n);
  let state = firstRoots(size === 64 ? primes(8) : primes(16).slice(8), 2n);
  for (let offset = 0; offset < view.byteLength; offset += 128) {
    const w = Array.from({ length: 16 }, (_, i) => view.getBigUint64(offset + i * 8));
    const at = (index: number): bigint => w[index] as bigint;
    for (let i = 16; i < 80; i += 1) {
      const [x, y] = [at(i - 15), at(i - 2)];
      w[i] = (at(i - 16) + (right(x, 1n) ^ right(x, 8n) ^ (x >> 7n)) + at(i - 7) + (right(y, 19n) ^ right(y, 61n) ^ (y >> 6n))) & M64;
    }
    let [a, b, c, d, e, f, g, h] = state as [bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint];
    for (let i = 0; i < 80; i += 1) {
      const t1 = h + (right(e, 14n) ^ right(e, 18n) ^ right(e, 41n)) + ((e & f) ^ (~e & M64 & g)) + (k[i] as bigint) + at(i);
      const t2 = (right(a, 28n) ^ right(a, 34n) ^ right(a, 39n)) + ((a & b) ^ (a & c) ^ (b & c));
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) & M64, c, b, a, (t1 + t2) & M64];
    }
    state = [a, b, c, d, e, f, g, h].map((value, index) => (value + (state[index] as bigint)) & M64);
  }
  const out = new DataView(new ArrayBuffer(64));
  state.forEach((word, index) => { out.setBigUint64(index * 8, word); });
  return new Uint8Array(out.buffer).slice(0, size);
}

const DIGESTS: Record<string, (bytes: Uint8Array) => Uint8Array> = {
  md5, "sha-1": sha1, "sha-256": sha256, "sha-384": (bytes) => sha512(bytes, 48), "sha-512": (bytes) => sha512(bytes),
};

function digest([text = "", algorithm = "", encoding = "base64"]: Result[], { host }: Context): string {
  spend(host, 500);
  const make = DIGESTS[toText(algorithm).toLowerCase()];
  const how = toText(encoding).toLowerCase();
  if (!make || (how !== "base64" && how !== "hex")) return "";
  const bytes = make(bytesOf(toText(text)));
  return how === "hex" ? hex(bytes) : base64(bytes);
}

// Ed25519 (RFC 8032), verification only.
const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
type Point = [bigint, bigint, bigint, bigint];
const mod = (value: bigint): bigint => ((value % P) + P) % P;

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let b = mod(base), e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = mod(result * b);
    b = mod(b * b);
  }
  return result;
}

const D = mod(-121665n * power(121666n, P - 2n));

function plus(one: Point, other: Point): Point {
  const a = mod((one[1] - one[0]) * (other[1] - other[0]));
  const b = mod((one[1] + one[0]) * (other[1] + other[0]));
  const c = mod(2n * one[3] * other[3] * D);
  const d = mod(2n * one[2] * other[2]);
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}

function times(factor: bigint, point: Point): Point {
  let result: Point = [0n, 1n, 1n, 0n];
  for (let f = factor, p = point; f > 0n; f >>= 1n) {
    if (f & 1n) result = plus(result, p);
    p = plus(p, p);
  }
  return result;
}

function xOf(y: bigint, sign: bigint): bigint | null {
  if (y >= P) return null;
  const square = mod((y * y - 1n) * power(D * y * y + 1n, P - 2n));
  if (square === 0n) return sign ? null : 0n;
  let x = power(square, (P + 3n) / 8n);
  if (mod(x * x - square)) x = mod(x * power(2n, (P - 1n) / 4n));
  if (mod(x * x - square)) return null;
  return (x & 1n) === sign ? x : P - x;
}

const little = (bytes: Uint8Array): bigint => BigInt(`0x${hex(bytes.slice().reverse()) || "0"}`);

function pointOf(bytes: Uint8Array): Point | null {
  const number = little(bytes);
  const y = number & ((1n << 255n) - 1n);
  const x = xOf(y, number >> 255n);
  return x === null ? null : [x, y, 1n, mod(x * y)];
}

function isSigned(key: Uint8Array, signature: Uint8Array, message: Uint8Array): boolean {
  const a = pointOf(key);
  const r = pointOf(signature.slice(0, 32));
  const s = little(signature.slice(32));
  if (!a || !r || s >= L) return false;
  const baseY = mod(4n * power(5n, P - 2n));
  const baseX = xOf(baseY, 0n) ?? 0n;
  const h = little(sha512(Uint8Array.from([...signature.slice(0, 32), ...key, ...message]))) % L;
  const left = times(s, [baseX, baseY, 1n, mod(baseX * baseY)]);
  const other = plus(r, times(h, a));
  return mod(left[0] * other[2] - other[0] * left[2]) === 0n && mod(left[1] * other[2] - other[1] * left[2]) === 0n;
}

function extractSigned([text = "", key = ""]: Result[], { host }: Context): string {
  spend(host, 20_000);
  const signed = fromBase64(toText(text));
  const publicKey = fromBase64(toText(key));
  if (!signed || publicKey?.length !== 32 || signed.length < 64) return "";
  const message = signed.slice(64);
  return isSigned(publicKey, signed.slice(0, 64), message) ? textOf(message) : "";
}

Object.assign(EAGER, {
  digest,
  "base64-decode": ([text = ""]: Result[]) => textOf(fromBase64(toText(text)) ?? new Uint8Array()),
  "extract-signed": extractSigned,
});
