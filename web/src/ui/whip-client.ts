// Publishing over WHIP (RFC 9725): one POST with an SDP offer starts a session,
// a DELETE of the URL it returned ends it.

/** The first encoder of this list that the browser has is preferred. */
const VIDEO_CODECS = ["video/H264", "video/VP8"] as const;
/** Bits per second. */
const VIDEO_BITRATE = 3_000_000;
/** Kilobits per second to begin with. */
const START_KBIT = 1500;
/** Candidates found within this time (ms) go into the offer. */
const GATHER_MS = 1000;
/** For the server to answer (ms). */
const ANSWER_MS = 8000;

/** Numbers of a session; NaN and "" where unknown. */
export interface WhipStats {
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  /** Bits per second since the previous call, video and audio together. */
  readonly bitrate: number;
  readonly codec: string;
  readonly rttMs: number;
  /** What holds the encoder back: "none", "cpu", "bandwidth". */
  readonly limitedBy: string;
}

/** One publication; not to be used again after stop(). */
export class WhipSession {
  private readonly pc = new RTCPeerConnection();
  private resource: string | undefined;
  private sent = { bytes: 0, at: 0 };
  private stopped = false;

  /** The token, if there is one, permits to publish (RFC 9725 §4.7); state is told each change of the connection's state. */
  constructor(
    private readonly endpoint: string,
    private readonly token: string | undefined,
    state: (s: RTCPeerConnectionState) => void,
  ) {
    this.pc.addEventListener("connectionstatechange", () => {
      if (!this.stopped) state(this.pc.connectionState);
    });
  }

  /** Sends the stream. Rejects with an Error whose text is for people. */
  async start(stream: MediaStream): Promise<void> {
    for (const track of stream.getTracks()) this.addTrack(track, stream);
    await this.pc.setLocalDescription();
    await this.gathered();
    const response = await fetch(this.endpoint, {
      method: "POST",
      headers: { "Content-Type": "application/sdp", ...(this.token === undefined ? {} : { Authorization: `Bearer ${this.token}` }) },
      body: this.pc.localDescription?.sdp ?? "",
      signal: AbortSignal.timeout(ANSWER_MS),
    }).catch((e: unknown) => {
      throw new Error(`The server does not answer (${e instanceof Error ? e.message : "unreachable"}).`);
    });
    const body = await response.text();
    if (response.status !== 201) throw new Error(refusal(response.status, body));
    const location = response.headers.get("Location");
    if (location !== null) this.resource = new URL(location, response.url).href;
    if (this.stopped) {
      await this.release();
      return;
    }
    await this.pc.setRemoteDescription({ type: "answer", sdp: withStartBitrate(body) });
  }

  /** Ends the publication, here and on the server. */
  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    // In this order, or the server sees a lost connection before it sees the end.
    await this.release();
    this.pc.close();
  }

  async stats(): Promise<WhipStats> {
    let video: RTCOutboundRtpStreamStats | undefined;
    let bytes = 0;
    let rtt = NaN;
    const codecs = new Map<string, string>();
    for (const entry of (await this.pc.getStats()).values() as Iterable<RTCStats>) {
      if (entry.type === "outbound-rtp") {
        const out = entry as RTCOutboundRtpStreamStats;
        bytes += out.bytesSent ?? 0;
        if (out.kind === "video") video = out;
      } else if (entry.type === "codec") codecs.set(entry.id, (entry as unknown as { mimeType: string }).mimeType);
      else if (entry.type === "candidate-pair") {
        const pair = entry as RTCIceCandidatePairStats;
        if (pair.nominated === true && pair.currentRoundTripTime !== undefined) rtt = pair.currentRoundTripTime * 1000;
      }
    }
    const now = performance.now();
    const bitrate = this.sent.at === 0 ? NaN : ((bytes - this.sent.bytes) * 8000) / (now - this.sent.at);
    this.sent = { bytes, at: now };
    return {
      width: video?.frameWidth ?? NaN,
      height: video?.frameHeight ?? NaN,
      fps: video?.framesPerSecond ?? NaN,
      bitrate,
      codec: (codecs.get(video?.codecId ?? "") ?? "").replace("video/", ""),
      rttMs: rtt,
      limitedBy: (video as { qualityLimitationReason?: string } | undefined)?.qualityLimitationReason ?? "",
    };
  }

  private addTrack(track: MediaStreamTrack, stream: MediaStream): void {
    const transceiver = this.pc.addTransceiver(track, {
      direction: "sendonly",
      streams: [stream],
      ...(track.kind === "video" ? { sendEncodings: [{ maxBitrate: VIDEO_BITRATE }] } : {}),
    });
    if (track.kind !== "video") return;
    const all = RTCRtpSender.getCapabilities("video")?.codecs ?? [];
    const rank = (mime: string): number => {
      const at = VIDEO_CODECS.findIndex((c) => c.toLowerCase() === mime.toLowerCase());
      return at < 0 ? VIDEO_CODECS.length : at;
    };
    const sorted = [...all].sort((a, b) => rank(a.mimeType) - rank(b.mimeType));
    if (sorted.length > 0) transceiver.setCodecPreferences(sorted);
  }

  /** Resolves when the offer holds the candidates, or enough of them. */
  private gathered(): Promise<void> {
    if (this.pc.iceGatheringState === "complete") return Promise.resolve();
    return new Promise((resolve) => {
      setTimeout(resolve, GATHER_MS);
      this.pc.addEventListener("icegatheringstatechange", () => {
        if (this.pc.iceGatheringState === "complete") resolve();
      });
    });
  }

  private async release(): Promise<void> {
    const resource = this.resource;
    this.resource = undefined;
    // keepalive: the page may be on its way out. A server that does not answer notices by itself.
    if (resource === undefined) return;
    await fetch(resource, { method: "DELETE", keepalive: true, signal: AbortSignal.timeout(ANSWER_MS) }).catch(() => undefined);
  }
}

/**
 * Tells Chromium's bandwidth estimation where to begin; its own idea is a
 * postage stamp for the first ten seconds. Others ignore the parameter.
 */
export function withStartBitrate(sdp: string): string {
  let video = false;
  return sdp.replace(/^(m=(\w+).*|a=fmtp:(\d+) .*?)(\r?)$/gm, (line, text: string, kind: string | undefined, _payload, end: string) => {
    if (kind !== undefined) video = kind === "video";
    return kind === undefined && video ? `${text};x-google-start-bitrate=${START_KBIT}${end}` : line;
  });
}

/** Words for a refusal. */
export function refusal(status: number, body: string): string {
  const said = body.trim().slice(0, 300);
  const reason = said === "" ? "" : `: ${said}`;
  switch (status) {
    case 401:
      return `To publish here needs a permission: open this page by a link that has a token for it (#jwt=…)${reason}.`;
    case 403:
      return `The token of this page does not permit to publish under this name${reason}.`;
    case 404:
      return `This server takes no publications from browsers${reason}.`;
    case 409:
      return `Somebody else is live under this name${reason}.`;
    default:
      return `The server refused (${status})${reason}.`;
  }
}
