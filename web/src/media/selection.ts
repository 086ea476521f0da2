// Which tracks of a catalog to play: one video and one audio track that go
// together and that this browser can decode.

import type { Catalog, CatalogTrack } from "./catalog.ts";

export interface Selection {
  readonly video: CatalogTrack | undefined;
  readonly audio: CatalogTrack | undefined;
  /** Codecs that were offered and cannot be played here, for the message. */
  readonly unsupported: readonly string[];
}

/** Asks the browser whether it decodes `track`; rejections count as no. */
export type Supports = (kind: MediaKind, track: CatalogTrack) => Promise<boolean>;

export type MediaKind = "video" | "audio";

/** What a track carries: its role when it has one, else judged by its codec. */
export function kindOf(track: CatalogTrack): MediaKind | undefined {
  if (track.role === "video" || track.role === "audio") return track.role;
  if (track.role !== undefined) return undefined;
  const codec = track.codec ?? "";
  if (/^(avc[13]|hvc1|hev1|vp8|vp09|av01)/.test(codec)) return "video";
  if (/^(mp4a|opus|flac|mp3|ac-3|ec-3)/i.test(codec)) return "audio";
  return undefined;
}

/**
 * Picks the first live video track the browser decodes and an audio track of
 * the same render group (any other if that group has none). Publishers list
 * their main tracks first.
 */
export async function selectTracks(catalog: Catalog, supports: Supports): Promise<Selection> {
  const unsupported: string[] = [];
  const playable = async (kind: MediaKind): Promise<CatalogTrack[]> => {
    const good: CatalogTrack[] = [];
    for (const track of catalog.tracks) {
      if (kindOf(track) !== kind || track.packaging !== "loc" || !track.isLive) continue;
      if (!track.encrypted && track.codec !== undefined && (await supports(kind, track).catch(() => false))) {
        good.push(track);
      } else {
        unsupported.push(track.encrypted ? `${track.codec ?? kind} (encrypted)` : (track.codec ?? `${kind} without a codec`));
      }
    }
    return good;
  };
  const [video] = await playable("video");
  const audios = await playable("audio");
  const audio = audios.find((a) => a.renderGroup === video?.renderGroup) ?? audios[0];
  return { video, audio, unsupported };
}

/** Whether two selections of one track need the same subscription and decoder. */
export function sameTrack(a: CatalogTrack | undefined, b: CatalogTrack | undefined): boolean {
  return (
    a?.name === b?.name &&
    a?.namespace === b?.namespace &&
    a?.codec === b?.codec &&
    a?.timescale === b?.timescale &&
    a?.samplerate === b?.samplerate &&
    a?.channels === b?.channels
  );
}
