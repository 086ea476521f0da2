package moq_test

import (
	"fmt"
	"strings"
	"time"

	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

const mib = 1 << 20

// floods are all kinds of them. The bounds are what streams and requests may
// cost: at most 4096 and 1024 of them are open at a time.
func floods() []flood {
	data := dataFloods()
	for i := range data { // objects have two forms on the wire, and these take long
		data[i].until = wire.Draft18
	}
	return append(append(data, requestFloods()...), slowFloods()...)
}

func dataFloods() []flood {
	strict := func(c *moq.Config) { c.Tolerance = 500 }
	few := func(c *moq.Config) { c.MaxPartialBytes = 2 * mib }
	return []flood{
		{name: "streams of unknown tracks", config: strict, within: 10 * time.Second, want: wire.SessionProtocolViolation, bound: 64 * mib, run: func(f *flooder) {
			f.endless(20_000, func(i int) bool { return f.uni(f.subgroup(uint64(i), 0)) })
		}},
		{name: "datagrams of unknown tracks", config: strict, within: 10 * time.Second, want: wire.SessionProtocolViolation, bound: mib, run: func(f *flooder) {
			f.endless(20_000, func(i int) bool {
				return f.conn.SendDatagram(wire.AppendDatagram(nil, f.v, &wire.Datagram{TrackAlias: uint64(i), Payload: []byte("x")})) == nil
			})
		}},
		// A session that rests has those of a second, as the test's transport holds them:
		// 1 to 4.5 MiB, depending on when it is looked at.
		{name: "streams of unknown fetches", config: strict, within: 10 * time.Second, want: wire.SessionProtocolViolation, bound: 8 * mib, run: func(f *flooder) {
			f.endless(20_000, func(i int) bool {
				return f.uni(wire.AppendFetchHeader(nil, f.v, &wire.FetchHeader{RequestID: uint64(2*i + 1)}))
			})
		}},
		{name: "padding", since: wire.Draft18, bound: 2 * mib, run: func(f *flooder) {
			s, err := f.conn.OpenUniStream(f.t.Context())
			if err != nil {
				f.t.Error(err)
				return
			}
			f.write(s, wire.AppendVarint(nil, uint64(wire.StreamPadding)))
			f.endless(2000, func(int) bool { return f.write(s, make([]byte, 100_000)) })
		}},
		{name: "large objects that hardly begin", within: 40 * time.Second, want: wire.SessionDataStreamTimeout, bound: 96 * mib, run: func(f *flooder) {
			f.published()
			f.endless(1000, func(i int) bool {
				var c wire.ObjectCursor
				return f.uni(append(f.subgroup(7, uint64(i)), append(f.object(&c, 0, 16*mib), 'x')...))
			})
		}},
		{name: "large objects that are never complete", config: few, within: 40 * time.Second, want: wire.SessionDataStreamTimeout, bound: 16 * mib, run: func(f *flooder) {
			f.published()
			f.endless(400, func(i int) bool {
				var c wire.ObjectCursor
				return f.uni(append(f.subgroup(7, uint64(i)), append(f.object(&c, 0, 16*mib), make([]byte, 100_000)...)...))
			})
		}},
		{name: "one group without end", bound: 100 * mib, run: func(f *flooder) {
			f.published()
			s, err := f.conn.OpenUniStream(f.t.Context())
			if err != nil {
				f.t.Error(err)
				return
			}
			var c wire.ObjectCursor
			f.write(s, f.subgroup(7, 0))
			f.endless(2000, func(i int) bool {
				return f.write(s, append(f.object(&c, uint64(i), 100_000), make([]byte, 100_000)...))
			})
		}},
		{name: "objects of no size without end", bound: 100 * mib, run: func(f *flooder) {
			f.published()
			s, err := f.conn.OpenUniStream(f.t.Context())
			if err != nil {
				f.t.Error(err)
				return
			}
			var c wire.ObjectCursor
			f.write(s, f.subgroup(7, 0))
			f.endless(300, func(i int) bool {
				var b []byte
				for j := range 1000 {
					b = append(b, f.object(&c, uint64(1000*i+j), 0)...)
				}
				return f.write(s, b)
			})
		}},
		{name: "objects cut off without end", bound: 100 * mib, run: func(f *flooder) {
			f.published()
			f.endless(2000, func(i int) bool {
				s, err := f.conn.OpenUniStream(f.conn.Context())
				if err != nil {
					return false
				}
				var c wire.ObjectCursor
				f.write(s, append(f.subgroup(7, 0), append(f.object(&c, uint64(i), 200_000), make([]byte, 60_000)...)...))
				time.Sleep(time.Millisecond)
				s.Reset(0)
				return true
			})
		}},
		{name: "groups without end", bound: 100 * mib, run: func(f *flooder) {
			f.published()
			f.endless(5000, func(i int) bool {
				s, err := f.conn.OpenUniStream(f.conn.Context())
				if err != nil {
					return false
				}
				var c wire.ObjectCursor
				f.write(s, append(f.subgroup(7, uint64(i)), f.object(&c, 0, 0)...))
				return s.Close() == nil
			})
		}},
		{name: "a group that is over goes on", bound: 24 * mib, run: func(f *flooder) {
			f.published()
			s, err := f.conn.OpenUniStream(f.t.Context())
			if err != nil {
				f.t.Error(err)
				return
			}
			var c wire.ObjectCursor
			f.write(s, f.subgroup(7, 0))
			for g := range uint64(8) {
				f.uni(append(f.subgroup(7, g+1), f.object(new(wire.ObjectCursor), 0, 0)...))
			}
			f.endless(1000, func(i int) bool {
				return f.write(s, append(f.object(&c, uint64(i), 100_000), make([]byte, 100_000)...))
			})
		}},
		{name: "datagrams without end", bound: 100 * mib, run: func(f *flooder) {
			f.published()
			f.endless(10_000, func(i int) bool {
				return f.conn.SendDatagram(wire.AppendDatagram(nil, f.v, &wire.Datagram{TrackAlias: 7, ID: uint64(i), Payload: make([]byte, 1000)})) == nil
			})
		}},
	}
}

func requestFloods() []flood {
	long := strings.Repeat("x", 1000)
	// What a transport holds is not counted: quic-go is bounded by its windows.
	small := transport.MemoryConfig{StreamBuffer: 4096}
	subscribe := func(f *flooder) {
		f.request(&wire.Subscribe{RequestID: f.id(), Track: clock})
	}
	return []flood{
		{name: "namespaces", bound: 48 * mib, run: func(f *flooder) {
			f.endless(3000, func(i int) bool {
				return f.request(&wire.PublishNamespace{RequestID: f.id(), Namespace: wire.Namespace{fmt.Sprint(i), long}}) != nil && i < 1020
			})
		}},
		{name: "namespace subscriptions", bound: 48 * mib, run: func(f *flooder) {
			f.endless(3000, func(i int) bool {
				return f.request(&wire.SubscribeNamespace{RequestID: f.id(), Prefix: wire.Namespace{fmt.Sprint(i), long}}) != nil && i < 1020
			})
		}},
		{name: "requests for nothing", bound: 8 * mib, run: func(f *flooder) {
			// In draft 16 nobody reads the answers: see the control stream that is not read.
			f.endless(900, func(i int) bool {
				s := f.request(&wire.Subscribe{RequestID: f.id(), Track: name(fmt.Sprint(i, long))})
				if s != nil && s != f.control {
					_ = s.Close()
				}
				return s != nil
			})
		}},
		{name: "requests beyond MAX_REQUEST_ID", until: wire.Draft16, within: 10 * time.Second, want: wire.SessionTooManyRequests, bound: 24 * mib, run: func(f *flooder) {
			f.endless(3000, func(i int) bool {
				return f.request(&wire.PublishNamespace{RequestID: f.id(), Namespace: wire.Namespace{fmt.Sprint(i)}}) != nil
			})
		}},
		{name: "a control stream that is not read", until: wire.Draft16, limits: small,
			within: 20 * time.Second, want: wire.SessionControlMessageTimeout, bound: 20 * mib, run: func(f *flooder) {
				f.endless(1000, func(i int) bool { // as many as draft 16 allows at a time
					return f.request(&wire.TrackStatus{RequestID: f.id(), Track: name(fmt.Sprint(i))}) != nil
				})
			}},
		{name: "a request that is not read", produce: true, limits: transport.MemoryConfig{StreamBuffer: 20},
			config: func(c *moq.Config) { c.Implementation = "" },
			within: 2 * time.Minute, want: wire.SessionControlMessageTimeout, bound: 8 * mib, run: func(f *flooder) {
				f.request(&wire.SubscribeNamespace{RequestID: f.id()})
			}},
		{name: "updates", bound: 8 * mib, until: wire.Draft18, limits: small,
			within: 30 * time.Second, want: wire.SessionControlMessageTimeout, run: func(f *flooder) { f.updates() }},
		{name: "updates beyond the limit", bound: 8 * mib, since: wire.Draft19, limits: small,
			within: 30 * time.Second, want: wire.SessionTooManyRequestUpdates, run: func(f *flooder) { f.updates() }},
		{name: "fetches that are not read", produce: true, limits: small, bound: 48 * mib, run: func(f *flooder) {
			time.Sleep(12 * time.Second)
			for range 300 {
				whole := wire.Filter{Type: wire.FilterAbsoluteRange, EndGroup: 100}
				f.request(&wire.Fetch{RequestID: f.id(), Kind: wire.FetchStandalone, Track: clock, Params: wire.Parameters{Filter: wire.Some(whole)}})
			}
		}},
		{name: "a subscription that is not read", produce: true, limits: small, bound: 32 * mib, run: subscribe},
		{name: "a subscription without streams", produce: true, limits: transport.MemoryConfig{MaxUniStreams: 2}, bound: 16 * mib, run: subscribe},
		{name: "tokens", bound: 4 * mib, within: 10 * time.Second, want: wire.SessionAuthTokenCacheOverflow,
			config: func(c *moq.Config) { c.MaxTokenCache = 100_000 }, run: func(f *flooder) {
				f.endless(500, func(i int) bool {
					token := wire.Token{AliasType: wire.TokenRegister, Alias: uint64(i), Value: []byte(long)}
					return f.request(&wire.TrackStatus{RequestID: f.id(), Track: clock, Params: wire.Parameters{AuthTokens: []wire.Token{token}}}) != nil
				})
			}},
	}
}

// updates sends REQUEST_UPDATEs for one subscription.
func (f *flooder) updates() {
	id := f.id()
	s := f.request(&wire.Subscribe{RequestID: id, Track: clock})
	n := 5000
	if f.v.Has(wire.FeatureControlStream) {
		n = 1000 // as many as it allows at a time
	}
	f.endless(n, func(int) bool {
		return f.write(s, f.encode(&wire.RequestUpdate{RequestID: f.id(), ExistingID: id, Params: wire.Parameters{SubscriberPriority: wire.Some(uint8(1))}}))
	})
}

// slowFloods send one byte a second.
func slowFloods() []flood {
	long := strings.Repeat("x", 100)
	slow := func(what string, want wire.SessionError, within time.Duration, run func(f *flooder)) flood {
		return flood{name: "one byte a second: " + what, within: within, want: want, bound: mib, run: run}
	}
	const control, data = wire.SessionControlMessageTimeout, wire.SessionDataStreamTimeout
	open := func(f *flooder) transport.SendStream {
		f.published()
		s, err := f.conn.OpenUniStream(f.t.Context())
		if err != nil {
			f.t.Error(err)
		}
		return s
	}
	return []flood{
		slow("a control message", control, 12*time.Second, func(f *flooder) {
			f.slowly(f.control, f.encode(&wire.Goaway{URI: long, RequestID: goawayID(f.v)}))
		}),
		slow("a request", control, 12*time.Second, func(f *flooder) {
			s := f.control
			if !f.v.Has(wire.FeatureControlStream) {
				stream, err := f.conn.OpenStream(f.t.Context())
				if err != nil {
					f.t.Error(err)
					return
				}
				s = stream
			}
			f.slowly(s, f.encode(&wire.Subscribe{Track: name(long)}))
		}),
		slow("a stream header", data, 40*time.Second, func(f *flooder) {
			s := open(f)
			h := f.subgroup(7, 1)
			f.slowly(s, h[:2])
			time.Sleep(time.Hour)
		}),
		slow("an object header", data, 40*time.Second, func(f *flooder) {
			s := open(f)
			h := wire.AppendSubgroupHeader(nil, f.v, &wire.SubgroupHeader{TrackAlias: 7, HasProperties: true, Priority: wire.Some(uint8(1))})
			f.write(s, h)
			properties := wire.AppendProperties(nil, wire.KeyValue{Type: 0x3d, Bytes: []byte(long)})
			f.slowly(s, wire.AppendSubgroupObject(nil, f.v, new(wire.ObjectCursor), true, &wire.Object{Properties: properties}))
		}),
		slow("a payload", data, 40*time.Second, func(f *flooder) {
			s := open(f)
			f.write(s, append(f.subgroup(7, 1), f.object(new(wire.ObjectCursor), 0, 100)...))
			f.slowly(s, []byte(long))
		}),
	}
}

func goawayID(v wire.Version) wire.Option[uint64] {
	if v.Has(wire.FeatureGoawayRequestID) {
		return wire.Some(uint64(1))
	}
	return wire.Option[uint64]{}
}
