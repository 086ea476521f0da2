package moq_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// conversation is what one peer says to a session, in the order of its saying.
type conversation struct {
	version wire.Version
	client  bool // the session is a client: the peer that speaks is a server
	said    []said
}

// said is a piece of it: bytes, and how the stream ends, if it does.
type said struct {
	on    stream
	bytes []byte
	end   ending
}

// stream is a stream by the order in which its kind was opened or accepted.
type stream struct {
	kind   streamKind
	number int
}

type streamKind byte

const (
	uni      streamKind = iota // of the speaker
	bidi                       // of the speaker
	theirs                     // a bidirectional one of the session
	datagram                   // none
)

type ending byte

const (
	goesOn ending = iota
	fin
	reset
	stop // the speaker reads no more
)

// append writes a conversation as input of FuzzSession: a byte for draft and
// side, then for each piece one for kind and ending, the number of the stream,
// two bytes of length, and the bytes.
func (c *conversation) append(b []byte) []byte {
	head := byte(slices.Index(wire.Versions(), c.version)) << 1
	if c.client {
		head |= 1
	}
	b = append(b, head)
	for _, s := range c.said {
		n := len(s.bytes)
		b = append(b, byte(s.on.kind)|byte(s.end)<<2, byte(s.on.number), byte(n>>8), byte(n))
		b = append(b, s.bytes...)
	}
	return b
}

// readConversation reads any bytes as one.
func readConversation(b []byte) *conversation {
	c := &conversation{version: wire.Draft18}
	if len(b) == 0 {
		return c
	}
	c.version = wire.Versions()[int(b[0]>>1)%len(wire.Versions())]
	c.client = b[0]&1 != 0
	for b = b[1:]; len(b) >= 4; {
		s := said{on: stream{streamKind(b[0] & 3), int(b[1] & 63)}, end: ending(b[0] >> 2 & 3)}
		n := min(int(b[2])<<8|int(b[3]), len(b)-4)
		s.bytes, b = b[4:4+n], b[4+n:]
		c.said = append(c.said, s)
	}
	return c
}

// streams is how many streams it has.
func (c *conversation) streams() int {
	all := map[stream]struct{}{}
	for _, s := range c.said {
		all[s.on] = struct{}{}
	}
	return len(all)
}

// scribe is a connection that notes what is said on it from this side.
type scribe struct {
	transport.Conn
	mu                    sync.Mutex
	said                  []said
	unis, bidis, accepted int
}

func (r *scribe) note(s said) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.bytes = bytes.Clone(s.bytes)
	r.said = append(r.said, s)
}

func (r *scribe) number(counter *int, kind streamKind) stream {
	r.mu.Lock()
	defer r.mu.Unlock()
	*counter++
	return stream{kind, *counter - 1}
}

func (r *scribe) OpenStream(ctx context.Context) (transport.Stream, error) {
	s, err := r.Conn.OpenStream(ctx)
	if err != nil {
		return nil, err
	}
	on := r.number(&r.bidis, bidi)
	return scribedBoth{scribed{s, r, on}, s}, nil
}

func (r *scribe) AcceptStream(ctx context.Context) (transport.Stream, error) {
	s, err := r.Conn.AcceptStream(ctx)
	if err != nil {
		return nil, err
	}
	on := r.number(&r.accepted, theirs)
	return scribedBoth{scribed{s, r, on}, s}, nil
}

func (r *scribe) OpenUniStream(ctx context.Context) (transport.SendStream, error) {
	s, err := r.Conn.OpenUniStream(ctx)
	if err != nil {
		return nil, err
	}
	return scribed{s, r, r.number(&r.unis, uni)}, nil
}

func (r *scribe) TryOpenUniStream() (transport.SendStream, error) {
	s, err := r.Conn.TryOpenUniStream()
	if err != nil {
		return nil, err
	}
	return scribed{s, r, r.number(&r.unis, uni)}, nil
}

