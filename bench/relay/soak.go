package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"moqedge/bench/process"
	"moqedge/moq/transport"
)

// soakCommand runs a relay with an upstream, each in a process of its own, that
// is killed and started again, while subscribers stay, and others and publishers
// come and go. It asserts that who stays gets every object, and that nothing is
// left of who went.
type soakCommand struct {
	duration time.Duration
	stay     int
	tracks   int
	come     int
	restart  time.Duration
	growth   float64
	idle     time.Duration
	heap     string
}

func (c *soakCommand) flags(f *flag.FlagSet) {
	f.DurationVar(&c.duration, "duration", 30*time.Minute, "how long the load lasts")
	f.IntVar(&c.stay, "subscribers", 200, "how many subscribers stay, by turns over raw QUIC and WebTransport")
	f.IntVar(&c.tracks, "tracks", 4, "how many tracks they are dealt out to")
	f.IntVar(&c.come, "come", 4, "how many subscribers come each second, and go after some seconds; half of a second later as many have gone")
	f.DurationVar(&c.restart, "restart", time.Minute, "how often the upstream is killed")
	f.Float64Var(&c.growth, "growth", 0.05, "by how much resident memory of the last third may exceed that of the third before, as a fraction")
	f.DurationVar(&c.idle, "idle", transport.DefaultIdleTimeout, "after how long the relays miss who left without a word")
	f.StringVar(&c.heap, "heap", "", "write heap profiles of the relay after each third into this `folder`")
}

// soak is the result.
type soak struct {
	Duration time.Duration `json:"duration"`
	// Kills is which group was being published when the upstream was killed, Behind
	// when the relay was seen to have left groups to subscribers that fell behind.
	Kills  []uint64 `json:"kills"`
	Behind []uint64 `json:"behind"`
	// Paused is the longest time for which the process of the load did not run.
	Paused time.Duration `json:"paused"`
	// Before is the relay with its upstream and nobody else, Thirds what it was like
	// on the average of each third of the time, After when all had left.
	Before soakState   `json:"before"`
	Thirds []soakState `json:"thirds"`
	Quiet  soakState   `json:"quiet"` // nothing is published, who stays is there
	After  soakState   `json:"after"`
	// Growth is by how much the resident memory of the last third exceeds that of the
	// one before.
	Growth float64 `json:"growth"`
	// Groups and Objects is what those who stayed got; Came how many came and
	// went, Published how many short publications there were among them.
	Groups    uint64 `json:"groups"`
	Objects   uint64 `json:"objects"`
	Came      uint64 `json:"came"`
	Published uint64 `json:"published"`
}

// soakState is the relay under test at a time.
type soakState struct {
	Resident   uint64 `json:"resident"`
	Heap       uint64 `json:"heap"`
	Goroutines int    `json:"goroutines"`
	relayState
	samples int
}

// drainTimeout is how long the relay may take to forget who left: those who left
// without a word are missed after the idle timeout of the transport.
const drainTimeout = 40 * time.Second

func (c *soakCommand) run(ctx context.Context, out *output) error {
	if c.stay < 1 || c.tracks < 1 || c.tracks > c.stay || c.duration < 3*time.Second || c.restart <= 0 {
		return fmt.Errorf("a soak of %s with %d subscribers and %d tracks can not be", c.duration, c.stay, c.tracks)
	}
	s, err := c.soak(ctx, out)
	if err == nil {
		err = c.judge(s)
	}
	return errors.Join(out.soaked(s), err) // what it was like until it failed, too
}

// soakRig is the two relays.
type soakRig struct {
	upstream, edge *process.Child
	configs        [2]relayConfig // of them
	places         [2]place
}

