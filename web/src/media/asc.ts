// The AudioSpecificConfig of AAC (ISO/IEC 14496-3 §1.6.2.1), as far as a
// decoder configuration needs it.

const SAMPLE_RATES = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350] as const;
const OBJECT_TYPE_LC = 2;

export interface AudioFormat {
  readonly sampleRate: number;
  readonly channels: number;
}

/** Rate and channels of a configuration; undefined when it leaves them to the bitstream. */
export function parseAsc(asc: Uint8Array): AudioFormat | undefined {
  if (asc.length < 2) return undefined;
  const bits = ((asc[0] ?? 0) << 8) | (asc[1] ?? 0);
  const sampleRate = SAMPLE_RATES[(bits >> 7) & 0xf];
  const layout = (bits >> 3) & 0xf;
  if (sampleRate === undefined || layout === 0 || layout > 7) return undefined;
  return { sampleRate, channels: layout === 7 ? 8 : layout };
}

/** The configuration of AAC-LC in a format; undefined for rates AAC has no index for. */
export function buildAsc(format: AudioFormat): Uint8Array | undefined {
  const index = SAMPLE_RATES.findIndex((r) => r === format.sampleRate);
  const layout = format.channels === 8 ? 7 : format.channels;
  if (index < 0 || layout < 1 || layout > 7) return undefined;
  return Uint8Array.of((OBJECT_TYPE_LC << 3) | (index >> 1), ((index & 1) << 7) | (layout << 3));
}