func (r *scribe) SendDatagram(b []byte) error {
	r.note(said{on: stream{kind: datagram}, bytes: b})
	return r.Conn.SendDatagram(b)
}

type scribed struct {
	transport.SendStream
	scribe *scribe
	on     stream
}

func (s scribed) Write(b []byte) (int, error) {
	if len(b) > 0 {
		s.scribe.note(said{on: s.on, bytes: b})
	}
	return s.SendStream.Write(b)
}

func (s scribed) WriteReliable(b []byte) (bool, error) {
	ok, err := s.SendStream.WriteReliable(b)
	if ok && len(b) > 0 {
		s.scribe.note(said{on: s.on, bytes: b})
	}
	return ok, err
}

func (s scribed) Close() error {
	s.scribe.note(said{on: s.on, end: fin})
	return s.SendStream.Close()
}

func (s scribed) Reset(code uint64) {
	s.scribe.note(said{on: s.on, end: reset})
	s.SendStream.Reset(code)
}

type scribedBoth struct {
	scribed
	transport.ReceiveStream
}

// converse has two sessions say all that they can say to each other, and returns
// what each said: the client to the server, and the reverse.
func converse(t *testing.T, v wire.Version) (toServer, toClient *conversation) {
	a, b := transport.MemoryPair(v.String())
	client, server := &scribe{Conn: a}, &scribe{Conn: b}
	made := make(chan *moq.Session, 2)
	for _, side := range []*scribe{client, server} {
		go func() {
			s, err := moq.NewSession(context.Background(), side, conversing())
			if err != nil {
				t.Error(err)
			}
			made <- s
		}()
	}
	sessions := []*moq.Session{<-made, <-made}
	for _, s := range sessions {
		if s == nil {
			t.FailNow()
		}
		talk(s)
	}
	toServer = &conversation{version: v, said: client.heard()}
	toClient = &conversation{version: v, client: true, said: server.heard()}
	for _, s := range sessions {
		if err := s.Context().Err(); err != nil {
			t.Errorf("a session ended: %v", context.Cause(s.Context()))
		}
	}
	for _, s := range sessions {
		s.Close(wire.SessionNoError, "")
	}
	for _, s := range sessions {
		s.Wait()
	}
	return toServer, toClient
}

func (r *scribe) heard() []said {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.said)
}

var update = flag.Bool("update", false, "write the seeds of FuzzSession anew")

const seeds = "testdata/fuzz/FuzzSession"

// TestConversations: what sessions of each draft say to each other is valid when
// it is said once more, as it is now and as it is kept for FuzzSession. Run with
// -update to keep what they say now.
func TestConversations(t *testing.T) {
	eachVersion(t, func(t *testing.T, v wire.Version) {
		toServer, toClient := converse(t, v)
		for side, c := range map[string]*conversation{"server": toServer, "client": toClient} {
			if len(c.said) < 10 {
				t.Errorf("only %d pieces were said to the %s", len(c.said), side)
			}
			file := filepath.Join(seeds, v.String()+"-"+side)
			if *update {
				text := fmt.Sprintf("go test fuzz v1\n[]byte(%q)\n", c.append(nil))
				if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			kept := readSeed(t, file)
			if kept.version != v || kept.client != c.client {
				t.Errorf("%s is for %v", file, kept.version)
			}
			for what, c := range map[string]*conversation{"now": c, "kept": kept} {
				if err := c.replay(t); err != nil {
					t.Errorf("what is said %s to the %s ends the session: %v", what, side, err)
				}
				synctest.Wait()
			}
		}
	})
}

// readSeed reads a file that go test keeps for a fuzz target.
func readSeed(t *testing.T, file string) *conversation {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: run the test with -update", err)
	}
	_, text, _ := strings.Cut(string(b), "\n")
	text = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(text), "[]byte("), ")")
	raw, err := strconv.Unquote(text)
	if err != nil {
		t.Fatal(err)
	}
	return readConversation([]byte(raw))
}
