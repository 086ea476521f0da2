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

// announcing is how many namespaces wait for an answer at most: relays take it for a
// violation when request IDs come thousands ahead of those before them.
const announcing = 1024

// announce has one session announce namespaces, as fast as it can, and wait for the
// answers.
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
	room := make(chan struct{}, announcing)
	for i := range many {
		room <- struct{}{}
		all.Go(func() {
			defer func() { <-room }()
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
