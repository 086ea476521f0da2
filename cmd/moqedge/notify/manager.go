package notify

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Manager is the service manager of this process. A nil one is there for who runs without:
// its methods do nothing. It is safe for concurrent use.
//
// The socket is opened once: who is out of file descriptors is still to be heard, or the
// manager would take it for dead.
type Manager struct {
	address  *net.UnixAddr
	watchdog time.Duration // within which the process has to tell that it lives; 0: it need not
	log      *slog.Logger

	mu     sync.Mutex // guards what follows, and is held while something is sent
	conn   *net.UnixConn
	ailing bool   // the last message was not sent
	status string // that was sent last
}

// sendLimit bounds how long a message may take: a manager that does not read is not waited for.
const sendLimit = time.Second

// Open finds the manager by the environment: NOTIFY_SOCKET, where "@" begins an abstract
// name, and WATCHDOG_USEC, unless WATCHDOG_PID is another process. It is nil without the
// first. The caller closes it.
func Open(getenv func(string) string, log *slog.Logger) (*Manager, error) {
	name := getenv("NOTIFY_SOCKET")
	if name == "" {
		return nil, nil
	}
	if name[0] != '/' && name[0] != '@' {
		return nil, fmt.Errorf("NOTIFY_SOCKET=%q is neither a path nor an abstract socket (@NAME)", name)
	}
	m := &Manager{address: &net.UnixAddr{Net: "unixgram", Name: name}, log: log}
	if text := getenv("WATCHDOG_USEC"); text != "" && mine(getenv("WATCHDOG_PID")) {
		micros, err := strconv.ParseInt(text, 10, 64)
		if err != nil || micros <= 0 || micros > int64(maxWatchdog/time.Microsecond) {
			return nil, fmt.Errorf("WATCHDOG_USEC=%q is no number of microseconds", text)
		}
		m.watchdog = time.Duration(micros) * time.Microsecond
	}
	if err := m.dial(); err != nil {
		return nil, fmt.Errorf("NOTIFY_SOCKET: %w", err)
	}
	return m, nil
}

// maxWatchdog is more than anybody wants.
const maxWatchdog = 10000 * time.Hour

// mine reports whether WATCHDOG_PID is this process.
func mine(pid string) bool { return pid == "" || pid == strconv.Itoa(os.Getpid()) }

// dial connects the socket. The caller holds mu, or nobody else has m.
func (m *Manager) dial() error {
	conn, err := net.DialUnix(m.address.Net, nil, m.address)
	if err == nil {
		m.conn = conn
	}
	return err
}

// Close gives the socket back.
func (m *Manager) Close() {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	_ = m.conn.Close() // nothing waits in it
}

// Ready says that the process serves, and also that a reload is over. status is as in
// Status.
func (m *Manager) Ready(status string) { m.tell(status, "READY=1") }

// Status tells people how things are, in one line. What was told before is not repeated.
func (m *Manager) Status(status string) { m.tell(status) }

// Reloading says that the configuration is read again, until Ready.
func (m *Manager) Reloading() {
	if m == nil {
		return
	}
	m.tell("reading the configuration again", "RELOADING=1", fmt.Sprintf("MONOTONIC_USEC=%d", monotonic().Microseconds()))
}

// Stopping says that the process is about to end, for which it may take so long, whatever
// the manager has thought.
func (m *Manager) Stopping(status string, limit time.Duration) {
	m.tell(status, "STOPPING=1", extend(limit))
}

// Extend asks for so much time for what goes on, as a start.
func (m *Manager) Extend(status string, limit time.Duration) { m.tell(status, extend(limit)) }

func extend(limit time.Duration) string {
	return fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", limit.Microseconds())
}

// Follow tells the status again and again, slowly, until ctx is done.
func (m *Manager) Follow(ctx context.Context, status func() string) {
	if m == nil {
		return
	}
	tick := time.NewTicker(statusEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			m.Status(status())
		case <-ctx.Done():
			return
		}
	}
}

// statusEvery is for people, who look at it now and then.
const statusEvery = 10 * time.Second

// tell sends lines, and the status if it is another one.
func (m *Manager) tell(status string, lines ...string) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	status = strings.Join(strings.Fields(status), " ") // a line is one line
	if status != m.status {
		lines = append(lines, "STATUS="+status)
	}
	if len(lines) > 0 && m.send(strings.Join(lines, "\n")) {
		m.status = status
	}
}

// lives tells that the process does.
func (m *Manager) lives() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.send("WATCHDOG=1")
}

// send sends a message, on a new connection if the manager was started anew. The caller
// holds mu.
func (m *Manager) send(message string) bool {
	err := m.write(message)
	if err != nil {
		_ = m.conn.Close()
		if err = m.dial(); err == nil {
			err = m.write(message)
		}
	}
	switch {
	case err != nil && !m.ailing:
		m.log.Error("the service manager is not told", "socket", m.address.Name, "error", err)
	case err == nil && m.ailing:
		m.log.Info("the service manager is told again", "socket", m.address.Name)
	}
	m.ailing = err != nil
	return err == nil
}

func (m *Manager) write(message string) error {
	if err := m.conn.SetWriteDeadline(time.Now().Add(sendLimit)); err != nil {
		return err
	}
	_, err := m.conn.Write([]byte(message))
	return err
}

// Watch tells the manager that the process lives, twice as often as it wants to hear it,
// until ctx is done: each time that touch has returned. While touch does not return nothing
// is sent, so that the manager starts the process anew. Without a manager that wants to hear
// it, it returns at once. A touch that never returns is left behind.
func (m *Manager) Watch(ctx context.Context, touch func()) {
	if m == nil || m.watchdog == 0 {
		return
	}
	tick := time.NewTicker(m.watchdog / 2)
	defer tick.Stop()
	touched := make(chan struct{}, 1)
	begin := func() {
		go func() { // ends with touch
			touch()
			touched <- struct{}{}
		}()
	}
	begin()
	for waiting, told := true, false; ; {
		select {
		case <-touched:
			if told {
				m.log.Warn("the process moves again, and the service manager is told that it lives")
			}
			waiting, told = false, false
			m.lives()
		case <-tick.C:
			if !waiting {
				waiting = true
				begin()
			} else if !told {
				told = true
				m.log.Error("the process is stuck: the service manager is not told that it lives, and will start it anew", "watchdog", m.watchdog.String())
			}
		case <-ctx.Done():
			return
		}
	}
}
