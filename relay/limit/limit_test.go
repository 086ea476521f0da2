package limit

import (
	"context"
	"fmt"
	"math"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func address(i int) net.Addr {
	return &net.UDPAddr{IP: net.IPv4(10, byte(i>>16), byte(i>>8), byte(i)), Port: 1}
}

// Addresses are forgotten when nobody uses them any more, and there is a bound on how
// many are known: beyond it all others count as one.
func TestBookIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Config{Address: Limits{Sessions: 2}, Global: Limits{Sessions: Unlimited}})
		var open []*Session
		for i := range maxAccounts + 2 {
			s, refused := l.Open(address(i))
			if refused != nil {
				t.Fatal(i, refused)
			}
			open = append(open, s)
		}
		if _, refused := l.Open(address(maxAccounts + 2)); refused == nil {
			t.Error("those beyond the bound do not count as one")
		}
		if n := l.Stats().Addresses; n != maxAccounts {
			t.Errorf("%d known", n)
		}
		for _, s := range open {
			s.Close()
			s.Close() // has no effect
		}
		if n := l.Stats().Sessions; n != 0 {
			t.Errorf("%d sessions", n)
		}
		time.Sleep(memory)
		if _, refused := l.Open(address(1 << 20)); refused != nil || l.Stats().Addresses != 1 {
			t.Errorf("%v, %d known when nobody is there", refused, l.Stats().Addresses)
		}
	})
}

// What was counted is given back, whatever happens in between.
func TestNothingStays(t *testing.T) {
	l := New(Config{Token: Limits{Streams: 100}})
	s, _ := l.Open(address(1))
	for range 3 {
		if !s.BeginStream() {
			t.Fatal("no stream")
		}
	}
	release, refused := s.Request(context.Background(), Subscriptions)
	if refused != nil {
		t.Fatal(refused)
	}
	s.EndStream()
	if refused := s.Bind("a"); refused != nil {
		t.Fatal(refused)
	}
	a := l.tokens.find("a")
	if n := a.count[Streams].Load(); n != 2 {
		t.Errorf("%d streams of the token", n)
	}
	s.Exempt()
	s.EndStream()
	s.EndStream()
	release()
	s.Close()
	for _, a := range []*account{a, l.addresses.find("10.0.0.1"), &l.global} {
		for k := range a.count {
			if n := a.count[k].Load(); n != 0 {
				t.Errorf("%d %v stay with %v", n, Kind(k), a.scope)
			}
		}
	}
	if !s.BeginStream() || s.Owner() != "" {
		t.Error("one that is exempt is limited")
	}
}

// 0 is the default, less than 0 none.
func TestConfig(t *testing.T) {
	l := New(Config{Session: Limits{Namespaces: 7, Streams: Unlimited}})
	for _, c := range []struct {
		scope Scope
		kind  Kind
		want  float64
	}{
		{PerSession, Namespaces, 7}, {PerSession, Streams, math.Inf(1)}, {PerSession, Subscriptions, 1024}, {Token, Namespaces, math.Inf(1)},
		{Address, CacheShare, 0.5}, {PerSession, Sessions, math.Inf(1)},
	} {
		if got := l.Limit(c.scope, c.kind); got != c.want {
			t.Errorf("%v %v: %v, want %v", c.scope, c.kind, got, c.want)
		}
	}
	if err := (Config{Token: Limits{CacheShare: 2}}).Validate(); err == nil || err.Error() != "token.cacheShare: 2 is not a part of 1" {
		t.Error(err)
	}
}

// When to come again is spread over time.
func TestSpread(t *testing.T) {
	seen := map[time.Duration]bool{}
	for range 100 {
		d := spread(2 * time.Second)
		if d < 2*time.Second || d >= 4*time.Second {
			t.Fatal(d)
		}
		seen[d] = true
	}
	if len(seen) < 50 {
		t.Errorf("%d times of 100 differ", len(seen))
	}
}

// TestTakeNowBesideStreams: a datagram within the rates is taken also while a stream asks
// for more, and none is while a stream has to wait.
func TestTakeNowBesideStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(Config{Session: Limits{BytesIn: 1 << 20}}).Open(address(1))
		if err != nil {
			t.Fatal(err)
		}
		s.intake.turn <- struct{}{} // as a stream that is asking
		if !s.TakeNow(1200) {
			t.Error("a datagram was dropped because a stream was asking")
		}
		<-s.intake.turn
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.Take(ctx, 20<<20)
		}()
		synctest.Wait() // it waits
		if s.TakeNow(1200) {
			t.Error("a datagram was taken while a stream had to wait")
		}
		cancel()
		<-done
	})
}

// BenchmarkTake is what limits cost for each piece that is received.
func BenchmarkTake(b *testing.B) {
	for _, limited := range []bool{false, true} {
		b.Run(fmt.Sprintf("limited=%v", limited), func(b *testing.B) {
			none := Limits{BytesIn: Unlimited}
			c := Config{Global: none, Address: none, Session: none}
			if limited {
				c.Session.BytesIn, c.Address.BytesIn, c.Global.BytesIn = 1<<40, 1<<40, 1<<40
			}
			s, _ := New(c).Open(address(1))
			b.ReportAllocs()
			for b.Loop() {
				s.TakeNow(1200)
			}
		})
	}
}

// BenchmarkPace is what limits cost for each piece that is sent.
func BenchmarkPace(b *testing.B) {
	s, _ := New(Config{}).Open(address(1))
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		if n, _ := s.Allow(now); n > 0 {
			s.Spent(1200)
		}
	}
}

// TestTurns: handshakes that were admitted all at once are computed one after the other
// during the second that they are for, but for the first few; without a limit at once.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Config{Global: Limits{Handshakes: 1000}})
		began := time.Now()
		var times []time.Duration
		for range 1000 {
			if err := l.Turn(t.Context()); err != nil {
				t.Fatal(err)
			}
			times = append(times, time.Since(began))
		}
		if at := times[1]; at != 0 {
			t.Errorf("the second came after %v, want two at once", at)
		}
		for i, at := range times[2:] {
			if want := time.Duration(i+1) * time.Millisecond; (at - want).Abs() > time.Millisecond {
				t.Fatalf("the %dth came after %v, want %v", i+3, at, want)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := l.Turn(ctx); err == nil {
			t.Error("who has left got a turn")
		}
		l.Set(Config{Global: Limits{Handshakes: Unlimited}})
		began = time.Now()
		for range 1000 {
			if err := l.Turn(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("without a limit it took %v", took)
		}
	})
}
