// H.264 access units as LOC carries them: NAL units behind 4-byte lengths, or
// behind start codes (loc §Length Prefixes, §Start Code Prefixes). The player
// needs the parameter sets only when a publisher leaves VIDEO_CONFIG out.

const NAL_SPS = 7;
const NAL_PPS = 8;

/** Whether the unit uses start codes: a length of 1 is one (loc §Length Prefixes). */
export function isAnnexB(unit: Uint8Array): boolean {
  return unit.length >= 4 && unit[0] === 0 && unit[1] === 0 && (unit[2] === 1 || (unit[2] === 0 && unit[3] === 1));
}

/** The NAL units of a length-prefixed access unit; a broken length ends the list. */
export function splitAvcc(unit: Uint8Array): Uint8Array[] {
  const nals: Uint8Array[] = [];
  const view = new DataView(unit.buffer, unit.byteOffset, unit.byteLength);
  let at = 0;
  while (at + 4 <= unit.length) {
    const length = view.getUint32(at);
    at += 4;
    if (length === 0 || length > unit.length - at) break;
    nals.push(unit.subarray(at, at + length));
    at += length;
  }
  return nals;
}

/**
 * Builds the decoder configuration record (avcC, ISO/IEC 14496-15 §5.3.3)
 * from the parameter sets inside a key frame, or undefined without them.
 */
export function configFromKeyFrame(unit: Uint8Array): Uint8Array | undefined {
  if (isAnnexB(unit)) return undefined;
  const nals = splitAvcc(unit);
  const sps = nals.filter((n) => nalType(n) === NAL_SPS && n.length >= 4 && n.length <= 0xffff);
  const pps = nals.filter((n) => nalType(n) === NAL_PPS && n.length <= 0xffff);
  const first = sps[0];
  if (first === undefined || pps.length === 0 || sps.length > 31 || pps.length > 255) return undefined;
  const out: number[] = [1, first[1] ?? 0, first[2] ?? 0, first[3] ?? 0, 0xff, 0xe0 | sps.length];
  for (const s of sps) out.push(s.length >> 8, s.length & 0xff, ...s);
  out.push(pps.length);
  for (const p of pps) out.push(p.length >> 8, p.length & 0xff, ...p);
  return Uint8Array.from(out);
}

/** The codec string of an avcC record, such as "avc3.640028"; the catalog may lag behind it. */
export function codecOfConfig(avcc: Uint8Array): string | undefined {
  if (avcc.length < 4 || avcc[0] !== 1) return undefined;
  const hex = (n: number | undefined): string => (n ?? 0).toString(16).padStart(2, "0").toUpperCase();
  return `avc3.${hex(avcc[1])}${hex(avcc[2])}${hex(avcc[3])}`;
}

function nalType(nal: Uint8Array): number {
  return (nal[0] ?? 0) & 0x1f;
}
