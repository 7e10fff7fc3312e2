// Recordings that are fetched whole and decoded: the song that plays and the next one. Others are given up, because a
// minute takes 20 MB.
export const LONGEST_MS = 12 * 60e3; // a longer recording stays with the element
const LARGEST_BYTES = 200e6;

/** @typedef {{ buffer: AudioBuffer, address: string }} Decoded the samples, and an address of the fetched bytes */

export class Recordings {
  /** @param {(bytes: ArrayBuffer) => Promise<AudioBuffer>} decode */
  constructor(decode) {
    this.decode = decode;
    /** @type {Map<string, { found: Promise<Decoded | null>, decoded: Decoded | null, stop: AbortController }>} */
    this.kept = new Map();
    /** @type {Set<string>} */
    this.undecodable = new Set();
  }
  /** @param {string} id @returns {Decoded | null} the recording, if it is there already */
  at(id) { return this.kept.get(id)?.decoded ?? null; }
  /**
   * @param {string} id
   * @param {() => Promise<string>} address
   * @returns {Promise<Decoded | null>} null where it cannot be had; a fault of the network can be tried again
   */
  get(id, address) {
    const kept = this.kept.get(id);
    if (kept) return kept.found;
    if (this.undecodable.has(id)) return Promise.resolve(null);
    const stop = new AbortController(), fetched = this.fetch(id, address, stop.signal);
    const entry = { decoded: /** @type {Decoded | null} */ (null), stop, found: fetched };
    this.kept.set(id, entry);
    entry.found = fetched.then((decoded) => {
      if (this.kept.get(id) !== entry) { release(decoded); return null; }
      if (decoded) entry.decoded = decoded; else this.kept.delete(id);
      return decoded;
    });
    return entry.found;
  }
  /** @param {string} id @param {() => Promise<string>} address @param {AbortSignal} signal @returns {Promise<Decoded | null>} */
  async fetch(id, address, signal) {
    let bytes, type;
    try {
      const answer = await fetch(await address(), { signal });
      if (!answer.ok || Number(answer.headers.get("content-length")) > LARGEST_BYTES) { this.undecodable.add(id); return null; }
      type = answer.headers.get("content-type") ?? "";
      bytes = await answer.arrayBuffer();
    } catch { return null; }
    const blob = new Blob([bytes], { type }); // before decoding, which takes the bytes away
    try {
      return { buffer: await this.decode(bytes), address: URL.createObjectURL(blob) };
    } catch { this.undecodable.add(id); return null; } // the element may play it nevertheless
  }
  /** @param {string[]} ids the only recordings that are still of use */
  keep(ids) {
    for (const [id, { decoded, stop }] of this.kept) {
      if (ids.includes(id)) continue;
      stop.abort();
      release(decoded);
      this.kept.delete(id);
    }
  }
}

/** @param {Decoded | null} decoded */
const release = (decoded) => { if (decoded) URL.revokeObjectURL(decoded.address); };
