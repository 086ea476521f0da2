package glass

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"moqedge/bench/lab"
)

// Measure does what a plan says. progress and log may be nil. When ctx ends the
// result is what there is. Processes are started by this executable, whose main hands
// "--role NAME" to [Role].
func Measure(ctx context.Context, p Plan, progress lab.Progress, log *slog.Logger) (Result, error) {
	if progress == nil {
		progress = func(float64, string) {}
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	r, err := p.ready()
	if err != nil {
		return Result{}, err
	}
	if r.Pictures != "" {
		if err := os.MkdirAll(r.Pictures, 0o755); err != nil {
			return Result{}, err
		}
	}
	x := Result{Began: time.Now(), Command: lab.CommandLine(os.Args), Plan: r.Plan, Link: r.line, Rounds: []Round{}, Differences: differences(r.Plan)}
	x.Machine, x.Versions = lab.Here()
	progress(0, "starting servers and publishers")
	s, err := startStage(ctx, r.Plan)
	if err == nil {
		m := &measurement{ready: r, stage: s, lead: leastLead, log: log}
		err = errors.Join(m.rounds(ctx, &x, progress), s.close())
	}
	if ctx.Err() != nil {
		x.Interrupted, err = true, nil
	}
	x.Took = time.Since(x.Began)
	x.Systems = summarize(r.Plan, x.Rounds)
	return x, err
}

// rounds runs all of them, the systems by turns.
func (m *measurement) rounds(ctx context.Context, x *Result, progress lab.Progress) error {
	all := m.Rounds * len(m.Systems)
	for number := 1; number <= m.Rounds; number++ {
		for _, system := range m.Systems {
			progress(float64(len(x.Rounds))/float64(all), fmt.Sprintf("round %d of %d: %s", number, m.Rounds, system))
			round, err := m.round(ctx, system, number)
			if err != nil {
				return fmt.Errorf("%s, round %d: %w", system, number, err)
			}
			x.Browser = round.Browser
			x.Rounds = append(x.Rounds, round)
		}
	}
	progress(1, "done")
	return nil
}

// differences says what differs between the systems besides the protocol, and which
// side it favours: readers shall be able to judge.
func differences(p Plan) []string {
	all := []string{
		"Both play H.264 and Opus of the same clip, published at the same times. The picture is read from the page sixty times a second, to 1 ms, before composition and screen, which are the same for both.",
		"Our player holds back 300 ms by itself, sound and picture by one clock; WebRTC as little as its jitter buffer finds possible. --target has both hold back the same: compare stalls at equal latency, and latency at equal stalls.",
		"The relay keeps the current group, so that the player starts with a key frame that is there; WebRTC waits for the next one, up to a second, as the clip cannot make one when it is asked. \"play to connection\" is when WebRTC could have begun, had an encoder made one at once. Rounds begin at equal distances from the key frames, in both systems at the same ones.",
		"The player is the whole watch page, with its style and scripts. The WebRTC page is a page of 40 lines. Both are fetched by plain HTTP over the line, without caches; TCP's slow start is not emulated. This favours WebRTC, whose signalling would take TLS elsewhere.",
		"The forwarding unit passes RTP packets on as they come (pion, NACK, TWCC, sender reports); it neither paces nor adapts to the line. The relay's QUIC does both.",
		"Servers, publishers, browser and line share this machine's processors.",
	}
	if p.MOQT != nil {
		all = append(all, "The relay at "+p.MOQT.URL+" was started by somebody else: its clip is as late as its publisher's clock is wrong.")
	}
	if p.WHEP != "" {
		all = append(all, "The WHEP server at "+p.WHEP+" was started by somebody else: its clip is as late as its publisher's clock is wrong, and what lies between it and this machine comes on top of the line.")
	}
	return all
}
