package glass

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"moqedge/bench/lab"
	"moqedge/web"
)

const (
	// leastLead is how long before the navigation a round is set up, at first: a
	// browser has to start. It doubles when that was not enough, up to maxLead.
	leastLead = time.Second
	maxLead   = 32 * time.Second
	// lookEvery is how often what a page saw is fetched.
	lookEvery = 500 * time.Millisecond
	// maxBlind is the share of a window that may be unknown because the browser did not get
	// to paint; beyond it the round says more of this machine than of the system.
	maxBlind = 0.1
	// groupLength of the clip: a key frame is there every second, at the full one.
	groupLength = time.Second
)

// errLate reports that the browser was not there in time.
var errLate = errors.New("the browser was not there in time")

// measurement runs rounds, one after the other.
type measurement struct {
	ready
	stage *stage
	lead  time.Duration // before the next round
	log   *slog.Logger
}

// round measures a system once; number counts from 1.
func (m *measurement) round(ctx context.Context, system System, number int) (x Round, err error) {
	for {
		x, err = m.attempt(ctx, system, number)
		if !errors.Is(err, errLate) || m.lead >= maxLead {
			return x, err
		}
		m.lead *= 2
	}
}

// begin is when a round begins: at another place between two key frames in each round of
// a system, and at the same one in that round of the others.
func (m *measurement) begin(number int, after time.Time) time.Time {
	offset := groupLength * time.Duration(2*number-1) / time.Duration(2*m.Rounds) % groupLength
	return after.Truncate(groupLength).Add(groupLength + offset)
}

func (m *measurement) attempt(ctx context.Context, system System, number int) (x Round, err error) {
	x = Round{System: system, Number: number}
	begin := m.begin(number, time.Now().Add(m.lead))
	line := newAccess(m.line, m.Seed, begin.Add(m.Warm))
	defer func() { err = errors.Join(err, line.close()) }()
	place, err := m.place(ctx, system, line)
	if err != nil {
		return x, err
	}
	defer place.end()
	t, err := open(ctx, m.file, place.resolve)
	if err != nil {
		return x, err
	}
	defer t.close()
	x.Browser = t.version
	if time.Until(begin) < 0 {
		return x, errLate
	}
	if err := until(ctx, begin); err != nil {
		return x, err
	}
	r := clipRow()
	r.Target = m.Target.Milliseconds()
	if err = t.watch(place.page, r); err == nil {
		err = m.observe(ctx, t, begin, &x)
	}
	x.Wire = line.emulator.Counters()
	if ctx.Err() != nil {
		return x, ctx.Err()
	}
	if err != nil { // the browser's trouble: other rounds may do
		x.Invalid = append(x.Invalid, err.Error())
		return x, nil
	}
	if err := m.stage.check(ctx, system); err != nil {
		x.Invalid = append(x.Invalid, err.Error())
	}
	return x, m.keepPicture(t, x)
}

// observe looks at the page until the window has ended.
func (m *measurement) observe(ctx context.Context, t *tab, begin time.Time, x *Round) error {
	from := begin.Add(m.Warm)
	to := from.Add(m.Duration)
	before, _, err := follow(ctx, t, from)
	if err != nil {
		return err
	}
	attended, err := lab.Attend()
	if err != nil {
		return err
	}
	samples, last, err := follow(ctx, t, to)
	load, failed := attended()
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	x.Load = load
	x.Sight = see(append(before, samples...), from.UnixMilli(), to.UnixMilli())
	x.Startup, x.FromPlay, x.Connected = last.startup()
	x.judge(last, m.Warm)
	x.Own, err = t.own()
	return err
}

// follow fetches what the page saw until a time.
func follow(ctx context.Context, t *tab, end time.Time) (samples []sample, last taken, err error) {
	for over := false; !over; {
		if err := until(ctx, time.Now().Add(min(lookEvery, max(0, time.Until(end))))); err != nil {
			return nil, last, err
		}
		over = !time.Now().Before(end)
		if last, err = t.take(); err != nil {
			return nil, last, err
		}
		samples = append(samples, samplesOf(last.Looks)...)
	}
	return samples, last, nil
}

