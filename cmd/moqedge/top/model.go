package top

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"
)

const (
	every    = time.Second
	patience = 5 * time.Second
)

// Model is the state of the dashboard (tea.Model). It is used by one goroutine.
type Model struct {
	read   func(context.Context) (Snapshot, error)
	source string // where it is read, for people

	width, height int
	now           Snapshot
	before        map[string][2]uint64 // bytes of sessions in the snapshot before
	rates         map[string][2]float64
	has           bool  // there was a snapshot
	failure       error // of the last attempt
	paused        bool

	tab    int
	sorts  [3]int
	scroll int
	filter string
	typing bool // the filter is being typed
}

// New returns a dashboard of what read gives.
func New(source string, read func(context.Context) (Snapshot, error)) Model {
	return Model{read: read, source: source, width: 80, height: 24}
}

type (
	tick    struct{}
	failed  struct{ err error }
	arrived struct{ snapshot Snapshot }
)

// Init implements tea.Model.
func (m Model) Init() tea.Cmd { return m.ask() }

// ask reads a snapshot aside.
func (m Model) ask() tea.Cmd {
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		s, err := m.read(ctx)
		if err != nil {
			return failed{err}
		}
		return arrived{s}
	}
}

func later() tea.Cmd { return tea.Tick(every, func(time.Time) tea.Msg { return tick{} }) }

// Update implements tea.Model.
func (m Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case arrived:
		m.take(msg.snapshot)
		return m, later()
	case failed:
		m.failure = msg.err
		return m, later()
	case tick:
		if m.paused {
			return m, later()
		}
		return m, m.ask()
	case tea.KeyPressMsg:
		if m.typing {
			return m.edit(msg), nil
		}
		return m.key(msg.String())
	}
	return m, nil
}

// take makes a snapshot the present one, and rates of sessions out of the one before.
func (m *Model) take(s Snapshot) {
	seconds := s.Node.At.Sub(m.now.Node.At).Seconds()
	rates, bytes := map[string][2]float64{}, map[string][2]uint64{}
	for _, x := range s.Sessions.Sessions {
		now := [2]uint64{x.BytesIn, x.BytesOut}
		was, known := m.before[x.ID]
		if known && seconds > 0 && now[0] >= was[0] && now[1] >= was[1] {
			rates[x.ID] = [2]float64{float64(now[0]-was[0]) * 8 / seconds, float64(now[1]-was[1]) * 8 / seconds}
		}
		bytes[x.ID] = now
	}
	m.now, m.before, m.rates, m.has, m.failure = s, bytes, rates, true, nil
}

// edit changes the filter by a key.
func (m Model) edit(k tea.KeyPressMsg) Model {
	switch k.String() {
	case "enter":
		m.typing = false
	case "esc":
		m.typing, m.filter = false, ""
	case "backspace":
		if r := []rune(m.filter); len(r) > 0 {
			m.filter = string(r[:len(r)-1])
		}
	default:
		m.filter += k.Text
	}
	m.scroll = 0
	return m
}

// key does what a key says.
func (m Model) key(k string) (tea.Model, tea.Cmd) {
	switch k {
	case "q", "ctrl+c":
		return m, tea.Quit
	case "1", "2", "3":
		m.tab, m.scroll = int(k[0]-'1'), 0
	case "tab":
		m.tab, m.scroll = (m.tab+1)%len(tabs()), 0
	case "s":
		m.sorts[m.tab] = (m.sorts[m.tab] + 1) % len(tabs()[m.tab].sorts)
	case "/":
		m.typing, m.filter = true, ""
	case "esc":
		m.filter = ""
	case "p", "space":
		m.paused = !m.paused
	case "down", "j":
		m.scroll++
	case "up", "k":
		m.scroll--
	case "pgdown":
		m.scroll += m.room()
	case "pgup":
		m.scroll -= m.room()
	}
	m.scroll = max(0, min(m.scroll, len(m.rows())-m.room()))
	return m, nil
}
