package link

import (
	"context"
	"testing"
	"time"

	"github.com/pion/ice/v4"
)

// agent is one of pion's, on a socket of loopback, behind a link.
func agent(t *testing.T, l Link) *ice.Agent {
	t.Helper()
	mux := ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: l.Emulate(1, time.Now()).Packets(loopback(t))})
	a, err := ice.NewAgentWithOptions(
		ice.WithUDPMux(mux), ice.WithIncludeLoopback(), ice.WithNetworkTypes([]ice.NetworkType{ice.NetworkTypeUDP4}),
		ice.WithMulticastDNSMode(ice.MulticastDNSModeDisabled),
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		mux.Close()
	})
	return a
}

// pion's ICE connects over a link, and its packets take a round trip.
func TestICE(t *testing.T) {
	const rtt = 200 * ms
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	server, viewer := agent(t, Link{}), agent(t, Link{Delay: rtt / 2})
	for from, to := range map[*ice.Agent]*ice.Agent{server: viewer, viewer: server} {
		if err := from.OnCandidate(func(c ice.Candidate) {
			if c != nil {
				if err := to.AddRemoteCandidate(c); err != nil {
					t.Error(err)
				}
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	serverUfrag, serverPwd, err := server.GetLocalUserCredentials()
	if err != nil {
		t.Fatal(err)
	}
	viewerUfrag, viewerPwd, err := viewer.GetLocalUserCredentials()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []*ice.Agent{server, viewer} {
		if err := a.GatherCandidates(); err != nil {
			t.Fatal(err)
		}
	}
	accepted := make(chan *ice.Conn, 1)
	go func() {
		defer close(accepted)
		c, err := server.Accept(ctx, viewerUfrag, viewerPwd)
		if err != nil {
			t.Error(err)
			return
		}
		accepted <- c
	}()
	far, err := viewer.Dial(ctx, serverUfrag, serverPwd)
	if err != nil {
		t.Fatal(err)
	}
	near := <-accepted
	if near == nil {
		t.FailNow()
	}
	b := make([]byte, 100)
	within(t, "round trip", rtt.Seconds(), func() float64 {
		start := time.Now()
		if _, err := near.Write([]byte("ping")); err != nil {
			t.Fatal(err)
		}
		if _, err := far.Read(b); err != nil {
			t.Fatal(err)
		}
		if _, err := far.Write([]byte("pong")); err != nil {
			t.Fatal(err)
		}
		if _, err := near.Read(b); err != nil {
			t.Fatal(err)
		}
		return time.Since(start).Seconds()
	})
}