// startup is how long the first picture took from the navigation, and from when the
// page's script began; and from there to a connection. What did not come is 0.
func (x taken) startup() (navigation, play, connected time.Duration) {
	since := func(ms, begin *float64) time.Duration {
		if ms == nil || begin == nil {
			return 0
		}
		return milliseconds(*ms - *begin)
	}
	return since(x.First, new(float64)), since(x.First, x.Play), since(x.Connected, x.Play)
}

// judge says why a round counts for nothing.
func (x *Round) judge(last taken, warm time.Duration) {
	switch {
	case last.First == nil && last.Failed != "":
		x.Invalid = append(x.Invalid, fmt.Sprintf("no picture of the clip came: %.200q", last.Failed))
	case last.First == nil:
		x.Invalid = append(x.Invalid, "no picture of the clip came")
	case x.Startup > warm:
		x.Invalid = append(x.Invalid, fmt.Sprintf("the first picture came after %v, when it was to be measured already", x.Startup.Round(time.Millisecond)))
	case x.Sight.Blind > maxBlind:
		x.Invalid = append(x.Invalid, fmt.Sprintf("the browser did not get to paint in %.0f %% of the time: the machine is too busy", 100*x.Sight.Blind))
	}
	x.Invalid = append(x.Invalid, x.Load.Faults()...)
}

func (m *measurement) keepPicture(t *tab, x Round) error {
	if m.Pictures == "" {
		return nil
	}
	png, err := t.picture()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(m.Pictures, fmt.Sprintf("%s-%d.png", x.System, x.Number)), png, 0o644)
}

// place is where the browser goes in a round.
type place struct {
	page    string // URL
	resolve string // for the browser, "" for nothing
	end     func()
}

// place serves the page of a system, and leads to its server, over a line.
func (m *measurement) place(ctx context.Context, system System, line *access) (place, error) {
	if system == WebRTC {
		s := &signalling{endpoint: m.stage.whep, access: line, client: &http.Client{Transport: &http.Transport{}}, log: m.log}
		mux := http.NewServeMux()
		mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write(whepPage) // who is gone needs none
		})
		mux.Handle("POST /whep", s)
		at, end, err := serve(mux, line)
		return place{page: at + "/?target=" + strconv.FormatInt(m.Target.Milliseconds(), 10), end: func() { s.end(); end() }}, err
	}
	pages, resolve, err := m.relayFor(ctx, line)
	if err != nil {
		return place{}, err
	}
	pages.Logger = m.log
	watched := name
	if m.MOQT != nil {
		watched = m.MOQT.Name
	}
	at, end, err := serve(web.Handler(pages), line)
	return place{page: at + "/watch/" + url.PathEscape(watched), resolve: resolve, end: end}, err
}

// relayFor is where the pages are to send the player. A relay that is not ours keeps
// its name, by which its certificate is known: the browser is told another address.
func (m *measurement) relayFor(ctx context.Context, line *access) (c web.Config, resolver string, err error) {
	if m.MOQT == nil {
		server, err := netip.ParseAddrPort(strings.TrimPrefix(m.stage.relay.URL, "moqt://"))
		if err != nil {
			return c, "", err
		}
		at, err := line.udp(server)
		fingerprint := m.stage.relay.Fingerprint
		return web.Config{Relay: "https://" + at.String() + "/live", Fingerprints: func() []string { return []string{fingerprint} }}, "", err
	}
	c.Relay = m.MOQT.URL
	if m.MOQT.Fingerprint != "" {
		c.Fingerprints = func() []string { return []string{m.MOQT.Fingerprint} }
	}
	if line.clean {
		return c, "", nil
	}
	u, err := url.Parse(m.MOQT.URL)
	if err != nil {
		return c, "", err
	}
	server, err := resolve(ctx, u)
	if err != nil {
		return c, "", err
	}
	at, err := line.udp(server)
	return c, fmt.Sprintf("MAP %s:%d %s", u.Hostname(), server.Port(), at), err
}

// serve answers a page's requests, over a line, until end is called.
func serve(h http.Handler, line *access) (at string, end func(), err error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: answerTimeout}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l) // it ends by Close
	}()
	end = func() {
		_ = s.Close()
		<-done
	}
	to, err := line.tcp(l.Addr().(*net.TCPAddr).AddrPort())
	if err != nil {
		end()
		return "", nil, err
	}
	return "http://" + to.String(), end, nil
}

// until waits for a time.
func until(ctx context.Context, at time.Time) error {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
