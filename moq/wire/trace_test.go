package wire

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func tracedMessages() []Message {
	c := &TraceContext{TraceID: [16]byte{1, 15: 2}, SpanID: [8]byte{3, 7: 4}, Flags: 1, State: "edge=fra,x=1"}
	path := Some([]string{"a"})
	return []Message{
		&Subscribe{RequestID: 4, Track: liveVideo, Params: Parameters{TraceContext: c}},
		&Subscribe{RequestID: 4, Track: liveVideo, Params: Parameters{TraceContext: &TraceContext{}}},
		&TrackStatus{RequestID: 4, Track: liveVideo, Params: Parameters{TraceContext: c}},
		&Fetch{RequestID: 4, Kind: FetchStandalone, Track: liveVideo, Params: Parameters{
			RelayPath: path, TraceContext: c, Filter: Some(Filter{Type: FilterAbsoluteRange, EndGroup: 1}),
		}},
	}
}

// TRACE_CONTEXT is written and read in every draft, with or without what relays add,
// between those who understand it; to others it is left out, and from others refused.
func TestTraceContext(t *testing.T) {
	for _, v := range everyDraft {
		for _, m := range tracedMessages() {
			p := paramsOf(m)
			between := []Version{v.BetweenRelays().WithTraceContext()}
			if !p.RelayPath.Set {
				between = append(between, v.WithTraceContext())
			}
			for _, to := range between {
				b, err := AppendMessage(nil, to, m)
				if err != nil {
					t.Fatalf("%v: %v: %v", v, m.Type(), err)
				}
				got, n, err := DecodeMessage(to, b)
				if err != nil || n != len(b) || !reflect.DeepEqual(got, m) {
					t.Errorf("%v: read %+v of %+v, %v", v, got, m, err)
				}
				for _, other := range []Version{v, v.BetweenRelays()} {
					if _, _, err := DecodeMessage(other, b); err == nil {
						t.Errorf("%v: %v is read by others", v, m.Type())
					} else {
						wantError(t, err, SessionProtocolViolation)
					}
				}
			}
			for _, other := range []Version{v, v.BetweenRelays()} {
				b, err := AppendMessage(nil, other, m)
				c := p.TraceContext
				p.TraceContext = nil
				if want, e := AppendMessage(nil, other, m); err != nil || e != nil || !bytes.Equal(b, want) {
					t.Errorf("%v: %v to others: %x, %v, want %x", v, m.Type(), b, err, want)
				}
				p.TraceContext = c
			}
		}
		// All the rest is the same, and it stands where it is allowed alone.
		m := &Subscribe{RequestID: 4, Track: liveVideo}
		one, _ := AppendMessage(nil, v, m)
		if two, err := AppendMessage(nil, v.WithTraceContext(), m); err != nil || !bytes.Equal(one, two) {
			t.Errorf("%v: a message without a context differs: %x, %x, %v", v, one, two, err)
		}
		misplaced := &PublishNamespace{Namespace: Namespace{"x"}, Params: Parameters{TraceContext: &TraceContext{}}}
		if _, err := AppendMessage(nil, v.WithTraceContext(), misplaced); err == nil {
			t.Errorf("%v: TRACE_CONTEXT in PUBLISH_NAMESPACE", v)
		}
	}
}

func TestBadTraceContext(t *testing.T) {
	long := &TraceContext{State: strings.Repeat("x", MaxTraceState+1)}
	for _, v := range everyDraft {
		v := v.WithTraceContext()
		if _, err := AppendMessage(nil, v, &Subscribe{Track: liveVideo, Params: Parameters{TraceContext: long}}); err == nil {
			t.Errorf("%v: a long state is sent", v)
		}
		good := &TraceContext{TraceID: [16]byte{1}, State: "a=b"}
		b, err := AppendMessage(nil, v, &Subscribe{Track: liveVideo, Params: Parameters{TraceContext: good}})
		if err != nil {
			t.Fatal(err)
		}
		value := append(append(make([]byte, 0, 28), good.TraceID[:]...), make([]byte, 9)...)
		at := bytes.Index(b, value)
		if at < 1 || b[at-1] != 28 {
			t.Fatalf("%v: no context in %x", v, b)
		}
		for _, size := range []byte{0, 24} {
			short := append(append(append([]byte(nil), b[:at-1]...), size), value[:size]...)
			short[2] -= byte(len(b) - len(short)) // of the message: its length is less than 256
			_, _, err := DecodeMessage(v, short)
			if err == nil {
				t.Errorf("%v: a context of %d bytes is read", v, size)
				continue
			}
			wantError(t, err, SessionProtocolViolation)
		}
	}
}

// The Setup Option survives every draft, and no other one is taken for it.
func TestTraceOption(t *testing.T) {
	for _, v := range everyDraft {
		for _, c := range []struct {
			options []KeyValue
			want    bool
		}{{nil, false}, {RelayOption{ID: "a"}.Options(), false}, {append(RelayOption{ID: "a"}.Options(), TraceOption()), true}} {
			b, err := AppendMessage(nil, v, &Setup{Unknown: c.options})
			if err != nil {
				t.Fatal(err)
			}
			m, _, err := DecodeMessage(v, b)
			if err != nil {
				t.Fatal(err)
			}
			if got := m.(*Setup).Traces(); got != c.want {
				t.Errorf("%v: %v of %v", v, got, c.options)
			}
		}
	}
	if (setupTrace-0x9D)%0x7F == 0 || setupTrace%2 == 0 || setupTrace == setupRelay {
		t.Error("the option is grease, a number, or another one")
	}
}
