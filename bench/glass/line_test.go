package glass

import (
	"net/netip"
	"strings"
	"testing"
)

const answer = "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\n" +
	"a=candidate:1 1 udp 2130706431 203.0.113.7 5000 typ host ufrag x\r\n" +
	"a=candidate:2 1 tcp 1 203.0.113.7 5001 typ host tcptype passive\r\n" +
	"a=candidate:3 1 udp 1 abc.local 5002 typ host\r\n" +
	"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=candidate:1 1 UDP 2130706431 203.0.113.7 5000 typ host ufrag x\r\na=end-of-candidates\r\n"

func TestCandidates(t *testing.T) {
	var asked []netip.AddrPort
	through := func(server netip.AddrPort) (netip.AddrPort, error) {
		asked = append(asked, server)
		return netip.MustParseAddrPort("127.0.0.1:4711"), nil
	}
	got, err := candidates(answer, through)
	want := "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\n" +
		"a=candidate:1 1 udp 2130706431 127.0.0.1 4711 typ host ufrag x\r\n" +
		"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=candidate:1 1 UDP 2130706431 127.0.0.1 4711 typ host ufrag x\r\na=end-of-candidates\r\n"
	if err != nil || got != want {
		t.Errorf("%v\n%s", err, got)
	}
	if len(asked) != 1 || asked[0].String() != "203.0.113.7:5000" {
		t.Errorf("led through to %v", asked)
	}
	// What would lead around the line is an error, not a measurement of another line.
	for _, bad := range []string{"", "v=0\r\n", strings.ReplaceAll(answer, "203.0.113.7 5000", "203.0.113.7 70000"), "a=candidate:\r\n"} {
		if got, err := candidates(bad, through); err == nil {
			t.Errorf("%q became %q", bad, got)
		}
	}
}
