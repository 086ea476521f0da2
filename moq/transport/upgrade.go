package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dunglas/httpsfv"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"
)

// http3Conn is an HTTP/3 connection that has no session yet. It is closed
// when that, or silence between plain requests, lasts too long.
type http3Conn struct {
	qconn *quic.Conn
	idle  time.Duration

	mu      sync.Mutex
	timer   *time.Timer
	began   time.Time // zero after the first request
	active  int       // requests being served
	session bool
}

type http3ConnKey struct{}

func newHTTP3Conn(qconn *quic.Conn, idle time.Duration) *http3Conn {
	h := &http3Conn{qconn: qconn, idle: idle, began: time.Now()}
	h.timer = time.AfterFunc(idle, func() {
		qconn.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError),
			fmt.Sprintf("no WebTransport session was requested within %s", idle))
	})
	context.AfterFunc(qconn.Context(), func() { h.begin() })
	return h
}

// begin stops the clock while a request is served. It returns when that began: the
// first one with the connection.
func (h *http3Conn) begin() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.active++
	h.timer.Stop()
	began := h.began
	h.began = time.Time{}
	if began.IsZero() {
		began = time.Now()
	}
	return began
}

// end starts it again, unless there is a session now.
func (h *http3Conn) end(session bool) {
	h.mu.Lock()
	h.active--
	h.session = h.session || session
	if h.active == 0 && !h.session {
		h.timer.Reset(h.idle)
	}
	h.mu.Unlock()
}

func (l *Listener) newWebTransportServer() *webtransport.Server {
	h3 := &http3.Server{
		Handler:        http.HandlerFunc(l.serveHTTP),
		MaxHeaderBytes: 64 << 10,
		Logger:         l.logger,
		ConnContext: func(ctx context.Context, qconn *quic.Conn) context.Context {
			return context.WithValue(ctx, http3ConnKey{}, newHTTP3Conn(qconn, l.config.HandshakeTimeout))
		},
	}
	return &webtransport.Server{
		H3:                   h3,
		ApplicationProtocols: l.versions,
		ReorderingTimeout:    l.config.HandshakeTimeout,
		CheckOrigin:          func(*http.Request) bool { return true }, // done before
	}
}

func (l *Listener) serveHTTP(w http.ResponseWriter, r *http.Request) {
	h, ok := r.Context().Value(http3ConnKey{}).(*http3Conn)
	if !ok {
		http.Error(w, "no connection", http.StatusInternalServerError)
		return
	}
	began := h.begin()
	var session bool
	defer func() { h.end(session) }()
	if !isWebTransport(r) {
		if l.config.HTTP == nil {
			http.NotFound(w, r)
			return
		}
		l.config.HTTP.ServeHTTP(w, r)
		return
	}
	c, status, err := l.upgrade(w, r, h.qconn, began)
	if err != nil {
		l.logger.Debug("WebTransport request refused", "remote", r.RemoteAddr, "status", status, "err", err)
		if full, ok := errors.AsType[*Refusal](err); ok {
			full.tell(w.Header())
		}
		http.Error(w, err.Error(), status)
		return
	}
	session = true
	l.wg.Go(func() { l.deliver(h.qconn, c) })
}

// isWebTransport accepts the names of the protocol before and since
// draft-ietf-webtrans-http3-15.
func isWebTransport(r *http.Request) bool {
	return r.Method == http.MethodConnect && (r.Proto == "webtransport" || r.Proto == "webtransport-h3")
}

// upgrade returns the session, or the status and the text of the refusal.
func (l *Listener) upgrade(w http.ResponseWriter, r *http.Request, qconn *quic.Conn, began time.Time) (Conn, int, error) {
	if l.refusing.Load() {
		return nil, http.StatusServiceUnavailable, errRefusing
	}
	if l.config.CheckOrigin != nil && !l.config.CheckOrigin(r) {
		return nil, http.StatusForbidden, fmt.Errorf("origin %q is not allowed here", r.Header.Get("Origin"))
	}
	if offered := offeredProtocols(r.Header); !slices.ContainsFunc(offered, func(p string) bool { return slices.Contains(l.versions, p) }) {
		return nil, http.StatusNotAcceptable, fmt.Errorf("no common MOQT version: this server speaks %s, WT-Available-Protocols offers %q",
			strings.Join(l.versions, ", "), offered)
	}
	if l.config.Door != nil {
		if full := l.config.Door.Session(qconn.RemoteAddr()); full != nil {
			return nil, full.Status, full
		}
	}
	sess, err := l.wt.Upgrade(w, r)
	if err != nil {
		return nil, http.StatusBadRequest, err
	}
	return newWebTransportConn(qconn, sess, w.(http3.HTTPStreamer).HTTPStream(), Info{
		Protocol:  sess.SessionState().ApplicationProtocol,
		Path:      r.URL.RequestURI(),
		Authority: r.Host,
		Origin:    r.Header.Get("Origin"),
		Began:     began,
		Verified:  verified(qconn) != nil,

		Certificate: verified(qconn),
	}), http.StatusOK, nil
}

// offeredProtocols reads WT-Available-Protocols: a list of quoted strings
// (RFC 9651). As that demands, a malformed field counts as absent.
func offeredProtocols(h http.Header) []string {
	list, err := httpsfv.UnmarshalList(h.Values("WT-Available-Protocols"))
	if err != nil {
		return nil
	}
	var names []string
	for _, member := range list {
		item, _ := member.(httpsfv.Item)
		name, ok := item.Value.(string)
		if !ok {
			return nil
		}
		names = append(names, name)
	}
	return names
}