func (c *soakCommand) soak(ctx context.Context, out *output) (s soak, err error) {
	folder, err := os.MkdirTemp("", "soak")
	if err != nil {
		return s, err
	}
	defer os.RemoveAll(folder)
	r := &soakRig{}
	defer func() { err = errors.Join(err, r.takeDown()) }()
	if err := r.setUp(ctx, folder, c.idle); err != nil {
		return s, err
	}
	goroutines := 0 // of the look before: those of the session with the upstream begin one after the other
	if s.Before, err = r.settled(ctx, func(x soakState) bool {
		all := x.Connected && x.Goroutines == goroutines
		goroutines = x.Goroutines
		return all
	}); err != nil {
		return s, fmt.Errorf("the relay has no upstream: %w", err)
	}
	load, err := newSoakLoad(ctx, c, r.places)
	defer load.close()
	if err != nil {
		return s, err
	}
	defer func() {
		if s.Paused = time.Duration(load.paused.Load()); err != nil {
			err = fmt.Errorf("%w\nthe process of the subscribers and publishers got no turn for %s", err, s.Paused.Round(time.Millisecond))
		}
	}()
	if err := c.last(ctx, out, r, load, &s); err != nil {
		return s, err
	}
	s.Came, s.Published = load.came.Load(), load.published.Load()
	if s.Groups, s.Objects, err = load.conclude(ctx); err != nil {
		x, lookErr := r.look(ctx)
		return s, errors.Join(err, lookErr, fmt.Errorf("the relay skipped %d groups of subscribers that fell behind (seen in groups %d), and gave %d up by timeouts; the upstream was killed in groups %d",
			x.GroupsSkipped, s.Behind, x.Timeouts, s.Kills))
	}
	out.progress("waiting until it is quiet")
	s.Quiet, err = r.settled(ctx, func(x soakState) bool { return x.Sessions == int64(c.stay) && x.Sending == 2*int64(c.stay) })
	if err != nil {
		return s, fmt.Errorf("%d subscribers are there and nothing is published: %w", c.stay, err)
	}
	load.close()
	s.After, err = r.settled(ctx, func(x soakState) bool {
		return x.Sessions == 0 && x.Tracks == 0 && x.Subscriptions == 0 && x.Namespaces == 0 && x.Cache.Bytes == 0 &&
			x.Sending == 0 && x.Receiving == 0 && x.Goroutines <= s.Before.Goroutines
	})
	if err != nil {
		return s, fmt.Errorf("all have left: %w", err)
	}
	return s, nil
}

