package top

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"moqedge/relay/admin"
)

// tab is a table of the dashboard.
type tab struct {
	name  string
	sorts []string
	head  string
}

func tabs() []tab {
	return []tab{
		{"Tracks", []string{"rate", "viewers", "name"}, fmt.Sprintf("%12s %12s %7s %7s  %-36s %9s  %s", "in", "out", "viewers", "skipped", "track", "memory", "from")},
		{"Sessions", []string{"rate", "age", "remote"}, fmt.Sprintf("%6s %-12s %9s %12s %12s %5s %5s  %s", "id", "role", "rtt", "in", "out", "gets", "gives", "remote")},
		{"Links", []string{"order", "rate", "name"}, fmt.Sprintf("%-7s %-10s %-6s %9s %12s %12s %5s  %s", "where", "state", "region", "rtt", "in", "out", "names", "relay")},
	}
}

// around is how many lines are around the rows.
const around = 9

// room is how many rows fit.
func (m Model) room() int { return max(1, m.height-around) }

// row is a line of a table and what it is sorted by.
type row struct {
	text string
	rate float64
	size int
	name string
}

// rows are those of the present tab, filtered and sorted.
func (m Model) rows() []row {
	var all []row
	switch m.tab {
	case 0:
		for _, t := range m.now.Tracks {
			all = append(all, row{fmt.Sprintf("%12s %12s %7d %7d  %-36s %9s  %s", admin.Rate(t.BitsIn), admin.Rate(t.BitsOut), t.Subscribers, t.GroupsSkipped, t.Name, admin.Size(t.CachedBytes), cmp.Or(strings.Join(t.From, ","), "nobody")), number(t.BitsIn) + number(t.BitsOut), t.Subscribers, t.Name})
		}
	case 1:
		for _, s := range m.now.Sessions.Sessions {
			in, out := "–", "–"
			r, known := m.rates[s.ID]
			if known {
				in, out = admin.Bits(r[0]), admin.Bits(r[1])
			}
			age, _ := strconv.Atoi(s.ID) // they are given in order
			all = append(all, row{fmt.Sprintf("%6s %-12s %9s %12s %12s %5d %5d  %s", s.ID, s.Role, admin.Latency(s.RTT), in, out, s.Subscriptions, s.Publications, s.Remote), r[0] + r[1], -age, s.Remote})
		}
	default:
		for i, l := range m.now.Links {
			name := cmp.Or(l.Name, l.ID)
			text := fmt.Sprintf("%-7s %-10s %-6s %9s %12s %12s %5d  %s", l.Direction(), l.State, cut(cmp.Or(l.Region, "–"), 6), admin.Latency(l.RTT), admin.Rate(l.BitsIn), admin.Rate(l.BitsOut), l.Namespaces, name)
			if l.Error != "" {
				text += "  " + l.Error
			}
			all = append(all, row{text, number(l.BitsIn) + number(l.BitsOut), -i, name})
		}
	}
	if m.filter != "" {
		all = slices.DeleteFunc(all, func(r row) bool { return !strings.Contains(strings.ToLower(r.text), strings.ToLower(m.filter)) })
	}
	by := tabs()[m.tab].sorts[m.sorts[m.tab]]
	slices.SortStableFunc(all, func(a, b row) int {
		switch by {
		case "rate":
			return cmp.Compare(b.rate, a.rate)
		case "name", "remote":
			return cmp.Compare(a.name, b.name)
		}
		return cmp.Compare(b.size, a.size)
	})
	return all
}

func number(r *float64) float64 {
	if r == nil {
		return 0
	}
	return *r
}

// View implements tea.Model.
func (m Model) View() tea.View {
	v := tea.NewView(m.Text())
	v.AltScreen = true
	return v
}

// Text is what is on the screen: as many lines as it has, none longer.
func (m Model) Text() string {
	bold, dim, alarm := lipgloss.NewStyle().Bold(true), lipgloss.NewStyle().Faint(true), lipgloss.NewStyle().Bold(true).Reverse(true)
	var lines []string
	add := func(s lipgloss.Style, text string) { lines = append(lines, s.Render(cut(clean(text), m.width))) }
	plain := lipgloss.NewStyle()
	n, t := m.now.Node, m.now.Totals
	add(bold, m.title())
	switch {
	case m.failure != nil && m.has:
		add(alarm, " the node does not answer since "+n.At.Local().Format(time.TimeOnly)+"; trying again: "+m.failure.Error())
	case m.failure != nil:
		add(alarm, " no answer of "+m.source+"; trying again: "+m.failure.Error())
	case m.has && !n.Ready:
		add(alarm, " not ready: "+strings.Join(n.Reasons, ", "))
	default:
		add(plain, "")
	}
	wide := max(8, min(40, m.width/2-22))
	add(plain, fmt.Sprintf("in  %12s %s  out %12s %s", admin.Rate(t.BitsIn), spark(m.now.History, wide, func(x admin.Moment) float64 { return x.In }),
		admin.Rate(t.BitsOut), spark(m.now.History, wide, func(x admin.Moment) float64 { return x.Out })))
	add(plain, fmt.Sprintf("%d sessions  %d subscriptions  %d tracks  cache %s of %s, %d hits, %d misses", t.Sessions, t.Subscriptions, t.Tracks,
		admin.Size(m.now.Cache.Bytes), admin.Size(m.now.Cache.Budget), m.now.Cache.Hits, m.now.Cache.Misses))
	add(plain, m.delays())
	add(plain, m.tabLine())
	add(bold, tabs()[m.tab].head)
	rows := m.rows()
	from := max(0, min(m.scroll, len(rows)-m.room()))
	shown := rows[from:min(len(rows), from+m.room())]
	for _, r := range shown {
		add(plain, r.text)
	}
	if m.has && len(rows) == 0 {
		add(dim, m.nothing())
		shown = append(shown, row{})
	}
	for range m.room() - len(shown) {
		add(plain, "")
	}
	add(dim, fmt.Sprintf("%d–%d of %d", min(from+1, len(rows)), min(from+len(shown), len(rows)), len(rows)))
	add(dim, m.help())
	return strings.Join(lines[:min(len(lines), m.height)], "\n")
}

