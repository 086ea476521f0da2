package wire

import (
	"bytes"
	"strings"
	"testing"
)

// foreign is a Message that is not one of ours.
type foreign struct{}

func (foreign) Type() MessageType { return MsgGoaway }

// What must not be sent is refused, and the buffer is as it was.
func TestAppendMessageRefuses(t *testing.T) {
	a := func(n int) string { return strings.Repeat("a", n) }
	filter := func(f Filter) Message { return &Subscribe{Params: Parameters{Filter: Some(f)}} }
	for _, c := range []struct {
		name string
		msg  Message
	}{
		{"nothing", nil},
		{"nil pointer", (*Subscribe)(nil)},
		{"foreign type", foreign{}},
		{"33 fields", &NamespaceMsg{Suffix: strings.Split(a(33), "")}},
		{"empty field", &NamespaceMsg{Suffix: Namespace{"a", ""}}},
		{"namespace too long", &NamespaceMsg{Suffix: Namespace{a(4000), a(97)}}},
		{"name too long", &Subscribe{Track: FullTrackName{Namespace: Namespace{a(4000)}, Name: a(97)}}},
		{"prefix with empty field", &RequestUpdate{Params: Parameters{TrackNamespacePrefix: Some(Namespace{""})}}},
		{"reason too long", &RequestErr{Reason: a(1025)}},
		{"done reason too long", &PublishDone{Reason: a(1025)}},
		{"uri too long", &Goaway{URI: a(8193)}},
		{"negative timeout", &Goaway{Timeout: -1}},
		{"negative retry interval", &RequestErr{RetryInterval: Some(-ms)}},
		{"negative parameter", &Subscribe{Params: Parameters{RendezvousTimeout: Some(-ms)}}},
		{"redirect missing", &RequestErr{Code: RequestRedirect}},
		{"redirect unasked", &RequestErr{Redirect: &Redirect{}}},
		{"redirect too long", &RequestErr{Code: RequestRedirect, Redirect: &Redirect{URI: a(65536)}}},
		{"redirect name too long", &RequestErr{Code: RequestRedirect, Redirect: &Redirect{Track: FullTrackName{Name: a(4097)}}}},
		{"fetch type", &Fetch{}},
		{"filter type", filter(Filter{Type: 6})},
		{"filter backwards", filter(Filter{Type: FilterAbsoluteRange, Start: Location{5, 0}, EndGroup: 4})},
		{"group order", &Subscribe{Params: Parameters{GroupOrder: Some(GroupOrder(0))}}},
		{"token alias type", &Subscribe{Params: Parameters{AuthTokens: []Token{{AliasType: 4}}}}},
		{"setup token alias type", &Setup{AuthTokens: []Token{{AliasType: 4}}}},
		{"setup path", &Setup{Path: Some("live")}},
		{"setup authority", &Setup{Authority: Some("a b")}},
		{"setup known option as unknown", &Setup{Unknown: []KeyValue{{Type: setupPath}}}},
		{"setup payload too long", &Setup{Unknown: []KeyValue{{Type: 9, Bytes: make([]byte, 65535)}}}},
		{"track properties cut", &Publish{TrackProperties: unhex("0b 05")}},
		{"properties too long", &SubscribeOK{TrackProperties: AppendProperties(nil,
			KeyValue{Type: 1, Bytes: make([]byte, 40000)}, KeyValue{Type: 3, Bytes: make([]byte, 40000)})}},
		{"misplaced parameter", &Subscribe{Params: Parameters{LargestObject: Some(Location{})}}},
		{"misplaced token", &SubscribeOK{Params: Parameters{AuthTokens: []Token{{}}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := AppendMessage([]byte("x"), Draft18, c.msg)
			if err == nil || !bytes.Equal(b, []byte("x")) {
				t.Fatalf("wrote %.100x, error %v", b, err)
			}
		})
	}
}

func TestLargestPayload(t *testing.T) {
	m := &Setup{Unknown: []KeyValue{{Type: 9, Bytes: make([]byte, MaxMessagePayload-4)}}}
	b, err := AppendMessage(nil, Draft18, m)
	if err != nil || len(b) != 2+2+MaxMessagePayload {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	if _, n, err := DecodeMessage(Draft18, b); n != len(b) || err != nil {
		t.Fatalf("%d bytes read, %v", n, err)
	}
}
