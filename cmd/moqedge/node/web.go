package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"moqedge/bridge"
	"moqedge/relay/admin"
	"moqedge/web"
)

const (
	headerTimeout = 10 * time.Second
	bodyTimeout   = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 16 << 10
	closeTimeout  = time.Second // for requests being answered
	adminReserve  = 4           // connections that operators have when the process is out of file descriptors
)

// openWeb listens and serves until the node is closed. It returns the address.
func (n *Node) openWeb(what, address string, secure bool, h http.Handler) (net.Addr, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, taken(what, address, err)
	}
	patient := &enduring{Listener: l, log: n.log.With("listener", what, "address", l.Addr().String())}
	l = patient
	if what == "admin" {
		patient.reserve = newReserve(adminReserve)
	} else {
		l = gatedListener{l, &n.gate}
	}
	s := &http.Server{
		Handler: n.surviving(h), ReadHeaderTimeout: headerTimeout, ReadTimeout: bodyTimeout, WriteTimeout: bodyTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(n.log.Handler(), slog.LevelDebug),
	}
	if secure {
		s.TLSConfig = n.webTLS()
	}
	n.run(what, func() error {
		var err error
		if secure {
			err = s.ServeTLS(l, "", "")
		} else {
			err = s.Serve(l)
		}
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return err
	})
	n.undo = append(n.undo, func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		if s.Shutdown(ctx) != nil { // someone holds a request open
			_ = s.Close()
		}
	})
	return l.Addr(), nil
}

// taken says in words that a port can not be had.
func taken(what, address string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s address %s is taken by another process: stop that one or choose another port", what, address)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%s address %s: no right to open this port: choose one above 1023", what, address)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// pagesHandler tells the pages where the relay and the ingests are.
func (n *Node) pagesHandler() http.Handler {
	c := web.Config{Relay: n.config.HTTP.Relay, Fingerprints: n.toldFingerprints, Logger: n.log}
	if c.Relay == "" {
		c.Relay = fmt.Sprintf("https://{host}:%d/live", portOf(n.listener.Addr()))
	}
	if n.whip != nil {
		c.WHIP = n.whip
	}
	if n.srt != nil {
		c.SRTPort = portOf(n.srt.Addr())
	}
	return n.answering(web.Handler(c))
}

// Stats reads the node's counters.
func (n *Node) Stats() admin.Stats {
	return admin.Stats{Name: n.config.Name, UptimeSeconds: time.Since(n.started).Seconds(), Stats: n.relay.Stats(), Certificates: n.Certificates(), Ingests: n.ingests()}
}

// ingests are the publications that the bridge takes.
func (n *Node) ingests() []admin.Ingest {
	all := []admin.Ingest{}
	if n.hub == nil {
		return all
	}
	for _, p := range n.hub.Names() {
		all = append(all, ingest(p))
	}
	return all
}

func ingest(p bridge.Status) admin.Ingest {
	i := admin.Ingest{
		Name: p.Name, Protocol: p.Ingest.Protocol, Remote: p.Ingest.Remote, Live: p.Live, Since: p.Since,
		Dropped: p.Dropped, Tracks: make([]admin.IngestTrack, 0, len(p.Tracks)),
	}
	for _, t := range p.Tracks {
		i.Tracks = append(i.Tracks, admin.IngestTrack(t))
	}
	return i
}