// nothing says why a table is empty.
func (m Model) nothing() string {
	if m.filter != "" {
		return "  none with " + strconv.Quote(m.filter)
	}
	return []string{"  none: nobody publishes or watches", "  none: nobody is connected", "  none: this node stands alone"}[m.tab]
}

// delays are what the node adds to objects.
func (m Model) delays() string {
	d := m.now.Delays
	return fmt.Sprintf("forward p50 %s p99 %s, of that queued p99 %s (last %s, %d objects)", admin.Latency(d.Forward.P50), admin.Latency(d.Forward.P99),
		admin.Latency(d.Queued.P99), admin.Age(time.Duration(d.Seconds*float64(time.Second))), d.Forward.Samples)
}

func (m Model) title() string {
	n := m.now.Node
	text := "moqedge top  " + cmp.Or(n.Name, n.ID, m.source)
	if n.Region != "" {
		text += " (" + n.Region + ")"
	}
	if m.has {
		text += "  up " + admin.Age(time.Duration(n.UptimeSeconds*float64(time.Second)))
	}
	if m.paused {
		text += "  PAUSED"
	}
	return text
}

func (m Model) tabLine() string {
	var b strings.Builder
	for i, t := range tabs() {
		if i == m.tab {
			fmt.Fprintf(&b, "[%d %s] ", i+1, t.name)
		} else {
			fmt.Fprintf(&b, " %d %s  ", i+1, t.name)
		}
	}
	fmt.Fprintf(&b, " by %s", tabs()[m.tab].sorts[m.sorts[m.tab]])
	if m.filter != "" {
		fmt.Fprintf(&b, ", with %q", m.filter)
	}
	return b.String()
}

func (m Model) help() string {
	if m.typing {
		return "filter: " + m.filter + "_   enter keeps it, esc drops it"
	}
	return "tab 1 2 3 table  s sort  / filter  ↑↓ scroll  p pause  q quit"
}

// spark is a line of bars, the newest at its end, as wide as it is said to be.
func spark(history []admin.Moment, width int, of func(admin.Moment) float64) string {
	bars := []rune("▁▂▃▄▅▆▇█")
	history = history[max(0, len(history)-width):]
	most := 1.0
	for _, x := range history {
		most = max(most, of(x))
	}
	line := []rune(strings.Repeat(" ", width-len(history)))
	for _, x := range history {
		line = append(line, bars[int(of(x)/most*float64(len(bars)-1)+0.5)])
	}
	return string(line)
}

// clean leaves out what could steer a terminal: names come from peers.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '·'
	}, text)
}

// cut shortens a text to a number of characters.
func cut(text string, n int) string {
	r := []rune(text)
	if len(r) <= n {
		return text
	}
	return string(r[:max(0, n-1)]) + "…"
}

// Plain is a snapshot as text for other than a terminal: all tables, whole.
func Plain(source string, s Snapshot) string {
	m := New(source, nil)
	m.take(s)
	t := s.Totals
	lines := []string{m.title()}
	if !s.Node.Ready {
		lines = append(lines, "not ready: "+strings.Join(s.Node.Reasons, ", "))
	}
	lines = append(lines,
		fmt.Sprintf("in %s  out %s", admin.Rate(t.BitsIn), admin.Rate(t.BitsOut)),
		fmt.Sprintf("%d sessions  %d subscriptions  %d tracks  cache %s of %s", t.Sessions, t.Subscriptions, t.Tracks, admin.Size(s.Cache.Bytes), admin.Size(s.Cache.Budget)),
		m.delays())
	for i, x := range tabs() {
		m.tab = i
		lines = append(lines, "", x.name, x.head)
		rows := m.rows()
		for _, r := range rows {
			lines = append(lines, r.text)
		}
		if len(rows) == 0 {
			lines = append(lines, m.nothing())
		}
	}
	for i := range lines {
		lines[i] = strings.TrimRight(clean(lines[i]), " ")
	}
	return strings.Join(lines, "\n")
}
