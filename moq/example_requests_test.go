package moq_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// fetchMinutes returns what was published of the clock in the minutes from first
// to last, both included.
func fetchMinutes(ctx context.Context, s *moq.Session, first, last uint64) ([]string, error) {
	// The objects are inserted into a track, which has to keep that many groups.
	history := live.NewTrack(clockName, live.Options{RetainGroups: int(last-first) + 1})
	fetch := s.Fetch(moq.FetchOptions{
		Into:  history,
		First: wire.Location{Group: first},
		Last:  wire.Location{Group: last, Object: math.MaxUint64}, // the whole group
	})
	defer fetch.Close()
	if err := fetch.Wait(ctx); err != nil {
		return nil, err
	}
	history.Close(wire.DoneTrackEnded, "all of it was fetched")
	reader := history.NewReader(wire.Location{})
	defer reader.Close()
	return read(ctx, reader, math.MaxInt)
}

// What was published before is fetched, as far as the publisher keeps it.
func ExampleSession_Fetch() {
	clock := newClock()
	origin := moq.NewOrigin()
	origin.AddTrack(clock.Track)
	server, err := startServer(origin)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.close()
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for half := range 6 { // three minutes
		if err := clock.tick(noon.Add(time.Duration(half) * 30 * time.Second)); err != nil {
			fmt.Println(err)
			return
		}
	}

	session, err := server.connect("moqt", moq.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer disconnect(session)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	minute := uint64(noon.Unix() / 60)
	times, err := fetchMinutes(ctx, session, minute, minute+1)
	fmt.Println(strings.Join(times, " "), err)

	// Of tomorrow there is nothing yet.
	_, err = fetchMinutes(ctx, session, minute+24*60, minute+24*60)
	fmt.Println(errors.Is(err, &moq.RequestError{Code: wire.RequestInvalidRange}))
	// Output:
	// 12:00:00 12:00:30 12:01:00 12:01:30 <nil>
	// true
}

// announcements is a moq.NamespaceEvents that passes on what it is told.
type announcements chan string

func (a announcements) NamespaceAdded(ns wire.Namespace)   { a <- "+ " + ns.String() }
func (a announcements) NamespaceRemoved(ns wire.Namespace) { a <- "- " + ns.String() }

// Namespaces below a prefix are told as they come and go.
func ExampleSession_SubscribeNamespace() {
	origin := moq.NewOrigin()
	origin.AddNamespace(wire.Namespace{"conference", "42", "alice"})
	origin.AddNamespace(wire.Namespace{"conference", "43", "carol"})
	server, err := startServer(origin)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.close()
	session, err := server.connect("https", moq.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer disconnect(session)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	events := make(announcements, 16) // NamespaceEvents must not block for long
	people, err := session.SubscribeNamespace(ctx, wire.Namespace{"conference", "42"}, events)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(<-events)
	origin.AddNamespace(wire.Namespace{"conference", "42", "bob"})
	fmt.Println(<-events)
	origin.RemoveNamespace(wire.Namespace{"conference", "42", "alice"})
	fmt.Println(<-events)
	people.Close()
	<-people.Done() // what was there is withdrawn
	fmt.Println(<-events)
	// Output:
	// + conference-42-alice
	// + conference-42-bob
	// - conference-42-alice
	// - conference-42-bob
}

// recorder is a Handler that takes the tracks which are offered to it.
type recorder struct{ subscriptions chan *moq.Subscription }

func (r recorder) Serve(ctx context.Context, request moq.Request) {
	switch request := request.(type) {
	case *moq.PublishRequest:
		s, err := request.Accept(nil, wire.Parameters{}, nil)
		if err != nil {
			return // it was refused, or the session is over
		}
		r.subscriptions <- s
	default:
		request.Reject(wire.RequestNotSupported, "this is a recorder", moq.NoRetry())
	}
}

// A publisher offers its track to a server that may not know of it.
func ExampleSession_Publish() {
	recorder := recorder{make(chan *moq.Subscription, 1)}
	server, err := startServer(recorder)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.close()
	session, err := server.connect("moqt", moq.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer disconnect(session)

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	clock := newClock()
	publication, err := session.Publish(ctx, clock.Track, moq.PublishOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	if err := errors.Join(clock.tick(noon), clock.tick(noon.Add(time.Second)), clock.stop()); err != nil {
		fmt.Println(err)
		return
	}
	<-publication.Done() // all of it was sent

	recorded := <-recorder.subscriptions
	reader := recorded.Track().NewReader(wire.Location{})
	defer reader.Close()
	times, err := read(ctx, reader, math.MaxInt)
	if err != nil {
		fmt.Println(err)
		return
	}
	<-recorded.Done()
	fmt.Println(recorded.Track().Name(), times, recorded.Result().Code)
	// Output:
	// example--clock [12:00:00 12:00:01] TRACK_ENDED
}

// A refusal has a code, which errors.Is compares; errors.As gives the rest of it.
func ExampleRequestError() {
	server, err := startServer(moq.NewOrigin()) // it has no tracks
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.close()
	session, err := server.connect("moqt", moq.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer disconnect(session)

	_, err = session.Subscribe(context.Background(), clockName, moq.SubscribeOptions{})
	var refused *moq.RequestError    // the peer refuses this one request
	var closed *transport.CloseError // the peer closed the session
	var fault *wire.Error            // this side closed it: the peer broke the protocol
	switch {
	case errors.As(err, &refused):
		fmt.Printf("%s: %s: %q\n", refused.Request, refused.Code, refused.Reason)
	case errors.Is(err, moq.ErrGoaway):
		fmt.Println("connect again, see Config.OnGoaway")
	case errors.As(err, &closed), errors.As(err, &fault):
		fmt.Println("the session is over:", err)
	default:
		fmt.Println(err) // a timeout, or the network
	}
	fmt.Println(errors.Is(err, &moq.RequestError{Code: wire.RequestDoesNotExist}))
	// Output:
	// SUBSCRIBE: DOES_NOT_EXIST: "no such track"
	// true
}

// The draft is negotiated with the connection: all that this package speaks
// unless DialConfig.Versions or ListenConfig.Versions says otherwise.
func ExampleSession_Version() {
	server, err := startServer(moq.NewOrigin())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.close()
	for _, draft := range []wire.Version{wire.Draft16, wire.Draft18, wire.Draft22} {
		client := moq.Client{
			URL: "moqt://" + server.listener.Addr().String(),
			Dial: transport.DialConfig{
				Fingerprints: [][32]byte{server.certificate.Fingerprint()},
				Versions:     []string{draft.String()},
			},
		}
		session, err := client.Connect(context.Background())
		if err != nil {
			fmt.Println(err)
			return
		}
		v := session.Version()
		fmt.Printf("%s: one control stream %t, REDIRECT %t, range filters %t\n", v,
			v.Has(wire.FeatureControlStream), v.Has(wire.FeatureRedirect), v.Has(wire.FeatureRangeFilters))
		disconnect(session)
	}
	// Output:
	// moqt-16: one control stream true, REDIRECT false, range filters false
	// moqt-18: one control stream false, REDIRECT true, range filters false
	// moqt-22: one control stream false, REDIRECT true, range filters true
}
