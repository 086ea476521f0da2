package srt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	gosrt "github.com/datarhei/gosrt"
	"golang.org/x/time/rate"

	"moqedge/bridge"
)

const (
	// peerIdle is how long a peer may send no packet at all, not even a keepalive.
	peerIdle = 5 * time.Second
	// staleAfter is how long a publisher must have sent nothing for another one
	// to take its name over: an encoder that was killed leaves its connection
	// behind for peerIdle, and its successor should not have to wait.
	staleAfter = time.Second
)

// Server accepts publishers. Make one with Listen.
type Server struct {
	config Config
	out    publisher
	ln     gosrt.Listener
	refuse *rate.Limiter // of the lines about refused requests: anyone can cause them

	wait sync.WaitGroup // one for every request being handled and every connection

	mu     sync.Mutex // guards all below
	conns  map[string]*conn
	closed bool
	lastID uint64
}

// Listen opens the port. The caller ends it with Serve or Close.
func Listen(c Config) (*Server, error) {
	if c.Hub == nil {
		return nil, errors.New("srt: no hub")
	}
	return listen(c, hubPublisher{c.Hub})
}

func listen(c Config, out publisher) (*Server, error) {
	c, err := c.valid()
	if err != nil {
		return nil, err
	}
	ln, err := gosrt.Listen("srt", c.Addr, c.listen())
	if err != nil {
		return nil, fmt.Errorf("srt: %w", err)
	}
	return &Server{
		config: c, out: out, ln: ln,
		refuse: rate.NewLimiter(5, 20),
		conns:  make(map[string]*conn),
	}, nil
}

// Addr is the address listened on.
func (s *Server) Addr() net.Addr { return s.ln.Addr() }

// Close ends Serve and all connections. It does not wait for them.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	conns := make([]*conn, 0, len(s.conns))
	for _, c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	for _, c := range conns {
		c.end(errServerClosed)
	}
	s.ln.Close()
}

// Serve accepts publishers until ctx ends or Close is called, and returns when
// every connection has ended. Its error is nil then, or that of the socket.
func (s *Server) Serve(ctx context.Context) error {
	stop := context.AfterFunc(ctx, s.Close)
	defer stop()
	defer s.wait.Wait()
	defer s.Close()
	for {
		req, err := next(s.ln)
		switch {
		case err == nil:
			s.wait.Go(func() { s.handle(req) })
		case errors.Is(err, errHandshake):
			if s.refuse.Allow() {
				s.config.Logger.Warn("SRT request ignored", "reason", err)
			}
		case errors.Is(err, gosrt.ErrListenerClosed):
			return nil
		default:
			return fmt.Errorf("srt: %w", err)
		}
	}
}

// handle refuses a request or serves it until its connection ends.
func (s *Server) handle(req gosrt.ConnRequest) {
	remote := req.RemoteAddr().String()
	c, err := s.tryAdmit(req, remote)
	if err != nil {
		req.Reject(code(err))
		if s.refuse.Allow() {
			s.config.Logger.Warn("SRT publisher refused", "remote", remote, "reason", err)
		}
		return
	}
	c.run()
	c.release()
	s.mu.Lock()
	if s.conns[c.name] == c { // the name is free already: a successor may be there
		delete(s.conns, c.name)
	}
	s.mu.Unlock()
	close(c.finished)
}

// tryAdmit is admit, for which a panic is a refusal.
func (s *Server) tryAdmit(req gosrt.ConnRequest, remote string) (c *conn, err error) {
	defer s.config.Panicked.Catch(s.config.Logger.With("remote", remote), func(caught error) {
		c, err = nil, refuse(gosrt.REJX_ISE, "%v", caught)
	})
	return s.admit(req, remote)
}