// last keeps the load up, and looks at the relay each second.
func (c *soakCommand) last(ctx context.Context, out *output, r *soakRig, load *soakLoad, s *soak) error {
	began := time.Now()
	restart := time.NewTicker(c.restart)
	defer restart.Stop()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	s.Thirds = make([]soakState, 3)
	third, skipped := 0, uint64(0)
	defer func() {
		for i := range s.Thirds {
			s.Thirds[i].average()
		}
	}()
	for ; ; s.Duration = time.Since(began) {
		i := min(int(3*time.Since(began)/c.duration), 3)
		if i != third && c.heap != "" {
			if _, err := r.edge.Collect(ctx); err != nil {
				return err
			}
			if err := r.edge.HeapProfile(ctx, fmt.Sprintf("%s/third-%d.heap", c.heap, third+1)); err != nil {
				return err
			}
		}
		if third = i; third == 3 {
			break
		}
		select {
		case <-second.C:
			x, err := r.look(ctx)
			if err != nil {
				return err
			}
			s.Thirds[third].add(x)
			if x.GroupsSkipped > skipped {
				skipped, s.Behind = x.GroupsSkipped, append(s.Behind, load.newest())
			}
			out.progress("%s: %d MB resident, %d goroutines, %d sessions, %d tracks", time.Since(began).Round(time.Second),
				x.Resident>>20, x.Goroutines, x.Sessions, x.Tracks)
			load.second()
		case <-restart.C:
			if c.duration-time.Since(began) < soakOutage+2*time.Second {
				continue
			}
			s.Kills = append(s.Kills, load.newest())
			if err := r.restart(ctx); err != nil {
				return err
			}
		case err := <-load.failed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.Growth = s.Thirds[2].mean()/s.Thirds[1].mean() - 1
	return nil
}

func (c *soakCommand) judge(s soak) error {
	if s.Growth > c.growth {
		return fmt.Errorf("resident memory grew by %.1f %% from the second third to the last, at most %.1f %% is allowed", 100*s.Growth, 100*c.growth)
	}
	return nil
}

func (x *soakState) add(y soakState) {
	x.samples++
	x.Resident += y.Resident
	x.Heap += y.Heap
	x.Goroutines += y.Goroutines
	x.Sessions += y.Sessions
	x.Subscriptions += y.Subscriptions
	x.Tracks += y.Tracks
	x.Namespaces += y.Namespaces
	x.Cache.Bytes += y.Cache.Bytes
	x.Sending += y.Sending
	x.Receiving += y.Receiving
}

// mean is the resident memory before average.
func (x *soakState) mean() float64 { return float64(x.Resident) / float64(max(x.samples, 1)) }

// average makes what was added up that of one sample.
func (x *soakState) average() {
	n := max(x.samples, 1)
	x.Resident /= uint64(n)
	x.Heap /= uint64(n)
	x.Goroutines /= n
	x.Sessions /= int64(n)
	x.Subscriptions /= int64(n)
	x.Tracks /= n
	x.Namespaces /= n
	x.Cache.Bytes /= uint64(n)
	x.Sending /= int64(n)
	x.Receiving /= int64(n)
}

// soakRetain is how long relays keep what is published, and as long they wait
// for a subscriber: the one process of all subscribers may get no turn for seconds,
// which says nothing about the relay, and what it then left would be missing.
const soakRetain = 10 * time.Second

// soakPorts is how many ports are tried.
const soakPorts = 20

// soakOutage is how long the upstream is away.
const soakOutage = time.Second

func (r *soakRig) setUp(ctx context.Context, certificates string, idle time.Duration) error {
	var err error
	if r.upstream, err = process.Start(roleRelay); err != nil {
		return err
	}
	r.configs[0] = relayConfig{Certificates: certificates, Linger: time.Second, RetainFor: soakRetain, MaxLag: soakRetain, Idle: idle}
	for range soakPorts {
		// Below those that the system chooses from: nobody takes it while the relay is away.
		r.configs[0].Addr = fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000))
		if err = r.upstream.Call(ctx, commandListen, r.configs[0], &r.places[0]); err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	if r.edge, err = process.Start(roleRelay); err != nil {
		return err
	}
	r.configs[1] = relayConfig{Certificates: certificates, Linger: time.Second, RetainFor: soakRetain, MaxLag: soakRetain, Idle: idle, Upstream: &r.places[0], Meter: true}
	return r.edge.Call(ctx, commandListen, r.configs[1], &r.places[1])
}

// restart kills the upstream, whose port and certificate another one takes over.
func (r *soakRig) restart(ctx context.Context) error {
	if err := r.upstream.Kill(); err != nil {
		return err
	}
	_ = r.upstream.Stop() // which says that it was killed
	r.upstream = nil
	select {
	case <-time.After(soakOutage):
	case <-ctx.Done():
		return ctx.Err()
	}
	var err error
	if r.upstream, err = process.Start(roleRelay); err != nil {
		return err
	}
	return r.upstream.Call(ctx, commandListen, r.configs[0], nil)
}

func (r *soakRig) takeDown() error {
	var errs []error
	for _, c := range []*process.Child{r.edge, r.upstream} {
		if c != nil {
			errs = append(errs, c.Stop())
		}
	}
	return errors.Join(errs...)
}

// look asks the relay under test what it holds, and then what that takes.
func (r *soakRig) look(ctx context.Context) (soakState, error) {
	var x soakState
	if err := r.edge.Call(ctx, commandState, nil, &x.relayState); err != nil {
		return x, err
	}
	u, err := r.edge.Usage(ctx) // behind the state: whoever is in that is counted
	x.Resident, x.Heap, x.Goroutines = u.Resident, u.Heap, u.Goroutines
	return x, err
}

// settled waits until the relay is as it is expected to be, and collects its garbage.
func (r *soakRig) settled(ctx context.Context, as func(soakState) bool) (soakState, error) {
	for began := time.Now(); ; {
		x, err := r.look(ctx)
		if err != nil {
			return x, err
		}
		if as(x) {
			u, err := r.edge.Collect(ctx)
			x.Resident, x.Heap = u.Resident, u.Heap
			return x, err
		}
		if time.Since(began) > drainTimeout {
			var what string // an error of this would hide the one that is told
			_ = r.edge.Call(ctx, commandGoroutines, nil, &what)
			return x, fmt.Errorf("after %s there are %d goroutines, %d sessions, %d subscriptions, %d tracks, %d namespaces, %d bytes kept, %d and %d streams\n%s",
				drainTimeout, x.Goroutines, x.Sessions, x.Subscriptions, x.Tracks, x.Namespaces, x.Cache.Bytes, x.Sending, x.Receiving, what)
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return x, ctx.Err()
		}
	}
}

// soaked prints what became of the relay.
func (o *output) soaked(s soak) error {
	rows := [][]string{{"", "resident MB", "heap MB", "goroutines", "sessions", "subscriptions", "tracks", "namespaces", "kept MB", "streams"}}
	row := func(name string, x soakState) {
		rows = append(rows, []string{name, fmt.Sprintf("%.1f", float64(x.Resident)/1e6), fmt.Sprintf("%.1f", float64(x.Heap)/1e6), fmt.Sprint(x.Goroutines),
			fmt.Sprint(x.Sessions), fmt.Sprint(x.Subscriptions), fmt.Sprint(x.Tracks), fmt.Sprint(x.Namespaces), fmt.Sprintf("%.1f", float64(x.Cache.Bytes)/1e6),
			fmt.Sprintf("%d + %d", x.Sending, x.Receiving)})
	}
	row("before", s.Before)
	for i, x := range s.Thirds {
		row(fmt.Sprintf("third %d", i+1), x)
	}
	row("nothing published", s.Quiet)
	row("all gone", s.After)
	if err := o.table(s, rows); err != nil || o.json {
		return err
	}
	_, err := fmt.Fprintf(o.results, "%s, %d restarts of the upstream; who stayed got %d groups whole, %d objects, none twice; %d came and went, with %d publications; resident memory %+.1f %%; the load got no turn for %s at most\n",
		s.Duration.Round(time.Second), len(s.Kills), s.Groups, s.Objects, s.Came, s.Published, 100*s.Growth, s.Paused.Round(time.Millisecond))
	return err
}
