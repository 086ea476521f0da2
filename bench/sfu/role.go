package sfu

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// CommandStart is the command of a [Role] that starts the unit. Its argument is a
// Config, its result a Started.
const CommandStart = "start"

// Started says where a unit is.
type Started struct {
	// URL is where /whip/NAME and /whep/NAME are.
	URL string `json:"url"`
}

// Role is the forwarding unit as a process of a benchmark (a process.Role): media
// and signalling on loopback, unless the Config names another address.
type Role struct {
	unit   *Server
	server *http.Server
	done   chan error
}

// Handle answers one command.
func (r *Role) Handle(command string, args json.RawMessage) (any, error) {
	if command != CommandStart {
		return nil, fmt.Errorf("sfu: unknown command %q", command)
	}
	var c Config
	if err := json.Unmarshal(args, &c); err != nil {
		return nil, err
	}
	return r.start(c)
}

func (r *Role) start(c Config) (Started, error) {
	if r.unit != nil {
		return Started{}, errors.New("sfu: started already")
	}
	var listen net.ListenConfig
	l, err := listen.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return Started{}, err
	}
	unit, err := New(c)
	if err != nil {
		return Started{}, errors.Join(err, l.Close())
	}
	r.unit = unit
	r.server = &http.Server{Handler: unit, ReadHeaderTimeout: 10 * time.Second}
	r.done = make(chan error, 1)
	go func() { r.done <- r.server.Serve(l) }()
	return Started{URL: "http://" + l.Addr().String()}, nil
}

// Close ends the unit.
func (r *Role) Close() error {
	if r.unit == nil {
		return nil
	}
	err := r.server.Close()
	if served := <-r.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return errors.Join(err, r.unit.Close())
}