// admit makes the connection of a request that may publish.
func (s *Server) admit(req gosrt.ConnRequest, remote string) (c *conn, err error) {
	if s.config.Admit != nil && !s.config.Admit(remote) {
		return nil, refuse(gosrt.REJX_FORBIDDEN, "no publishers are taken from this address")
	}
	if req.Version() != 5 {
		return nil, refuse(gosrt.REJ_VERSION, "SRT handshake version %d has no stream id: use SRT 1.3 or later", req.Version())
	}
	if err := saneSize(req); err != nil {
		return nil, err
	}
	w, err := parseWish(req.StreamId())
	if err != nil {
		return nil, err
	}
	phrase, own := s.config.Passphrases[w.name]
	if !own {
		phrase = s.config.Passphrase
	}
	if err := unlock(req, phrase); err != nil {
		return nil, err
	}
	authorize := s.config.Authorize
	if own { // who knows it is permitted
		authorize = nil
	}
	made := make(chan *conn, 1)
	stop, err := authorize.Permit(context.Background(), w.name, bridge.Ingest{Protocol: "srt", Remote: remote}, w.token, func(err error) {
		if c := <-made; c != nil {
			c.end(err)
		}
	})
	if err != nil {
		return nil, refuse(permissionCode(err), "%q: %v", w.name, err)
	}
	defer func() { // also of a panic
		if c == nil {
			stop()
		}
		made <- c
	}()
	pub, err := s.claim(w.name, remote)
	if err != nil {
		return nil, err
	}
	defer func() {
		if c == nil {
			pub.close(err)
		}
	}()
	err = bridge.ErrPanicked // unless what follows returns
	c, err = s.connect(req, w.name, remote, pub)
	if err != nil {
		return nil, err
	}
	c.release = stop
	return c, nil
}

// permissionCode is what a publisher is refused with that is not permitted.
func permissionCode(err error) gosrt.RejectionReason {
	switch {
	case errors.Is(err, bridge.ErrUnauthorized):
		return gosrt.REJX_UNAUTHORIZED
	case errors.Is(err, bridge.ErrForbidden):
		return gosrt.REJX_FORBIDDEN
	}
	return gosrt.REJX_ISE
}

// unlock checks the encryption.
func unlock(req gosrt.ConnRequest, passphrase string) error {
	switch {
	case passphrase == "" && !req.IsEncrypted():
		return nil
	case passphrase == "":
		return refuse(gosrt.REJ_UNSECURE, "the publisher encrypts, but no passphrase is configured here")
	case !req.IsEncrypted():
		return refuse(gosrt.REJ_UNSECURE, "the publisher does not encrypt: a passphrase is required")
	}
	if err := req.SetPassphrase(passphrase); err != nil {
		return refuse(gosrt.REJ_BADSECRET, "wrong passphrase")
	}
	return nil
}

// claim takes the name in the hub, if need be from a connection that is dead
// but not yet known to be.
func (s *Server) claim(name, remote string) (publication, error) {
	from := bridge.Ingest{Protocol: "srt", Remote: remote}
	pub, err := s.out.publish(name, from)
	if errors.Is(err, bridge.ErrNameInUse) {
		s.mu.Lock()
		held := s.conns[name]
		s.mu.Unlock()
		if held != nil && held.silent() > staleAfter {
			held.end(errReplaced)
			<-held.finished
			pub, err = s.out.publish(name, from)
		}
	}
	switch {
	case err == nil:
		return pub, nil
	case errors.Is(err, bridge.ErrNameInUse):
		return pub, refuse(gosrt.REJX_CONFLICT, "%v", err)
	case errors.Is(err, bridge.ErrBadName):
		return pub, refuse(gosrt.REJX_BAD_REQUEST, "%v: %q", err, name)
	}
	return pub, refuse(gosrt.REJX_DOWN, "%v", err)
}

// connect accepts the request and registers its connection.
func (s *Server) connect(req gosrt.ConnRequest, name, remote string, pub publication) (*conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, refuse(gosrt.REJ_CLOSE, "%v", errServerClosed)
	case len(s.conns) >= s.config.MaxPublishers:
		return nil, refuse(gosrt.REJX_OVERLOAD, "the limit of %d publishers is reached", s.config.MaxPublishers)
	}
	link, err := req.Accept()
	if err != nil {
		return nil, refuse(gosrt.REJX_ISE, "accepting: %v", err)
	}
	s.lastID++
	config := s.config
	config.Now = bridge.Steady(config.Now)
	c := &conn{
		config: config, name: name, pub: pub, link: link,
		log:      s.config.Logger.With(slog.String("conn", fmt.Sprintf("srt-%d", s.lastID)), slog.String("name", name), slog.String("remote", remote)),
		began:    time.Now(),
		ended:    make(chan struct{}),
		finished: make(chan struct{}),
	}
	s.conns[name] = c
	return c, nil
}
