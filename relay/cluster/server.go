package cluster

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// embedded is a NATS server in the process.
type embedded struct {
	server *server.Server
	dir    string // of JetStream's own files, made for this server
	listen bool
}

// readyFor bounds how long the server takes to start.
const readyFor = 10 * time.Second

// startServer starts a server and returns when it takes connections. A cluster
// of servers has to find itself first: until then the bucket cannot be used.
func startServer(e Embedded, log *slog.Logger) (*embedded, error) {
	dir, err := os.MkdirTemp("", "moqedge-nats-")
	if err != nil {
		return nil, err
	}
	fail := func(err error) (*embedded, error) {
		return nil, errors.Join(fmt.Errorf("NATS server in the process: %w", err), os.RemoveAll(dir))
	}
	options := &server.Options{
		ServerName: cmp.Or(e.Name, "moqedge-"+rand.Text()[:8]), NoSigs: true, DontListen: true,
		JetStream: true, StoreDir: dir, JetStreamMaxMemory: e.MaxMemory, JetStreamMaxStore: 64 << 20,
		Username: e.User, Password: e.Password, TLSConfig: e.TLS,
	}
	listen := e.Listen
	if listen == "" && e.RouteListen != "" {
		listen = "127.0.0.1:0" // a server takes routes only beside clients
	}
	if listen != "" {
		options.DontListen = false
		if options.Host, options.Port, err = splitAddress(listen); err != nil {
			return fail(err)
		}
	}
	if e.RouteListen != "" {
		cluster := &options.Cluster
		cluster.Name, cluster.Username, cluster.Password, cluster.TLSConfig = "moqedge", e.User, e.Password, e.TLS
		if cluster.Host, cluster.Port, err = splitAddress(e.RouteListen); err != nil {
			return fail(err)
		}
		for _, r := range e.Routes {
			u := &url.URL{Scheme: "nats", Host: r}
			if e.User != "" {
				u.User = url.UserPassword(e.User, e.Password)
			}
			options.Routes = append(options.Routes, u)
		}
	}
	s, err := server.NewServer(options)
	if err != nil {
		return fail(err)
	}
	s.SetLoggerV2(serverLog{log.With("component", "nats")}, false, false, false)
	s.Start()
	if !s.ReadyForConnections(readyFor) {
		s.Shutdown()
		s.WaitForShutdown()
		return fail(fmt.Errorf("not ready within %v; is the port free?", readyFor))
	}
	return &embedded{server: s, dir: dir, listen: e.Listen != ""}, nil
}

// splitAddress reads HOST:PORT. Port 0 is any that is free, which NATS calls -1.
func splitAddress(address string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	if port, err = strconv.Atoi(text); err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("port %q is not within 0 to 65535", text)
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return host, port, nil
}

func (e *embedded) addr() string {
	if !e.listen {
		return ""
	}
	return e.server.Addr().String()
}

func (e *embedded) name() string {
	if !e.listen {
		return "in process"
	}
	return "in process, nats://" + e.addr()
}

func (e *embedded) stop() {
	e.server.Shutdown()
	e.server.WaitForShutdown()
	os.RemoveAll(e.dir)
}

// serverLog writes what the server has to say to a logger.
type serverLog struct{ log *slog.Logger }

func (l serverLog) at(level slog.Level, format string, v []any) {
	if l.log.Enabled(context.Background(), level) {
		l.log.Log(context.Background(), level, fmt.Sprintf(format, v...))
	}
}

func (l serverLog) Noticef(format string, v ...any) { l.at(slog.LevelDebug, format, v) }
func (l serverLog) Debugf(format string, v ...any)  { l.at(slog.LevelDebug, format, v) }
func (l serverLog) Tracef(format string, v ...any)  { l.at(slog.LevelDebug, format, v) }
func (l serverLog) Warnf(format string, v ...any)   { l.at(slog.LevelWarn, format, v) }
func (l serverLog) Errorf(format string, v ...any)  { l.at(slog.LevelError, format, v) }
func (l serverLog) Fatalf(format string, v ...any)  { l.at(slog.LevelError, format, v) }
