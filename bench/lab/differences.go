package lab

import (
	"runtime"
	"slices"

	"moqedge/bench/media"
)

// differences says what differs between the systems of a plan besides the
// protocol, and which side it favours: readers shall be able to judge.
func differences(r ready) []string {
	all := []string{
		"Latency is from the time at which a frame is due at the publisher to when it, and all before it in its group of pictures, is complete at the viewer. A frame that never comes is late in all shares, and not in quantiles of latency: read these beside the share that is complete.",
	}
	if r.Target != nil {
		return append(all, "The server is another process, of which nothing is known but what clients see: no CPU time, no memory.")
	}
	if slices.ContainsFunc(r.Systems, System.unit) {
		all = append(all,
			"The forwarding unit passes RTP packets on as they come (pion, NACK, TWCC, sender reports); it neither paces nor adapts to the line, as there is one quality. Each packet is a system call of its own, as pion has it; QUIC hands over several at a time, paces them and has congestion control. RTP packets are of 1200 bytes, as browsers and pion make them, QUIC's of what the path allows, 1452 on loopback: a picture is more packets over WebRTC. The system \"webrtc-gso\" is the same unit with the packets of a picture handed over together for each viewer, which no unit known to us does: beside it the protocols alone differ.",
			"The relay keeps the current group, so that its viewers start with a key frame that is there; WebRTC's viewers wait for the next one. \"Startup had a key frame come at once\" leaves this wait out, as if an encoder had made a key frame at once for each viewer: this favours WebRTC.",
			"WebRTC's viewers ask for lost packets every 10 ms, as early as browsers do; signalling is one HTTP request over TCP without TLS: this favours WebRTC, too. Its media is encrypted by SRTP (AES-128-GCM), QUIC's by AES-128-GCM or ChaCha20, whatever the machine is faster at.",
		)
		if r.Hops > 1 {
			all = append(all, "WebRTC has one forwarding unit whatever the number of hops: there is no standard way to chain them.")
		}
		opaque := func(t media.Track) bool { return t.Kind != media.Video && t.Codec != "opus" }
		if slices.ContainsFunc(r.source.Tracks(), opaque) {
			all = append(all, "What is neither H.264 nor Opus goes over WebRTC as opaque packets of the same sizes, which a browser would not play.")
		}
	}
	if slices.ContainsFunc(r.Systems, System.Bare) {
		all = append(all, "Bare loops have the frames themselves; relay and forwarding unit receive them from the publisher, too: one part more beside as many as there are viewers.",
			"UDP loops send each object in as many packets as QUIC makes of it where the path allows it (1452 bytes), to one viewer after the other from one goroutine, without acknowledgements, congestion control, pacing or repair. \"udp\" makes a system call for each packet, \"udp-gso\" one for up to 44 (UDP_SEGMENT; quic-go uses it, too, for up to 14), \"udp-gso-aes\" encrypts besides (AES-128-GCM, one key for each viewer, without a handshake).",
			"Bare QUIC and WebTransport loops write the relay's bytes to as many streams by quic-go and webtransport-go, a goroutine for each viewer, with the relay's settings of QUIC.")
	}
	if slices.Contains(r.Systems, QUIC) || slices.Contains(r.Systems, WebTransport) {
		text := "MOQT's viewers want the newest group first"
		if r.Timeout > 0 {
			text += " and give groups up that ended " + r.Timeout.String() + " ago"
		}
		all = append(all, text+": who falls behind loses the ends of groups instead of getting ever later.")
	}
	if runtime.GOOS == "linux" {
		all = append(all, "Viewers' sockets, of all systems, take packets that a server sent as one (UDP_SEGMENT) as one, and take them apart themselves (UDP_GRO): on loopback the system works for the receiver while the server sends, on the server's bill, and would take them apart there, which on a network neither the server's processor nor its system does, but its card. Who sends packet by packet has none to keep together: this favours QUIC, webrtc-gso and udp-gso as such cards do. A server whose card can not segment (ethtool -k: tx-udp-segmentation) pays for it by its processor; that is not in these figures.")
	}
	return append(all, "Servers and load share this machine's processors and its loopback interface; lines are emulated in the load's process, where the viewers are.")
}
