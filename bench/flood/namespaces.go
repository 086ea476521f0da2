package flood

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// announce has one session announce namespaces, all at once, and wait for the answers.
func announce(ctx context.Context, url string, dial transport.DialConfig, many int) (result Result, err error) {
	client := moq.Client{URL: url, Dial: dial, Config: moq.Config{Logger: slog.New(slog.DiscardHandler), RequestTimeout: 20 * time.Second}}
	s, err := client.Connect(ctx)
	if err != nil {
		return result, err
	}
	defer s.Wait()
	defer s.Close(wire.SessionNoError, "")
	var mu sync.Mutex // guards result
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			_, err := s.PublishNamespace(ctx, wire.Namespace{"flood", strconv.Itoa(i)})
			mu.Lock()
			defer mu.Unlock()
			result.Tried++
			result.count(err, errors.Is(err, &moq.RequestError{Code: wire.RequestExcessiveLoad}))
		})
	}
	all.Wait()
	return result, nil
}
