package glass

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"

	"moqedge/bench/lab"
	"moqedge/bench/process"
)

// name of our publication.
const name = "demo"

// stage is where the systems play, and the processes that make it.
type stage struct {
	children   []*process.Child
	publishers map[System]*process.Child
	relay      lab.Place // ours
	whep       string    // URL of the endpoint
}

// startStage starts what a plan needs. Close ends the processes.
func startStage(ctx context.Context, p Plan) (*stage, error) {
	s := &stage{publishers: map[System]*process.Child{}, whep: p.WHEP}
	for _, system := range p.Systems {
		if err := s.start(ctx, p, system); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

func (s *stage) start(ctx context.Context, p Plan, system System) error {
	var to publication
	switch {
	case system == MOQT && p.MOQT == nil:
		c, at, err := lab.StartRelay(ctx, nil)
		if err != nil {
			return err
		}
		s.children, s.relay = append(s.children, c), at
		to = publication{Relay: &at, Name: name}
	case system == WebRTC && p.WHEP == "":
		c, unit, err := lab.StartUnit(ctx)
		if err != nil {
			return err
		}
		s.children, s.whep = append(s.children, c), unit+"/whep/"+name
		to = publication{WHIP: unit + "/whip/" + name}
	default:
		return nil
	}
	c, err := process.Start(rolePublisher)
	if err != nil {
		return err
	}
	s.children, s.publishers[system] = append(s.children, c), c
	return c.Call(ctx, commandPublish, to, nil)
}

// check fails when what is to be watched is not published any more.
func (s *stage) check(ctx context.Context, system System) error {
	c := s.publishers[system]
	if c == nil {
		return nil
	}
	return c.Call(ctx, commandCheck, nil, nil)
}

// close ends the processes, publishers before servers.
func (s *stage) close() (err error) {
	for i := len(s.children) - 1; i >= 0; i-- {
		err = errors.Join(err, s.children[i].Stop())
	}
	return err
}

// resolve returns the address of a server by its URL; the port may be the scheme's.
func resolve(ctx context.Context, u *url.URL) (netip.AddrPort, error) {
	port := u.Port()
	if port == "" {
		port = "443"
	}
	host := u.Hostname()
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	return netip.ParseAddrPort(net.JoinHostPort(ips[0].Unmap().String(), port))
}
