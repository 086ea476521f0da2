package glass

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"moqedge/bench/link"
)

// access is the line of the viewer of one round: what the browser sends to the
// addresses that it gives out goes over it. Close ends it.
type access struct {
	emulator *link.Emulator
	clean    bool

	mu   sync.Mutex
	open []io.Closer
}

func newAccess(l link.Link, seed uint64, start time.Time) *access {
	return &access{emulator: l.Emulate(seed, start), clean: l.Clean()}
}

// udp returns where the browser is to send packets for a server.
func (a *access) udp(server netip.AddrPort) (netip.AddrPort, error) {
	if a.clean {
		return server, nil
	}
	p, err := a.emulator.Proxy(server)
	if err != nil {
		return server, err
	}
	a.keep(p)
	return p.Addr(), nil
}

// tcp returns where the browser is to connect to for a server.
func (a *access) tcp(server netip.AddrPort) (netip.AddrPort, error) {
	if a.clean {
		return server, nil
	}
	t, err := a.emulator.Tunnel(server)
	if err != nil {
		return server, err
	}
	a.keep(t)
	return t.Addr(), nil
}

func (a *access) keep(c io.Closer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open = append(a.open, c)
}

func (a *access) close() (err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.open {
		err = errors.Join(err, c.Close())
	}
	a.open = nil
	return err
}

// candidates is the SDP of an answer in which the candidates (RFC 8839 §5.1) are
// those that lead to the server's by way of what through returns. Those that are not
// UDP, or not addresses, are left out: they would lead around the line.
func candidates(sdp string, through func(netip.AddrPort) (netip.AddrPort, error)) (string, error) {
	var out strings.Builder
	led := map[netip.AddrPort]netip.AddrPort{} // a server's candidates are in each of its sections
	for line := range strings.Lines(sdp) {
		fields := strings.Fields(line)
		if !strings.HasPrefix(line, "a=candidate:") {
			out.WriteString(line)
			continue
		}
		if len(fields) < 8 || !strings.EqualFold(fields[2], "udp") {
			continue
		}
		ip, err := netip.ParseAddr(fields[4])
		if err != nil {
			continue
		}
		port, err := strconv.ParseUint(fields[5], 10, 16)
		if err != nil {
			continue
		}
		server := netip.AddrPortFrom(ip, uint16(port))
		to, known := led[server]
		if !known {
			if to, err = through(server); err != nil {
				return "", err
			}
			led[server] = to
		}
		fields[4], fields[5] = to.Addr().String(), strconv.Itoa(int(to.Port()))
		out.WriteString(strings.Join(fields, " ") + "\r\n")
	}
	if len(led) == 0 {
		return "", fmt.Errorf("the answer of the WHEP server has no UDP address in it")
	}
	return out.String(), nil
}
