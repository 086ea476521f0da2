package report

import (
	"slices"
	"strings"

	"moqedge/bench/lab"
)

// NameOf is a system's name for people.
func NameOf(s lab.System) string {
	switch s {
	case lab.QUIC:
		return "MOQT QUIC"
	case lab.WebTransport:
		return "MOQT WebTransport"
	case lab.WebRTC:
		return "WebRTC"
	case lab.WebRTCSegments:
		return "WebRTC+GSO"
	case lab.BareUDP:
		return "bare UDP"
	case lab.BareUDPSegments:
		return "bare UDP+GSO"
	case lab.BareUDPEncrypted:
		return "bare UDP+GSO+AES"
	case lab.BareQUIC:
		return "bare QUIC"
	case lab.BareWebTransport:
		return "bare WebTransport"
	}
	return clean(string(s))
}

// topic is figures that belong together.
type topic struct {
	title   string
	figures []topicFigure
	total   bool // of all kinds of frames: says nothing new where there is one
}

// topicFigure is a figure within its topic.
type topicFigure struct {
	name  string // lab.Figure.Name
	label string // within the topic
	// said is how verdicts name it; "": it is in tables alone, as another one says
	// nearly the same.
	said string
}

// topics lists the figures of a comparison in the order of reports.
func topics() []topic {
	stalls := topic{title: "Stalls of a player with this latency, in a minute"}
	for _, kind := range []string{"video", "audio"} {
		for _, target := range []string{"200ms", "500ms"} {
			readable := kind + ", " + spaced(target)
			stalls.figures = append(stalls.figures,
				topicFigure{kind + "_stalls_" + target, readable, kind + " stalls at " + spaced(target)},
				topicFigure{kind + "_frozen_" + target, readable + ", frozen", ""})
		}
	}
	shares := []topic{shareTopic("", "All frames in time for a playout delay")}
	for _, kind := range lab.Kinds() {
		shares = append(shares, shareTopic(kind, capital(kind)+" frames in time for a playout delay"))
	}
	return slices.Concat([]topic{
		{title: "Latency, from a frame's time to the decoder", figures: []topicFigure{
			{"latency_p50", "median (p50)", "latency at the median"},
			{"latency_p95", "p95", ""},
			{"latency_p99", "p99", "latency at the 99th percentile"},
			{"latency_max", "largest", ""},
		}},
	}, shares[1:], shares[:1], []topic{
		stalls,
		{title: "Startup, from connecting to the first key frame", figures: []topicFigure{
			{"startup", "median", "startup"},
			{"startup_credit", "if a key frame came at once", "startup if a key frame came at once"},
		}},
		{title: "Back at live (500 ms) after the line recovered", figures: []topicFigure{
			{"video_recovery", "video", "video back at live after the line recovered"},
			{"audio_recovery", "audio", "audio back at live after the line recovered"},
		}},
		{title: "Cost of the server that viewers are connected to", figures: []topicFigure{
			{"cpu_viewer", "CPU per viewer, of a core", "CPU per viewer"},
			{"cpu_gigabyte", "CPU per GB delivered", ""},
			{"memory", "memory, mean", "memory"},
			{"memory_peak", "memory, peak", ""},
			{"memory_viewer", "memory per viewer", "memory per viewer"},
			{"core_rate", "payload by one busy core", ""},
			{"goroutines", "goroutines", ""},
			{"switches", "context switches", ""},
		}},
		{title: "On the network", figures: []topicFigure{
			{"goodput", "payload, all viewers", ""},
			{"wire", "bytes per byte of payload", "bytes on the lines per byte of payload"},
		}},
	})
}

// shareTopic is which part of a kind of frames, or of all (""), came in time.
func shareTopic(kind, title string) topic {
	t := topic{title: title, total: kind == ""}
	name, what := "", "all frames"
	if kind != "" {
		name, what = kind+"_", kind+" frames"
	}
	for _, delay := range delays() {
		said := what + " in time at " + spaced(delay)
		if delay == "50ms" || delay == "1s" || t.total && delay != "200ms" {
			said = ""
		}
		t.figures = append(t.figures, topicFigure{name + "in_time_" + delay, spaced(delay), said})
	}
	t.figures = append(t.figures, topicFigure{name + "complete", "at any time", what + " complete"})
	return t
}

// delays are the playout delays of in-time figures.
func delays() []string { return []string{"50ms", "100ms", "200ms", "500ms", "1s"} }

// spaced puts a space before a unit of time: 200 ms.
func spaced(d string) string {
	at := strings.IndexFunc(d, func(r rune) bool { return r < '0' || r > '9' })
	if at <= 0 {
		return d
	}
	return d[:at] + " " + d[at:]
}

// figuresByName are the lab's figures.
func figuresByName() map[string]lab.Figure {
	all := map[string]lab.Figure{}
	for _, f := range lab.Figures() {
		all[f.Name] = f
	}
	return all
}

// topicsOf are the topics with those figures that a result has.
func topicsOf(x lab.Result) []topic {
	known := figuresByName()
	var all []topic
	placed := map[string]bool{}
	for _, t := range topics() {
		t.figures = slices.DeleteFunc(t.figures, func(f topicFigure) bool {
			placed[f.name] = true
			_, ok := known[f.name]
			return !ok || !hasFigure(x, f.name)
		})
		if len(t.figures) > 0 {
			all = append(all, t)
		}
	}
	if len(kindsOf(x)) == 1 { // all frames are of that kind
		all = slices.DeleteFunc(all, func(t topic) bool { return t.total })
	}
	rest := topic{title: "Other"}
	for _, f := range lab.Figures() {
		if !placed[f.Name] && hasFigure(x, f.Name) {
			rest.figures = append(rest.figures, topicFigure{f.Name, f.Title, f.Title})
		}
	}
	if len(rest.figures) > 0 {
		all = append(all, rest)
	}
	return all
}

// kindsOf are the kinds of frames that a result has shares of.
func kindsOf(x lab.Result) []string {
	return slices.DeleteFunc(lab.Kinds(), func(kind string) bool { return !hasFigure(x, kind+"_complete") })
}

func hasFigure(x lab.Result, name string) bool {
	return slices.ContainsFunc(x.Systems, func(s lab.Summary) bool {
		_, ok := s.Figures[name]
		return ok
	})
}
